"""One run on one device and on more: python -m experiments.benchmarks.scaling
[weak|strong|sweep|open] [--devices 1,2]

Devices of a CPU are simulated; a process with n of them is kept to n cores. Prints Markdown tables:
seconds a step, efficiency, and what a device receives in a step, from the compiled program. A
process for each number of devices; they take turns.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 5
SECONDS = 0.4  # of one timing
WEAK = {  # the size of one device
    "members": "NLSE, N = 1,024, 32 members a device",
    "spectral": "shear flow (spectral), 256 x 128 points a device",
    "line": "NLSE, N = 65,536 a device",
    "particles": "active matter, 16,384 particles a device",
}


def build(case: str, share: int):
    """The solver and its number of members for `share` times the work of one device."""
    from physent.solvers import NLSE, ActiveMatter, KelvinHelmholtz

    if case == "members":
        return NLSE(n=1024, dt=0.01), 32 * share
    if case == "line":
        return NLSE(n=65_536 * share, length=50.0 * share, dt=1e-4), 1
    if case == "particles":
        return ActiveMatter(particles=16_384 * share, speed=0.025, dt=0.01, initial="lattice"), 1
    nx, length = 256 * share, 2.0 * share  # cells of one shape
    return KelvinHelmholtz(
        nx=nx, nz=128, length=length, dt=1e-3, stepping="fixed", noise=0.01, method="spectral"
    ), 1  # fmt: skip


def timed(case: str, share: int, devices: int) -> dict:
    """Seconds a step, and the bytes that a device receives in a step, by kind of exchange."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:devices])
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from experiments.benchmarks.communication import exchanges
    from physent.engine.cadence import Cadence
    from physent.engine.program import Program
    from physent.experiment.settings import RunSettings

    jax.config.update("jax_enable_x64", True)
    solver, members = build(case, share)
    program = Program(solver, (), members, [], devices)
    dt = float(solver.dt)
    cadence = Cadence.of(solver, RunSettings(t_end=dt, save_every=dt))
    state = program.init(solver, jax.random.key(0))
    carries, _ = program.first_row(solver, state)

    def arguments(steps):
        return eqx.filter(solver, eqx.is_array), state, carries, *map(jnp.asarray, (0, 1, steps))

    chunk = program.compiled(cadence, 1, *arguments(1))

    def seconds(steps):
        started = time.perf_counter()
        jax.block_until_ready(chunk(*arguments(steps)))
        return time.perf_counter() - started

    seconds(1)
    steps = max(2, int(SECONDS / max(seconds(10) / 10, 1e-6)))
    # a row is observed once a call: two lengths tell its cost from that of steps
    times = [(seconds(steps) - seconds(1)) / (steps - 1) for _ in range(REPEATS)]
    step = jax.jit(lambda numbers, state: program.step(eqx.combine(numbers, solver), state))
    sent: dict[str, int] = {}
    for exchange in exchanges(step.lower(arguments(1)[0], state).compile()):
        sent[exchange.kind] = sent.get(exchange.kind, 0) + exchange.size
    memory = chunk.memory_analysis()
    held = memory.argument_size_in_bytes + memory.temp_size_in_bytes + memory.output_size_in_bytes
    return {"step": statistics.median(times), "best": min(times), "sent": sent, "bytes": held}


def in_process(case: str, share: int, devices: int) -> dict:
    environment = os.environ | {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
    command = [
        sys.executable,
        "-m",
        "experiments.benchmarks.scaling",
        "one",
        case,
        str(share),
        str(devices),
    ]
    result = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(result.stdout.splitlines()[-1])


def table(kind: str, counts: list[int], cases: list[str]) -> None:
    print(f"\n{kind} scaling\n")
    print(
        "| case | devices | ms a step | efficiency | received by a device in a step | memory of a "
        "device |"
    )
    print("|---|---|---|---|---|---|")
    for case in cases:
        alone = None
        for count in counts:
            share = count if kind == "weak" else max(counts)
            found = in_process(case, share, count)
            alone = alone or found["step"]
            ideal = alone if kind == "weak" else alone / count
            sent = (
                ", ".join(f"{name} {size / 1024:.1f} KiB" for name, size in found["sent"].items())
                or "nothing"
            )
            words = WEAK[case] if count == counts[0] else ""
            print(
                f"| {words} | {count} | {1e3 * found['step']:.3g} | {ideal / found['step']:.2f} | "
                f"{sent} "
                f"| {found['bytes'] / 2**20:.1f} MiB |",
                flush=True,
            )


SWEEP = """
[solver]
kind = "nlse"
[run]
t_end = {t_end}
save_every = 10.0
"""


def sweep(t_end: float) -> None:
    """Sixteen points on the process pool against one worker, and the bits of one of them."""
    import numpy as np

    import physent
    from physent.app.cli import app

    over = ["--over", "solver.nonlinearity=linspace(0.5, 1.25, 16)"]
    with tempfile.TemporaryDirectory() as place:
        config = Path(place) / "case.toml"
        config.write_text(SWEEP.format(t_end=t_end))
        seconds = {}
        for workers in (2, 1):
            started = time.perf_counter()
            command = [
                "sweep",
                str(config),
                *over,
                "--workers",
                str(workers),
                "--output",
                f"{place}/{workers}",
                "--quiet",
            ]
            assert app(command, exit_on_error=False, print_error=False) == 0
            seconds[workers] = time.perf_counter() - started
        runs = [physent.open_runs(f"{place}/{workers}") for workers in (1, 2)]
        same = all(np.array_equal(runs[0][name], runs[1][name]) for name in map(str, runs[0]))
    print(
        f"\n16 points: one worker {seconds[1]:.1f} s, two {seconds[2]:.1f} s, ratio "
        f"{seconds[1] / seconds[2]:.2f}"
    )
    print(f"the same bits: {same}")


def open_many(count: int) -> None:
    """`physent.open_runs` on many small runs: copies of one, each with a parameter of its own."""
    import shutil

    import netCDF4

    import physent
    from physent.solvers import NLSE

    with tempfile.TemporaryDirectory() as place:
        first = Path(place) / "run_0000"
        physent.run(NLSE(n=128), t_end=1.0, save_every=0.1, output=first).close()
        for i in range(1, count):
            folder = Path(place) / f"run_{i:04d}"
            shutil.copytree(first, folder)
            with netCDF4.Dataset(folder / "run.nc", "r+") as file:
                file.experiment = file.experiment.replace(
                    "dispersion = 0.5", f"dispersion = {0.5 + i / count}"
                )
        started, processor = time.perf_counter(), time.process_time()
        runs = physent.open_runs(f"{place}/run_*")
        seconds, processor = time.perf_counter() - started, time.process_time() - processor
        assert runs.sizes["run"] == count and len(set(runs.dispersion.values)) == count
    size = runs.nbytes / count / 1024
    print(
        f"\nopening {count} runs of {size:.0f} KiB: {seconds:.1f} s ({processor:.1f} s of "
        "processor)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["weak", "strong", "sweep", "open"])
    parser.add_argument("--devices", default="1,2")
    parser.add_argument("--cases", default=",".join(WEAK))
    parser.add_argument(
        "--t-end",
        type=float,
        default=1000.0,
        help="of a point of the sweep, 70 us a time step of 0.01",
    )
    options = parser.parse_args()
    if options.what[0] == "one":
        case, share, devices = options.what[1:]
        print(json.dumps(timed(case, int(share), int(devices))))
        return
    counts = [int(count) for count in options.devices.split(",")]
    for what in options.what:
        if what in ("weak", "strong"):
            table(what, counts, options.cases.split(","))
        elif what == "sweep":
            sweep(options.t_end)
        else:
            open_many(1000)


if __name__ == "__main__":
    main()
