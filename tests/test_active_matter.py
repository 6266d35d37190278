"""Active particles: forces by list and by all pairs, growth, integrators, free motion."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov

import physent
from physent.diagnostics import EntropyProduction, MeanSquareDisplacement
from physent.errors import ParameterError, RunError
from physent.solvers.active_matter import (
    WCA,
    ActiveMatter,
    Brownian,
    NoForce,
    OrnsteinUhlenbeck,
    RunAndTumble,
    Softplus,
    Yukawa,
    pair_production,
)

DISCS = ActiveMatter(
    particles=150, packing_fraction=0.6, speed=0.5, dt=0.02, neighbors=20, skin=0.5
)


@pytest.mark.slow
@pytest.mark.parametrize("boundary", ["periodic", pytest.param("open", marks=pytest.mark.slow)])
def test_forces_by_list_are_those_of_all_pairs_while_particles_move(boundary):
    by_list = dataclasses.replace(DISCS, boundary=boundary, neighbors=60)
    by_pairs = dataclasses.replace(by_list, neighbors=149)

    @eqx.filter_jit
    def run(solver):
        state = jax.lax.fori_loop(
            0, 200, lambda _, state: solver.step(state), solver.init(jax.random.key(0))
        )
        return state, solver.observe(state)

    listed, first = run(by_list)
    _, second = run(by_pairs)
    assert listed.neighbors.renewals > 10 and listed.neighbors.overflow() == 0
    for name in ("force", "unwrapped", "propulsion"):
        np.testing.assert_allclose(
            first[name], second[name], atol=1e-12 if name == "force" else 1e-11
        )
    assert np.abs(first["force"]).max() > 0.1
    np.testing.assert_allclose(
        np.sum(np.asarray(first["force"]), axis=0), 0, atol=1e-11
    )  # action and reaction


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize(
    ("particles", "dimension", "slots"),
    [
        (10, 2, 8),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in [(600, 3, 60), (5000, 2, 40)]),
    ],
)
def test_forces_at_rest_by_list_are_those_of_numpy(particles, dimension, slots, boundary):
    """Lists with fewer slots than there are others, so that they are lists, not all pairs."""
    solver = dataclasses.replace(
        DISCS,
        particles=particles,
        dimension=dimension,
        packing_fraction=0.4,
        neighbors=slots,
        boundary=boundary,
    )

    @eqx.filter_jit
    def start(solver):
        state = solver.init(jax.random.key(1))
        return solver.observe(state), state.neighbors

    observed, neighbors = start(solver)
    assert neighbors.capacity < particles - 1 and neighbors.overflow() == 0
    x, length = np.asarray(observed["position"]), float(solver._length())
    assert np.abs(observed["force"]).max() > 0.1
    for some in np.array_split(np.arange(particles), max(1, particles // 500)):
        away = x[some, None] - x[None]
        if boundary == "periodic":
            away -= length * np.round(away / length)
        r = np.linalg.norm(away, axis=-1)
        there = (r > 0) & (r < float(solver.force.reach()))
        f = np.where(there, np.log1p(np.exp(7.5 * (2 - r))) / 7.5, 0) / np.where(r > 0, r, 1)
        np.testing.assert_allclose(
            observed["force"][some], np.sum(f[..., None] * away, axis=1), atol=1e-12
        )


@pytest.mark.slow
def test_an_overflow_is_mended_and_nothing_is_lost():
    """Too few slots at the start and later: the trajectory is that with enough from the beginning,
    but for rounding.

    Sums over 24 and over 60 slots are not associated alike.
    """
    small, large = (dataclasses.replace(DISCS, neighbors=slots) for slots in (3, 60))
    runs = [
        physent.run(solver, t_end=2.0, save_every=1.0, variables=["unwrapped", "force"])
        for solver in (small, large)
    ]
    for name in ("unwrapped", "force"):
        np.testing.assert_allclose(runs[0][name].values, runs[1][name].values, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "members"), [("euler_maruyama", 2), ("adams_bashforth", 1)])
def test_an_overflow_on_the_way_is_mended_and_nothing_is_lost(method, members):
    """A trap gathers particles that were far apart: the list runs out of slots long after the
    start.
    """
    few = dataclasses.replace(
        DISCS,
        particles=36,
        boundary="open",
        trap=0.3,
        packing_fraction=0.05,
        initial="lattice",
        neighbors=12,
        speed=jnp.linspace(0.4, 0.5, 2) if members > 1 else 0.5,
        method=method,
    )
    asked: dict[str, Any] = dict(
        t_end=6.0, save_every=0.5, variables=["unwrapped", "force"], members=members
    )
    runs = [physent.run(dataclasses.replace(few, neighbors=slots), **asked) for slots in (12, 35)]
    for name in ("unwrapped", "force"):
        np.testing.assert_allclose(runs[0][name].values, runs[1][name].values, atol=1e-9)
    r = np.linalg.norm(
        runs[0].unwrapped.values[..., None, :] - runs[0].unwrapped.values[..., None, :, :], axis=-1
    )
    near = np.sum(r < 3.2, axis=-1).reshape(len(r), -1).max(axis=1) - 1
    assert near[0] < 10 and near[-1] > 12  # it did run out


@pytest.mark.compiles_afresh
@pytest.mark.slow
def test_a_run_that_grew_at_the_start_can_be_resumed(tmp_path):
    small = dataclasses.replace(DISCS, neighbors=3)
    whole = physent.run(small, t_end=2.0, save_every=0.5, variables=["unwrapped"])
    stopped = physent.run(
        small, t_end=1.0, save_every=0.5, variables=["unwrapped"], output=tmp_path / "run"
    )
    stopped.close()
    path = tmp_path / "run" / "experiment.toml"
    path.write_text(path.read_text().replace("t_end = 1.0", "t_end = 2.0"))
    from physent.runs import resume

    with resume(tmp_path / "run").dataset() as resumed:
        np.testing.assert_array_equal(resumed.unwrapped.values, whole.unwrapped.values)


def test_a_random_start_with_a_force_that_diverges_is_pushed_apart():
    """By bounded moves, until a step moves nobody by more than 5 % of the reach of the force."""
    solver = ActiveMatter(
        particles=40, force=WCA(), dt=1e-3, initial="random", neighbors=39, speed=1.0
    )
    state = eqx.filter_jit(lambda solver: solver.init(jax.random.key(0)))(solver)
    force = np.linalg.norm(solver._pairs.forces(state.position, state.neighbors), axis=1)
    assert 0 < force.max() * 1e-3 <= 0.05 * solver.force.reach() and state.leap == 0
    ends = eqx.filter_jit(
        lambda solver, state: jax.lax.fori_loop(0, 50, lambda _, s: solver.step(s), state)
    )
    end = ends(solver, state)
    assert end.leap < 0.06 and solver.error(end) == 0


def test_steps_too_long_for_the_force_end_the_run():
    solver = ActiveMatter(particles=40, force=WCA(), dt=0.5, initial="random", neighbors=39)
    with pytest.raises(
        RunError, match="moved a particle farther than its reach in one step: dt is too large"
    ):
        physent.run(solver, t_end=100.0, save_every=50.0, variables=["position"])


@pytest.mark.parametrize(
    "force",
    [Softplus(), *(pytest.param(force, marks=pytest.mark.slow) for force in (WCA(), Yukawa()))],
)
def test_stiffness_is_the_divergence_of_the_force(force):
    r = jnp.asarray([1.7, 2.0, 2.2])
    x = jnp.stack([0.6 * r, 0.8 * r], axis=1)

    def of(x):
        return x * force.over_distance(jnp.sum(x**2))

    divergence = jax.vmap(lambda x: jnp.trace(jax.jacfwd(of)(x)))(x)
    np.testing.assert_allclose(force.stiffness(r**2, 2), divergence, rtol=1e-10)
    assert (
        force.over_distance(jnp.zeros(())) == 0
        and force.over_distance(force.reach() ** 2 * 1.001) == 0
    )
    assert force.stiffness(jnp.zeros(()), 2) == 0


def test_the_slope_of_the_softplus_force_is_the_logistic_function_at_contact_too():
    r, force = jnp.asarray([1.0, 1.9, 2.0, 2.2, 3.0]), Softplus(strength=3.0)
    share = 1 / (1 + np.exp(-7.5 * (2 - np.asarray(r))))
    np.testing.assert_allclose(force.stiffness(r**2, 1), -3 * share, rtol=1e-12)
    second = jax.vmap(jax.grad(jax.grad(force.magnitude)))(r)
    np.testing.assert_allclose(second, 3 * 7.5 * share * (1 - share), rtol=1e-12)


def test_the_softplus_force_in_float32_is_right_to_rounding():
    with jax.enable_x64(False):
        r = np.linspace(0.01, 3.2, 2000, dtype=np.float32)
        f = np.asarray(Softplus().magnitude(jnp.asarray(r)))
    assert f.dtype == np.float32
    exact = np.logaddexp(0, 7.5 * (2 - r.astype(float))) / 7.5
    np.testing.assert_allclose(f, exact, rtol=3e-6)


def test_the_divergence_of_the_drift_is_the_sum_of_its_derivatives():
    solver = ActiveMatter(
        particles=6, boundary="open", packing_fraction=0.6, trap=0.3, diffusivity=0.1, neighbors=5
    )

    @eqx.filter_jit
    def both(solver):
        state = solver.init(jax.random.key(0))
        return solver.divergence(state), physent.StochasticSolver.divergence(solver, state)

    analytic, differentiated = both(solver)
    for name in ("position", "propulsion"):
        np.testing.assert_allclose(np.sum(analytic[name]), np.sum(differentiated[name]), rtol=1e-9)
        np.testing.assert_allclose(
            np.sum(analytic[name], axis=1), np.sum(differentiated[name], axis=1), rtol=1e-9
        )


@eqx.filter_jit
def one_step(solver, x, g, previous):
    state = solver.init(jax.random.key(0))
    ones = jnp.ones((solver.particles, 1))
    start = dataclasses.replace(state, position=x * ones, propulsion=g * ones)
    if state.previous is not None:
        start = dataclasses.replace(start, previous=previous * ones)
    end = solver.step(start)
    last = jnp.zeros_like(ones) if end.previous is None else end.previous
    return jnp.concatenate([end.position, end.propulsion, last], axis=1)


def stationary_covariance_of(method, dt, v0, a, rate, eps):
    """That of x, g and the last drift in a trap, as the integrator has it: S = M S M' + Q of its
    map M and noise Q.

    M is exact, from the same noise at four starts; only Q is sampled, by 2^21 particles in one step
    from the origin.
    """
    solver = ActiveMatter(
        particles=2**21,
        dimension=1,
        boundary="open",
        length=4.0,
        speed=v0,
        trap=a,
        dt=dt,
        diffusivity=eps,
        force=NoForce(),
        propulsion=OrnsteinUhlenbeck(rate=rate),
        method=method,
    )
    zero = np.asarray(one_step(solver, *jnp.zeros(3)))
    columns = [np.asarray(one_step(solver, *unit))[0] - zero[0] for unit in jnp.eye(3)]
    return solve_discrete_lyapunov(np.stack(columns, axis=1), zero.T @ zero / len(zero))


@pytest.mark.runs_long
@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "order", "dt"),
    [("euler_maruyama", 1, 0.2), ("adams_bashforth", 2, 0.3), ("splitting", 2, 0.4)],
)
def test_the_weak_orders_of_stationary_moments_are_one_and_two(method, order, dt, record_number):
    numbers = v0, a, rate, eps = 0.3, 1.0, 0.7, 1.0
    exact = eps / a + v0**2 / (a * (a + rate))
    errors = [
        abs(stationary_covariance_of(method, step, *numbers)[0, 0] - exact) for step in (dt, dt / 2)
    ]
    found = np.log2(errors[0] / errors[1])
    record_number(
        f"{method}: weak order of stationary moments", found, exact=order, within=0.3, repeats=0.1
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "bias"), [("euler_maruyama", 0.05263), ("adams_bashforth", -0.00476)]
)
def test_how_far_the_slow_velocity_of_a_persistent_particle_is_off(method, bias):
    """E[b^2] = v0^2 gamma/(A + gamma), a small difference of large terms, for A dt = 0.1 and gamma
    << A.

    It is the entropy production of particles in contact. Euler's drift at the start of a step is
    off by A dt/2.
    """
    v0, a, rate = 0.025, 1.0, 1e-3
    s = stationary_covariance_of(method, 0.1, v0, a, rate, None)
    square = np.array([-a, v0, 0]) @ s @ np.array([-a, v0, 0])
    np.testing.assert_allclose(square / (v0**2 * rate / (a + rate)) - 1, bias, atol=0.004)


def two_on_a_ring(scale):
    """The distance is one particle with v0 = 0.25, k = 2.5, eps = 0.1 where `scale` is 2; with 1
    those are of each.
    """
    return ActiveMatter(
        particles=2,
        dimension=1,
        length=16.0,
        speed=0.25 / np.sqrt(scale),
        diffusivity=0.1 / scale,
        neighbors=1,
        propulsion=OrnsteinUhlenbeck(rate=0.1),
        force=Softplus(strength=2.5 / scale),
        method="splitting",
        dt=0.02,
    )


@pytest.mark.runs_long
def test_the_entropy_production_of_two_on_a_ring_splits_as_the_fokker_planck_equation_says():
    """0.39699 = 0.36454 by x + 0.03244 by g, beside the centre's v0^2/eps: REFERENCE's numbers."""
    parts = pair_production(two_on_a_ring(2))
    np.testing.assert_allclose(parts, [0.625, 0.36454, 0.03244], rtol=2e-4)
    # without forces the distance is as free as the centre, and all of it is that of x: v_g = 0
    free = pair_production(dataclasses.replace(two_on_a_ring(2), force=NoForce()), points=31)
    np.testing.assert_allclose(free, [0.625, 0.625, 0], atol=1e-9)
    np.testing.assert_allclose(pair_production(two_on_a_ring(1)).total - 0.625, 0.33670, atol=1e-4)


@pytest.mark.runs_long
def test_the_entropy_production_of_two_on_a_ring_converges_or_says_that_it_does_not():
    """With v0 = 1 the parts at order 20 add up to 3.89, at order 80 to 2.4553."""
    fast = dataclasses.replace(two_on_a_ring(1), speed=1.0)
    np.testing.assert_allclose(pair_production(fast).total - 10, 2.45515, rtol=1e-3)
    with pytest.raises(RuntimeError, match="not converged: with 63 points at order 320"):
        pair_production(dataclasses.replace(fast, speed=2.0), points=63, finest=100)


@pytest.mark.parametrize(
    ("solver", "settings", "words"),
    [
        (DISCS, {}, "allowed: 2"),
        (two_on_a_ring(1), dict(points=150), "given 150, allowed: an odd number"),
        (two_on_a_ring(1), dict(order=0), "given 0, allowed: 1 to 320"),
        (dataclasses.replace(two_on_a_ring(1), diffusivity=0.0), {}, "allowed: a number > 0"),
    ],
)
def test_a_ring_that_has_no_such_production_is_refused(solver, settings, words):
    with pytest.raises(ParameterError, match=words):
        pair_production(solver, **settings)


@pytest.mark.parametrize(
    ("propulsion", "second", "kurtosis"),
    [
        (OrnsteinUhlenbeck(rate=2.0), 4 * (1 - 0.5 * (1 - np.exp(-2.0))), 2.0),
        pytest.param(Brownian(), 8 * np.exp(-1.0), None, marks=pytest.mark.slow),
        pytest.param(RunAndTumble(), 8 * np.exp(-1.0), None, marks=pytest.mark.slow),
    ],
    ids=["aoup", "abp", "rtp"],
)
def test_free_particles_spread_as_theory_says(propulsion, second, kurtosis):
    """REFERENCE: 2.27067 for the AOUPs, 2.94304 for the ABPs at t = 1; tumbling has the same second
    moment.
    """
    speed = np.sqrt(2.0) if isinstance(propulsion, OrnsteinUhlenbeck) else 2.0
    solver = ActiveMatter(
        particles=20000,
        length=3.0,
        speed=speed,
        propulsion=propulsion,
        force=NoForce(),
        dt=0.02,
        method="splitting",
    )
    ds = physent.run(
        solver,
        t_end=1.0,
        save_every=1.0,
        variables=["mean_speed"],
        diagnostics=[MeanSquareDisplacement()],
    )
    measured, shape = (
        float(ds.mean_square_displacement[-1]),
        float(ds.mean_square_displacement_kurtosis[-1]),
    )
    error = measured * np.sqrt((shape - 1) / 20000)
    assert abs(measured - second) < 3 * error and error < 0.01 * second
    if kurtosis:
        assert abs(shape - kurtosis) < 0.1


def test_without_noise_on_the_positions_the_entropy_production_is_minus_the_divergence():
    """eps = 0: E|v_g|^2/gamma = A for one trapped AOUP, in each dimension."""
    solver = ActiveMatter(
        particles=5, boundary="open", length=4.0, speed=0.25, trap=0.05, force=NoForce(), dt=0.1
    )  # fmt: skip
    ds = physent.run(
        solver, t_end=0.1, save_every=0.1, diagnostics=[EntropyProduction(over="mean", each=True)]
    )
    g_part = 0.1 * np.sum(ds.propulsion.values[-1] ** 2 - 1, axis=-1)
    np.testing.assert_allclose(ds.entropy_production_each.values[-1], 2 * 0.05 + g_part, rtol=1e-9)


def test_tumbling_particles_produce_entropy_only_with_noise_on_their_positions():
    tumbling = ActiveMatter(particles=4, propulsion=RunAndTumble(), force=NoForce(), dt=0.1)
    once: dict[str, Any] = dict(
        t_end=0.1, save_every=0.1, diagnostics=[EntropyProduction(over="mean")]
    )
    for solver in (tumbling, dataclasses.replace(tumbling, diffusivity=0.0)):
        with pytest.raises(ValueError, match="the only noise is in propulsion, which jumps"):
            physent.run(solver, **once)
    noisy = dataclasses.replace(tumbling, diffusivity=0.1, speed=0.5)
    np.testing.assert_allclose(
        physent.run(noisy, **once).entropy_production, 0.5**2 / 0.1, rtol=1e-9
    )


@pytest.mark.parametrize("turned", [0.005, 0.05, 0.1, 1.0])
def test_directions_on_the_sphere_forget_as_theory_says(turned):
    """E g.g' = e^(-2 D_r t) for every t, within four standard errors, which steps to first order in
    t miss by .006.
    """
    g = Brownian().start(jax.random.key(0), (200_000, 3), jnp.float64)
    later = Brownian().advance(g, jnp.asarray(turned), jax.random.key(1))
    cosine = np.sum(np.asarray(g * later), axis=1)
    error = np.std(cosine) / np.sqrt(len(cosine))
    assert abs(np.mean(cosine) - np.exp(-2 * turned)) < 4 * error and error < 1.4e-3
    if turned < 0.01:  # 1 - cos is exponential, as that of diffusion for short times
        np.testing.assert_allclose(
            np.mean((1 - cosine) ** 2) / np.mean(1 - cosine) ** 2, 2, rtol=0.03
        )


def test_propulsions_stay_what_they_are():
    g = Brownian().start(jax.random.key(0), (500, 3), jnp.float64)
    turned = Brownian().advance(g, jnp.asarray(0.05), jax.random.key(1))
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), 1, rtol=1e-12)
    assert abs(np.mean(np.sum(np.asarray(g * turned), axis=1)) - np.exp(-0.1)) < 0.02
    line = RunAndTumble().start(jax.random.key(0), (50, 1), jnp.float64)
    assert set(np.unique(line)) == {-1.0, 1.0}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (dict(dimension=1, propulsion=Brownian()), "needs 2 or 3 dimensions"),
        (dict(trap=0.1), "allowed: 'open'"),
        (dict(speed=-1.0), "allowed: a number >= 0"),
        (
            dict(force="wcaa"),
            "force: given 'wcaa', did you mean wca.*allowed: one of softplus, wca",
        ),
        (dict(force=Brownian()), "force: given Brownian.*or your own PairForce"),
        (
            dict(particles=4, neighbors=3),
            "the box of edge 5.013 is smaller than twice the reach of the force, 6.5",
        ),
        (dict(length=10.0, force=Yukawa()), "smaller than twice the reach of the force, 16"),
    ],
)
def test_bad_settings_get_one_sentence(settings, words):
    with pytest.raises(ParameterError, match=words):
        ActiveMatter(**settings)


def test_a_kind_may_be_given_by_name_and_a_wrong_name_gets_the_right_one():
    assert isinstance(ActiveMatter(force="wca").force, WCA)
    with pytest.raises(
        TypeError, match="ActiveMatter has no parameter 'partices', did you mean particles"
    ):
        ActiveMatter(partices=4)  # pyright: ignore[reportCallIssue]
