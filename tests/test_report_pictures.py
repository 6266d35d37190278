"""What a careful author would draw and print: maps to scale, flat lines for what is constant,
names, estimates with their errors, and each of the members that are systems by themselves.
"""

import numpy as np
import pytest
import xarray as xr
from test_report import attributes, plane, series, swarm, waves

import physent.report
from physent.data.invariants import drifts, trend
from physent.diagnostics import Entropy
from physent.entropy import Histogram, Renyi, Tsallis
from physent.experiment.recorded import shown
from physent.report import movie, style
from physent.report.checks import resolution
from physent.report.page import page, side_by_side
from physent.report.statistics import averages, members

T = np.linspace(0.0, 10.0, 101)
OWN = '[solver]\nkind = "k"\nnu = { linspace = [0.0, 1.0] }\n'


def box(height: float) -> xr.Dataset:
    dataset = plane()
    return dataset.assign_coords(z=("z", dataset.z.values * height, dataset.z.attrs))


@pytest.mark.parametrize("height", [0.5, 1.0, 2.0, 4.0])
def test_a_box_is_drawn_to_scale(height):
    figure = physent.report.plot(box(height))["vorticity"]
    figure.canvas.draw()
    width, high = (figure.axes[0].get_window_extent().size[i] for i in (0, 1))
    x, y = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    assert high / width == pytest.approx(np.ptp(y) / np.ptp(x), rel=0.02)


def test_a_map_of_other_things_than_space_is_not():
    dataset = box(1.0)
    dataset.z.attrs["units"] = "s"
    assert physent.report.plot(dataset)["vorticity"].axes[0].get_aspect() == "auto"


def height_of(figure, values) -> float:
    """The share of the height of the first panel that these values fill."""
    return float(np.ptp(values) / np.ptp(figure.axes[0].get_ylim()))


def test_what_is_constant_looks_flat():
    rng = np.random.default_rng(0)
    for values, role in (
        (2.94 + 1e-9 * rng.normal(size=101), "entropy"),
        (1e-12 * rng.normal(size=101), "entropy"),
        (1e12 * (1 + 1e-9 * rng.normal(size=101)), "scalar"),
    ):
        (figure,) = physent.report.plot(xr.Dataset({"s": series(values, role)}, {"t": T})).values()
        assert height_of(figure, values) < 0.01
    small = 1e-12 * np.sin(T)  # a series may be small, and yet change
    (figure,) = physent.report.plot(xr.Dataset({"s": series(small, "scalar")}, {"t": T})).values()
    assert height_of(figure, small) > 0.5


def test_rounding_of_an_invariant_looks_flat_and_drift_does_not():
    rng = np.random.default_rng(0)

    def drawn(size: float) -> float:
        values = 3 * (1 + size * np.cumsum(rng.normal(size=101)))
        dataset = xr.Dataset({"invariant_mass": series(values)}, {"t": T})
        figure = physent.report.plot(dataset)["drift of the invariants"]
        return height_of(figure, values / values[0])

    assert drawn(1e-16) < 0.05 and drawn(1e-6) > 0.5


def test_no_trend_is_larger_than_the_largest_drift():
    steps = np.where(T > 6, 1.0, 0.0)[:, None] * np.array([[5e-5, -2e-4]])
    assert np.all(trend(T, steps)[0] <= np.max(np.abs(steps), axis=0))
    data = xr.Dataset({"invariant_p": series(1 + steps[:, 0])}, {"t": T})
    (found,) = drifts(data)
    assert "largest drift 5.0e-05, of which 5.0e-05 is a trend" in found.sentence


@pytest.mark.parametrize(
    ("diagnostic", "words"),
    [
        (Entropy(of="u"), "Shannon entropy of u in nats"),
        (Entropy(of="u", measure=Tsallis(order=0.5)), "Tsallis entropy, q = 0.5, of u"),
        (Entropy(of="u", measure=Renyi(order=2.0)), "Rényi entropy, q = 2, of u in nats"),
        (Entropy(of="u", measure="min"), "min-entropy of u in nats"),
        (
            Entropy(of="u", outcomes=Histogram(bins=20)),
            "Shannon entropy of u (histogram, bins = 20) in nats",
        ),
    ],
)
def test_entropies_are_called_what_authors_call_them(diagnostic, words):
    _, variable = diagnostic.output("u", ())
    assert variable.long_name == words
    title = style.titled("entropy_u", {"long_name": words, "units": "1", "role": "entropy"})
    short = words.replace(", bins = 20)", ")")  # the caption says all
    assert title == short[0].upper() + short[1:]
    assert "[1]" not in title


def test_numbers_of_logarithmic_axes_do_not_run_into_each_other():
    for low, high, expected in ((0.2, 5.2, ["0.2", "0.5", "1", "2", "5"]), (0.5, 2e3, None)):
        fig, axes = style.figure()
        axes.loglog([low, high], [1, 2])
        axes.set_xlim(low, high)
        style.decades(axes.xaxis)
        fig.canvas.draw()
        labels = [
            (text.get_position()[0], text.get_text())
            for text in axes.get_xticklabels(which="both")
            if low <= text.get_position()[0] <= high and text.get_text()
        ]
        if expected is None:
            assert len(labels) == 4  # powers of ten only
        else:
            assert [text for _, text in sorted(labels)] == expected


def test_a_colour_bar_is_as_high_as_its_map():
    x, y = np.arange(12.0), np.arange(4.0)
    colours = style.colours_of(np.zeros(0), "phase")
    fig, axes, _ = style.heatmap(x, y, np.ones((4, 12)), colours, "u")
    axes.set_aspect("equal")
    fig.canvas.draw()
    (bar,) = axes.child_axes
    one, other = axes.get_window_extent(), bar.get_window_extent()
    assert other.height == pytest.approx(one.height, rel=0.01)


def test_a_file_of_another_program_is_drawn_over_its_dates():
    dates = np.datetime64("2020-01-01", "ns") + np.arange(9).astype("m8[h]")
    data = xr.Dataset({"rain": ("date", np.arange(9.0))}, {"date": dates})
    (figure,) = physent.report.plot(data).values()
    assert figure.axes[0].get_xlabel() == "t [s]"
    drawn = np.asarray(figure.axes[0].lines[0].get_xdata(), float)
    np.testing.assert_allclose(drawn, np.arange(9) * 3600.0)


def test_numbers_are_printed_as_they_were_given():
    assert shown(float(np.float32(0.01))) == "0.01" and shown(0.025000000000000001) == "0.025"
    assert shown(1 / 3) == "0.3333333333" and shown(20.0) == "20"


def test_many_walkers_on_a_line_are_a_density():
    turns = np.random.default_rng(0).uniform(0, 2 * np.pi, (7, 500, 1))
    look = attributes("position", "rad") | {"period": np.array([2 * np.pi])}
    dataset = xr.Dataset(
        {"position": (("t", "walker", "component"), turns, look)}, {"t": np.arange(7.0)}
    )
    found = physent.report.plot(dataset)
    assert list(found) == ["position over time"] and movie.filmed(dataset) is None
    (image,) = found["position over time"].axes
    (bar,) = image.child_axes
    assert "density" in bar.get_ylabel() and image.get_ylabel() == "position [rad]"
    assert image.get_ylim() == pytest.approx((0, 2 * np.pi))


def test_a_map_of_entropy_production_is_not_held_to_the_grid():
    values = np.random.default_rng(0).uniform(size=(3, 64))  # noise up to the last wavenumber
    axis = ("b", np.arange(64.0), {"periodic": "true"})
    for role, count in (("entropy_production", 0), ("density", 1)):
        dataset = xr.Dataset(
            {"map": (("t", "b"), values, attributes(role))}, {"t": np.arange(3.0), "b": axis}
        )
        assert len(list(resolution(dataset))) == count


def estimated(**attrs) -> xr.Dataset:
    rng = np.random.default_rng(3)
    role = attributes("entropy_production", "1/time")
    values = 2 + rng.normal(size=101)
    running = np.cumsum(values) / np.arange(1, 102)
    names = {"e": values, "e_mean": running, "e_total": running, "e_total_error": 0 * T + 0.1}
    data = {name: (("t",), each, role) for name, each in names.items()}
    return xr.Dataset(data, {"t": T}, attrs)


def test_running_estimates_are_shown_by_their_last_value_and_error():
    dataset = estimated()
    found = {each.name: each for each in averages(dataset)}
    assert list(found) == ["e", "e_mean", "e_total"]
    total, last = found["e_total"], float(dataset.e_total[-1])
    assert (total.mean, total.standard_error) == (pytest.approx(last), pytest.approx(0.1))
    assert np.isnan(found["e_mean"].standard_error) and found["e"].effective > 20
    figure = physent.report.plot(dataset)["entropies"]
    assert len(figure.axes) == 3 and figure.axes[2].collections  # the band
    assert "at the end" in page(dataset)


def test_members_with_parameters_of_their_own_are_shown_one_by_one():
    one = estimated()
    dataset = xr.concat([one, one + 3.0, one + 7.0], "member").assign_attrs(experiment=OWN)
    for name in dataset:
        dataset[name].attrs = one[name].attrs
    assert averages(dataset) == []
    found = members(dataset)
    assert found is not None and found.parameters == ["nu"]
    assert found.series == ["e", "e_mean", "e_total"]
    assert [values for _, values, _ in found.rows] == [[0.0], [0.5], [1.0]]
    first = [row[2][0].mean for row in found.rows]
    assert first[1] - first[0] == pytest.approx(3) and first[2] - first[0] == pytest.approx(7)
    text = page(dataset)
    assert "Each member" in text and "Time averages" not in text
    assert members(dataset.assign_attrs(experiment="")) is None
    few = members(dataset, most=2)
    assert few is not None and [row[0] for row in few.rows] == [0, 2] and few.total == 3


def test_sections_of_one_picture_stand_side_by_side():
    groups = [{"name": str(i), "pictures": [None] * n} for i, n in enumerate([2, 1, 1, 1, 1, 3, 1])]
    rows = [[group["name"] for group in row] for row in side_by_side(groups)]
    assert rows == [["0"], ["1", "2", "3"], ["4"], ["5"], ["6"]]


@pytest.mark.parametrize("components", [2, 3])
def test_the_scenery_of_a_movie_stays_and_the_particles_move(components):
    film = movie.filmed(swarm(components), dpi=40)
    assert film is not None and len(film.frames) == 5
    changes = np.any([frame != film.frames[0] for frame in film.frames[1:]], axis=(0, -1))
    assert 0 < changes.mean() < 0.6  # the dots; not the axes
    line = movie.filmed(waves(), dpi=40)
    assert line is not None and not np.array_equal(line.frames[0], line.frames[-1])
