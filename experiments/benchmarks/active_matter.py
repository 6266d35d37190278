"""Active matter, time a step: python -m experiments.benchmarks.active_matter

AOUP discs at phi = 0.5 in float32, renewals included: physent with its Verlet list, by Euler's
method as the others and by that of the experiments, all pairs in jax written after the paper's
description (all N^2 displacements in each step), and jax-md with its own neighbour list and the
same cutoff and skin, updated in every step inside the same kind of compiled loop, as its
documentation does. All start from the same state, some hundred steps from a lattice. The error is
that of the forces in this state by each package's function: the largest difference on some
particles from all pairs in float64, over the largest force.

Where the environment variable ACTIVE_PFLOWS names the `py` folder of a checkout of
https://github.com/nmboffi/active_pflows, the paper's own step is timed, too: its `common/drifts.py`
is imported, and its `step_mips_OU_EM` scanned under jit with noises made beforehand, as its
`rollout` does.
"""

import functools
import importlib.util
import os
import pathlib

import numpy as np

from experiments.benchmarks.comparison import Case, Side, clocked, elsewhere, main

PARTICLES = (1024, 4096, 32768)
WARM_UP = 500
DT, SPEED, RATE, SHARPNESS, SKIN = 0.1, 0.025, 1e-4, 7.5, 0.6


def discs(particles, method="euler_maruyama"):
    from physent.solvers.active_matter import ActiveMatter, OrnsteinUhlenbeck, Softplus

    return ActiveMatter(
        particles=particles,
        speed=SPEED,
        propulsion=OrnsteinUhlenbeck(rate=RATE),
        dt=DT,
        initial="lattice",
        neighbors=24,
        skin=SKIN,
        method=method,  # pyright: ignore[reportArgumentType]
        force=Softplus(sharpness=SHARPNESS),
    )


@functools.cache
def stepping():
    """(solver, state, steps) -> the state so many steps later, compiled."""
    import equinox as eqx
    import jax

    return eqx.filter_jit(
        lambda solver, state, steps: jax.lax.fori_loop(
            0, steps, lambda _, state: solver.step(state), state
        )
    )


def start_of(particles):
    """Positions, propulsions, the length of the box and the reach of the force, some steps from a
    lattice.
    """
    import equinox as eqx
    import jax

    solver = discs(particles)
    state = eqx.filter_jit(lambda solver: solver.init(jax.random.key(0)))(solver)
    state = stepping()(solver, state, jax.numpy.asarray(WARM_UP))
    assert int(state.neighbors.overflow()) == 0
    return (
        np.asarray(state.position),
        np.asarray(state.propulsion),
        float(solver._length()),
        float(solver.force.reach()),
    )


def exact_force(position, length, particles=256):
    """The force on the first particles by all pairs in float64."""
    position = np.asarray(position, np.float64)
    away = position[:particles, None, :] - position[None, :, :]
    away -= length * np.round(away / length)
    r = np.linalg.norm(away, axis=-1)
    np.fill_diagonal(r, 1.0)  # where `away` is 0
    size = np.logaddexp(SHARPNESS * (2 - r), 0.0) / SHARPNESS
    return np.sum((size / r)[:, :, None] * away, axis=1)


def error(result):
    """Of the forces in the state that a run began from, over the largest."""
    _, forces = result
    position, force, length = forces()
    exact = exact_force(position, length)
    return float(np.max(np.abs(np.asarray(force)[: len(exact)] - exact)) / np.max(np.abs(exact)))


def a_step(function, steps, forces, overflowed=lambda result: False):
    """A run of so many steps: the seconds of one, and what gives the positions, forces and box at
    the start of them.
    """
    import jax

    count = jax.numpy.asarray(steps)

    def run():
        seconds, result = clocked(lambda: jax.block_until_ready(function(count)))
        assert not overflowed(result)
        return seconds / steps, forces

    return run


def ours(begin, method):
    import equinox as eqx

    position, propulsion, length, _ = begin()
    solver = discs(len(position), method)
    state = eqx.filter_jit(lambda solver, **values: solver.at(values))(
        solver, position=position, propulsion=propulsion
    )  # fmt: skip

    def forces():
        observed = solver.observe(state)
        return observed["position"], observed["force"], length

    return a_step(
        lambda steps: stepping()(solver, state, steps),
        400,
        forces,
        lambda state: int(state.neighbors.overflow()),
    )


def renewed(g, key):
    """The propulsions a step later, and the next key."""
    import jax
    import jax.numpy as jnp

    key, now = jax.random.split(key)
    decay = jnp.exp(-RATE * DT)
    return decay * g + jnp.sqrt(1 - decay**2) * jax.random.normal(now, g.shape, g.dtype), key


def all_pairs(begin):
    """Every pair, every step: displacements (N, N, 2), their lengths, the force, the sum."""
    import jax
    import jax.numpy as jnp

    position, propulsion, length, _ = begin()

    def force_of(x):
        away = x[:, None, :] - x[None, :, :]
        away = away - length * jnp.round(away / length)
        r = jnp.sqrt(jnp.sum(away**2, axis=-1) + jnp.eye(x.shape[0], dtype=x.dtype))
        f = jnp.logaddexp(SHARPNESS * (2 - r), 0.0) / SHARPNESS
        return jnp.sum(
            (f / r * (1 - jnp.eye(x.shape[0], dtype=x.dtype)))[:, :, None] * away, axis=1
        )

    def step(_, carry):
        x, g, key = carry
        x = x + DT * (SPEED * g + force_of(x))
        return x - length * jnp.floor(x / length + 0.5), *renewed(g, key)

    run = jax.jit(lambda carry, steps: jax.lax.fori_loop(0, steps, step, carry))
    carry = jnp.asarray(position), jnp.asarray(propulsion), jax.random.key(0)
    return a_step(
        lambda steps: run(carry, steps), 2, lambda: (position, force_of(carry[0]), length)
    )


def published(begin):
    """The paper's own step on its own layout, positions above propulsions (2 N, 2), in its box [-w,
    w)^2.
    """
    import jax
    import jax.numpy as jnp

    folder = pathlib.Path(os.environ["ACTIVE_PFLOWS"])
    spec = importlib.util.spec_from_file_location("drifts", folder / "common" / "drifts.py")
    drifts = importlib.util.module_from_spec(spec)  # pyright: ignore[reportArgumentType]
    spec.loader.exec_module(drifts)
    position, propulsion, length, _ = begin()
    n, width = len(position), length / 2
    radii = np.ones(n, np.float32)

    @jax.jit
    def rollout(xg, noises):
        def step(xg, noise):
            return drifts.step_mips_OU_EM(
                xg, DT, radii, 0.0, 1.0, SPEED, n, 2, 0.0, RATE, width, SHARPNESS, noise
            ), None  # fmt: skip

        return jax.lax.scan(step, xg, noises)[0]

    start = jnp.concatenate([jnp.asarray(position), jnp.asarray(propulsion)])
    noises = jax.random.normal(jax.random.key(1), (2, 2 * n, 2))

    def forces():
        return (
            position,
            jnp.sum(drifts.elastic_interaction(start[:n], radii, n, width, SHARPNESS), axis=1),
            length,
        )

    return a_step(lambda steps: rollout(start, noises), 2, forces)


def jax_md(begin):
    """jax-md's periodic space and dense neighbour list; the same force, whose energy has no closed
    form.
    """
    import jax
    import jax.numpy as jnp
    from jax_md import partition, space

    position, propulsion, length, reach = begin()
    displacement, shift = space.periodic(length)
    neighbor_fn = partition.neighbor_list(
        displacement, length, reach, dr_threshold=SKIN, capacity_multiplier=1.5,
        format=partition.NeighborListFormat.Dense,
    )  # fmt: skip
    x = jnp.asarray(position) + length / 2
    carry = x, jnp.asarray(propulsion), jax.random.key(0), neighbor_fn.allocate(x)
    pairs = space.map_neighbor(displacement)

    def force_of(x, neighbors):
        away = -pairs(
            x, x[jnp.minimum(neighbors.idx, x.shape[0] - 1)]
        )  # it takes the particle from its neighbours
        squared = jnp.sum(away**2, axis=-1)
        near = (neighbors.idx < x.shape[0]) & (squared > 0) & (squared < reach**2)
        r = jnp.sqrt(jnp.where(near, squared, 1.0))
        f = jnp.where(near, jnp.logaddexp(SHARPNESS * (2 - r), 0.0) / SHARPNESS / r, 0.0)
        return jnp.sum(f[:, :, None] * away, axis=1)

    def step(_, carry):
        x, g, key, neighbors = carry
        x = shift(x, DT * (SPEED * g + force_of(x, neighbors)))
        return x, *renewed(g, key), neighbors.update(x)

    run = jax.jit(lambda carry, steps: jax.lax.fori_loop(0, steps, step, carry))
    return a_step(
        lambda steps: run(carry, steps), 40, lambda: (x, force_of(x, carry[3]), length),
        lambda carry: bool(carry[3].did_buffer_overflow),
    )  # fmt: skip


def cases():
    for particles in PARTICLES:

        @functools.cache
        def begin(particles=particles):
            return elsewhere(start_of, particles)

        sides = [
            ("physent", functools.partial(ours, begin, method), method)
            for method in ("euler_maruyama", "adams_bashforth")
        ]
        sides.append(("jax-md", functools.partial(jax_md, begin), ""))
        if particles <= 4096:
            sides.append(("all pairs", functools.partial(all_pairs, begin), "by description"))
            if "ACTIVE_PFLOWS" in os.environ:
                sides.append(("active_pflows", functools.partial(published, begin), ""))
        yield Case(
            f"a step of {particles:,} particles",
            tuple(
                Side(*side, "float32", error=error, seconds=lambda result: result[0])
                for side in sides
            ),
            "forces, all pairs in float64",
        )


if __name__ == "__main__":
    main("active_matter", cases, wide=False)
