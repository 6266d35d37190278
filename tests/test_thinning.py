"""Less to store of some fields: `[output] fields` and `physent.run(fields=...)`."""

import logging
from typing import Any

import numpy as np
import pytest
from toys import Heat

import physent
from physent import runs
from physent.app import cli
from physent.diagnostics import Entropy
from physent.errors import ConfigError, ParameterError
from physent.experiment.building import load_experiment
from physent.io.integrity import differences
from physent.report.comparison import compare_runs
from physent.report.page import write

THIN = {"z": {"every": 4, "stride": 2, "precision": "float32"}, "u": {"every": 2}}
TIMES: dict[str, Any] = {"t_end": 0.18, "save_every": 0.01, "snapshot_every": 0.02}
CASE = """
[solver]
kind = "{toys}:Heat"
n = 16
[run]
t_end = 0.18
save_every = 0.01
snapshot_every = 0.02
[[diagnostics]]
kind = "entropy"
of = "u"
[output]
fields = {{ z = {{ every = 4, stride = 2, precision = "float32" }}, u = {{ every = 2 }} }}
"""


def entropy():
    return [Entropy(of="u")]


@pytest.fixture(scope="module")
def whole():
    return physent.run(Heat(n=16), **TIMES, diagnostics=entropy())


@pytest.fixture
def config(tmp_path):
    from pathlib import Path

    import toys

    path = tmp_path / "case.toml"
    path.write_text(CASE.format(toys=Path(toys.__file__)))
    return path


@pytest.mark.parametrize("members", [1, 2])
def test_what_is_stored_is_a_part_and_all_else_keeps_its_bits(members):
    whole = physent.run(Heat(n=16), **TIMES, diagnostics=entropy(), members=members)
    thin = physent.run(Heat(n=16), **TIMES, diagnostics=entropy(), members=members, fields=THIN)
    assert thin.z.dims[0] == "t_every_4" and thin.z.dims[-1] == "x_every_2"
    assert thin.u.dims[0] == "t_every_2" and thin.u.dims[-1] == "x"
    np.testing.assert_array_equal(thin.z, whole.z[::4, ..., ::2].astype(np.complex64))
    np.testing.assert_array_equal(thin.u, whole.u[::2])
    np.testing.assert_array_equal(thin.t_every_4, whole.t_snapshot[::4])
    np.testing.assert_array_equal(thin.x_every_2, whole.x[::2])
    assert thin.x_every_2.attrs == whole.x.attrs
    assert {**whole.z.attrs, "stride": 2}.items() <= thin.z.attrs.items()
    assert thin.z.attrs["thinned"].startswith("one in 4 snapshots, one in 2 points")
    for name in ("mean", "invariant_mass", "entropy_u_shannon"):
        assert thin[name].values.tobytes() == whole[name].values.tobytes()


def test_an_axis_keeps_its_name_where_all_of_it_is_stored_alike():
    thin = physent.run(Heat(n=16), **TIMES, fields={"u": {"stride": 4}, "z": {"stride": 4}})
    assert thin.u.dims == ("t_snapshot", "x") and thin.sizes["x"] == 4
    assert thin.x.attrs["length"] == 6.0


def test_a_folder_resumes_verifies_reports_and_compares(config, tmp_path, whole):
    for name in ("run", "other"):
        short = load_experiment(config, ["run.t_end=0.1", "run.chunk=3"])
        runs.execute(short, tmp_path / name).dataset().close()
        runs.resume(tmp_path / name, t_end=0.18, trust=True).dataset().close()
    with physent.open_run(tmp_path / "run") as run:
        np.testing.assert_array_equal(run.z, whole.z[::4, ::2].astype(np.complex64))
        np.testing.assert_array_equal(run.u, whole.u[::2])
        np.testing.assert_array_equal(run.t_every_2, whole.t_snapshot[::2])
        np.testing.assert_array_equal(run.entropy_u_shannon, whole.entropy_u_shannon)
    assert differences(tmp_path / "run") == []
    assert cli._exit_code(["verify", str(tmp_path / "run"), "--rows", "5:14", "--trust"]) == 0
    write(tmp_path / "run")
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000
    compare_runs(tmp_path / "run", tmp_path / "other", tmp_path / "comparison")


def test_what_is_made_of_thinned_fields_says_so(whole, caplog):
    thin = physent.run(Heat(n=16), **TIMES, fields=THIN)
    with caplog.at_level(logging.WARNING, "physent"):
        found = physent.diagnose(thin, [Entropy(of="abs(z)")])
    assert "z: one in 4 snapshots" in found.entropy_abs_z_shannon.attrs["of_thinned"]
    assert "stored thinned" in caplog.text


def refused(fields, variables=None):
    with pytest.raises(ParameterError) as error:
        physent.run(Heat(n=16), **TIMES, fields=fields, variables=variables)
    return str(error.value)


def test_what_cannot_be_is_refused():
    assert "did you mean u" in refused({"uu": {"every": 2}})
    assert "allowed: 1, 2, 4, 8" in refused({"u": {"stride": 3}})
    assert "is a series" in refused({"mean": {"every": 2}})
    assert "an integer >= 1" in refused({"u": {"every": 0}})
    assert "an integer >= 1" in refused({"u": {"stride": True}})
    assert '"float32"' in refused({"u": {"precision": "half"}})
    assert "every, stride, precision" in refused({"u": {"evry": 2}})
    assert "a table" in refused({"u": 4})
    assert "output.variables" in refused({"u": {"every": 2}}, ["z"])


def test_an_experiment_names_line_and_key(config):
    config.write_text(config.read_text().replace("stride = 2", "stride = 3"))
    with pytest.raises(ConfigError, match=r"output.fields.z.stride.*does not divide"):
        load_experiment(config)
