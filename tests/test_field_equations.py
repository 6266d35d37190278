"""Equations that are stated: against exact solutions, with measured orders, in one to three
dimensions, between walls, and what is said of wrong ones.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from equations import (
    HeatBetweenWalls,
    Incompressible,
    KortewegDeVries,
    Schroedinger,
    Stream,
    Waves,
    after,
)
from jax.extend.core import jaxprs_in_params
from scipy.special import ellipj, ellipk

import physent
from physent import SpectralSolver, Unknown, Variable, as_number, param
from physent.errors import ConfigError, ParameterError
from physent.numerics.basis import Basis
from physent.numerics.field import Field
from physent.numerics.operators import gradient, inverse_laplacian, laplacian
from physent.numerics.unknowns import Fields
from physent.protocol.parameters import member_axes

MODULUS = 0.9
PERIOD = 10.0
STEEPNESS = 2 * ellipk(MODULUS) / PERIOD


def cnoidal(x, t):
    """2 m p^2 cn^2(p (x - c t); m), c = 4 p^2 (2 m - 1), of u_t + 6 u u_x + u_xxx = 0."""
    speed = 4 * STEEPNESS**2 * (2 * MODULUS - 1)
    cn = ellipj(STEEPNESS * (np.asarray(x) - speed * t), MODULUS)[1]
    return 2 * MODULUS * STEEPNESS**2 * cn**2


def error_of_cnoidal_wave(method, dt, t=1.6):
    x = (np.arange(64) / 64 - 0.5) * PERIOD
    solver = KortewegDeVries(n=64, length=PERIOD, dt=dt, method=method, initial=cnoidal(x, 0))
    found = solver.observe(after(solver, t))["u"]
    return float(np.max(np.abs(found - cnoidal(x, t))))


@pytest.mark.parametrize(
    ("method", "order", "dt"), [("etdrk2", 2, 4e-3), ("imex_rk3", 3, 1e-2), ("etdrk4", 4, 2e-2)]
)
def test_the_order_of_a_method_on_a_cnoidal_wave(method, order, dt):
    errors = [error_of_cnoidal_wave(method, dt / 2**k) for k in range(3)]
    assert np.log2(errors[1] / errors[2]) == pytest.approx(order, abs=0.15)
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


def test_the_adaptive_method_keeps_its_tolerance_on_a_cnoidal_wave():
    assert error_of_cnoidal_wave("dopri8", 0.1) < 1e-8


def line_soliton(dt, method, t=2.0):
    """The error of a line soliton that moves across a 2-D torus, too short along the line for its
    transverse instability.
    """
    length, k = 60.0, 2 * np.pi / 60.0 * 8

    def exact(x, t):
        away = np.mod(x - k * t + length / 2, length) - length / 2
        return np.exp(1j * (k * x + (1 - k**2) * t / 2)) / np.cosh(away)

    x = np.broadcast_to(((np.arange(400) / 400 - 0.5) * length)[:, None], (400, 4))
    given: dict[str, Any] = dict(
        n=(400, 4), length=(length, 2.0), dt=dt, method=method, dealias="none"
    )
    solver = Schroedinger(**given, initial=exact(x, 0.0))
    return float(np.max(np.abs(solver.observe(after(solver, t))["psi"] - exact(x, t))))


def rippled_wave(dt, method):
    """psi at t = 2 from a plane wave with ripples along both axes, defocusing."""
    solver = Schroedinger(
        n=(32, 32),
        dt=dt,
        method=method,
        dealias="none",
        nonlinearity=-2.0,
        initial=lambda x, y: 1 + 0.5 * jnp.cos(x) + 0.5j * jnp.sin(y),
    )
    return solver.observe(after(solver, 2.0))["psi"]


def test_the_order_of_a_nystrom_splitting_on_an_rippled_wave():
    """On a soliton its error of fourth order is below that of higher ones, down to rounding."""
    reference = rippled_wave(1 / 256, "blanes_moan_6")
    errors = [
        float(np.max(np.abs(rippled_wave(1 / k, "blanes_moan_4") - reference))) for k in (64, 128)
    ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4, abs=0.15), errors


@pytest.mark.parametrize(
    ("method", "order", "dt"),
    [
        ("etdrk4", 4, 0.04),
        ("strang", 2, 0.02),
        ("yoshida_4", 4, 0.04),
        pytest.param("blanes_moan_6", 6, 0.25, marks=pytest.mark.slow),
        pytest.param("etdrk2", 2, 0.02, marks=pytest.mark.slow),
        pytest.param("imex_rk3", 3, 0.02, marks=pytest.mark.slow),
    ],
)
def test_the_order_of_a_method_on_a_line_soliton(method, order, dt):
    errors = [line_soliton(dt / 2**k, method) for k in range(2)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


# --------------------------------------------------------------------------------------------------
# walls


def test_heat_between_walls_decays_mode_by_mode():
    def start(x):
        place = np.pi * (x + 1.5) / 3.0
        return {"u": jnp.sin(2 * place) + jnp.sin(5 * place), "v": 1 + jnp.cos(3 * place)}

    solver = HeatBetweenWalls(n=32, length=3.0, dt=0.05, boundary="walls", initial=start)
    found, place = solver.observe(after(solver, 0.5)), np.pi * (solver.basis.points(0) + 1.5) / 3.0
    rate = [np.exp(-((m * np.pi / 3.0) ** 2) * 0.5) for m in range(6)]
    u = rate[2] * np.sin(2 * place) + rate[5] * np.sin(5 * place)
    np.testing.assert_allclose(found["u"], u, atol=1e-12)
    np.testing.assert_allclose(found["v"], 1 + rate[3] * np.cos(3 * place), atol=1e-12)


@pytest.mark.parametrize(
    ("boundary", "n", "length"), [("walls", 33, 3.0), (("walls", "periodic"), (16, 12), (3.0, 2.0))]
)
def test_waves_between_walls_return(boundary, n, length):
    """A matrix for each mode: u and its velocity, exact for any step."""
    two = isinstance(n, tuple)
    q = np.pi / 2.0 * 2 if two else 0.0

    def start(x, y=0.0):
        return {"u": jnp.sin(2 * np.pi * (x + 1.5) / 3.0) * jnp.cos(q * y), "v": 0.0 * x}

    solver = Waves(n=n, length=length, dt=0.5, mass=0.5, boundary=boundary, initial=start)
    u = solver.observe(after(solver, 5.0))["u"]
    turn = np.sqrt((2 * np.pi / 3.0) ** 2 + q**2 + 0.25) * 5.0
    begun = solver.observe(solver.init(jax.random.key(0)))["u"]
    np.testing.assert_allclose(u, np.cos(turn) * begun, atol=1e-12)


# --------------------------------------------------------------------------------------------------
# two and three dimensions


def test_a_taylor_green_vortex_decays_and_two_statements_of_advection_agree():
    solver = Stream(n=(24, 24), dt=0.05, initial=lambda x, y: 2 * jnp.cos(x) * jnp.cos(y))
    found = solver.observe(after(solver, 1.0))["vorticity"]
    x, y = solver.basis.coordinates()
    np.testing.assert_allclose(found, 2 * np.exp(-0.02) * np.cos(x) * np.cos(y), atol=1e-13)

    def start(x, y):
        return jnp.cos(x) * jnp.cos(2 * y) + jnp.sin(3 * x + y)

    given: dict[str, Any] = dict(n=(32, 24), dt=0.02, viscosity=0.01, initial=start)
    a, b = Stream(**given), physent.solvers.NavierStokes2D(**given)
    one = a.observe(after(a, 0.4))["vorticity"]
    np.testing.assert_allclose(b.observe(after(b, 0.4))["vorticity"], one, atol=1e-12)
    before, now = (a.invariants(s) for s in (a.init(jax.random.key(0)), after(a, 0.4)))
    assert 0 < now["energy"] < before["energy"] and now["enstrophy"] < before["enstrophy"]


def test_the_energy_of_a_three_dimensional_flow_is_what_viscosity_leaves():
    """dE/dt = -2 nu (enstrophy), E and the enstrophy as sums over modes; Simpson's rule in time."""

    def start(x, y, z):
        u = jnp.sin(x) * jnp.cos(y) * jnp.cos(z)
        return {"u": u, "v": -jnp.cos(x) * jnp.sin(y) * jnp.cos(z), "w": 0 * x}

    solver = Incompressible(n=(16, 16, 16), dt=0.02, viscosity=0.05, initial=start)

    def budget(state):
        basis, f = solver.basis, solver._fields_of(state, fine=False)
        square = sum(k**2 for k in basis.wavenumbers())
        power = sum(jnp.abs(field.modes) ** 2 for field in f.values()) * basis.weights()
        scale = 16**6
        divergence = f.u.dx + f.v.dy + f.w.dz
        return jnp.stack(
            [jnp.sum(power) / 2, jnp.sum(square * power) / 2, jnp.max(jnp.abs(divergence.values))]
        ) / jnp.asarray([scale, scale, 1.0])

    states = jax.lax.scan(
        lambda s, _: (solver.step(s), budget(s)), solver.init(jax.random.key(0)), None, length=41
    )[1]
    energy, enstrophy, divergence = np.asarray(states).T
    weights = np.asarray([1, *[4, 2] * 19, 4, 1]) * 0.02 / 3
    lost = 2 * 0.05 * np.sum(weights * enstrophy)
    assert energy[0] - energy[-1] == pytest.approx(lost, abs=1e-8 * energy[0])
    assert energy[-1] < 0.9 * energy[0] and np.max(divergence) < 1e-13


def test_products_on_more_points_are_without_aliasing():
    """cos^2 at two thirds of the largest wavenumber folds back unless it is formed on more."""

    class Square(SpectralSolver):
        def fields(self):
            return {"u": Variable()}

        def linear(self, k):
            return 0.0

        def nonlinear(self, f):
            return f.u * f.u

    def rate(dealias):
        solver = Square(n=32, dealias=dealias, initial=lambda x: jnp.cos(12 * x), dt=0.1)
        modes = solver.init(jax.random.key(0)).unknowns
        return np.abs(solver._rate(modes, solver.dt)[0]) / 32

    assert rate("none")[8] == pytest.approx(0.25)  # 24 wavelengths are 8 on 32 points
    assert rate("exact")[8] < 1e-15 and rate("exact")[0] == pytest.approx(0.5)
    assert np.max(rate("two_thirds")) < 1e-15  # what could fold is not there


# --------------------------------------------------------------------------------------------------
# fields


@pytest.mark.parametrize("walls", [(False, False), (True, False), (True, True)])
def test_operators_are_those_of_the_functions(walls):
    lengths = (jnp.asarray(2.0), jnp.asarray(3.0))
    basis = Basis((24, 20), lengths, walls, True, (24, 20))
    x, y = basis.coordinates()
    unit = [np.pi / 2 * (1 if walls[0] else 2), np.pi / 3 * (1 if walls[1] else 2)]
    p, q = unit[0] * (x + 1.0), unit[1] * (y + 1.5)
    f = Field.of_values(basis, jnp.cos(2 * p) * jnp.cos(3 * q))
    np.testing.assert_allclose(
        gradient(f)[0].values, -2 * unit[0] * np.sin(2 * p) * np.cos(3 * q), atol=1e-11
    )
    square = (2 * unit[0]) ** 2 + (3 * unit[1]) ** 2
    np.testing.assert_allclose(laplacian(f).values, -square * f.values, atol=1e-10)
    np.testing.assert_allclose(inverse_laplacian(laplacian(f) + 2.0).values, f.values, atol=1e-12)
    np.testing.assert_allclose(f.dx.dy.dx.dy.values, laplacian(f).dx.dx.values * 0 + (
        (2 * unit[0]) ** 2 * (3 * unit[1]) ** 2 * f.values
    ), atol=1e-8)  # fmt: skip
    for two in (
        np.float64(2.0) * f,
        f * 2,
        2.0 * np.ones((24, 20)) * f,
        jnp.full((24, 20), 2.0) * f,
    ):
        np.testing.assert_allclose(two.values, 2 * f.values, atol=1e-14)
    np.testing.assert_allclose((1 - f - f).values, 1 - 2 * f.values, atol=1e-13)
    np.testing.assert_allclose((f.square + 1.0).map(jnp.sqrt).values, ((f**2 + 1) ** 0.5).values)
    product = f.dx * f.dx
    assert product.parity == (1, 1) and np.min(product.values) >= 0


def count_of_transforms(solver):
    """How many arrays are transformed in one step, in either direction."""
    state = jax.eval_shape(lambda: solver.init(jax.random.key(0)))
    dimension, total = len(solver.basis.shape), 0

    def walk(jaxpr):
        nonlocal total
        for equation in jaxpr.eqns:
            if equation.primitive.name == "fft":
                total += int(np.prod(equation.invars[0].aval.shape[:-dimension]))
            for inner in jaxprs_in_params(equation.params):
                walk(inner)

    walk(jax.make_jaxpr(solver.step)(state).jaxpr)
    return total


@pytest.mark.parametrize(
    ("kind", "each"),
    [("KuramotoSivashinsky", 2), ("GrayScott", 3), ("NavierStokes2D", 4), ("Burgers", 2)],
)
def test_an_evaluation_takes_the_fewest_transforms(kind, each):
    """KS: u, and u^2; Gray-Scott: u and v, and one reaction; a flow: u and v, and two products."""
    solver = getattr(physent.solvers, kind)()
    # the force of the flow does not change, and is lifted out of the loop
    force = 4 if kind == "NavierStokes2D" else 0
    assert count_of_transforms(solver) - force == 4 * each


# --------------------------------------------------------------------------------------------------
# what follows


class Drift(SpectralSolver):
    """u_t + speed . grad u = source, whose source turns with time."""

    speed: jax.Array = param(default=1.0, converter=as_number, per_axis=True, doc="of the drift")

    def fields(self):
        return {"u": Variable(long_name="height")}

    def linear(self, k):
        speeds = self.speed if self.speed.ndim else [self.speed]
        return sum(-1j * speed * along for speed, along in zip(speeds, k, strict=False))

    def nonlinear(self, f):
        return jnp.cos(f.t) * jnp.cos(f.x)


def test_a_source_may_depend_on_time_and_place():
    """u = (sin t + cos t ...)/2: u_t + u_x = cos t cos x has u = t cos(x - t)/2 + sin t cos x/2."""
    solver = Drift(n=16, dt=0.05, initial=lambda x: 0 * x, length=2 * np.pi)
    x = solver.basis.points(0)
    u = solver.observe(after(solver, 2.0))["u"]
    exact = 0.5 * (2.0 * np.cos(x - 2.0) + np.sin(2.0) * np.cos(x))
    np.testing.assert_allclose(u, exact, atol=1e-6)


def test_axes_and_members_are_told_apart():
    one = KortewegDeVries(n=16, length=[10.0, 12.0])
    assert member_axes(one).length == 0
    two = Stream(n=(16, 12), length=[10.0, 12.0])
    assert member_axes(two).length is None and two.length.tolist() == [10.0, 12.0]
    assert Stream(n=(16, 12), length=3.0).length.tolist() == [3.0, 3.0]
    each = Stream(n=(16, 12), length=[[10.0, 12.0], [20.0, 24.0], [1.0, 2.0]], dt=0.01)
    assert member_axes(each).length == 0
    run = physent.run(each, t_end=0.02, save_every=0.01, members=3)
    assert run.vorticity.shape == (3, 3, 16, 12)
    with pytest.raises(ParameterError, match=r"length: given 3 numbers along the last axis.*\[\["):
        Stream(n=(16, 12), length=[1.0, 2.0, 3.0])


def test_the_same_in_an_experiment(tmp_path):
    text = """
[solver]
kind = "navier_stokes_2d"
n = [16, 12]
length = {length}
[run]
t_end = 0.02
save_every = 0.01
members = {members}
"""
    path = tmp_path / "flow.toml"
    for length, members, given in (
        ("3.0", 1, [3.0, 3.0]),
        ("[3.0, 4.0]", 2, [3.0, 4.0]),
        ("[[3.0, 4.0], [5.0, 6.0]]", 2, [[3.0, 4.0], [5.0, 6.0]]),
    ):
        path.write_text(text.format(length=length, members=members))
        assert physent.load_experiment(path).solver.length.tolist() == given
    path.write_text(text.format(length="[3.0, 4.0, 5.0]", members=3))
    with pytest.raises(ConfigError, match=r"length.*one for each axis and each member"):
        physent.load_experiment(path)


def test_a_random_start_is_the_same_function_on_every_grid():
    def start(n):
        solver = KortewegDeVries(n=n, length=PERIOD)
        return solver.observe(solver.init(jax.random.key(3)))["u"]

    coarse, fine = start(64), start(256)
    np.testing.assert_allclose(coarse, fine[::4], atol=1e-12)
    assert np.std(fine) == pytest.approx(0.1, rel=0.5) and abs(np.mean(fine)) < 1e-15


def test_a_start_from_a_file_may_be_on_another_grid(tmp_path):
    first = KortewegDeVries(n=64, length=PERIOD, dt=0.01)
    given: dict[str, Any] = dict(t_end=0.02, save_every=0.01)
    run = physent.run(first, output=tmp_path / "a", **given)
    experiment = tmp_path / "on.toml"
    experiment.write_text(
        '[solver]\nkind = "korteweg_de_vries"\nn = 128\nlength = 10.0\n'
        'initial = { file = "a/run.nc", variable = "u" }\n'
        "[run]\nt_end = 0.01\nsave_every = 0.01\n"
    )
    solver = physent.load_experiment(experiment).solver
    begun = solver.observe(solver.init(jax.random.key(0)))["u"]
    # the modes that two thirds of the finer grid keep are all of the coarser one
    np.testing.assert_allclose(begun[::2], run.u[-1], atol=1e-12)


def test_a_run_of_given_arrays_resumes_from_its_folder(tmp_path):
    x = (np.arange(32) / 32 - 0.5) * 2 * np.pi
    a = {"u": np.cos(x), "v": np.sin(x)}
    solver = physent.solvers.GrayScott(n=32, length=2 * np.pi, dt=0.1, initial=a)
    whole = physent.run(solver, t_end=0.4, save_every=0.1)
    physent.run(solver, t_end=0.2, save_every=0.1, output=tmp_path / "r")
    physent.runs.resume(tmp_path / "r", t_end=0.4)
    np.testing.assert_array_equal(physent.open_run(tmp_path / "r").u, whole.u)


WRONG = {
    "dimension": (
        lambda: physent.solvers.KuramotoSivashinsky(n=(16, 16)),
        r"^n: given \[16, 16\], 2 axes, allowed: 1 for KuramotoSivashinsky$",
    ),
    "no exact flow": (
        lambda: KortewegDeVries(method="strang"),
        r"^method: given 'strang', allowed: etdrk4.*KortewegDeVries has no exact_flow",
    ),
    "dealiasing": (
        lambda: Schroedinger(method="strang", dealias="exact"),
        "^dealias: given 'exact', but method 'strang' never forms the products: allowed with",
    ),
    "boundary": (
        lambda: Stream(n=(16, 16), boundary=("walls",)),
        "^boundary: given 1 entries, allowed: 2, one for each axis$",
    ),
    "shape": (
        lambda: KortewegDeVries(n=16, initial=np.zeros(15)),
        r"^initial: given u of shape \(15,\), allowed: \(16,\)",
    ),
    "name": (
        lambda: KortewegDeVries(n=16, initial={"v": np.zeros(16)}),
        "^initial: given 'v'.*allowed: u$",
    ),
    "arguments": (
        lambda: Stream(n=(16, 16), initial=lambda x: x),
        "^initial: given a function that does not take x, y",
    ),
    "complex": (
        lambda: KortewegDeVries(n=16, initial=1j * np.zeros(16)),
        "^initial: given complex values for a real field$",
    ),
    "one number": (lambda: KortewegDeVries(n=2), "^n: given 2"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_a_sentence(case):
    make, words = WRONG[case]
    with pytest.raises(ParameterError, match=words):
        make()


def test_what_is_wrong_in_a_statement_is_said_in_a_sentence():
    solver = Stream(n=(8, 8), boundary=("walls", "periodic"))
    f = Fields(solver.basis, {"w": Field.of_values(solver.basis, jnp.ones((8, 8)))}, 0.0)
    with pytest.raises(ValueError, match="parities"):
        f.w + f.w.dx
    with pytest.raises(ValueError, match="odd power of a wavenumber between walls"):
        1j * solver.basis.wavenumbers().x
    with pytest.raises(ValueError, match="no meaning in 2 dimensions"):
        solver.basis.wavenumbers() ** 3
    with pytest.raises(AttributeError, match="no field 'v': there are w"):
        _ = f.v
    with pytest.raises(ValueError, match=r"values of shape \(4,\), allowed: \(8, 8\)"):
        f.w * jnp.ones(4)
    with pytest.raises(TypeError, match=r"no parameter 'lenght'.*length"):

        class Wrong(KortewegDeVries):
            defaults = {"lenght": 3.0}  # noqa: RUF012


def test_fields_become_single_precision_with_the_solver():
    with jax.enable_x64(False):
        solver = Schroedinger(n=16, initial=lambda x: jnp.exp(1j * x), dt=0.01)
        state = solver.step(solver.init(jax.random.key(0)))
        assert state.unknowns.dtype == jnp.complex64 and state.t.dtype == jnp.float32


# --------------------------------------------------------------------------------------------------
# numbers that would be wrong without a word


def one(name="u", rate=lambda f: 0.0, symbol=lambda k: 0.0, **variable):
    """An equation of one unknown."""

    class One(SpectralSolver):
        degree = 3

        def fields(self):
            return {name: Unknown(**variable)}

        def linear(self, k):
            return symbol(k)

        def nonlinear(self, f):
            return rate(f)

    return One


def test_what_has_another_parity_than_its_unknown_is_refused():
    odd = one(rate=lambda f: f.u * f.u, walls="odd")
    with pytest.raises(ParameterError, match=r"given for u has the parity \(1,\) at the walls"):
        physent.run(odd(n=16, boundary="walls"), t_end=0.1, save_every=0.1)
    source = one(rate=lambda f: jnp.sin(np.pi * (f.x + 1) / 2), walls="odd")
    solver = source(n=16, length=2.0, boundary="walls", dt=0.1, initial=lambda x: 0 * x)
    x = solver.basis.points(0)
    found = solver.observe(after(solver, 1.0))["u"]
    np.testing.assert_allclose(found, np.sin(np.pi * (x + 1) / 2), atol=1e-12)
    wave = physent.solvers.Burgers(
        n=64, boundary="walls", length=2.0, viscosity=0.1, initial=lambda x: jnp.sin(np.pi * x)
    )
    whole = physent.solvers.Burgers(
        n=64, length=2.0, viscosity=0.1, initial=lambda x: jnp.sin(np.pi * x)
    )
    walls, ring = (s.observe(after(s, 0.2))["u"] for s in (wave, whole))
    np.testing.assert_allclose((walls[1:] + walls[:-1]) / 2, ring[1:], atol=2e-3)


def test_time_goes_on_between_the_kicks_of_a_splitting():
    """psi_t = i psi_xx/2 - i cos(3 t) cos(x) psi: of second order with f.t, which stands still."""

    class Driven(one("psi", complex=True)):
        def linear(self, k):
            return -0.5j * k**2

        def exact_flow(self, f, tau):
            return f.psi * jnp.exp(-1j * tau * jnp.cos(3 * f.t) * jnp.cos(f.x))

    def at(dt, method: Any = "strang"):
        solver = Driven(
            n=32, dt=dt, method=method, dealias="none", initial=lambda x: jnp.exp(jnp.cos(x)) + 0j
        )
        return solver.observe(after(solver, 1.0))["psi"]

    exact = at(1 / 200, "yoshida_4")
    errors = [np.max(np.abs(at(1 / n) - exact)) for n in (20, 40)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.15)


def test_a_run_that_does_not_lead_back_has_no_gradient():
    class Lost(one("psi", symbol=lambda k: -0.5j * k**2, complex=True)):
        gain: jax.Array = param(default=1.0, converter=as_number, doc="of the kick")

        def exact_flow(self, f, tau):  # decays, whatever the sign of tau
            return f.psi * jnp.exp(-jnp.abs(self.gain * tau))

    def last(gain):
        solver = Lost(n=16, dt=0.1, method="strang", dealias="none", gain=gain)
        rows, _ = physent.trajectory(solver, 1, 20, adjoint="reversible")
        return jnp.sum(jnp.abs(rows["psi"][-1]))

    assert np.isnan(jax.grad(last)(jnp.asarray(1.0)))
    held = Schroedinger(n=16, method="strang", dealias="none")
    assert held.why_irreversible() is None


@pytest.mark.parametrize("walls", [(False,), (True,), (True, False), (True, True)])
@pytest.mark.parametrize("sign", ["even", "odd"])
def test_a_random_start_has_its_amplitude(walls, sign):
    boundary: Any = tuple("walls" if wall else "periodic" for wall in walls)
    n = (32,) * len(walls) if len(walls) > 1 else 32
    solver = one(walls=sign)(n=n, boundary=boundary, dealias="none")
    keys = jax.random.split(jax.random.key(0), 100)
    found = jax.vmap(lambda key: jnp.mean(solver.initial(solver, key)["u"] ** 2))(keys)
    assert np.mean(found) / 0.01 == pytest.approx(1, abs=0.12)


def test_a_start_from_a_file_of_another_box_is_refused(tmp_path):
    first = KortewegDeVries(n=32, length=PERIOD, dt=0.01)
    physent.run(first, t_end=0.01, save_every=0.01, output=tmp_path / "a")
    for length, boundary, wrong in ((PERIOD, "periodic", False), (20.0, "periodic", True)):
        (tmp_path / "on.toml").write_text(
            f'[solver]\nkind = "burgers"\nn = 64\nlength = {length}\nboundary = "{boundary}"\n'
            'initial = { file = "a/run.nc", variable = "u" }\n'
            "[run]\nt_end = 0.002\nsave_every = 0.002\n"
        )
        if wrong:
            with pytest.raises(ConfigError, match=r"x goes from -5 to .* those of this box"):
                physent.load_experiment(tmp_path / "on.toml")
        else:
            physent.load_experiment(tmp_path / "on.toml")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: one("t")(n=8), "names an unknown 't'"),
        (lambda: one(walls="ood")(n=8), "walls .'ood',., allowed: 'even' or 'odd'"),
        (lambda: one(walls=("odd", "even"))(n=8), "one an axis"),
        (
            lambda: one(walls="odd")(n=8, boundary="walls", method="dopri8"),
            "or antiperiodic axis only",
        ),
    ],
)
def test_names_and_walls_that_mean_nothing_are_refused(make, words):
    with pytest.raises(ParameterError, match=words):
        make()


def test_powers_of_wavenumbers_are_whole_and_squares_keep_the_last_mode():
    k = one(complex=True)(n=8).basis.wavenumbers()
    np.testing.assert_array_equal(k * k, k**2)
    np.testing.assert_array_equal(k.x * k.x, k**2)
    power: Any
    for power in (0.5, -2):
        with pytest.raises(ValueError, match="allowed: whole powers"):
            k**power
