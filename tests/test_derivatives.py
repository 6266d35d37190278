"""Derivatives through `physent.trajectory`: of every registered solver along every `param`, in both
modes, against differences; and the sentence where a mode cannot be.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from differentiating import derivatives, noise_of_float32
from jaxtyping import Array
from test_contract import SOLVERS

import physent
from physent import as_number, param
from physent.errors import DerivativeError
from physent.numerics.derivatives import angle, forward_only, repeat, reverse_only, root
from physent.numerics.neighbors import find_neighbors, sum_over_neighbors
from physent.numerics.space import Space
from physent.solvers import ActiveMatter, KelvinHelmholtz, KleinGordon
from physent.solvers.active_matter import PairForce
from physent.solvers.active_matter.pair_force import PAIR_FORCES, CustomForce
from physent.solvers.nlse import Harmonic, Soliton

# field equations: all of one method, so two of them stand for the others in the fast tests
GALLERY = {
    "burgers": 32,
    "cahn_hilliard": (8, 8),
    "complex_ginzburg_landau": 16,
    "complex_klein_gordon": (8, 8),
    "fitzhugh_nagumo": 32,
    "gray_scott": (12, 12),
    "korteweg_de_vries": 32,
    "kuramoto_sivashinsky": 32,
    "navier_stokes_2d": (12, 12),
    "swift_hohenberg": (8, 8),
}
# small, and stepped in a way that has both modes; any other solver as it comes
SMALL = {kind: dict(n=n) for kind, n in GALLERY.items()} | {
    "active_matter": dict(particles=8, packing_fraction=0.1, diffusivity=0.1),
    "couzin": dict(n=10),
    "kelvin_helmholtz": dict(nx=8, nz=8, dt=0.02, stepping="fixed"),
    "klein_gordon": dict(n=32, length=20.0, method="strang"),
    "linear_langevin": dict(walkers=8),
    # off the grid: at 0 the tail would jump at the edge of the box
    "nlse": dict(n=32, length=20.0, method="strang", initial=lambda: Soliton(position=0.3)),
    "tilted_ring": dict(walkers=8),
    "vicsek": dict(n=12, length=3.0),
}


def off_the_grid():
    """A trap whose edge, half a box away, is between two points."""
    return Harmonic(position=0.3)


# rarer methods and choices, several in each
RARER = {
    "active_matter": [
        dict(method="splitting", boundary="open", initial="lattice"),
        dict(method="adams_bashforth", dimension=3, initial="lattice", propulsion="brownian"),
    ],
    "couzin": [dict(turning="interpolation", noise_model="vector", dimensions=2)],
    "kelvin_helmholtz": [
        dict(method="spectral", with_dye=True),
        dict(diffusion="exponential", advection="central"),
    ],
    "klein_gordon": [
        dict(
            method="stormer_verlet", potential="phi4", initial="phi4_kink", boundary="antiperiodic"
        ),
        dict(method="blanes_moan_6", potential="sine_gordon", initial="breather"),
        dict(method="dopri8"),
    ],
    "ordinary": [
        dict(system="roessler", dt=0.05),
        dict(method="blanes_moan_4", system="henon_heiles"),
        dict(system="double_pendulum", method="rk4"),
        dict(system="henon"),
    ],
    "nlse": [
        dict(method="yoshida_4", potential=off_the_grid),
        dict(method="blanes_moan_6", dealias="filter", initial="plane_wave"),
        dict(method="etdrk4", initial="breather"),
        dict(method="dopri8"),
    ],
}
# What a run of this length does not depend on, or only by a decision (who is near, when a loop
# ends): the derivative is 0, also where the run jumps.
ZERO = {kind: {"rtol", "atol"} for kind in GALLERY} | {
    "active_matter": {"skin"},
    "couzin": {"repulsion_radius", "orientation_width", "attraction_width", "blind_angle"},
    "kelvin_helmholtz": {"courant", "schmidt"},  # no dye is carried
    "klein_gordon": {"rtol", "atol"},
    "nlse": {"rtol", "atol"},
    "ordinary": {"rtol", "atol"},
    "vicsek": {"radius"},
}
# the mode that a method does not have, an observable, and the cure that the sentence names
WITHOUT = {
    "adaptive": (
        "reverse",
        lambda: KelvinHelmholtz(nx=8, nz=8, dt=0.02),
        "w",
        "allowed: stepping = 'fixed', or forward mode",
    ),
    "dopri8": (
        "forward",
        lambda: KleinGordon(n=8, method="dopri8"),
        "phi",
        r"allowed: reverse mode \(jax.vjp, jax.grad\), or a method with a fixed step",
    ),
    "random": (
        "reverse",
        lambda: ActiveMatter(particles=8, packing_fraction=0.2, force="wca"),
        "position",
        "allowed: initial = 'lattice', forward mode",
    ),
}


def small(kind, **more):
    given = SMALL.get(kind, {}) | more
    return SOLVERS[kind](**{key: of() if callable(of) else of for key, of in given.items()})


@functools.cache
def in_float64(kind):
    with noise_of_float32():
        return derivatives(small(kind))


def after_a_step(solver, name):
    """One number from an observable, as a function of dt."""

    @jax.jit
    def along(dt):
        one = eqx.tree_at(lambda solver: solver.dt, solver, dt)
        _, last = physent.trajectory(one, 1, save=lambda *_: ())
        values = one.observe(last)[name].ravel()
        return jnp.sum(values * jnp.cos(jnp.arange(values.size)))

    return along


def reverse(solver, name):
    return jax.grad(after_a_step(solver, name)), solver.dt


def forward(solver, name):
    along = after_a_step(solver, name)
    return lambda dt: jax.jvp(along, (dt,), (jnp.ones_like(dt),))[1], solver.dt


SLOW = {*GALLERY} - {"gray_scott", "kuramoto_sivashinsky"}
KINDS = [pytest.param(kind, marks=pytest.mark.slow) if kind in SLOW else kind for kind in SOLVERS]


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_along_every_param_are_those_of_the_run(kind):
    found = in_float64(kind)
    size = np.max(np.abs(found.difference))
    for name, reverse, forward, difference in zip(*found, strict=True):
        assert reverse == pytest.approx(difference, rel=1e-5, abs=1e-7 * size), name
        # random numbers may be rounded to float32 in two ways in one program
        assert reverse == pytest.approx(forward, rel=1e-6, abs=1e-8 * size), name
    assert {name for name, slope in zip(found.names, found.reverse, strict=True) if slope == 0} == (
        ZERO.get(kind, set())
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOLVERS)
def test_derivatives_in_float32_are_nearly_those_in_float64(kind):
    wide = in_float64(kind)
    with jax.enable_x64(False):
        narrow = derivatives(small(kind), h=None)
    size = np.max(np.abs(wide.reverse))
    for name, b, *both in zip(
        narrow.names, wide.reverse, narrow.reverse, narrow.forward, strict=True
    ):
        for a in both:
            assert a == pytest.approx(b, rel=1e-2, abs=1e-3 * size), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "more"), [(kind, more) for kind, several in RARER.items() for more in several]
)
def test_derivatives_of_rarer_methods_are_those_of_the_run(kind, more):
    found = derivatives(small(kind, **more), ("reverse",))
    size = np.max(np.abs(found.difference))
    for name, reverse, _, difference in zip(*found, strict=True):
        assert reverse == pytest.approx(difference, rel=1e-4, abs=1e-6 * size), name


@pytest.mark.parametrize("case", WITHOUT)
def test_a_mode_that_cannot_be_says_so_in_a_sentence(case):
    """Reverse mode says so when it is traced, forward mode when it is compiled."""
    mode, make, name, words = WITHOUT[case]
    slope, dt = (reverse if mode == "reverse" else forward)(make(), name)
    with pytest.raises(DerivativeError, match=words):
        jax.eval_shape(slope, dt) if mode == "reverse" else jax.jit(slope).lower(dt)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["adaptive", "random"])
def test_the_other_mode_is_there(case):
    mode, make, name, _ = WITHOUT[case]
    slope, dt = (forward if mode == "reverse" else reverse)(make(), name)
    along = after_a_step(make(), name)
    difference = (along(dt * (1 + 1e-6)) - along(dt * (1 - 1e-6))) / (2e-6 * dt)
    assert float(jax.jit(slope)(dt)) == pytest.approx(float(difference), rel=1e-5)


@pytest.mark.parametrize("words", ["use the other mode"])
def test_values_go_through_a_guard_and_derivatives_in_one_mode(words):
    x = jnp.arange(3.0)
    for guard, there, missing in (
        (forward_only, jax.jacfwd, jax.jacrev),
        (reverse_only, jax.jacrev, jax.jacfwd),
    ):

        def square(x, guard=guard):
            (x,) = guard((x,), words)
            return x**2

        np.testing.assert_array_equal(jax.jit(square)(x), x**2)
        np.testing.assert_array_equal(jax.jit(there(square))(x), 2 * jnp.diag(x))
        for differentiate in (missing(square), jax.jit(missing(square))):
            with pytest.raises(DerivativeError, match=words):
                differentiate(x)


def test_a_loop_of_unknown_length_has_both_modes_and_second_derivatives():
    """x^3 x by multiplication, of at most 5 turns."""

    @jax.jit
    def power(x, count):
        return repeat(lambda _, value: value * x, count, x, 5)

    x, three = jnp.asarray(1.5), jnp.asarray(3)
    assert power(x, three) == pytest.approx(1.5**4)
    assert jax.grad(power)(x, three) == pytest.approx(4 * 1.5**3)
    assert jax.jvp(lambda x: power(x, three), (x,), (x,))[1] == pytest.approx(4 * 1.5**4)
    assert jax.hessian(power)(x, three) == pytest.approx(12 * 1.5**2)
    rows = jax.vmap(jax.grad(power), (None, 0))(x, jnp.arange(6))
    np.testing.assert_allclose(rows, [(n + 1) * 1.5**n for n in range(6)])


def test_turns_that_are_not_taken_do_not_spoil_a_derivative():
    """x -> sqrt(x - 1) three times, of at most 5: the fifth is NaN."""
    slope = jax.grad(lambda x: repeat(lambda _, x: jnp.sqrt(x - 1), jnp.asarray(3), x, 5))
    h, x = 1e-6, 30.0
    ahead, back = (np.sqrt(np.sqrt(np.sqrt(x + d - 1) - 1) - 1) for d in (h, -h))
    assert float(jax.jit(slope)(x)) == pytest.approx((ahead - back) / (2 * h), rel=1e-6)


def test_roots_and_angles_of_nothing_have_no_slope_and_those_of_nan_have_nan():
    assert np.isnan(jax.grad(root)(np.nan)) and jax.grad(root)(np.inf) == 0
    assert jax.grad(root)(0.0) == 0 and jax.grad(root)(4.0) == 0.25
    for z, slope in ((0j, 0.0), (1e-200 + 0j, 0.0), (2j, -0.5)):
        assert jax.grad(lambda x, z=z: angle(jnp.asarray(x + z)))(0.0) == slope


class Fussy(PairForce):
    """A force of somebody's own, NaN beyond its reach and infinite at 0."""

    strength: Array = param(default=0.7, converter=as_number, doc="k")
    size: Array = param(default=1.5, converter=as_number, doc="a")

    def reach(self):
        return self.size

    def magnitude(self, r):
        return self.strength * (1 / r - 1 / self.size) ** 2.5 / jnp.sqrt(self.size - r)


def of_their_own():
    return CustomForce(function=lambda r: jnp.exp(-r) / r, cutoff=8.0)


@pytest.mark.parametrize(
    "cls",
    [
        *(cls for cls in PAIR_FORCES.values() if cls is not CustomForce),
        pytest.param(of_their_own, id="CustomForce"),  # which has no function by default
        Fussy,
    ],
)
def test_a_pair_force_has_derivatives_at_empty_slots_and_beyond_its_reach(cls):
    """With a list, whose empty slots are at r = 0, as with all pairs; and as differences."""
    numbers, rest = eqx.partition(cls(), eqx.is_inexact_array)
    reach = float(cls().reach()) or 1.0
    r = reach * jnp.asarray([0.0, 0.45, 0.9, 1.5])

    def of(numbers, r):
        force = eqx.combine(numbers, rest)
        return jnp.sum(force.over_distance(r**2) + force.stiffness(r**2, 2))

    slopes, along = jax.jit(jax.grad(of, (0, 1)))(numbers, r)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((slopes, along)))
    ahead, back = (of(numbers, r * (1 + h)) for h in (1e-6, -1e-6))
    size = float(jnp.max(jnp.abs(r * along))) + 1e-12
    assert float(along @ r) == pytest.approx(float(ahead - back) / 2e-6, abs=1e-6 * size)


def test_a_neighbour_list_has_the_derivatives_of_all_pairs():
    """Along positions, the box and the force, in both modes, with empty slots in the list."""
    position = jax.random.uniform(jax.random.key(1), (12, 2), minval=-3, maxval=3)

    def energy(position, length, size, slots):
        space = Space.torus(jnp.full(2, length))
        pairs = find_neighbors(position, space, jnp.asarray(2.5), slots)
        force = Fussy(size=size)

        def pull(parts, squared):
            return -force.over_distance(squared)[None] * jnp.stack(parts)

        return jnp.sum(jnp.sin(sum_over_neighbors(pull, position, pairs, space)))

    at = position, jnp.asarray(6.0), jnp.asarray(1.5)
    of_all, of_few = (functools.partial(energy, slots=slots) for slots in (11, 10))
    everybody = jax.jit(jax.grad(of_all, (0, 1, 2)))(*at)
    listed = jax.jit(jax.grad(of_few, (0, 1, 2)))(*at)
    ahead = jax.jit(lambda *at: jax.jvp(of_few, at, at)[1])(*at)
    for a, b in zip(everybody, listed, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    product = sum(jnp.vdot(a, b) for a, b in zip(everybody, at, strict=True))
    assert float(ahead) == pytest.approx(float(product), rel=1e-9)
