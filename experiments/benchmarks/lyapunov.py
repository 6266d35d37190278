"""Lyapunov exponents beside exact and published ones, and their cost: markdown tables.

python -m experiments.benchmarks.lyapunov [PART ...] [--output data/validation/lyapunov.md]

Parts: known (maps and flows), sums (beside the divergence), kuramoto_sivashinsky (L = 22, with and
without the mean, and L from 12 to 60), cost (nine exponents beside a plain run; twenty beside a
loop in NumPy), integrable (how ln T/T they fall), systems (Kelvin-Helmholtz, particles, a lattice,
at dt and dt/2), dysts (100 flows of that package, against its published values and our own longer
runs). A part that is run again replaces its table. Seeds and starts are the defaults.
"""

import argparse
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import numpy as np

import physent
import physent.errors
from physent.diagnostics import Lyapunov
from physent.solvers import (
    NLSE,
    ActiveMatter,
    KelvinHelmholtz,
    KleinGordon,
    KuramotoSivashinsky,
    Ordinary,
)

OUTPUT = Path("data/validation/lyapunov.md")
Rows = Iterator[tuple[object, ...]]


def last(solver, t_end, rows=10, **settings):
    """The last row of a run, with the seconds it took without compilation."""
    ds = physent.run(
        solver, t_end=t_end, save_every=t_end / rows, diagnostics=[Lyapunov(**settings)]
    )
    return ds.isel(t=-1)


def numbers(values, digits=4) -> str:
    return ", ".join(f"{v:.{digits}f}" for v in np.atleast_1d(values))


# --------------------------------------------------------------------------------------------------

KNOWN = [  # system, settings, T, frames, known, sum
    ("lorenz", dict(method="rk4", dt=0.002), 40_000, 25, (0.9056, 0, -14.5723), -41 / 3),
    ("roessler", dict(method="rk4", dt=0.01), 200_000, 20, (0.0714, 0, -5.3943), None),
    ("henon", {}, 2_000_000, 2, (0.41922, -1.62319), np.log(0.3)),
    ("logistic", {}, 2_000_000, 5, (np.log(2),), np.log(2)),
    ("standard_map", {}, 4_000_000, 1, (1.6199, -1.6199), 0.0),
    ("cat_map", {}, 10_000, 2, (0.9624236501, -0.9624236501), 0.0),
]


def known() -> Rows:
    """Exponents, their errors, and the sum beside what it must be."""
    yield "system", "T", "exponents", "known", "errors", "sum - known sum"
    for system, settings, t_end, every, values, total in KNOWN:
        solver = Ordinary(system=system, **settings)
        ds = physent.run(
            solver,
            t_end=t_end,
            save_every=t_end / 2000,
            diagnostics=[Lyapunov(count=len(values), every=every)],
        )
        end = ds.isel(t=-1)
        found = end.lyapunov_exponents.values
        yield (
            system,
            f"{t_end:g}",
            numbers(found, 5),
            numbers(values, 5),
            numbers(end.lyapunov_error.values, 5),
            "" if total is None else f"{found.sum() - total:.1e}",
        )


def sums() -> Rows:
    """All exponents beside the mean divergence along the orbit, by the trapezoidal rule over every
    step, or of ln |det| over every turn of a map.
    """
    yield "system", "T", "sum of the exponents", "mean divergence", "difference"
    for system, settings, _, every, values, _ in KNOWN:
        solver = Ordinary(system=system, **settings)
        dt = float(solver.dt)
        t_end = 20_000 * dt if settings else 20_000
        found = Lyapunov(count=len(values), every=every, transient=0.0)
        ds = physent.run(solver, t_end=t_end, save_every=dt, diagnostics=[found])
        total = float(ds.lyapunov_exponents.isel(t=-1).sum())
        each = ds.divergence.values
        mean = (each.sum() - (each[0] + each[-1]) / 2) / (each.size - 1)
        mean = mean if settings else each[:-1].mean()
        yield system, f"{t_end:g}", f"{total:.7f}", f"{mean:.7f}", f"{total - mean:.1e}"


def kuramoto_sivashinsky() -> Rows:
    """T = 30,000 at L = 22, T = 5,000 at other lengths."""
    yield "L", "zero_mean", "T", "exponents", "errors", "Kaplan-Yorke", "Kolmogorov-Sinai"
    cases = [(22.0, False, 30_000), (22.0, True, 30_000)]
    cases += [(length, False, 5000) for length in (12.0, 18.0, 30.0, 36.0, 48.0, 60.0)]
    for length, zero_mean, t_end in cases:
        n = 64 if length < 25 else 128
        solver = KuramotoSivashinsky(n=n, length=length, dt=0.1, zero_mean=zero_mean)
        count = 9 if length < 25 else 20
        end = last(solver, t_end, count=count, transient=500.0)
        yield (
            f"{length:g}",
            zero_mean,
            f"{t_end:g}",
            numbers(end.lyapunov_exponents.values),
            numbers(end.lyapunov_error.values),
            f"{float(end.kaplan_yorke):.2f}",
            f"{float(end.kolmogorov_sinai):.4f}",
        )


# --------------------------------------------------------------------------------------------------


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def stepping(solver, diagnostics, steps):
    """A compiled loop over steps, with what diagnostics do at each."""
    from physent.engine.program import Program

    program = Program(solver, tuple(diagnostics))
    state = program.init(solver, jax.random.key(0))
    carries, _ = program.first_row(solver, state)

    @jax.jit
    def loop(state, carries):
        return program._followed(solver, state, carries, steps)

    jax.block_until_ready(loop(state, carries))
    return lambda: jax.block_until_ready(loop(state, carries))


def numpy_loop(n, length, dt, count, every, steps, transient=200):
    """Twenty exponents of Kuramoto-Sivashinsky as one writes it in NumPy: ETDRK4 of the field and
    of all tangent vectors at once, QR every few steps.
    """
    k = 2 * np.pi / length * np.arange(n // 2 + 1)
    linear = k**2 - k**4
    kept = np.arange(n // 2 + 1) < n / 3
    factor = -0.5j * k * kept
    m = 64
    roots = np.exp(1j * np.pi * (np.arange(m) + 0.5) / m)
    z = dt * linear[:, None] + roots[None, :]
    q = dt * np.mean((np.exp(z / 2) - 1) / z, axis=1).real
    f1 = dt * np.mean((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3, axis=1).real
    f2 = dt * np.mean((2 + z + np.exp(z) * (-2 + z)) / z**3, axis=1).real
    f3 = dt * np.mean((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3, axis=1).real
    e, half = np.exp(dt * linear), np.exp(dt * linear / 2)

    def rate(v):
        u = np.fft.irfft(v, n, axis=-1)
        product = np.empty_like(u)
        product[0] = u[0] ** 2
        product[1:] = 2 * u[0] * u[1:]
        return factor * np.fft.rfft(product, axis=-1)

    def step(v):
        a0 = rate(v)
        a = half * v + q * a0
        a1 = rate(a)
        b = half * v + q * a1
        a2 = rate(b)
        c = half * a + q * (2 * a2 - a0)
        a3 = rate(c)
        return e * v + f1 * a0 + 2 * f2 * (a1 + a2) + f3 * a3

    random = np.random.default_rng(0)
    x = length * np.arange(n) / n
    u = np.concatenate([np.cos(2 * np.pi * x / length)[None], random.standard_normal((count, n))])
    v = np.fft.rfft(u, axis=-1) * kept
    total, frames = np.zeros(count), 0
    for i in range(1, steps + 1):
        v = step(v)
        if i % every == 0:
            frame, r = np.linalg.qr(np.fft.irfft(v[1:], n, axis=-1).T)
            v[1:] = np.fft.rfft(frame.T, axis=-1) * kept
            if i > transient:
                total += np.log(np.abs(np.diag(r)))
                frames += 1
    return total / max(frames, 1) / (every * dt)


def cost() -> Rows:
    """Medians of five, alternating, of 2,000 steps; exponents every 5 steps."""
    yield "what", "plain or NumPy, us a step", "with exponents, us a step", "ratio"
    steps = 2000
    for name, solver in (
        ("Kuramoto-Sivashinsky, 64", KuramotoSivashinsky(n=64, length=22.0, dt=0.1)),
        ("Kuramoto-Sivashinsky, 512", KuramotoSivashinsky(n=512, length=200.0, dt=0.1)),
        ("phi^4 chain, 32", Ordinary(system="phi4_chain", dt=0.05, method="blanes_moan_4")),
    ):
        plain, with_nine = stepping(solver, [], steps), stepping(solver, [Lyapunov()], steps)
        pairs = [(seconds(plain), seconds(with_nine)) for _ in range(5)]
        a, b = (1e6 * np.median(each) / steps for each in zip(*pairs, strict=True))
        yield f"nine of {name}", f"{a:.1f}", f"{b:.1f}", f"{b / a:.1f}"
    solver = KuramotoSivashinsky(n=128, length=60.0, dt=0.1)
    ours = stepping(solver, [Lyapunov(count=20)], steps)

    def theirs() -> object:
        return numpy_loop(128, 60.0, 0.1, 20, 5, steps)

    theirs()
    pairs = [(seconds(theirs), seconds(ours)) for _ in range(5)]
    a, b = (1e6 * np.median(each) / steps for each in zip(*pairs, strict=True))
    yield (
        "twenty of Kuramoto-Sivashinsky, 128, beside NumPy",
        f"{a:.1f}",
        f"{b:.1f}",
        f"{a / b:.1f}",
    )


def integrable() -> Rows:
    """lambda T = a + b ln T over two decades of T, b by least squares on logarithmic times."""
    yield "system", "b", "largest lambda T/ln T", "T"
    for name, solver, t_end in (
        ("Toda, 8", Ordinary(system="toda", dt=0.05, method="blanes_moan_4"), 10_000.0),
        ("NLSE, a soliton", NLSE(n=128, length=25.0, dt=0.01), 1000.0),
        (
            "sine-Gordon, a breather",
            KleinGordon(n=128, length=40.0, dt=0.05, potential="sine_gordon", initial="breather"),
            1000.0,
        ),
    ):
        ds = physent.run(
            solver,
            t_end=t_end,
            save_every=t_end / 1000,
            diagnostics=[Lyapunov(count=1, transient=0.0, every=10)],
        )
        t, product = ds.t.values[10:], ds.lyapunov_exponents.values[10:, 0] * ds.t.values[10:]
        at = np.unique(np.geomspace(1, t.size, 60).astype(int)) - 1
        slope = np.polyfit(np.log(t[at]), product[at], 1)[0]
        yield name, f"{slope:.2f}", f"{np.max(product / np.log(t)):.2f}", f"{t_end:g}"


def systems() -> Rows:
    """The largest exponent at dt and dt/2."""
    yield "system", "dt", "largest exponent", "error", "T"
    makers = {
        "Kelvin-Helmholtz, 64 x 32": (
            lambda dt: KelvinHelmholtz(nx=64, nz=32, dt=dt, stepping="fixed"),
            0.005,
            10.0,
        ),
        "phi^4 chain, 32": (
            lambda dt: Ordinary(system="phi4_chain", dt=dt, method="blanes_moan_4"),
            0.1,
            20_000.0,
        ),
        "swimmers without noise, 32": (
            lambda dt: ActiveMatter(
                particles=32,
                packing_fraction=0.4,
                propulsion=_still(),
                initial="lattice",
                speed=1.0,
                dt=dt,
            ),
            0.002,
            40.0,
        ),
    }
    for name, (make, dt, t_end) in makers.items():
        for share in (1, 2):
            end = last(make(dt / share), t_end, count=1, every=10 * share)
            found, error = float(end.lyapunov_exponents[0]), float(end.lyapunov_error[0])
            yield name, f"{dt / share:g}", f"{found:.4f}", f"{error:.4f}", f"{t_end:g}"


def dysts() -> Rows:
    """The first hundred autonomous flows of dysts 0.96 by name: RK4, 200 steps a period, or
    dopri8 where that is not finite; from the start given there, after 50 periods. Truth:
    doubled until its error is .7 %, or 32,000 periods; short: a tenth of that time, from where the
    truth ended.
    """
    yield "system", "published", "truth", "error", "periods", "short", "short/truth - 1"
    for name, flow in _flows()[:100]:
        period = float(flow["period"])
        yield name, *_largest(name, period, flow.get("maximum_lyapunov_estimated"))


def _flows() -> list[tuple[str, dict]]:
    import json
    from importlib import resources

    data = resources.files("dysts").joinpath("data/chaotic_attractors.json").read_text()
    every = sorted(json.loads(data).items())
    return [(n, d) for n, d in every if not (d.get("delay") or d.get("nonautonomous"))]


def _largest(name: str, period: float, published) -> tuple[object, ...]:
    """The row of a flow."""
    from physent.engine.program import Program

    for method in ("rk4", "dopri8"):
        steps = 200 if method == "rk4" else 20
        try:
            solver = Ordinary(system=f"dysts:{name}", dt=period / steps, method=method)
        except physent.errors.ParameterError as error:
            return (published, f"refused: {str(error)[:60]}", "", "", "", "")
        program = Program(solver, (Lyapunov(count=1, every=10, transient=0.0),))
        state = program.init(solver, jax.random.key(0))
        carries, _ = program.first_row(solver, state)

        @jax.jit
        def go(state, carries, steps, program=program, solver=solver):
            return program._followed(solver, state, carries, steps)

        @jax.jit
        def look(state, carries, program=program, solver=solver):
            series = program.measure(solver, state, carries)[1].series
            return series["lyapunov_exponents"][0], series["lyapunov_error"][0]

        state, turned = go(state, carries, 50 * steps)
        fresh = turned[0]._replace(
            steps=0 * turned[0].steps, sums=0 * turned[0].sums, rest=0 * turned[0].rest,
            full=0 * turned[0].full, begun=0 * turned[0].begun, length=0 * turned[0].length + 1,
        )  # fmt: skip
        periods, carries, done = 500, (fresh,), 0
        while True:
            state, carries = go(state, carries, (periods - done) * steps)
            done = periods
            value, error = (float(each) for each in look(state, carries))
            small = error <= 0.007 * abs(value)
            if small or periods >= (32_000 if method == "rk4" else 4000) or not np.isfinite(value):
                break
            periods *= 2
        if np.isfinite(value):
            break
    vectors = carries[0].vectors
    state, carries = go(state, (fresh._replace(vectors=vectors),), periods // 10 * steps)
    short = float(look(state, carries)[0])
    ratio = short / value - 1 if value else np.nan
    given = "" if published is None else f"{float(published):.4g}"
    return given, f"{value:.5g}", f"{error:.2g}", periods, f"{short:.5g}", f"{ratio:+.3f}"


def _still():
    from physent.solvers.active_matter.propulsion import Brownian

    return Brownian(rotational_diffusivity=0.0)


PARTS: dict[str, Callable[[], Rows]] = {
    "known": known,
    "sums": sums,
    "kuramoto_sivashinsky": kuramoto_sivashinsky,
    "cost": cost,
    "integrable": integrable,
    "systems": systems,
    "dysts": dysts,
}


def table(rows: Rows) -> str:
    lines = []
    for i, row in enumerate(rows):
        lines.append("| " + " | ".join(map(str, row)) + " |")
        print(lines[-1], flush=True)
        if i == 0:
            lines.append("|" + "---|" * len(row))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the parts that are named, by default all, and put their tables into the file."""
    jax.config.update("jax_enable_x64", True)
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    if strange := [part for part in given.parts if part not in PARTS]:
        parser.error(f"given {strange[0]!r}, allowed: {', '.join(PARTS)}")
    text = given.output.read_text() if given.output.exists() else "# Lyapunov exponents\n"
    for part in given.parts or PARTS:
        words = " ".join((PARTS[part].__doc__ or "").split())
        section = f"## {part}\n\n{words}\n\n{table(PARTS[part]())}\n"
        old = re.compile(rf"## {part}\n.*?(?=\n## |\Z)", re.DOTALL)
        text = old.sub(lambda _, s=section: s, text) if old.search(text) else f"{text}\n{section}"
        given.output.write_text(text)


if __name__ == "__main__":
    main()
