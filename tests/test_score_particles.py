"""The networks for particles: symmetries, neighbours, precision, and what is exact before anything
is learned.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import physent
from physent.errors import ParameterError
from physent.learning.networks import NETWORKS
from physent.learning.pairs import Pairs, Springs, chebyshev, filtered
from physent.protocol.diagnostic import Observed
from physent.protocol.stochastic import substitute
from physent.score import LearnedEntropyProduction, streaming
from physent.score.pipeline import learn
from physent.score.trained import Trained, build
from physent.solvers.active_matter import (
    ActiveMatter,
    Brownian,
    NoForce,
    OrnsteinUhlenbeck,
    Softplus,
)
from physent.solvers.langevin import LinearLangevin, TrappedAOUP

TRAP = ActiveMatter(
    particles=20, boundary="open", packing_fraction=0.1, speed=0.3, trap=0.05, diffusivity=0.1,
    propulsion=OrnsteinUhlenbeck(rate=0.1), force=Softplus(strength=2.5), neighbors=19,
)  # fmt: skip
BOX = dataclasses.replace(
    TRAP, particles=60, boundary="periodic", trap=0.0, length=18.0, neighbors=59
)
MIPS = ActiveMatter(
    particles=60, length=16.0, speed=0.025, propulsion=OrnsteinUhlenbeck(rate=1e-4), neighbors=59
)
CASES = {"resolvent": (TRAP, BOX), "slow_manifold": (MIPS,), "particle_transformer": (TRAP, BOX)}


def sample(solver, spread=0.3, seed=0):
    """Particles near a lattice, which touch, and propulsions."""
    place, head = jax.random.split(jax.random.key(seed))
    state = dataclasses.replace(solver, initial="lattice").init(head)
    x = state.position * (0.6 if solver.boundary == "open" else 1.0)
    x = x + spread * jax.random.normal(place, x.shape, x.dtype)
    # multiples of 2^-14 can be shifted in float32 without rounding
    return {"position": jnp.round(x * 2**14) / 2**14, "propulsion": state.propulsion}


def network(kind, solver, seed=1, noise=0.3, **sizes):
    """A network whose parameters are all away from where they start."""
    values = {name: value[None] for name, value in sample(solver).items()}
    score = NETWORKS[kind](**sizes).build(solver, values, jax.random.key(seed))

    def shaken(leaf, key):
        return leaf * (1 + noise * jax.random.normal(key, leaf.shape, leaf.dtype))

    @jax.jit  # one program, not one for every shape
    def all_shaken(leaves, key):
        keys = jax.random.split(key, len(leaves))
        return [shaken(leaf, one) for leaf, one in zip(leaves, keys, strict=True)]

    learned, rest = eqx.partition(score, eqx.is_inexact_array)
    leaves, tree = jax.tree.flatten(learned)
    leaves = all_shaken(leaves, jax.random.key(seed + 1))
    return eqx.combine(jax.tree.unflatten(tree, leaves), rest)


@eqx.filter_jit
def u(score, solver, values):
    return score(solver, solver.at(values))


def close(first, second, tolerance):
    for name in first:
        scale = np.abs(np.asarray(second[name])).max()
        assert scale > 0
        np.testing.assert_allclose(first[name], second[name], atol=tolerance * scale, rtol=0)


def symmetries(solver, values):
    """What is done to positions, propulsions and the result, by name."""
    x, g = values["position"], values["propulsion"]
    n = len(x)
    order = np.random.default_rng(0).permutation(n)
    angle = 0.7 if solver.boundary == "open" else np.pi / 2
    turn = jnp.asarray([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], x.dtype)
    mirror = jnp.asarray([[-1.0, 0.0], [0.0, 1.0]], x.dtype)
    yield "permutation", (x[order], g[order]), lambda u: u[order]
    yield "rotation", (x @ turn.T, g @ turn.T), lambda u: u @ turn.T
    yield "reflection", (x @ mirror.T, g @ mirror.T), lambda u: u @ mirror.T
    if solver.boundary == "periodic":
        yield "translation", (x + jnp.asarray([[3.75, -1.875]], x.dtype), g), lambda u: u


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("resolvent", {}),
        pytest.param("slow_manifold", {}, marks=pytest.mark.slow),
        ("particle_transformer", {"neighbors": 3}),
    ],
)
def test_networks_do_not_jump_where_neighbours_come_and_go(kind, sizes):
    """Derivatives do not see a jump, and the identities, which integrate by parts, would be wrong
    by it.
    """
    solver = CASES[kind][0]
    score, ends = network(kind, solver, **sizes), (sample(solver), sample(solver, seed=1))

    @jax.jit
    def along(part):
        x = ends[0]["position"] + part * (ends[1]["position"] - ends[0]["position"])
        return jnp.concatenate(
            list(u(score, solver, {"position": x, "propulsion": ends[0]["propulsion"]}).values())
        )

    largest, start, width = [], jnp.linspace(0, 1, 150, endpoint=False), 1 / 150
    for _ in range(4):  # the thirty steepest parts, ten times finer each time
        part = start[:, None] + width * jnp.linspace(0, 1, 11)[None, :]
        values = jax.lax.map(along, part.reshape(-1)).reshape(*part.shape, -1)
        steps = jnp.max(jnp.abs(jnp.diff(values, axis=1)), axis=2)
        largest.append(jnp.max(steps))
        steepest = jnp.argsort(-steps.reshape(-1))[:30]
        start, width = part[:, :-1].reshape(-1)[steepest], width / 10
    assert 0 < largest[3] < largest[1] / 50, largest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "which"),
    [("resolvent", 0), pytest.param("resolvent", 1, marks=pytest.mark.slow), ("slow_manifold", 0)],
)
def test_networks_are_equivariant_in_float32(kind, which):
    with jax.enable_x64(False):
        solver = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), CASES[kind][which])
        score, values = network(kind, solver), sample(solver)
        plain = u(score, solver, values)
        assert all(value.dtype == jnp.float32 for value in plain.values())
        for name, (x, g), act in symmetries(solver, values):
            changed = u(score, solver, {"position": x, "propulsion": g})
            try:
                close(changed, {key: act(value) for key, value in plain.items()}, 1e-5)
            except AssertionError as error:
                raise AssertionError(name) from error


def test_the_transformer_does_not_see_who_is_far():
    """In float32 e^x overflows at 88: those that count for nothing must not be the largest."""
    few = dataclasses.replace(TRAP, particles=4, neighbors=3)
    with jax.enable_x64(False):
        solver = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), few)
        score = network("particle_transformer", solver, width=8)
        x = jnp.asarray([[0.0, 0.0], [2.0, 0.0], [3e3, 0.0], [0.0, 3e3]], jnp.float32)
        found = u(score, solver, {"position": x, "propulsion": jnp.ones((4, 2), jnp.float32)})
    assert all(bool(jnp.all(jnp.isfinite(value))) for value in found.values())


def test_the_transformer_knows_permutations_and_nothing_else():
    score, values = network("particle_transformer", TRAP, neighbors=6, width=8), sample(TRAP)
    plain = u(score, TRAP, values)
    for name, (x, g), act in symmetries(TRAP, values):
        changed = u(score, TRAP, {"position": x, "propulsion": g})
        expected = {key: act(value) for key, value in plain.items()}
        if name == "permutation":
            close(changed, expected, 1e-12)
        else:
            assert np.abs(changed["position"] - expected["position"]).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "which"), [("resolvent", 1), ("slow_manifold", 0), ("particle_transformer", 1)]
)
def test_a_short_list_of_neighbours_gives_what_all_pairs_give(kind, which):
    """And so does a network in one precision on a state in another, to that precision."""
    solver = CASES[kind][which]
    score, values = network(kind, solver), sample(solver)
    if kind == "slow_manifold":
        by_pairs = u(dataclasses.replace(score, slots=59), solver, values)
    else:
        by_pairs = u(score, dataclasses.replace(solver, neighbors=solver.particles - 1), values)
    by_list = u(score, dataclasses.replace(solver, neighbors=min(26, solver.particles - 2)), values)
    close(by_list, by_pairs, 1e-11)
    single = jax.tree.map(
        lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf, score
    )
    mixed = u(single, solver, values)
    assert all(value.dtype == jnp.float64 for value in mixed.values())
    close(mixed, by_pairs, 2e-3)


def test_the_slow_manifold_says_that_slots_ran_out():
    score = dataclasses.replace(network("slow_manifold", MIPS), slots=2)
    assert np.isnan(u(score, MIPS, sample(MIPS))["propulsion"]).all()


@pytest.mark.slow
def test_before_training_the_resolvent_is_exact_where_forces_are_linear():
    """Particles that do not meet, in a trap: the score of TrappedAOUP."""
    solver = dataclasses.replace(
        TRAP, particles=2, neighbors=1, force=Softplus(strength=0.05), trap=0.2
    )
    system = TrappedAOUP(speed=0.3, trap=0.2, rate=0.1, diffusivity=0.1)
    covariance = np.asarray(LinearLangevin(system=system).exact_production().covariance)
    score = NETWORKS["resolvent"](degree=20).build(
        solver, {name: value[None] for name, value in sample(solver).items()}, jax.random.key(0)
    )
    score = eqx.tree_at(
        lambda score: score.gate.layers[-1].weight,
        score,
        jnp.zeros_like(score.gate.layers[-1].weight),
    )
    x, g = jnp.asarray([[-7.0, 2.0], [6.0, 1.0]]), jnp.asarray([[0.4, -1.1], [0.8, 0.3]])
    found = u(score, solver, {"position": x, "propulsion": g})
    exact = -np.einsum("ab,bic->aic", np.linalg.inv(covariance), np.stack([x, g]))
    known = solver.reference_score(solver.at({"position": x, "propulsion": g}))
    for i, name in enumerate(("position", "propulsion")):
        np.testing.assert_allclose(found[name], exact[i] - known[name], atol=2e-3)


@pytest.mark.slow
def test_the_derivative_of_a_network_leaves_the_list_as_it_is():
    """Forward mode against a difference, for x and g together."""
    score, values = network("slow_manifold", MIPS), sample(MIPS)
    state = MIPS.at(values)
    other = sample(MIPS, seed=5)

    @jax.jit
    def both(h):
        def at(values):
            return score(MIPS, substitute(state, values))["propulsion"]

        moved = [
            at({key: values[key] + sign * h * other[key] for key in values}) for sign in (1, -1)
        ]
        return jax.jvp(at, (values,), (other,))[1], (moved[0] - moved[1]) / (2 * h)

    exact, difference = both(1e-6)
    np.testing.assert_allclose(exact, difference, atol=1e-5 * np.abs(exact).max())


def test_chebyshev_sums_are_functions_of_the_matrix():
    values = sample(BOX)
    state = BOX.at(values)
    pairs = Pairs.of(state.position, state.neighbors, BOX._space())
    springs = Springs.of(BOX.force, BOX.force.reach(), 8, jnp.asarray(2.0))
    largest = springs.largest(jnp.asarray(0.1))
    apply = springs.operator(pairs, jnp.asarray(0.1))
    matrix = apply(jnp.eye(120))
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    level, vectors = np.linalg.eigh(matrix)
    assert level.min() >= -1 and level.max() <= 1
    level = (level + 1) * float(largest) / 2
    assert level.min() == pytest.approx(0.1, abs=1e-9)  # translations feel the trap alone
    coefficients = filtered(lambda x: jnp.stack([1 / (1 + x), x]), largest, 40)
    q = jax.random.normal(jax.random.key(3), (120, 2))
    found = jnp.einsum("fk,knc->fnc", coefficients, chebyshev(apply, q, 40))
    for row, function in zip(found, (lambda x: 1 / (1 + x), lambda x: x), strict=True):
        np.testing.assert_allclose(
            row, vectors @ (function(level)[:, None] * (vectors.T @ q)), atol=1e-7
        )


@pytest.mark.parametrize("kind", ["resolvent", "slow_manifold", "particle_transformer"])
def test_systems_of_another_kind_are_refused(kind):
    solver = LinearLangevin(system=TrappedAOUP(), walkers=4)
    with pytest.raises(ParameterError, match="soft pair force"):
        NETWORKS[kind]().build(solver, {"position": jnp.zeros((3, 1, 2))}, jax.random.key(0))
    with pytest.raises(ParameterError, match="Ornstein"):
        NETWORKS[kind]().build(
            dataclasses.replace(TRAP, propulsion=Brownian()), {}, jax.random.key(0)
        )


def test_the_networks_ask_for_the_noise_they_are_made_for():
    still = dataclasses.replace(MIPS, diffusivity=0.0)
    for solver in (MIPS, still):
        with pytest.raises(ParameterError, match=r"^kind: .*slow_manifold"):
            NETWORKS["resolvent"]().build(solver, {}, jax.random.key(0))
        with pytest.raises(ParameterError, match=r"^network\.kind: .*slow_manifold"):
            build(NETWORKS["resolvent"](), "none", solver, {}, jax.random.key(0))
        NETWORKS["slow_manifold"]().build(solver, {}, jax.random.key(0))
    with pytest.raises(ParameterError, match="resolvent"):
        NETWORKS["slow_manifold"]().build(TRAP, {}, jax.random.key(0))
    with pytest.raises(ParameterError, match="pair force"):
        NETWORKS["resolvent"]().build(
            dataclasses.replace(TRAP, force=NoForce()), {}, jax.random.key(0)
        )


@pytest.mark.slow
@pytest.mark.parametrize(("particles", "components"), [(4, 16), (40, 160)])
def test_derivatives_are_exact_or_probed_by_the_system_observed(particles, components, monkeypatch):
    """Not by the one that the score was learned from, which may be smaller."""
    values = {name: value[None, :4] for name, value in sample(TRAP).items()}
    score = NETWORKS["resolvent"](degree=2).build(TRAP, values, jax.random.key(0))
    header = {"shapes": dict.fromkeys(values, (4, 2)), "parity": dict.fromkeys(values, 1)}
    diagnostic, asked = LearnedEntropyProduction(path="none"), []
    monkeypatch.setattr(type(diagnostic), "_trained", lambda self: Trained(score, TRAP, header))

    def recorded(count, probes):
        asked.append(count)
        return local_slopes(count, probes)

    local_slopes = streaming.slopes
    monkeypatch.setattr(streaming, "slopes", recorded)
    solver = dataclasses.replace(TRAP, particles=particles, neighbors=particles - 1)

    def rates(state):
        observed = Observed(values, {}, solver.domain(), state.t, system=lambda: (solver, state))
        return diagnostic((jnp.zeros((), int), None), observed)

    jax.eval_shape(rates, solver.init(jax.random.key(0)))
    assert asked == [components]


PROBES = "score.loss.divergence='probes'"


def learned(tmp_path, solver, kind, run, *keys):
    """A run of few particles, and what a few steps of training make of it."""
    folder = tmp_path / kind
    physent.run(solver, output=folder, **run).close()
    said = []
    keys = (f'score.network.kind="{kind}"', "score.bins=4", "score.checks=1", *keys)
    learnt = learn(folder, say=said.append, overrides=keys)
    return folder, learnt, " ".join(said)


@pytest.mark.slow
def test_the_score_of_trapped_particles_is_learned_and_judged(tmp_path):
    solver = dataclasses.replace(
        TRAP, particles=4, neighbors=3, trap=0.2, dt=0.05, method="splitting"
    )
    run = {"t_end": 120.0, "save_every": 4.0, "members": 24}
    keys = ["score.after=40", "score.steps=40", "score.batch=16", PROBES]
    folder, learnt, said = learned(tmp_path, solver, "resolvent", run, *keys)
    numbers = learnt.verdict.numbers
    assert numbers["r_squared"].value - 2 * numbers["r_squared"].standard_error > 0.5
    assert "score.odd" not in said and "ratio_square_propulsion" not in numbers
    with xr.open_dataset(folder / "score.nc") as ds:
        assert ds.map_total.shape == (4, 4) and ds.snapshot_total.shape == (4,)
        assert ds.snapshot_velocity_position.shape == (4, 2)
        each = ds.snapshot_total_position + ds.snapshot_total_propulsion
        np.testing.assert_allclose(ds.snapshot_total, each, rtol=1e-5)


@pytest.mark.slow
def test_the_score_of_particles_without_noise_in_space_is_of_their_propulsion(tmp_path):
    propulsion = OrnsteinUhlenbeck(rate=0.01)
    solver = dataclasses.replace(
        MIPS, particles=12, length=9.0, neighbors=11, speed=0.1, propulsion=propulsion, dt=0.1
    )
    run = {"t_end": 1100.0, "save_every": 50.0, "members": 24}
    keys = ["score.steps=60", "score.batch=16", "score.after=500", PROBES]
    folder, learnt, said = learned(
        tmp_path, solver, "slow_manifold", run, *keys, "score.drifting='warn'"
    )
    numbers, sentence = learnt.verdict.numbers, learnt.verdict.sentence
    assert "assumed position even, propulsion even; change it with score.odd" in said
    assert "Some variables have no noise" in sentence and "velocity_score" not in numbers
    for name in ("ratio_square_propulsion", "ratio_divergence_propulsion"):
        assert 0.2 < numbers[name].value < 1.5
    assert numbers["r_squared"].value > 0
    with xr.open_dataset(folder / "score.nc") as ds:
        assert "score.odd" in ds.notes and ds.snapshot_divergence.shape == (12,)
    diagnostic = LearnedEntropyProduction(path=str(folder / "score.eqx"), over="mean", bins=2)
    ds = physent.run(solver, t_end=100.0, save_every=50.0, diagnostics=[diagnostic])
    x = np.moveaxis(np.mod(ds.position.values, 9.0), -1, 0).reshape(2, -1)
    counts = np.histogram2d(*x, bins=2, range=[(0, 9), (0, 9)])[0]
    mean = np.sum(counts * ds.learned_entropy_production_map.values[-1]) / counts.sum()
    np.testing.assert_allclose(mean, ds.learned_entropy_production.mean(), rtol=1e-9)
