"""Files that any tool reads: CF-conforming, never rounded unless asked, with everything needed to
repeat them.
"""

import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
from toys import Heat

import physent
from physent import errors, runs
from physent.diagnostics import Entropy
from physent.experiment.building import load_experiment
from physent.io import complex_fields

TOYS = Path(__file__).with_name("toys.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "toy"
    physent.run(
        Heat(n=512),
        t_end=1.0,
        save_every=0.1,
        snapshot_every=0.5,
        members=2,
        diagnostics=[Entropy(of="u")],
        output=path,
    ).close()
    return path


def test_xarray_opens_it_without_options(folder):
    with xr.open_dataset(folder / "run.nc") as dataset:
        assert dataset.sizes == {"t": 11, "t_snapshot": 3, "member": 2, "x": 512}
        assert dataset.u.dims == ("t_snapshot", "member", "x")
        assert (
            dataset.u.attrs["long_name"] == "temperature" and dataset.u.attrs["role"] == "density"
        )
        assert dataset.t.attrs == {"long_name": "time", "units": "1"}
        assert dataset.x.attrs["periodic"] == "true" and dataset.x.attrs["length"] == 6.0
        for attribute in (
            "Conventions",
            "experiment",
            "versions",
            "seed",
            "device",
            "precision",
            "wall_time",
        ):
            assert attribute in dataset.attrs


def test_complex_fields_are_joined_again(folder):
    with physent.open_run(folder) as dataset, xr.open_dataset(folder / "run.nc") as stored:
        np.testing.assert_array_equal(
            dataset.z.values, stored.z_re.values + 1j * stored.z_im.values
        )
        np.testing.assert_array_equal(dataset.z.values.real * 2, dataset.z.values.imag)
        assert dataset.z.attrs["long_name"] == "complex temperature" and "z_re" not in dataset
    with physent.open_run(folder / "run.nc") as again:
        assert "z" in again


def test_what_is_not_a_run_is_refused(tmp_path):
    with pytest.raises(errors.FolderError, match="not a run"):
        physent.open_run(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["toy", "nlse"])
def test_the_cf_checker_finds_nothing(folder, case, tmp_path):
    file = folder / "run.nc"
    if case == "nlse":
        path = Path(__file__).parents[1] / "experiments" / "nlse" / "single_soliton.toml"
        runs.execute(load_experiment(path), tmp_path / "run")
        file = tmp_path / "run" / "run.nc"
    checker = (
        "import sys\nfrom compliance_checker.runner import CheckSuite, ComplianceChecker\n"
        "CheckSuite.load_all_available_checkers()\n"
        "print(ComplianceChecker.run_checker(sys.argv[1], ['cf:1.11'], 0, 'strict', '-', 'text'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", checker, file], capture_output=True, text=True, timeout=120
    )
    assert "All tests passed!" in done.stdout and "(True, False)" in done.stdout, (
        done.stdout + done.stderr
    )


def test_fields_are_rounded_when_asked_and_entropies_never(tmp_path):
    config = tmp_path / "toy.toml"
    config.write_text(
        f'[solver]\nkind = "{TOYS}:Heat"\n[run]\nt_end = 0.5\nsave_every = '
        "0.1\n[output]\nsignificant_digits = 3\n"
        '[[diagnostics]]\nkind = "entropy"\nof = "u"\n'
    )
    rounded = runs.execute(load_experiment(config), tmp_path / "rounded").dataset()
    exact = runs.execute(load_experiment(config, ["output.significant_digits=15"]), None).dataset()
    with rounded:
        error = np.abs(rounded.u.values / exact.u.values - 1).max()
        assert 1e-6 < error <= 5e-3  # half a unit of the third digit of 1.00
        np.testing.assert_array_equal(
            rounded.entropy_u_shannon.values, exact.entropy_u_shannon.values
        )
        np.testing.assert_array_equal(rounded.invariant_mass.values, exact.invariant_mass.values)


def test_only_the_variables_asked_for_are_written(tmp_path):
    with physent.run(
        Heat(),
        t_end=0.2,
        save_every=0.1,
        variables=["z"],
        diagnostics=[Entropy(of="u")],
        output=tmp_path / "run",
    ) as dataset:
        assert set(dataset.data_vars) == {"z", "entropy_u_shannon", "invariant_mass"}


def test_compressed_chunks_are_one_row(folder):
    with netCDF4.Dataset(folder / "run.nc") as file:
        assert file["u"].chunking() == [1, 2, 512] and file["u"].filters()["zlib"]
        assert (
            file["entropy_u_shannon"].chunking() == [256, 2]
            and not file["entropy_u_shannon"].filters()["zlib"]
        )


def test_opening_reads_nothing_before_it_is_used(folder, monkeypatch):
    reads = []
    read = complex_fields._ComplexPair._read
    monkeypatch.setattr(
        complex_fields._ComplexPair, "_read", lambda self, key: reads.append(key) or read(self, key)
    )
    with physent.open_run(folder) as dataset:
        assert not reads
        part = dataset.z.isel(t_snapshot=-1, member=0, x=slice(3, 9))
        assert part.shape == (6,)
        np.testing.assert_array_equal(part.values.imag, 2 * dataset.u.values[-1, 0, 3:9])
        assert len(reads) == 1
        assert reads[0][:2] == (2, 0)
        np.testing.assert_array_equal(dataset.z[:, 1].values, dataset.z.values[:, 1])
        np.testing.assert_array_equal(
            dataset.z[[0, 2], :, [5, 1]].values, dataset.z.values[[0, 2]][:, :, [5, 1]]
        )
