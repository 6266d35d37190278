"""dt = "auto" in files and in Python, for every solver with a rule, and notes on steps too long."""

import logging
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_cli import physent as command  # noqa: F401 - a fixture

import physent
from physent.engine.trajectory import trajectory
from physent.errors import ParameterError
from physent.experiment.building import load_experiment
from physent.experiment.time_step import doubts
from physent.protocol.parameters import is_automatic
from physent.solvers.active_matter import ActiveMatter
from physent.solvers.couzin import Couzin
from physent.solvers.kelvin_helmholtz import KelvinHelmholtz
from physent.solvers.klein_gordon import KleinGordon
from physent.solvers.langevin import LinearLangevin, TiltedRing
from physent.solvers.nlse import NLSE, Soliton

TRAPPED = """name = "trapped"
[solver]
kind = "nlse"
n = 64
length = 16.0
dt = 0.05
nonlinearity = -5.0
potential = { kind = "harmonic", frequency = 1.0 }
initial = { kind = "breather" }
[run]
t_end = 0.1
save_every = 0.1
"""
RULES = [
    # pi/(0.5 (pi 64/16)^2) = 0.0398; half a radian of |psi|^2 = 1 is 0.5, a tenth 0.1
    (NLSE(n=64, length=16.0, dt="auto"), 0.9 * 0.0397887),
    (NLSE(n=16, length=16.0, dt="auto"), 0.5),
    (NLSE(n=16, length=16.0, dt="auto", method="strang"), 0.1),
    (NLSE(n=64, length=16.0, dt="auto", method="dopri8"), np.inf),
    (KleinGordon(n=64, length=16.0, dt="auto"), 0.125),
    (KelvinHelmholtz(nx=16, nz=8, dt="auto"), np.inf),
    (ActiveMatter(dt="auto"), 0.1 * 2 / 8),  # softplus: |f'| < 1
    (LinearLangevin(dt="auto"), np.inf),
    (TiltedRing(dt="auto", tilt=2.0), 0.025),
]


@pytest.mark.parametrize(("solver", "limit"), RULES)
def test_auto_in_python_becomes_a_number_that_divides_the_rows(solver, limit):
    """What it becomes is at most what the rule says, and as much as fits."""
    assert is_automatic(solver.dt)
    every = 0.2
    run = physent.run(solver, t_end=every, save_every=every, variables=[])
    dt = physent.experiment.recorded.experiment_of(run.attrs)["solver"]["dt"]
    steps = every / dt
    assert steps == pytest.approx(round(steps), rel=1e-12)
    assert round(steps) == max(1, np.ceil(every / limit * (1 - 1e-3)))
    assert dt <= limit * (1 + 1e-3)


def test_a_fixed_step_of_the_flow_keeps_to_the_courant_limit():
    flow = KelvinHelmholtz(nx=32, nz=16, stepping="fixed", dt=1e-9)
    longest = float(flow.longest_dt())
    assert 0 < longest <= 1.0 / (0.9 / (2.0 / 32))  # |u| is about 1
    long = KelvinHelmholtz(nx=32, nz=16, stepping="fixed", dt=3 * longest)
    assert "Courant limit of the initial flow" in doubts(long)[0]
    assert not doubts(KelvinHelmholtz(nx=32, nz=16, dt=3 * longest))


def test_members_share_the_shortest_of_their_steps():
    solver = NLSE(n=64, length=[16.0, 8.0], dt="auto")
    run = physent.run(solver, t_end=0.1, save_every=0.1, members=2, variables=[])
    dt = physent.experiment.recorded.experiment_of(run.attrs)["solver"]["dt"]
    assert dt <= 0.9 * float(np.pi / (0.5 * (np.pi * 64 / 8) ** 2))


@pytest.mark.parametrize("members", [False, True])
def test_a_steep_force_wants_a_short_step(members):
    strong = [1.0, 100.0] if members else 100.0
    limit = np.asarray(ActiveMatter(force=force(strong)).longest_dt())
    assert np.min(limit) == pytest.approx(0.1 * 2 / 800, rel=1e-3)
    assert "swing apart" in doubts(ActiveMatter(force=force(strong), dt=0.01))[0]
    assert not doubts(ActiveMatter(dt=0.01))


def force(strength):
    from physent.solvers.active_matter import Softplus

    return Softplus(strength=strength)


def test_the_note_has_its_line_and_the_run_goes_on(command, tmp_path):  # noqa: F811
    (tmp_path / "case.toml").write_text(TRAPPED)
    words = "note: case.toml:6: solver.dt: given 0.05, longer than pi/(|beta| k_max^2) = 0.0397887"
    code, out, err = command("validate", "case.toml")
    assert code == 0 and not err and words in out and "resonance" in out
    code, out, err = command("run", "case.toml", "--output", "here")
    assert code == 0 and not err and words in out
    assert "longer than pi" in (tmp_path / "here" / "run.log").read_text()
    for other in ("solver.dt=0.02", "solver.dt=auto"):
        code, out, err = command("validate", "case.toml", "--set", other)
        assert code == 0 and "note:" not in out
    assert "note: --set: solver.dt" in command("validate", "case.toml", "--set", "solver.dt=0.1")[1]
    recorded = load_experiment(tmp_path / "case.toml", ["solver.dt=auto"]).toml()
    (tmp_path / "again.toml").write_text(recorded)
    # half a radian of 5 |psi|^2 + V
    assert float(load_experiment(tmp_path / "again.toml").solver.dt) == 0.1 / 11


def test_waves_on_a_background_are_noted_and_a_pulse_in_empty_space_is_not(caplog):
    on_background = NLSE(n=64, length=16.0, dt=0.05, initial="plane_wave")
    assert doubts(on_background) and not doubts(NLSE(n=64, length=40.0, dt=0.5))
    assert not doubts(NLSE(n=64, length=16.0, dt=0.05, initial="plane_wave", method="etdrk4"))
    with caplog.at_level(logging.WARNING, logger="physent"):
        physent.run(on_background, t_end=0.1, save_every=0.1, variables=[])
    assert "solver.dt: given 0.05, longer than pi/(|beta| k_max^2)" in caplog.text
    assert doubts(KleinGordon(n=64, length=16.0, dt=0.3, potential="phi4", **kink()))
    assert not doubts(KleinGordon(n=64, length=16.0, dt=0.3))  # a free field is exact
    assert "swims 3" in doubts(Couzin(dt=1.0))[0] and not doubts(Couzin())
    assert doubts(TiltedRing(dt=0.5)) and not doubts(LinearLangevin(dt=0.5))


def kink() -> dict[str, Any]:
    return {"initial": "phi4_kink", "boundary": "antiperiodic"}


def test_auto_is_no_number_before_a_run_has_made_it_one():
    for given in (float("nan"), np.float32("nan"), np.array([0.1, np.nan])):
        with pytest.raises(ParameterError, match="dt: given"):
            NLSE(dt=given)
    with pytest.raises(ParameterError, match="length: given 'auto', allowed: a number > 0"):
        NLSE(length="auto")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ParameterError, match="no rule"):
        physent.run(
            Couzin(dt="auto"),  # pyright: ignore[reportArgumentType]
            t_end=1.0,
            save_every=0.5,
        )
    with pytest.raises(ParameterError, match=r"only physent\.run"):
        trajectory(NLSE(n=16, dt="auto"), 1)


@pytest.mark.parametrize(
    "given",
    [1j, np.array(1 + 0j), [1.0, 2j], jnp.asarray(1j), np.complex64(1)],
    ids=["python", "numpy", "list", "jax", "single"],
)
def test_complex_numbers_are_not_made_real(given):
    with pytest.raises(ParameterError, match=r"nonlinearity: given complex numbers \(.*lost"):
        NLSE(nonlinearity=given)


def test_a_complex_potential_is_refused_with_its_name():
    from physent.solvers.nlse import SampledPotential

    x = np.linspace(-8, 8, 64, endpoint=False)
    with pytest.raises(ParameterError, match="values: given complex numbers"):
        SampledPotential(values=0.05 * x**2 - 0.1j)


def test_a_parameter_that_declares_complex_numbers_keeps_them():
    from jaxtyping import Array, Complex

    from physent import param
    from physent.protocol.parameters import Declared

    class Drive(Declared):
        amplitude: Complex[Array, ""] = param(1.0, doc="complex")
        own: Array = param(1.0, converter=jnp.asarray, doc="with a converter of its own")

    drive = Drive(amplitude=1 + 2j, own=3j)  # pyright: ignore[reportArgumentType]
    assert complex(drive.amplitude) == 1 + 2j and complex(drive.own) == 3j


@pytest.mark.parametrize("made", ["float32", "float64"])
def test_a_solver_of_another_precision_is_refused(made):
    """What was made while JAX computed in float32 would run in it, in a file that says float64."""
    from physent.diagnostics import Entropy
    from physent.entropy import Renyi

    now = "float32" if made == "float64" else "float64"
    with jax.enable_x64(made == "float64"):
        solvers = [NLSE(n=16), NLSE(n=16, length=[50.0, 40.0])]
        diagnostic = Entropy(of="density", measure=Renyi(order=2.0))
    with jax.enable_x64(now == "float64"):
        for members, solver in enumerate(solvers, 1):
            with pytest.raises(ParameterError, match=rf"solver: .*length in {made}.* in {now}"):
                physent.run(solver, t_end=0.1, save_every=0.1, members=members)
        with pytest.raises(ParameterError, match=rf"diagnostics.0: given measure.order in {made}"):
            physent.run(NLSE(n=16), t_end=0.1, save_every=0.1, diagnostics=[diagnostic])
        run = physent.run(NLSE(n=16, initial=Soliton()), t_end=0.1, save_every=0.1)
        assert run.attrs["precision"] == now and run.invariant_mass.dtype == now
