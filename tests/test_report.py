"""The report: what it says of good and bad runs, its pictures for every shape of data, and a page
that stands alone.
"""

import re
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from test_cli import physent as command  # noqa: F401 - a fixture

import physent.report
from physent.data import catalogue
from physent.errors import FolderError
from physent.experiment.recorded import flattened
from physent.report import movie, particles, sorts, style
from physent.report.checks import checks, invariants, overall, resolution
from physent.report.comparison import tables
from physent.report.configuration import settings, swept
from physent.report.statistics import averages, differences, holm

T = np.linspace(0.0, 10.0, 101)


def attributes(role: str, units: str = "1") -> dict[str, str]:
    return {"role": role, "units": units, "long_name": f"a {role}"}


def series(values, role="invariant") -> tuple:
    return ("t",), np.asarray(values), attributes(role)


def waves(n: int = 64, highest: int = 1) -> xr.Dataset:
    x = np.arange(n) * (2 * np.pi / n)
    t = np.linspace(0.0, 10.0, 11)
    u = np.cos(x[None] - t[:, None]) + 0.1 * np.cos(highest * x[None])
    axis = ("x", x, {"units": "1", "periodic": "true", "length": 2 * np.pi})
    field = (("t_snapshot", "x"), u, attributes("amplitude"))
    return xr.Dataset(
        {"u": field}, {"t": T, "t_snapshot": t, "x": axis}, {"status": "done", "title": "<waves>"}
    )


def plane() -> xr.Dataset:
    x, z = (np.arange(32) + 0.5) / 16, (np.arange(16) + 0.5) / 16
    values = (
        np.sin(np.pi * x)[:, None] * np.cos(np.pi * z)[None] * (1 + np.arange(5))[:, None, None]
    )
    coords = {
        "t": np.arange(5.0),
        "x": ("x", x, {"periodic": "true"}),
        "z": ("z", z, {"periodic": "false"}),
    }
    return xr.Dataset({"vorticity": (("t", "x", "z"), values, attributes("vorticity"))}, coords)


def swarm(components: int, members: int = 1) -> xr.Dataset:
    rng = np.random.default_rng(0)
    shape = (5, members, 30, components) if members > 1 else (5, 30, components)
    dims = (
        ("t", "member", "particle", "component") if members > 1 else ("t", "particle", "component")
    )
    data = {
        "position": (dims, rng.normal(size=shape), attributes("position", "length")),
        "heading": (dims, rng.normal(size=shape), attributes("heading")),
        "polarization": (("t",), rng.uniform(size=5), attributes("order")),
        "rotation": (("t",), rng.uniform(size=5), attributes("order")),
    }
    return xr.Dataset(data, {"t": np.arange(5.0)})


class Outside(HTMLParser):
    """Collects what a page would ask for, its scripts, and the ids that it refers to."""

    def __init__(self):
        super().__init__()
        self.asked, self.scripts, self.ids, self.used = [], [], [], set()

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "link", "iframe", "object"):
            self.scripts.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "poster") and not value.startswith(
                ("data:", "#")
            ):
                self.asked.append(value)
            if name.startswith("on"):
                self.scripts.append(name)
            self.ids += [value] if name == "id" else []
            self.used |= (
                set(re.findall(r"#([\w-]+)\)?$", value or ""))
                if name in ("href", "clip-path")
                else set()
            )


def alone(text: str) -> None:
    page = Outside()
    page.feed(text)
    assert (
        not page.asked
        and not page.scripts
        and "http" not in text
        and "url(http" not in text
        and "@import" not in text
    )
    assert len(page.ids) == len(set(page.ids))
    assert {name for name in page.used if not re.fullmatch(r"[0-9a-f]{6}", name)} <= set(page.ids)


# --------------------------------------------------------------------------------------------------
# verdict


def states(dataset: xr.Dataset) -> dict[str, str]:
    return {check.name: check.state for check in checks(dataset)}


@pytest.mark.parametrize(
    ("status", "state"),
    [("done", "good"), ("failed", "bad"), ("interrupted", "fair"), ("x", "note")],
)
def test_the_verdict_says_how_a_run_ended(status, state):
    assert states(waves().assign_attrs(status=status))["finished"] == state


def test_drift_is_round_off_or_bounded_or_a_trend():
    rng = np.random.default_rng(0)
    data = {
        "invariant_exact": series(np.full(101, 2.0)),
        "invariant_rounded": series(3 * (1 + 1e-15 * rng.normal(size=101))),
        "invariant_bounded": series(1 + 1e-5 * np.sin(3 * T)),
        "invariant_growing": series(1 + 1e-3 * T),
    }
    found = {check.name: check for check in invariants(xr.Dataset(data, {"t": T}))}
    assert [found[name].state for name in ("exact", "rounded", "bounded", "growing")] == [
        "good",
        "good",
        "good",
        "bad",
    ]
    assert (
        "round-off" in found["rounded"].sentence and "without a trend" in found["bounded"].sentence
    )
    assert "1.0e-02 is a trend" in found["growing"].sentence


def test_drift_is_held_against_what_the_method_gives():
    def state(values, kept):
        data = xr.DataArray(
            values, dims="t", attrs=attributes("invariant") | ({"kept": kept} if kept else {})
        )
        (check,) = invariants(xr.Dataset({"invariant_x": data}, {"t": T}))
        return check.state, check.sentence

    slow = 1 + 5e-9 * T
    assert state(slow, "")[0] == "good"
    assert (
        state(slow, "exactly")[0] == "bad"
        and "should conserve it to round-off" in state(slow, "exactly")[1]
    )
    assert state(1 + 1e-5 * np.sin(3 * T), "bounded")[0] == "good"
    assert "should have none" in state(1 + 1e-4 * T, "bounded")[1]


def test_an_invariant_that_begins_at_zero_is_measured_by_the_largest():
    data = {"invariant_mass": series(np.full(101, 4.0)), "invariant_momentum": series(1e-14 * T)}
    (_, momentum) = invariants(xr.Dataset(data, {"t": T}))
    assert momentum.state == "good" and "of the largest invariant" in momentum.sentence


def test_the_tail_of_the_spectrum_tells_resolved_from_not():
    assert [next(resolution(waves(highest=k))).state for k in (1, 31)] == ["good", "bad"]


def test_a_kink_in_an_antiperiodic_box_is_resolved():
    x = np.linspace(-20, 20, 256, endpoint=False)
    data = {"phi": (("t", "x"), np.tanh(x)[None], attributes("amplitude"))}
    kink = xr.Dataset(data, {"t": [0.0], "x": ("x", x, {"periodic": "true"})})
    assert next(resolution(kink)).state == "good"


@pytest.mark.parametrize(("last", "state"), [(31, "fair"), (3, "good")])
def test_modes_that_dealiasing_took_away_do_not_resolve_a_field(last, state):
    """A rough field whose spectrum ends at half of the modes, and one of three waves."""
    x, k = np.arange(128) / 128, np.arange(1, last + 1)
    u = 1 + np.sum(0.01 * np.cos(2 * np.pi * np.outer(x, k) + k**2), axis=1)
    data = {"u": (("t", "x"), u[None], attributes("amplitude"))}
    field = xr.Dataset(data, {"t": [0.0], "x": ("x", x, {"periodic": "true"})})
    assert next(resolution(field)).state == state


def test_a_value_that_is_not_finite_is_found():
    bad = waves()
    bad["s"] = series(np.where(T > 5, np.nan, 1.0), "entropy")
    assert states(bad)["finite"] == "fair" and overall(checks(bad)) == "fair"


def test_power_is_that_of_the_modes_even_and_odd():
    for n in (16, 17):
        u = waves(n, highest=3).u
        k, power = sorts.power_spectrum(
            u, np.exp(1j * u.x.values * 2) + 0.5 * np.exp(-3j * u.x.values)[None], "x", 1
        )
        np.testing.assert_allclose(k[:4], [0, 1, 2, 3], atol=1e-12)
        np.testing.assert_allclose(power[:5], [0, 0, 1, 0.25, 0], atol=1e-12)


# ----------------------------------------------------------------------------------------------
# pictures and page


@pytest.mark.parametrize(
    "dataset",
    [waves(), plane(), swarm(2, members=3), swarm(3)],
    ids=["1-D", "2-D", "members", "3-D"],
)
def test_every_shape_of_data_has_pictures_with_labels(dataset):
    found = physent.report.plot(dataset)
    assert len(found) >= 2
    for figure in found.values():
        assert any(axes.get_xlabel() for axes in figure.axes)


def drifting(period: float | None) -> xr.Dataset:
    """Thirty fish in a ball of radius 2 that swim along x, through the edge of the box if there is
    one.
    """
    dataset = swarm(3)
    ball = dataset.position.values[0] / np.linalg.norm(
        dataset.position.values[0], axis=1, keepdims=True
    )
    places = 2 * ball + np.arange(5.0)[:, None, None] * np.array([5.0, 0, 0])
    dataset["position"] = dataset.position.copy(
        data=places if period is None else np.mod(places, period)
    )
    if period is not None:
        dataset.position.attrs["period"] = np.full(3, period)
    return dataset


@pytest.mark.parametrize("period", [None, 12.0])
def test_a_movie_of_a_school_has_depth_and_keeps_it_whole(period):
    """Every frame is the first one, seen from the centre; across the edge of a periodic box as
    well.
    """
    dataset = drifting(period)
    places = dataset.position.values
    out = particles.about_centre(places, particles.period(dataset, "position", 3))
    np.testing.assert_allclose(out, np.broadcast_to(out[:1], out.shape), atol=1e-5)
    film = movie.filmed(dataset, dpi=40)
    assert film is not None and "round the centre" in film.caption and "along z" not in film.caption
    flat = movie.filmed(dataset.isel(component=[0, 1]), dpi=40)
    assert flat is not None and flat.frames[0].shape == film.frames[0].shape
    assert not np.array_equal(flat.frames[0], film.frames[0])


def test_plot_refuses_what_has_no_picture():
    assert list(physent.report.plot(waves(), "u")) == ["u over time", "spectrum of u"]
    with pytest.raises(ValueError, match="no variable 'v'"):
        physent.report.plot(waves(), "v")
    with pytest.raises(ValueError, match="nothing to draw"):
        physent.report.plot(xr.Dataset({"a": (("q",), np.zeros(3))}))


def test_a_page_stands_alone_and_is_escaped():
    text = physent.report.page(waves())
    alone(text)
    assert "&lt;waves&gt;" in text and "<waves>" not in text
    assert "prefers-color-scheme: dark" in text and "data:image/webp;base64," in text
    assert style.INK not in text and "currentColor" in text


def test_pictures_leave_matplotlib_as_it_was():
    import matplotlib

    before = dict(matplotlib.rcParams)
    physent.report.plot(waves())
    assert dict(matplotlib.rcParams) == before


# --------------------------------------------------------------------------------- configuration
# and statistics


def test_settings_mark_what_is_not_the_default():
    rows = {
        row.key: row
        for row in settings({"solver": {"kind": "nlse", "method": "strang", "n": 512}})["solver"]
    }
    assert rows["solver.kind"].default is None
    assert rows["solver.method"].differs == (rows["solver.method"].default != "strang")
    unknown = settings({"solver": {"kind": "nowhere.py:Nothing", "n": 3}})["solver"]
    assert not any(row.differs for row in unknown)


def test_the_swept_parameter_is_found():
    text = (
        '[solver]\nkind = "k"\nnu = 1.0\n[solver.initial]\nvelocity = { linspace = [0.0, 1.0] }\n'
    )
    name, values = swept({"experiment": text}, 5)  # pyright: ignore[reportGeneralTypeIssues]
    assert name == "velocity" and np.array_equal(values, [0, 0.25, 0.5, 0.75, 1])
    assert flattened({"a": {"b": [1, 2]}, "c": [{"d": 3}]}) == {"a.b": [1, 2], "c.0.d": 3}


def test_averages_and_tests_know_of_autocorrelation():
    rng = np.random.default_rng(1)

    def run(mean: float) -> xr.Dataset:
        noise = rng.normal(size=2001)
        for i in range(1, 2001):
            noise[i] += 0.9 * noise[i - 1]
        return xr.Dataset(
            {"s": (("t",), mean + noise, attributes("entropy"))}, {"t": np.arange(2001.0)}
        )

    a, b, c = run(5.0), run(5.0), run(9.0)
    (average,) = averages(a)
    assert 50 < average.effective < 250  # 2001/19, not 2001
    assert abs(average.mean - 5) < 4 * average.standard_error
    assert differences(a, b)[0].words == "no significant difference"
    assert differences(a, c)[0].words == "differ"
    assert differences(a, a)[0].words == "equal"


def test_members_count_as_what_they_are_worth():
    rng = np.random.default_rng(2)

    def ensemble(means, **attrs) -> xr.Dataset:
        values = np.asarray(means)[:, None] + rng.normal(size=(len(means), 400))
        series = (("member", "t"), values, attributes("entropy"))
        return xr.Dataset({"s": series}, {"t": np.arange(400.0)}, attrs)

    alike, apart, single = ensemble([5.0] * 8), ensemble(np.linspace(4, 6, 8)), ensemble([5.2])
    (a,), (b,) = averages(alike), averages(apart)
    assert a.effective > 1000 and a.standard_error == pytest.approx(1 / np.sqrt(3200), rel=0.5)
    assert b.effective == 8 and not b.tells and b.standard_error > 0.1
    (test,) = differences(single, alike)
    assert test.difference == test.a.mean - test.b.mean and test.standard_error == np.hypot(
        test.a.standard_error, test.b.standard_error
    )
    own = ensemble([5.0] * 8, experiment='[solver]\nkind = "k"\nnu = { linspace = [0.0, 1.0] }\n')
    assert averages(own) == [] and differences(own, alike) == []
    assert "differ in nu" in tables(own, alike)[-1].note


def test_holm_is_holms():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


# --------------------------------------------------------------------------------------------------
# commands


@pytest.mark.slow
def test_report_compare_and_list_runs(command, tmp_path):  # noqa: F811
    assert command("list", "runs") == (0, "data/runs: there are no runs yet\n", "")
    code, out, err = command("run", "toy.toml", "--report")
    assert (code, err) == (0, "") and "wrote data/runs/toy/report.html" in out
    text = Path("data/runs/toy/report.html").read_text()
    alone(text)
    assert len(text) < 3e6 and "physent run" in text and "mass" in text
    assert (
        command(
            "run", "toy.toml", "--set", "solver.nu=0.2", "--output", "data/runs/other", "--quiet"
        )[0]
        == 0
    )
    code, out, err = command("compare", "data/runs/toy", "data/runs/other", "--output", "both.html")
    assert (
        (code, err) == (0, "")
        and "solver.nu" in out
        and "entropy_u_shannon" in out
        and "mass" in out
    )
    alone(Path("both.html").read_text())
    code, out, err = command("list", "runs")
    assert (code, err) == (0, "") and out.count("done") == 2 and "nu=0.2" in out
    assert [row[0] for row in catalogue.rows(tmp_path / "data")] == ["runs/other", "runs/toy"]
    (tmp_path / "other.html").write_text("mine")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.nc").write_text("no NetCDF")
    before = sorted(path.name for path in tmp_path.iterdir())
    for arguments, words in (
        (("report", "nowhere"), "is not a run"),
        (("report", "broken"), "broken: cannot be read"),
        (("report", "data/runs/toy", "--output", "other.html"), "is not a report"),
        (("report", "data/runs/toy", "--output", "no/where.html"), "there is no folder no"),
        (("report", "data/runs/toy", "--output", "data"), "is a folder"),
        (("compare", "data/runs/toy", "nowhere", "--output", "x.html"), "is not a run"),
        (("list", "runs", "nowhere"), "is not a folder"),
        (("list", "solvers", "data"), "physent list runs"),
    ):
        code, out, err = command(*arguments)
        assert code == 2 and words in err and len(err.strip().splitlines()) == 1 and not out, (
            arguments,
            err,
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    code, out, _ = command("list", "runs", ".")
    assert code == 0 and "damaged" in out


def test_the_api_raises_folder_errors(tmp_path):
    with pytest.raises(FolderError, match="is not a run"), warnings.catch_warnings():
        physent.report.write(tmp_path)


def test_particles_on_a_line_are_drawn_over_time():
    place = xr.DataArray(
        np.arange(12.0).reshape(3, 4, 1),
        dims=("t", "particle", "component"),
        attrs={"role": "position"},
    )
    assert list(physent.report.plot(xr.Dataset({"position": place}, {"t": [0.0, 1.0, 2.0]}))) == [
        "position over time"
    ]
