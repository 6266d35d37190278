"""The page of a sweep and that of a folder."""

import re

import numpy as np
import pytest
import xarray as xr
from test_sweep import command_line

from physent.errors import FolderError
from physent.io.folder import write_dataset
from physent.report.index import write_index
from physent.report.sweeps import draw, pictures, write_sweep
from physent.sweep import executors

STATES = ["done", "done", "failed", "done", "done", "done"]


def summary(shape, values, mode="grid"):
    """The summary of a sweep of a made-up entropy, whose value says which point it is of."""
    size = int(np.prod(shape))
    names = list(values)
    dims = tuple(names) if mode == "grid" else ("point",)
    coordinates = values if mode == "grid" else {name: ("point", v) for name, v in values.items()}
    entropy = np.arange(float(size)).reshape(shape)
    attributes = {"units": "1", "long_name": "entropy of everything", "role": "entropy"}
    return xr.Dataset(
        {
            "entropy": (dims, entropy, attributes),
            "entropy_mean": (dims, 10 + entropy, attributes),
            "status": (dims, np.resize(STATES, shape)),
            "wall_time": (dims, np.ones(shape)),
            "folder": (dims, np.array([f"{i:04d}_p" for i in range(size)]).reshape(shape)),
        },
        coordinates,
        {"source": "physent sweep", "swept": ", ".join(names)},
    )


@pytest.fixture
def folder(tmp_path):
    made = summary((2, 3), {"method": ["a", "b"], "dt": [0.1, 0.2, 0.4]})
    (tmp_path / "sweep").mkdir()
    write_dataset(made, tmp_path / "sweep" / "summary.nc")
    return tmp_path / "sweep"


def test_a_page_has_every_point_and_every_entropy(folder):
    (folder / "0001_p").mkdir()
    (folder / "0001_p" / "report.html").write_text("a report")
    text = write_sweep(folder).read_text()
    assert text.count("<svg") == 1 and "entropy of everything" in text
    assert "5 done, 1 failed" in text and text.count("<tr>") == 7
    assert re.findall(r'href="([^#"][^"]*)"', text) == ["0001_p/report.html"]
    for cells in ('a</td><td class="n">0.1', 'b</td><td class="n">0.4'):
        assert cells in text


def test_a_line_goes_through_the_means(folder):
    with xr.open_dataset(folder / "summary.nc") as made:
        (picture,) = pictures(made.load())
    lines = picture.figure.axes[0].get_lines()
    assert [np.asarray(line.get_xdata()).tolist() for line in lines] == [[0.1, 0.2, 0.4]] * 2
    assert [np.asarray(line.get_ydata()).tolist() for line in lines] == [[10, 11, 12], [13, 14, 15]]


def test_a_diagram_has_each_value_where_its_parameters_are():
    values = {"a": [3.0, 1.0, 2.0, 4.0, 5.0, 6.0], "b": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]}
    made = summary((6, 6), values)
    figure, more = draw(made.entropy_mean)
    mesh = figure.axes[0].collections[0]
    assert more == "" and figure.axes[0].get_xscale() == "log"
    drawn = np.asarray(mesh.get_array()).reshape(6, 6)
    np.testing.assert_array_equal(drawn[:, 0], [16, 22, 10, 28, 34, 40])  # a = 1, 2, ..., 6


def test_of_more_than_two_parameters_the_first_values_are_said():
    values = {"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0], "c": [0.5, 1.0]}
    _, more = draw(summary((2, 3, 2), values).entropy_mean)
    assert more == "; c = 0.5"


def test_points_at_random_are_points():
    made = summary((6,), {"a": np.arange(6.0), "b": np.arange(6.0)}, mode="random")
    figure, _ = draw(made.entropy_mean)
    offsets = figure.axes[0].collections[0].get_offsets()
    np.testing.assert_array_equal(np.asarray(offsets)[:, 1], 10 + np.arange(6.0))


def test_the_command_writes_both_and_a_sweep_with_a_page_is_overwritten(tmp_path, capsys):
    (tmp_path / "s.toml").write_text(
        '[solver]\nkind = "nlse"\nn = 32\n[run]\nt_end = 0.1\nsave_every = 0.1\n'
        '[[diagnostics]]\nkind = "entropy"\nof = "density"\n'
    )
    place = str(tmp_path / "all" / "sweep")
    command = ["sweep", str(tmp_path / "s.toml"), "--over", "solver.nonlinearity=0.5,1.0"]
    command += ["--output", place, "--workers", "1"]
    assert command_line(command) == 0
    assert command_line(["report", place]) == 0
    assert command_line(["report", str(tmp_path / "all")]) == 0
    index = (tmp_path / "all" / "report.html").read_text()
    assert index.count("<tr>") == 3 and "nonlinearity=0.5" in index
    assert command_line(["report", place, "--movie", str(tmp_path / "x.webp")]) == 2
    assert "is of a run" in capsys.readouterr().err
    executors.remove(tmp_path / "all" / "sweep")
    assert not (tmp_path / "all" / "sweep").exists()


def test_a_folder_without_runs_and_a_summary_of_something_else_are_refused(tmp_path):
    with pytest.raises(FolderError, match="is not a run, nor is there one below it"):
        write_index(tmp_path)
    write_dataset(xr.Dataset({"a": 1.0}), tmp_path / "summary.nc")
    with pytest.raises(FolderError, match="is not the summary of a sweep"):
        write_sweep(tmp_path)
    assert not (tmp_path / "report.html").exists()
