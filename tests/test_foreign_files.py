"""Files of other programs: the command line, the accessor and NumPy give the same numbers."""

import warnings

import foreign
import numpy as np
import pytest
import xarray as xr

import physent
import physent.data.accessor  # registers the accessor
from physent.app import cli
from physent.data.opening import open_any

RANGE = {"bins": 5, "low": 0.0, "high": 2.5}
MEASURES = {  # by their names: the words of the command line, and of the accessor
    "shannon": (["--measure", "shannon"], {}),
    "renyi": (["--measure", "{kind = 'renyi', order = 2.0}"], {"measure": "renyi"}),
    "min": (["--measure", "min"], {"measure": "min"}),
    "histogram": (
        ["--outcomes", "{kind = 'histogram', bins = 5, low = 0.0, high = 2.5}"],
        {"outcomes": physent.entropy.Histogram(bins=5, low=0.0, high=2.5)},
    ),
    "differential": (["--kind", "differential_entropy"], None),
}


def by_numpy(file, measure):
    """The entropy of every row, from its definition."""
    found = []
    for t, row in enumerate(file.values):
        there = np.isfinite(row)
        size = file.volumes if measure == "differential" else file.weights
        size = np.broadcast_to(1.0 if size is None else size, (len(file.values), *row.shape))[t]
        x, w = row[there], size[there]
        if measure == "histogram":
            n = np.histogram(np.abs(x), 5, (0.0, 2.5), weights=w)[0]
            p, w = n[n > 0] / n.sum(), 1.0
        else:
            x = np.abs(x) ** 2 if np.iscomplexobj(x) else x.astype(float)
            p = x * w / np.sum(x * w)
        if measure == "renyi":
            found.append(-np.log(np.sum(w * (p / w) ** 2)))
        elif measure == "min":
            found.append(-np.log(np.max(p / w)))
        else:
            found.append(-np.sum(p * np.log(p / w)))
    return np.array(found)


@pytest.fixture
def command(monkeypatch, tmp_path, capsys):
    """Run `physent diagnose` in a folder of its own; returns (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["physent", "diagnose", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return call


def options(words):
    found = []
    for key, value in words.items():
        name = f"--{key.replace('_', '-')}"
        found += [name] if value is True else [name, value]
    return found


def first(dataset):
    return next(array for name, array in dataset.data_vars.items() if "entropy" in str(name))


LARGEST: dict[float, float] = {1e-12: 0.0, 1e-5: 0.0}


def compare(found, expected, rtol):
    assert found.shape == expected.shape
    apart = float(np.max(np.abs(found - expected) / np.maximum(1, np.abs(expected))))
    LARGEST[rtol] = max(LARGEST[rtol], apart)
    assert apart <= rtol, (found, expected)


@pytest.mark.parametrize("name", foreign.FILES)
def test_three_ways_to_the_same_numbers(name, command, tmp_path):
    if name in foreign.PACKAGES:
        pytest.importorskip("h5netcdf")
        pytest.importorskip(foreign.PACKAGES[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the writers
        file = foreign.FILES[name](tmp_path)
    words = {key: value for key, value in file.words.items() if key != "group"}
    bare = f"abs({file.of})" if np.iscomplexobj(file.values) else file.of
    bare = f"sqrt({file.of})" if np.iscomplexobj(file.values) and "*" in file.of else bare
    for measure, (asked, _) in MEASURES.items():
        of = bare if measure == "histogram" else file.of
        output = f"{measure}.nc"
        told = command(file.path, "--of", of, *asked, *options(file.words), "--output", output)
        assert told[0] == 0, told
        with xr.open_dataset(output) as written:
            line = first(written).values
        compare(line, by_numpy(file, measure), file.rtol)
    # netCDF4 may die where a file with groups or texts is opened twice at a time
    with open_any(file.path, file.words.get("group")) as data:
        for measure, (_, given) in MEASURES.items():
            of = bare if measure == "histogram" else file.of
            if given is None:
                label = data.physent.differential_entropy(of, **words)
            else:
                label = data.physent.entropy(of, **given, **words)
            compare(np.atleast_1d(label.values), by_numpy(file, measure), file.rtol)
