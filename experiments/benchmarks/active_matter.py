"""Active matter, time a step: python -m experiments.benchmarks.active_matter

AOUP discs at phi = 0.5 in float32, renewals included: physent with its Verlet list, by Euler's method as the others and
by that of the experiments, all pairs in jax written after the paper's description (all N^2 displacements in each step),
and jax-md with its own neighbour list and the same cutoff and skin, updated in every step inside the same kind of
compiled loop, as its documentation does.

Where the environment variable ACTIVE_PFLOWS names the `py` folder of a checkout of
https://github.com/nmboffi/active_pflows, the paper's own step is timed, too: its `common/drifts.py` is imported, and
its `step_mips_OU_EM` scanned under jit with noises made beforehand, as its `rollout` does.
"""

import importlib.util
import os
import pathlib
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax_md import partition, space

from experiments.benchmarks.comparison import Case, Side, main
from physent.solvers.active_matter import ActiveMatter, OrnsteinUhlenbeck

WARM_UP = 500


def discs(particles, method):
    return ActiveMatter(
        particles=particles, speed=0.025, propulsion=OrnsteinUhlenbeck(rate=1e-4), dt=0.1, initial="lattice",
        neighbors=24, skin=0.6, method=method,
    )  # fmt: skip


@eqx.filter_jit
def ours(solver, state, steps):
    return jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state)


def all_pairs(solver):
    """Every pair, every step: displacements (N, N, 2), their lengths, the force, the sum."""
    length, rate, beta = solver._length(), solver.propulsion.rate, solver.force.sharpness

    def step(carry):
        x, g, key = carry
        key, now = jax.random.split(key)
        away = x[:, None, :] - x[None, :, :]
        away = away - length * jnp.round(away / length)
        r = jnp.sqrt(jnp.sum(away**2, axis=-1) + jnp.eye(x.shape[0], dtype=x.dtype))
        f = jnp.logaddexp(beta * (2 - r), 0.0) / beta
        force = jnp.sum((f / r * (1 - jnp.eye(x.shape[0], dtype=x.dtype)))[:, :, None] * away, axis=1)
        x = x + solver.dt * (solver.speed * g + force)
        decay = jnp.exp(-rate * solver.dt)
        g = decay * g + jnp.sqrt(1 - decay**2) * jax.random.normal(now, g.shape, g.dtype)
        return x - length * jnp.floor(x / length + 0.5), g, key

    return eqx.filter_jit(lambda carry, steps: jax.lax.fori_loop(0, steps, lambda _, carry: step(carry), carry))


def published(folder, solver, state, steps):
    """The paper's own step on its own layout, positions above propulsions (2 N, 2), in its box [-w, w)^2."""
    spec = importlib.util.spec_from_file_location("drifts", pathlib.Path(folder) / "common" / "drifts.py")
    drifts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drifts)
    n, width = solver.particles, float(solver._length()) / 2
    radii = np.ones(n, np.float32)

    @jax.jit
    def rollout(xg, noises):
        def step(xg, noise):
            return drifts.step_mips_OU_EM(
                xg, 0.1, radii, 0.0, 1.0, 0.025, n, 2, 0.0, 1e-4, width, 7.5, noise
            ), None  # fmt: skip

        return jax.lax.scan(step, xg, noises)[0]

    start = jnp.concatenate([state.position, state.propulsion])
    noises = jax.random.normal(jax.random.key(1), (steps, 2 * n, 2))
    ours_next, theirs_next = ours(solver, state, jnp.asarray(1)).position, rollout(start, noises[:1])[:n]
    off = jnp.abs(ours_next - theirs_next)
    print(f"| {n} | one step of both differs by {float(jnp.max(jnp.minimum(off, 2 * width - off))):.1e} | | | | |")
    return lambda steps: rollout(start, noises)


def theirs(solver, position):
    """jax-md's periodic space and dense neighbour list; the same force, whose energy has no closed form."""
    length, beta = float(solver._length()), float(solver.force.sharpness)
    reach = float(solver.force.reach())
    displacement, shift = space.periodic(length)

    def magnitude(dr, **_):
        r = jnp.where(dr > 0, dr, 1.0)
        return jnp.where((dr > 0) & (dr < reach), jnp.logaddexp(beta * (2 - r), 0.0) / beta / r, 0.0)

    neighbor_fn = partition.neighbor_list(
        displacement, length, reach, dr_threshold=float(solver.skin), capacity_multiplier=1.5,
        format=partition.NeighborListFormat.Dense,
    )  # fmt: skip
    start = neighbor_fn.allocate(position + length / 2)
    pairs = space.map_neighbor(displacement)

    def step(carry):
        x, g, key, neighbors = carry
        key, now = jax.random.split(key)
        away = pairs(x, x[jnp.minimum(neighbors.idx, x.shape[0] - 1)])
        squared = jnp.sum(away**2, axis=-1)
        inside = neighbors.idx < x.shape[0]
        r = jnp.sqrt(jnp.where(inside & (squared > 0), squared, 1.0))
        f = jnp.where(inside & (squared > 0), magnitude(r), 0.0)
        force = jnp.sum(f[:, :, None] * away, axis=1)
        x = shift(x, solver.dt * (solver.speed * g + force))
        decay = jnp.exp(-solver.propulsion.rate * solver.dt)
        g = decay * g + jnp.sqrt(1 - decay**2) * jax.random.normal(now, g.shape, g.dtype)
        return x, g, key, neighbors.update(x)

    run = jax.jit(lambda carry, steps: jax.lax.fori_loop(0, steps, lambda _, carry: step(carry), carry))
    return run, start


def a_step(function, steps):
    """A run of so many steps: the seconds of one."""

    def run():
        start = time.perf_counter()
        jax.block_until_ready(function(jnp.asarray(steps)))
        return (time.perf_counter() - start) / steps

    return run


def cases():
    for particles in (1024, 4096, 32768):
        sides, first = [], None

        def add(package, function, steps, detail="", sides=sides):
            run = a_step(function, steps)
            sides.append(Side(package, run, detail, "float32", seconds=lambda seconds: seconds))

        for method in ("euler_maruyama", "adams_bashforth"):
            solver = discs(particles, method)
            state = eqx.filter_jit(lambda solver: solver.init(jax.random.key(0)))(solver)
            state = ours(solver, state, jnp.asarray(WARM_UP))
            assert int(state.neighbors.overflow()) == 0
            add("physent", lambda steps, s=solver, x=state: ours(s, x, steps), 400, method)
            first = first or (solver, state)
        solver, state = first
        run, neighbors = theirs(solver, state.position)
        carry = (state.position + solver._length() / 2, state.propulsion, state.key, neighbors)
        add("jax-md", lambda steps, run=run, carry=carry: run(carry, steps), 40)
        if particles <= 4096:
            run, carry = all_pairs(solver), (state.position, state.propulsion, state.key)
            add("all pairs", lambda steps, run=run, carry=carry: run(carry, steps), 2, "by description")
            if "ACTIVE_PFLOWS" in os.environ:
                add("active_pflows", published(os.environ["ACTIVE_PFLOWS"], solver, state, 2), 2)
        yield Case(f"a step of {particles:,} particles", tuple(sides))


if __name__ == "__main__":
    main("active_matter", cases)
