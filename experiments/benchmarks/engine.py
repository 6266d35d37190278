"""What the engine itself costs: python -m experiments.benchmarks.engine [--rows 100000]

Prints a Markdown table: the time to help, the cost of streaming eight entropies, memory against the
number of rows. Runs that are compared alternate in one process; memory is that of a process of its
own.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 15


def help_seconds() -> float:
    """Median wall time of `physent --help`, the interpreter's start included."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        code = (
            "import sys; sys.argv = ['physent', '--help']; from physent.app.cli import main; main()"
        )
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def streaming_cost(steps_per_row: int) -> tuple[float, float]:
    """Solver seconds per row and what eight entropies add to them, as the median ratio of
    alternating runs.
    """
    import jax

    from physent.diagnostics import Complexity, DifferentialEntropy, Entropy
    from physent.engine.cadence import Cadence
    from physent.engine.portions import Portion
    from physent.engine.program import Program
    from physent.engine.rows import Instant
    from physent.entropy import MinEntropy, Renyi, Spectrum, Tsallis
    from physent.experiment.settings import RunSettings
    from physent.solvers import NLSE

    eight = (
        Entropy(of="density"),
        Entropy(of="psi", outcomes=Spectrum()),
        Entropy(of="density", measure=Renyi(order=2.0)),
        Entropy(of="density", measure=MinEntropy()),
        Entropy(of="density", measure=Tsallis(order=0.5)),
        Entropy(of="density", measure=Tsallis(order=2.0)),
        DifferentialEntropy(of="density"),
        Complexity(of="density"),
    )
    rows, solver = 100, NLSE(n=512, dt=0.01)
    settings = RunSettings(t_end=rows * steps_per_row * 0.01, save_every=steps_per_row * 0.01)
    cadence = Cadence.of(solver, settings)

    def prepared(diagnostics):
        program = Program(solver, diagnostics)
        state = program.init(solver, jax.random.key(0))
        carries, _ = program.first_row(solver, state)
        chunk = jax.jit(program.chunk(cadence, rows))
        instant, portion = Instant(solver, state, carries), Portion.of_rows(cadence, 0, rows)
        arguments = program.arguments(instant, portion, cadence, rows)

        def run():
            start = time.perf_counter()
            jax.block_until_ready(chunk(*arguments))
            return time.perf_counter() - start

        run()
        return run

    plain, streaming = prepared(()), prepared(eight)
    pairs = [(plain(), streaming()) for _ in range(REPEATS)]
    return statistics.median(a for a, _ in pairs) / rows, statistics.median(
        b / a for a, b in pairs
    ) - 1


def memory(rows: int) -> float:
    """Peak resident MiB of a process that runs and saves so many rows of five fields on 512
    points.
    """
    done = subprocess.run(
        [sys.executable, __file__, "--memory-of", str(rows)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.split()[-1])


def run_and_print_memory(rows: int) -> None:
    """The process whose memory is measured."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import physent
    from physent.diagnostics import Entropy
    from physent.solvers import NLSE

    with tempfile.TemporaryDirectory() as folder:
        physent.run(
            NLSE(n=512, dt=0.01),
            t_end=rows * 0.01,
            save_every=0.01,
            diagnostics=[Entropy(of="density")],
            output=Path(folder) / "run",
        ).close()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="saved rows of the long run")
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        run_and_print_memory(arguments.memory_of)
        return
    import jax

    jax.config.update("jax_enable_x64", True)
    print("| what | measured |\n|---|---|")
    print(f"| physent --help, median of {REPEATS} | {help_seconds():.3f} s |")
    for steps in (1, 10, 20):
        seconds, share = streaming_cost(steps)
        print(
            f"| eight entropies, {steps} steps a row | {100 * share:+.1f} % of {1e6 * seconds:.0f} "
            "us |"
        )
    short, long = memory(1_000), memory(arguments.rows)
    print(f"| peak memory, 1,000 rows | {short:.0f} MiB |")
    print(
        f"| peak memory, {arguments.rows:,} rows | {long:.0f} MiB ({100 * (long / short - 1):+.1f} "
        "%) |"
    )


if __name__ == "__main__":
    main()
