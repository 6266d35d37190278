"""How well a run kept its invariants: one rule, said on the console, in the file and the report."""

import logging
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from test_cli import physent as command  # noqa: F401 - a fixture

import physent
from physent.data.invariants import drifts, round_off, said, scales
from physent.protocol.parameters import as_number, param, static
from physent.protocol.solver import Solver, State
from physent.protocol.variables import Axis, Domain, Variable
from physent.report.checks import checks, overall
from physent.report.comparison import tables
from physent.solvers.nlse import NLSE
from physent.sweep.executors import run_point

RESONANT = """
name = "resonant"
[solver]
kind = "nlse"
n = 128
length = 16.0
dt = 0.02
nonlinearity = -5.0
potential = { kind = "harmonic", frequency = 1.0 }
initial = { kind = "breather" }
[run]
t_end = 20.0
save_every = 0.2
[output]
variables = []
"""


class RingState(State):
    t: jax.Array
    u: jax.Array


class Ring(Solver[RingState]):
    """u_t + u u_x = nu u_xx on a ring: its mean stays where it is, at 0 but for rounding."""

    n: int = static(64, doc="grid points", ge=8)
    amplitude: jax.Array = param(default=1.0, converter=as_number, doc="of the first mode")
    leak: jax.Array = param(default=0.0, converter=as_number, doc="growth of the mean")
    dt: jax.Array = param(default=0.01, converter=as_number, doc="time step", gt=0)

    def init(self, key):
        x = jnp.arange(self.n) * (2 * jnp.pi / self.n)
        return RingState(jnp.zeros(()), self.amplitude * jnp.sin(x + 0.3))

    def step(self, state):
        u = state.u
        flux = 0.5 * u**2 - 0.05 * (jnp.roll(u, -1) - u)
        change = jnp.roll(flux, 1) - flux + self.leak * self.amplitude
        return RingState(state.t + self.dt, u + self.dt * change)

    def observe(self, state):
        return {"u": state.u}

    def variables(self):
        return {"u": Variable(("x",), "velocity")}

    def domain(self):
        return Domain((Axis("x", jnp.arange(self.n) * 1.0, periodic=True),))

    def invariants(self, state):
        return {"mean": jnp.mean(state.u)}


def ring(**parameters) -> xr.Dataset:
    members = max(np.size(value) for value in parameters.values()) if parameters else 1
    return physent.run(Ring(**parameters), t_end=4.0, save_every=0.1, members=members)


@pytest.mark.parametrize("reason", ["run", "resume"])
def test_the_console_and_the_file_say_that_an_invariant_is_not_kept(command, tmp_path, reason):  # noqa: F811
    """A step that resonates with waves in a trap: |beta| k_max^2 dt = 6.3 > pi."""
    (tmp_path / "case.toml").write_text(RESONANT)
    code, out, err = command("run", "case.toml", "--output", "here")
    if reason == "resume":
        longer = (tmp_path / "here" / "experiment.toml").read_text().replace("20.0", "20.2")
        (tmp_path / "here" / "experiment.toml").write_text(longer)
        code, out, err = command("resume", "here")
    assert code == 0 and not err
    assert "bad: energy: largest drift" in out and "the method should have none" in out
    with xr.open_dataset(tmp_path / "here" / "run.nc") as dataset:
        assert "energy: bad: largest drift" in dataset.attrs["invariants"]
        assert "mass: good: drift" in dataset.attrs["invariants"]
        assert dataset.attrs["invariants"] == said(drifts(dataset))
        assert overall(checks(dataset)) == "bad"
    assert "not conserved as it should be: energy" in (tmp_path / "here" / "run.log").read_text()


def test_a_point_of_a_sweep_says_so(tmp_path):
    toy = Path(__file__).with_name("toys.py")
    text = f'[solver]\nkind = "{toy}:Heat"\n[run]\nt_end = 1.0\nsave_every = 0.1\n'
    found = run_point(text, str(tmp_path / "point"))
    assert found["status"] == "done"
    assert found["message"].startswith("not conserved as it should be: mass: largest drift")


def test_a_run_in_python_says_so_too(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, logger="physent"):
        quiet = ring()
        assert not caplog.records and quiet.attrs["invariants"].startswith("mean: good: ")
        leaking = ring(leak=1e-2)
    assert "not conserved as it should be: mean: largest drift" in caplog.text
    assert leaking.attrs["invariants"].startswith("mean: bad: ")
    solver = Ring(leak=1e-2)
    on_disk = physent.run(solver, t_end=4.0, save_every=0.1, output=tmp_path / "run")
    with on_disk:
        assert on_disk.attrs["invariants"] == leaking.attrs["invariants"]


def test_a_quantity_that_is_zero_is_measured_by_what_cancels_in_it():
    dataset = ring()
    assert abs(float(dataset.invariant_mean[0])) < 1e-15
    (drift,) = drifts(dataset)
    assert drift.state == "good" and "of its scale" in drift.sentence
    # |dI/du| |u| of a mean is the root mean square
    assert dataset.invariant_mean.attrs["scale"] == pytest.approx(np.sqrt(0.5), rel=1e-12)
    (table,) = [table for table in tables(dataset, dataset) if table.title == "invariants"]
    assert float(table.rows[0][3]) < 1e-12
    # it is the size that counts, not the unit
    (tiny,) = drifts(ring(amplitude=1e-9))
    assert tiny.state == "good"


def test_every_member_is_measured_by_its_own_scale():
    """The mean of the small member leaks, a millionth of that of the large one."""
    dataset = ring(amplitude=[1.0, 1e-6], leak=[0.0, 1e-2])
    (drift,) = drifts(dataset)
    assert drift.state == "bad" and drift.worst == pytest.approx(0.04 * np.sqrt(2), rel=0.1)
    assert scales(dataset)["invariant_mean"].shape == (2,)


def test_the_momentum_of_a_wave_at_rest_is_no_alarm():
    still = NLSE(n=64, length=20.0, initial=physent.solvers.nlse.Soliton(velocity=0.0))
    dataset = physent.run(still, t_end=1.0, save_every=0.1, variables=[])
    assert {drift.name: drift.state for drift in drifts(dataset)} == dict.fromkeys(
        ("mass", "momentum", "energy"), "good"
    )


@pytest.mark.parametrize(("precision", "size"), [("float64", 1.5e-12), ("float32", 8e-4)])
def test_what_counts_as_rounding_grows_with_the_steps(precision, size):
    """Rounding adds up to some epsilons a step: 1.5e-12 is nothing after 2,000 steps."""

    def state(steps, size):
        text = f'[solver]\nkind = "nlse"\ndt = {1 / steps}'
        t, one = np.linspace(0, 1, 11), np.float32(1) if precision == "float32" else 1.0
        values = one + size * t
        attributes = {"role": "invariant", "kept": "exactly"}
        data = {"invariant_mass": ("t", values, attributes)}
        dataset = xr.Dataset(data, {"t": t}, {"experiment": text, "precision": precision})
        return drifts(dataset)[0].state

    assert state(2000, size) == "good"
    assert state(10, size) == "bad"


def test_rounding_that_adds_up_to_much_is_no_good_either():
    t = np.linspace(0, 400, 11)
    values = (1 + 0.04 * t / 400).astype(np.float32)
    data = {"invariant_mass": ("t", values, {"role": "invariant", "kept": "exactly"})}
    text = '[solver]\nkind = "nlse"\ndt = 0.01'
    (drift,) = drifts(xr.Dataset(data, {"t": t}, {"experiment": text, "precision": "float32"}))
    assert drift.state == "fair" and "round-off of 4e+04 steps" in drift.sentence
    assert round_off(4e4, 2.0**-23) > 0.04


def test_what_oscillates_by_more_than_itself_is_bad():
    t = np.linspace(0, 10, 101)
    data = {"invariant_energy": ("t", 1 + 2 * np.sin(3 * t), {"role": "invariant"})}
    (drift,) = drifts(xr.Dataset(data, {"t": t}))
    assert drift.state == "bad" and "without a trend" in drift.sentence
