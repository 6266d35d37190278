"""Cost against problem size, and how far from the machine's limit: python -m experiments.benchmarks.sizes [NAME ...]

Every solver's step and every group of estimators at growing sizes, in float64 and after compilation, with the exponent
that a straight line through the logarithms of the upper half of the sizes gives. Beside a solver that lives on
transforms stands the share of its time that these transforms alone take (counted in the compiled program, and timed by
themselves on arrays of the same shape); beside one that lives on stencils the share of the machine's memory bandwidth
that the bytes its compiled program says it moves amount to (a triad on arrays larger than the caches gives the
bandwidth; more than 1 means that caches held the fields).
"""

import argparse
import collections
import dataclasses
import math
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

import physent.entropy as entropies  # noqa: E402 (float64 first)
from experiments.benchmarks.comparison import write_csv  # noqa: E402
from physent.solvers.active_matter import ActiveMatter  # noqa: E402
from physent.solvers.couzin import Couzin, RandomBox  # noqa: E402
from physent.solvers.kelvin_helmholtz import KelvinHelmholtz  # noqa: E402
from physent.solvers.klein_gordon import KleinGordon  # noqa: E402
from physent.solvers.langevin import LinearLangevin  # noqa: E402
from physent.solvers.nlse import NLSE  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Cost:
    """Seconds of one step or call at a size; `transforms` and `bandwidth` are shares of the machine's limit."""

    what: str
    unit: str
    size: int
    seconds: float
    exponent: float
    transforms: float | None
    bandwidth: float | None


@dataclasses.dataclass(frozen=True)
class Scaling:
    """What is made larger: `prepare(size)` gives a function of nothing and the steps that one call of it does."""

    unit: str
    sizes: tuple[int, ...]
    prepare: Callable[[int], tuple[Callable[[], Any], int]]
    compiled: Callable[[int], Any] | None = None
    limit: str = ""


@eqx.filter_jit
def steps(solver, state, count):
    return jax.lax.fori_loop(0, count, lambda _, state: solver.step(state), state)


def stepping(make: Callable[[int], Any], count: int = 10):
    """prepare and compiled of a solver: several steps in one call, from a state a few steps after the start."""

    def begun(size):
        solver = make(size)
        state = eqx.filter_jit(lambda solver: solver.init(jax.random.key(0)))(solver)
        while int(solver.error(state)):
            solver, _ = solver.grow(state)
            state = eqx.filter_jit(lambda solver: solver.init(jax.random.key(0)))(solver)
        state = steps(solver, state, jnp.asarray(3))
        return solver, state

    def prepare(size):
        solver, state = begun(size)
        return lambda: jax.block_until_ready(steps(solver, state, jnp.asarray(count))), count

    def compiled(size):
        solver, state = begun(size)
        return eqx.filter_jit(lambda solver, state: solver.step(state)).lower(solver, state).compile().compiled

    return prepare, compiled


def calling(make: Callable[[int], Callable[[], Any]]):
    def prepare(size):
        function = make(size)
        return lambda: jax.block_until_ready(function()), 1

    return prepare


def members(count: int):
    """A run of so many NLSE members at once, ten steps."""
    solver = NLSE(n=256, length=40.0, dt=0.01)
    state = eqx.filter_jit(eqx.filter_vmap(lambda key: solver.init(key)))(jax.random.split(jax.random.key(0), count))
    run = eqx.filter_jit(eqx.filter_vmap(lambda state: jax.lax.fori_loop(0, 10, lambda _, s: solver.step(s), state)))
    return lambda: jax.block_until_ready(run(state)), 10


def swarm(n: int) -> Couzin:
    side = 25 * (n / 150) ** (1 / 3)
    return Couzin(n=n, length=side, initial=RandomBox(side=side))


def of_series(measure: Callable[[jax.Array], Any]):
    rng = np.random.default_rng(0)

    def make(size):
        x = jax.device_put(rng.standard_normal(size))
        return lambda: measure(x)

    return calling(make)


def of_density(size: int):
    density = jnp.abs(jnp.asarray(np.random.default_rng(0).standard_normal(size)))
    return lambda: entropies.entropy(density)


def of_plane(size: int):
    field = jax.device_put(np.random.default_rng(0).standard_normal((size, size)))
    return lambda: entropies.entropy(field, outcomes=entropies.SpatialOrdinal())


def of_points(size: int):
    x = jax.device_put(np.random.default_rng(0).standard_normal((size, 2)))
    return lambda: entropies.nearest_neighbour_entropy(x, k=4)


def of_pairs(size: int):
    x, y = np.random.default_rng(0).standard_normal((2, size))
    return lambda: entropies.ksg_mutual_information(x, y, k=4, method="tree")


def scalings() -> dict[str, Scaling]:
    """Everything that is measured."""

    def solver(unit, sizes, make, limit="", count=10):
        return Scaling(unit, sizes, *stepping(make, count), limit)

    def planar(method):
        return lambda nx: KelvinHelmholtz(nx=nx, nz=nx // 2, method=method, stepping="fixed", dt=0.1 / nx)

    def permutations(x):
        return entropies.entropy(x, outcomes=entropies.Ordinal(order=5))

    def wave(kind, dt):
        return lambda n: kind(n=n, length=n / 10, dt=dt)

    def discs(n):
        return ActiveMatter(particles=n, initial="lattice")

    grid, plane = (256, 512, 1024, 2048, 4096, 8192), (64, 128, 256, 512)
    series, flow = (1_000, 10_000, 100_000, 1_000_000), "points in x, half in z"
    return {
        "nlse, a step": solver("points", grid, wave(NLSE, 0.01), "transforms", 50),
        "klein_gordon, a step": solver("points", grid, wave(KleinGordon, 0.05), "transforms", 50),
        "kelvin_helmholtz, projection, a step": solver(flow, plane, planar("projection"), "bandwidth"),
        "kelvin_helmholtz, spectral, a step": solver(flow, plane, planar("spectral"), "transforms"),
        "couzin, a step": solver("fish", (500, 1000, 2000, 4000), swarm),
        "active_matter, a step": solver("particles", (1024, 2048, 4096, 8192, 16384, 32768), discs),
        "linear_langevin, a step": solver("walkers", (1024, 8192, 65536, 524288), lambda n: LinearLangevin(walkers=n)),
        "members of nlse with 256 points, a step": Scaling("members", (1, 4, 16, 64), members),
        "entropy of a density": Scaling("points", series, calling(of_density)),
        "permutation entropy, order 5": Scaling("points", series, of_series(permutations)),
        "spatial permutation entropy": Scaling("points a side", (128, 256, 512, 1024), calling(of_plane)),
        "sample entropy": Scaling("points", (1_000, 2_000, 4_000, 8_000), of_series(entropies.sample_entropy)),
        "nearest-neighbour entropy, 2-D": Scaling("points", (500, 1_000, 2_000, 4_000), calling(of_points)),
        "KSG mutual information (tree)": Scaling("points", (1_000, 4_000, 16_000, 64_000), calling(of_pairs)),
    }


def seconds_of(function: Callable[[], Any], repeats: int = 5) -> float:
    """The best of several calls, after one that compiles."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


TRANSFORMS = {  # by the name in a compiled program: itself, its inverse
    "FFT": (jnp.fft.fftn, jnp.fft.ifftn),
    "IFFT": (jnp.fft.ifftn, jnp.fft.fftn),
    "RFFT": (jnp.fft.rfftn, jnp.fft.irfftn),
    "IRFFT": (jnp.fft.irfftn, jnp.fft.rfftn),
}


def transform_seconds(program: str) -> float:
    """What the transforms in the text of a compiled program take by themselves, one after another."""
    found = re.findall(r"= \w+\[([\d,]+)\]\S* fft\(.*fft_type=(\w+), fft_length=\{([\d,]+)\}", program)
    total = 0.0
    for (shape, kind, length), count in collections.Counter(found).items():
        out, lengths = (tuple(map(int, numbers.split(","))) for numbers in (shape, length))
        batch, axes = out[: len(out) - len(lengths)], tuple(range(-len(lengths), 0))
        halved = (*lengths[:-1], lengths[-1] // 2 + 1)
        x = jnp.ones((*batch, *(halved if kind == "IRFFT" else lengths)), float if kind == "RFFT" else complex)
        total += count * pair_seconds(*TRANSFORMS[kind], x, axes) / 2
    return total


def pair_seconds(there: Callable, back: Callable, x: jax.Array, axes: tuple[int, ...]) -> float:
    """A transform and its inverse."""

    @jax.jit
    def repeated(x):
        return jax.lax.fori_loop(0, 20, lambda _, x: back(there(x, axes=axes), axes=axes), x)

    return seconds_of(lambda: jax.block_until_ready(repeated(x))) / 20


def bandwidth() -> float:
    """Bytes a second of a = b + 3 c on arrays of 256 MiB in all."""
    b = c = jnp.ones(2**28 // 24)
    triad = jax.jit(lambda b, c: b + 3 * c)
    return 3 * 8 * b.size / seconds_of(lambda: jax.block_until_ready(triad(b, c)))


def costs(names: list[str]) -> Iterator[Cost]:
    """All of them, or those whose name contains one of `names`."""
    bytes_a_second = bandwidth()
    for what, scaling in scalings().items():
        if names and not any(name in what for name in names):
            continue
        found = []
        for size in scaling.sizes:
            function, count = scaling.prepare(size)
            found.append(seconds_of(function) / count)
        upper = len(found) // 2
        exponent = float(np.polyfit(np.log(scaling.sizes[upper - 1 :]), np.log(found[upper - 1 :]), 1)[0])
        for size, seconds in zip(scaling.sizes, found, strict=True):
            transforms = moved = None
            if scaling.limit and scaling.compiled is not None:
                program = scaling.compiled(size)
                if scaling.limit == "transforms":
                    transforms = transform_seconds(program.as_text()) / seconds
                else:
                    moved = program.cost_analysis()["bytes accessed"] / seconds / bytes_a_second
            yield Cost(what, scaling.unit, size, seconds, exponent, transforms, moved)
        print(f"{what}: measured", file=sys.stderr, flush=True)


def cost_table(rows: list[Cost]) -> Iterator[str]:
    """A line for each thing that was measured."""
    yield "| what | size: seconds | exponent | share of transforms or of memory bandwidth |"
    yield "|---|---|---|---|"
    for what in dict.fromkeys(row.what for row in rows):
        own = [row for row in rows if row.what == what]
        sizes = ", ".join(f"{row.size:,}: {_scaled(row.seconds)}" for row in own)
        shares = [row.transforms if row.transforms is not None else row.bandwidth for row in own]
        kind = "transforms" if own[0].transforms is not None else "bandwidth"
        share = (
            "" if shares[0] is None else f"{kind} " + ", ".join(f"{share:.2f}" for share in shares if share is not None)
        )
        yield f"| {what} | {own[0].unit}: {sizes} | {own[0].exponent:.2f} | {share} |"


def _scaled(seconds: float) -> str:
    power = min(0, 3 * math.floor(math.log10(seconds) / 3))
    return f"{seconds / 10**power:.3g} { ({0: '', -3: 'm', -6: 'µ', -9: 'n'}[max(power, -9)]) }s"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.sizes")
    parser.add_argument("names", nargs="*", help="only what has one of these in its name")
    parser.add_argument("--csv", type=Path, help="write the rows to this file, too")
    arguments = parser.parse_args()
    rows = list(costs(arguments.names))
    print("\n".join(cost_table(rows)))
    if arguments.csv:
        write_csv(arguments.csv, rows)


if __name__ == "__main__":
    main()
