"""Active matter, time a step: python -m experiments.benchmarks.active_matter [N ...] [--published FOLDER]

Prints a Markdown table for AOUP discs at phi = 0.5 in float32, compilation left out, renewals included: physent with
its Verlet list, by Euler's method as the others and by that of the experiments, all pairs in jax written after the
paper's description (all N^2 displacements in each step), and jax-md with its own neighbour list and the same cutoff and
skin, updated in every step inside the same kind of compiled loop, as its documentation does.

`--published FOLDER` times the paper's own step, too: FOLDER is the `py` folder of a checkout of
https://github.com/nmboffi/active_pflows, whose `common/drifts.py` is imported and whose `step_mips_OU_EM` is scanned
under jit with noises made beforehand, as its `rollout` does.

Runs alternate in one process; the smallest of REPEATS is given, and beside it the processor's time, which says more on
a busy machine.
"""

import argparse
import importlib.util
import pathlib
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax_md import partition, space

from physent.solvers.active_matter import ActiveMatter, OrnsteinUhlenbeck

REPEATS = 7
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


def clocked(function, steps):
    wall, processor = time.perf_counter(), time.process_time()
    jax.block_until_ready(function(jnp.asarray(steps)))
    return (time.perf_counter() - wall) / steps, (time.process_time() - processor) / steps


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("particles", nargs="*", type=int, default=[1024, 4096, 32768])
    parser.add_argument("--published", help="the folder py of a checkout of active_pflows")
    parser.add_argument("--only-pairs", action="store_true", help="leave jax-md out")
    chosen = parser.parse_args()
    print("| N | what | wall, ms a step | processor, ms a step | ns a particle a step | ratio |")
    print("|---|---|---|---|---|---|")
    for particles in chosen.particles:
        cases, first = {}, None
        for method in ("euler_maruyama", "adams_bashforth"):
            solver = discs(particles, method)
            state = eqx.filter_jit(lambda solver: solver.init(jax.random.key(0)))(solver)
            state = ours(solver, state, jnp.asarray(WARM_UP))
            assert int(state.neighbors.overflow()) == 0
            cases[f"physent, {method}"] = (lambda steps, s=solver, x=state: ours(s, x, steps), 400)
            first = first or (solver, state)
        solver, state = first
        if not chosen.only_pairs:
            run, neighbors = theirs(solver, state.position)
            carry = (state.position + solver._length() / 2, state.propulsion, state.key, neighbors)
            cases["jax-md"] = (lambda steps, run=run, carry=carry: run(carry, steps), 40)
        if particles <= 4096:
            every = all_pairs(solver)
            carry = (state.position, state.propulsion, state.key)
            cases["all pairs, by description"] = (lambda steps, run=every, carry=carry: run(carry, steps), 2)
            if chosen.published:
                cases["active_pflows"] = (published(chosen.published, solver, state, 2), 2)
        best = {name: (float("inf"), float("inf")) for name in cases}
        for repeat in range(REPEATS + 1):
            for name, (function, steps) in cases.items():
                times = clocked(function, steps)
                if repeat:
                    best[name] = tuple(map(min, best[name], times))
        for name, (wall, processor) in best.items():
            ratio, each = wall / best["physent, euler_maruyama"][0], wall / particles * 1e9
            row = f"| {particles} | {name} | {wall * 1e3:.3f} | {processor * 1e3:.3f} | {each:.0f} | {ratio:.1f} |"
            print(row, flush=True)
        began = int(state.neighbors.renewals)
        after = ours(solver, state, jnp.asarray(200))
        renewals = max(1, int(after.neighbors.renewals) - began)
        print(f"| {particles} | steps between renewals: {200 / renewals:.0f} | | | | |", flush=True)


if __name__ == "__main__":
    main()
