"""Cost against problem size, and how far from the machine's limit: python -m
experiments.benchmarks.sizes [NAME ...]

Every solver's step and every group of estimators at growing sizes, in float64 and after
compilation, with the exponent that a straight line through the logarithms of the three largest
sizes gives (of two, where compiling is long). Above the table stand the machine's limits: the
bandwidth of its memory (a triad on arrays larger than the caches) and the rate of its transforms.
Beside a solver that lives on transforms stands the share of its time that these transforms alone
take (counted in the compiled program, and timed by themselves on arrays of the same shape); beside
one that lives on stencils the share of the bandwidth that the bytes which the operations of its
compiled program read and write amount to (more than 1 means that caches held the fields).
"""

import argparse
import dataclasses
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

import physent.entropy as entropies  # noqa: E402 (float64 first)
from experiments.benchmarks import programs  # noqa: E402
from experiments.benchmarks.comparison import write_csv  # noqa: E402
from experiments.benchmarks.programs import Limit, limits, seconds_of  # noqa: E402
from physent.experiment.settings import ScoreSettings  # noqa: E402
from physent.learning.losses import Implicit, Scales  # noqa: E402
from physent.learning.networks import NETWORKS  # noqa: E402
from physent.learning.training import advance, begin  # noqa: E402
from physent.score.trained import build  # noqa: E402
from physent.solvers.active_matter import ActiveMatter  # noqa: E402
from physent.solvers.couzin import Couzin, RandomBox  # noqa: E402
from physent.solvers.kelvin_helmholtz import DoubleShear, KelvinHelmholtz  # noqa: E402
from physent.solvers.klein_gordon import Breather, KleinGordon, SineGordon  # noqa: E402
from physent.solvers.langevin import LinearLangevin, TiltedRing  # noqa: E402
from physent.solvers.nlse import NLSE  # noqa: E402

EXPONENT_OF = 3  # the largest sizes, through which the line goes


@dataclasses.dataclass(frozen=True)
class Cost:
    """Seconds of one step or call at a size; `transforms` and `bandwidth` are shares of the
    machine's limit.
    """

    what: str
    unit: str
    size: int
    seconds: float
    exponent: float
    transforms: float | None
    bandwidth: float | None


@dataclasses.dataclass(frozen=True)
class Scaling:
    """What is made larger: `prepare(size)` gives a function of nothing and the steps that one call
    of it does.

    `solver` gives the solver of a size, where there is one; `limit` is what its program is compared
    with.
    """

    unit: str
    sizes: tuple[int, ...]
    prepare: Callable[[int], tuple[Callable[[], Any], int]]
    solver: Callable[[int], Any] | None = None
    limit: str = ""


@eqx.filter_jit
def steps(solver, state, count):
    return jax.lax.fori_loop(0, count, lambda _, state: solver.step(state), state)


def begun(solver: Any) -> tuple[Any, Any]:
    """A solver with buffers that suffice, and a state a few steps after its start."""
    state = eqx.filter_jit(lambda solver: solver.init(jax.random.key(0)))(solver)
    while int(solver.error(state)):
        solver, _ = solver.grow(state)
        state = eqx.filter_jit(lambda solver: solver.init(jax.random.key(0)))(solver)
    return solver, steps(solver, state, jnp.asarray(3))


def stepping(
    unit: str, sizes: tuple[int, ...], make: Callable[[int], Any], limit: str = "", count: int = 10
):
    """Several steps of a solver in one call."""

    def prepare(size):
        solver, state = begun(make(size))
        return lambda: jax.block_until_ready(steps(solver, state, jnp.asarray(count))), count

    return Scaling(unit, sizes, prepare, make, limit)


def program_of(solver: Any) -> str:
    """The text of a compiled step."""
    return (
        eqx.filter_jit(lambda solver, state: solver.step(state))
        .lower(*begun(solver))  # pyright: ignore[reportFunctionMemberAccess]
        .compile()
        .compiled.as_text()
    )


def calling(make: Callable[[int], Callable[[], Any]]):
    def prepare(size):
        function = make(size)
        return lambda: jax.block_until_ready(function()), 1

    return prepare


def members(solver: Any, sizes: tuple[int, ...], count: int = 10):
    """Several steps of so many members of a solver side by side."""

    def prepare(size):
        state = eqx.filter_jit(eqx.filter_vmap(lambda key: solver.init(key)))(
            jax.random.split(jax.random.key(0), size)
        )
        run = eqx.filter_jit(
            eqx.filter_vmap(
                lambda state: jax.lax.fori_loop(0, count, lambda _, s: solver.step(s), state)
            )
        )
        return lambda: jax.block_until_ready(run(state)), count

    return Scaling("members", sizes, prepare, lambda size: solver)


def training(
    unit: str, sizes: tuple[int, ...], make: Callable[[int], Any], kind: str, divergence: str,
    batch: Callable[[int], int],
):  # fmt: skip
    """Five steps of training the score of a system at a size, with `batch(size)` samples in
    each.
    """

    def prepare(size):
        solver = make(size)
        settings = ScoreSettings(
            network=NETWORKS[kind](),
            loss=Implicit(divergence=divergence),  # pyright: ignore[reportArgumentType]
            batch=batch(size),  # pyright: ignore[reportArgumentType]
        )
        state = eqx.filter_jit(lambda solver: solver.init(jax.random.key(0)))(solver)
        one = {name: getattr(state, name) for name in solver.parity()}
        if hasattr(solver, "walkers"):  # a walker is a sample
            solver = dataclasses.replace(solver, walkers=1)
            samples = {name: value[:, None] for name, value in one.items()}
        else:
            samples = {name: jnp.stack([value] * batch(size)) for name, value in one.items()}
        score = build(settings.network, "equilibrium", solver, samples, jax.random.key(0))
        objective = settings.loss.objective(solver, Scales(*(jnp.ones(()) for _ in range(3))))
        run, start = advance(settings, objective), begin(score, settings, jax.random.key(0))
        batches = {name: jnp.stack([value] * 5) for name, value in samples.items()}
        first, count = jnp.asarray(0), jnp.asarray(5)
        return lambda: jax.block_until_ready(run(start, batches, first, count).losses), 5

    return Scaling(unit, sizes, prepare, make)


def swarm(n: int, **options: Any) -> Couzin:
    side = 25 * (n / 150) ** (1 / 3)
    return Couzin(n=n, length=side, initial=RandomBox(side=side), **options)


def of_arrays(
    measure: Callable[..., Any], *shapes: Callable[[int], tuple[int, ...]], jitted: bool = True
):
    """A measure of arrays of normal numbers in shapes that a size gives; what searches trees is not
    compiled.
    """

    def make(size):
        rng = np.random.default_rng(0)
        arrays = [rng.standard_normal(shape(size)) for shape in shapes]
        if not jitted:
            return lambda: measure(*arrays)
        on_device, compiled = [jax.device_put(array) for array in arrays], jax.jit(measure)
        return lambda: compiled(*on_device)

    return calling(make)


def of_outcomes(outcomes: Any):
    """The entropy of a series by the outcomes of a space."""
    return of_arrays(lambda x: entropies.entropy(x, outcomes=outcomes), lambda n: (n,))


def solvers() -> dict[str, Scaling]:
    """A step of every solver, of some members of a solver, and of training a score."""

    def flow(method, **options):
        return lambda nx: KelvinHelmholtz(
            nx=nx, nz=nx // 2, method=method, stepping="fixed", dt=0.1 / nx, **options
        )

    def line(n):
        return NLSE(n=n, length=n / 10, dt=0.01)

    def wave(n):
        return KleinGordon(n=n, length=60.0, dt=6 / n, potential=SineGordon(), initial=Breather())

    def discs(n):
        return ActiveMatter(particles=n, initial="lattice")

    grid, plane, several, few = (256, 1024, 4096, 8192), (128, 256, 512), (1, 8, 64), (1, 16)
    walkers, between = (8192, 65536, 524288), "points in x, half in z"
    periodic = dict(walls="periodic", initial=DoubleShear(density_thickness=0.04, thickness=0.04))
    return {
        "nlse, a step": stepping("points", grid, line, "transforms", 50),
        "klein_gordon, a step": stepping("points", grid, wave, "transforms", 50),
        "kelvin_helmholtz, projection, a step": stepping(
            between, plane, flow("projection"), "bandwidth"
        ),
        "kelvin_helmholtz, spectral, periodic, a step": stepping(
            between, plane, flow("spectral", **periodic), "transforms"
        ),
        "couzin, a step": stepping("fish", (1000, 2000, 4000), swarm),
        "active_matter, a step": stepping("particles", (1024, 4096, 16384, 32768), discs),
        "linear_langevin, a step": stepping(
            "walkers", walkers, lambda n: LinearLangevin(walkers=n)
        ),
        "tilted_ring, a step": stepping("walkers", walkers, lambda n: TiltedRing(walkers=n)),
        "nlse with 256 points, a step": members(line(256), several),
        "klein_gordon with 256 points, a step": members(wave(256), several),
        "kelvin_helmholtz with 64 x 32 points, a step": members(flow("projection")(64), few),
        "couzin with 50 fish, a step": members(swarm(50, search="dense"), few),
        "active_matter with 256 particles, a step": members(discs(256), few),
        "linear_langevin with 1,024 walkers, a step": members(LinearLangevin(), several),
        "tilted_ring with 1,024 walkers, a step": members(TiltedRing(), several),
        "training mlp on linear_langevin, a step": training(
            "samples",
            (256, 1024, 4096),
            lambda n: LinearLangevin(walkers=n),
            "mlp",
            "exact",
            lambda n: n,
        ),
        "training slow_manifold on active_matter, a step of 2 samples": training(
            "particles", (64, 512), discs, "slow_manifold", "probes", lambda n: 2
        ),
    }


def estimators() -> dict[str, Scaling]:
    """A call of every group of estimators."""
    long, short = (10_000, 100_000, 1_000_000), (2_000, 4_000, 8_000)
    trees = (4_000, 16_000, 64_000)

    def line(n):
        return (n,)

    def symbols(x):
        return (x > 0).astype(int)

    def series(sizes, *measure, **options):
        return Scaling("points", sizes, of_arrays(*measure, **options))

    def counted(outcomes):
        return Scaling("points", long, of_outcomes(outcomes))

    def plane(measure):
        return Scaling("points a side", (256, 512, 1024), of_arrays(measure, lambda n: (n, n)))

    def school(measure, sizes):
        return Scaling("fish", sizes, of_arrays(measure, lambda n: (n, 3), lambda n: (n, 3)))

    def pairs(measure, sizes, **options):
        return series(sizes, measure, line, line, **options)

    def neighbours(x, method):
        return entropies.nearest_neighbour_entropy(x, k=4, method=method)

    def ksg(x, y, method):
        return entropies.ksg_mutual_information(x, y, k=4, method=method)

    return {
        "entropy of a density": series(long, lambda x: entropies.entropy(jnp.abs(x)), line),
        "entropy of a power spectrum": counted(entropies.Spectrum()),
        "entropy of a histogram, 50 bins": counted(entropies.Histogram(bins=50)),
        "Jensen-Shannon complexity of a density": series(
            long,
            lambda x: entropies.jensen_shannon_complexity(jnp.abs(x) / jnp.sum(jnp.abs(x))),
            line,
        ),
        "permutation entropy, order 5": counted(entropies.Ordinal(order=5)),
        "weighted permutation entropy, order 5": counted(entropies.WeightedOrdinal(order=5)),
        "amplitude-aware permutation entropy, order 5": counted(
            entropies.AmplitudeOrdinal(order=5)
        ),
        "dispersion entropy": counted(entropies.Dispersion()),
        "spatial permutation entropy": plane(
            lambda x: entropies.entropy(x, outcomes=entropies.SpatialOrdinal())
        ),
        "background potential energy": plane(
            lambda x: (
                entropies.potential_energies(x, jnp.linspace(0.0, 1.0, x.shape[-1])).background
            )
        ),
        "entropy by singular values": series(long, entropies.svd_entropy, line),
        "entropy by spacings": series(long, entropies.spacing_entropy, line),
        "sample entropy": series(short, entropies.sample_entropy, line),
        "approximate entropy": series(short, entropies.approximate_entropy, line),
        "multiscale entropy, 5 scales": series(
            short, lambda x: entropies.multiscale_entropy(x, scales=(1, 2, 3, 4, 5)), line
        ),
        "Lempel-Ziv complexity": series(
            short, lambda x: entropies.lempel_ziv_complexity(symbols(x)), line
        ),
        "nearest-neighbour entropy, 2-D (pairs)": series(
            short, lambda x: neighbours(x, "pairs"), lambda n: (n, 2)
        ),
        "nearest-neighbour entropy, 2-D (tree)": series(
            trees, lambda x: neighbours(x, "tree"), lambda n: (n, 2), jitted=False
        ),
        "mutual information, 2 symbols": pairs(
            lambda x, y: entropies.discrete_mutual_information(symbols(x), symbols(y), (2, 2)), long
        ),
        "mutual information, Gaussian": pairs(entropies.gaussian_mutual_information, long),
        "mutual information, KSG (pairs)": pairs(lambda x, y: ksg(x, y, "pairs"), short),
        "mutual information, KSG (tree)": pairs(
            lambda x, y: ksg(x, y, "tree"), trees, jitted=False
        ),
        "transfer entropy, 2 symbols": pairs(
            lambda x, y: entropies.discrete_transfer_entropy(symbols(x), symbols(y), (2, 2)), long
        ),
        "transfer entropy, Gaussian": pairs(entropies.gaussian_transfer_entropy, long),
        "transfer entropy, KSG (tree)": pairs(
            lambda x, y: entropies.ksg_transfer_entropy(x, y, method="tree"), trees, jitted=False
        ),
        "school entropies without bins": school(
            lambda x, v: entropies.school_entropies(
                x, v / jnp.linalg.norm(v, axis=-1, keepdims=True)
            ),
            (250, 500, 1000),
        ),
        "school entropies of dewi-kadita": school(
            lambda x, v: entropies.schooling_entropies(x, v, 25.0), (250, 500, 1000)
        ),
    }


def scalings() -> dict[str, Scaling]:
    """Everything that is measured."""
    return solvers() | estimators()


def costs(names: list[str], bytes_a_second: float) -> Iterator[Cost]:
    """All of them, or those whose name contains one of `names`."""
    for what, scaling in scalings().items():
        if names and not any(name in what for name in names):
            continue
        found = []
        for size in scaling.sizes:
            function, count = scaling.prepare(size)
            found.append(seconds_of(function) / count)
        largest = np.log(scaling.sizes[-EXPONENT_OF:]), np.log(found[-EXPONENT_OF:])
        exponent = float(np.polyfit(*largest, 1)[0])
        for size, seconds in zip(scaling.sizes, found, strict=True):
            transforms = moved = None
            if scaling.limit and scaling.solver is not None:
                program = program_of(scaling.solver(size))
                if scaling.limit == "transforms":
                    transforms = programs.transform_seconds(program) / seconds
                else:
                    moved = programs.bytes_moved(program) / seconds / bytes_a_second
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
            ""
            if shares[0] is None
            else f"{kind} " + ", ".join(f"{share:.2f}" for share in shares if share is not None)
        )
        yield f"| {what} | {own[0].unit}: {sizes} | {own[0].exponent:.2f} | {share} |"


def _scaled(seconds: float) -> str:
    power = min(0, 3 * math.floor(math.log10(seconds) / 3))
    return f"{seconds / 10**power:.3g} { ({0: '', -3: 'm', -6: 'µ', -9: 'n'}[max(power, -9)]) }s"


def limit_lines(found: list[Limit]) -> Iterator[str]:
    """What the machine reaches, a line each."""
    for limit in found:
        yield f"- {limit.what}: {limit.value:.3g} {limit.unit}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.sizes")
    parser.add_argument("names", nargs="*", help="only what has one of these in its name")
    parser.add_argument(
        "--csv",
        type=Path,
        help="write the rows to this file, too, and the limits to limits.csv by it",
    )
    arguments = parser.parse_args()
    found = list(limits())
    print("\n".join(limit_lines(found)), end="\n\n", flush=True)
    rows = list(costs(arguments.names, 1e9 * found[0].value))
    print("\n".join(cost_table(rows)))
    if arguments.csv:
        write_csv(arguments.csv, rows)
        write_csv(arguments.csv.with_name("limits.csv"), found)


if __name__ == "__main__":
    main()
