"""Stated field equations beside exponax's steppers: python -m
experiments.benchmarks.field_equations

The same equation on the same points with the same time step, both by the fourth-order exponential
method of Cox and Matthews, both dealiased by the rule of 2/3 (half of the modes for cubic terms):
Kuramoto-Sivashinsky (512 points), Gray-Scott and two-dimensional flow (128 x 128), Swift-Hohenberg
in three dimensions (32 x 32 x 32). Errors are the largest of the first unknown over its largest
value, against physent with a quarter of the step. And a soliton of the Korteweg-de Vries equation
beside sangkuriang-ideal-solver, against the exact one, and a packet of waves that meets a barrier
beside 1d-qt-ideal-solver. exponax's stream function has the other
sign: it gets the vorticity with the other sign, and so does its result.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from experiments.benchmarks.comparison import Case, Side, main


class Problem(NamedTuple):
    """An equation in both packages; `start` has the unknowns on the grid."""

    kind: str
    settings: dict[str, Any]
    start: Callable[[], tuple[np.ndarray, ...]]
    stepper: Callable[[Any], Any]  # from the module exponax
    steps: int
    sign: int = 1


def grid(n, length, dimension):
    x = (np.arange(n) / n - 0.5) * length
    return np.meshgrid(*[x] * dimension, indexing="ij")


def waves(n, dimension, size):
    """A smooth field of a few waves."""
    x = grid(n, 2 * np.pi, dimension)
    total = sum(np.cos((i + 1) * each + i) for i, each in enumerate(x))
    return size * (total + np.sin(sum(2 * each for each in x)))


def spot():
    x, y = grid(128, 1.25, 2)
    bump = np.exp(-(x**2 + 1.2 * y**2) / 0.01)
    return 1 - bump / 2, bump / 4


PROBLEMS = {
    "Kuramoto-Sivashinsky, 512": Problem(
        "KuramotoSivashinsky",
        dict(n=512, length=64.0, dt=0.05),
        lambda: (waves(512, 1, 0.5),),
        lambda ex: ex.stepper.KuramotoSivashinskyConservative(1, 64.0, 512, 0.05, order=4),
        400,
    ),
    "Gray-Scott, 128 x 128": Problem(
        "GrayScott",
        dict(n=(128, 128), length=1.25, dt=1.0, feed=0.035, kill=0.06),
        spot,
        lambda ex: ex.stepper.reaction.GrayScott(
            2, 1.25, 128, 1.0, diffusivity_1=2e-5, diffusivity_2=1e-5, feed_rate=0.035,
            kill_rate=0.06, order=4,
        ),
        200,
    ),
    "flow, 128 x 128": Problem(
        "NavierStokes2D",
        dict(n=(128, 128), length=2 * np.pi, dt=0.01, viscosity=1e-3),
        lambda: (waves(128, 2, 1.0),),
        lambda ex: ex.stepper.NavierStokesVorticity(
            2, 2 * np.pi, 128, 0.01, diffusivity=1e-3, order=4
        ),
        200,
        -1,
    ),
    "Swift-Hohenberg, 32 x 32 x 32": Problem(
        "SwiftHohenberg",
        dict(n=(32, 32, 32), length=6 * np.pi, dt=0.1, control=0.3),
        lambda: (waves(32, 3, 0.1),),
        lambda ex: ex.stepper.reaction.SwiftHohenberg(
            3, 6 * np.pi, 32, 0.1, reactivity=0.3, critical_number=1.0,
            polynomial_coefficients=(0.0, 0.0, 0.0, -1.0), order=4,
        ),
        100,
    ),
}  # fmt: skip


def ours(name, share=1):
    """physent, with `share` steps for each of the problem's."""
    import equinox as eqx
    import jax

    import physent.solvers

    problem = PROBLEMS[name]
    settings = problem.settings | {"dt": problem.settings["dt"] / share}
    solver = getattr(physent.solvers, problem.kind)(**settings, initial=tuple(problem.start()))

    @eqx.filter_jit
    def last(solver, steps):
        state = solver.init(jax.random.key(0))
        state = jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state)
        return next(iter(solver.observe(state).values()))

    return lambda: jax.block_until_ready(last(solver, problem.steps * share))


def theirs(name):
    import exponax
    import jax
    import jax.numpy as jnp

    problem = PROBLEMS[name]
    run = jax.jit(exponax.repeat(problem.stepper(exponax), problem.steps))
    start = problem.sign * jnp.stack([jnp.asarray(each) for each in problem.start()])
    return lambda: problem.sign * jax.block_until_ready(run(start))[0]


@functools.cache
def reference(name):
    return np.asarray(ours(name, 4)())


def error(name, found):
    exact = reference(name)
    return float(np.max(np.abs(np.asarray(found) - exact)) / np.max(np.abs(exact)))


# ---------------------------------------------------------------- a soliton of the KdV equation

SPEED, T_END, N, LENGTH = 4.0, 5.0, 512, 60.0


def soliton(x):
    away = np.mod(x + 10 - SPEED * T_END + LENGTH / 2, LENGTH) - LENGTH / 2
    return SPEED / 2 / np.cosh(np.sqrt(SPEED) / 2 * away) ** 2


def our_soliton():
    import equinox as eqx
    import jax

    from physent.solvers.gallery.korteweg_de_vries import KortewegDeVries, Solitons

    # small steps would end at 1e-11, for the rounding of each adds up: few of high order
    solver = KortewegDeVries(
        n=384,
        length=LENGTH,
        dt=1.0,
        method="dopri8",
        dealias="none",
        rtol=3e-14,
        atol=3e-16,
        initial=Solitons(speed=[SPEED], position=[-10.0]),
    )
    x = np.asarray(solver.domain()["x"].points)

    @eqx.filter_jit
    def last(solver):
        state = solver.init(jax.random.key(0))
        steps = round(T_END / 1.0)
        state = jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state)
        return solver.observe(state)["u"]

    return lambda: (x, np.asarray(last(solver)))


def their_soliton():
    from sangkuriang_ideal.core.solver import KdVSolver

    step = LENGTH / N
    solver = KdVSolver(nx=N, x_min=-LENGTH / 2, x_max=LENGTH / 2 - step, verbose=False)
    start = SPEED / 2 / np.cosh(np.sqrt(SPEED) / 2 * (solver.x + 10)) ** 2
    if not hasattr(np, "trapz"):  # which its invariants need, and NumPy 2 no longer has
        setattr(np, "trapz", np.trapezoid)  # noqa: B010

    def whole():
        found = solver.solve(start, mu=1.0, eps=6.0, t_final=T_END, n_snapshots=2)
        return solver.x, np.asarray(found["u"])[-1]

    return whole


def soliton_error(found):
    x, u = found
    return float(np.max(np.abs(u - soliton(x))))


BOX, PACKET, BARRIER, PASSED = 60.0, (-10.0, 3.0, 1.0), (4.0, 1.0), 6.0


def packet(x):
    """A Gaussian packet of waves on its way to a Gaussian barrier about as high as its energy."""
    place, k, width = PACKET
    norm = (2 * np.pi * width**2) ** -0.25
    return norm * np.exp(-((x - place) ** 2) / (4 * width**2) + 1j * k * x)


def barrier(x):
    height, width = BARRIER
    return height * np.exp(-(x**2) / (2 * width**2))


def our_tunnelling(n=384, dt=0.02, method: Any = "blanes_moan_4"):
    import equinox as eqx
    import jax

    from physent.solvers import NLSE

    x = (np.arange(n) / n - 0.5) * BOX
    solver = NLSE(
        n=n, length=BOX, dt=dt, nonlinearity=0.0, method=method,
        initial=packet(x), potential=barrier(x),
    )  # fmt: skip
    steps = round(PASSED / dt)

    @eqx.filter_jit
    def last(solver):
        state = solver.init(jax.random.key(0))
        return jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state).psi

    return lambda: (x, np.asarray(jax.block_until_ready(last(solver))))


def their_tunnelling():
    from qt1d_ideal.core.solver import QuantumTunneling1D

    solver = QuantumTunneling1D(nx=2048, x_min=-BOX / 2, x_max=BOX / 2, verbose=False)

    def whole():
        found = solver.solve(
            packet(solver.x), barrier(solver.x), t_final=PASSED, n_snapshots=2, show_progress=False
        )
        return solver.x, np.asarray(found["psi"])[-1]

    return whole


@functools.cache
def tunnelled():
    """The modes of the wave at the end, on four times the points with an eighth of the step."""
    _, psi = our_tunnelling(1536, 0.0025, "blanes_moan_6")()
    return np.fft.fft(psi) / psi.size


def tunnelling_error(found):
    """The largest error of the density over its largest value."""
    x, psi = found
    modes = tunnelled()
    k = np.fft.fftfreq(modes.size, 1 / modes.size) * (2 * np.pi / BOX)
    exact = np.abs(np.exp(1j * np.outer(x + BOX / 2, k)) @ modes) ** 2
    return float(np.max(np.abs(np.abs(psi) ** 2 - exact)) / exact.max())


def cases():
    for name in PROBLEMS:
        sides = (
            Side("physent", functools.partial(ours, name), "etdrk4"),
            Side("exponax", functools.partial(theirs, name), "etdrk4"),
        )
        measured = (
            Side(s.package, s.prepare, s.detail, error=functools.partial(error, name))
            for s in sides
        )
        yield Case(name, tuple(measured), "a quarter of the step")
    yield Case(
        "one soliton of Korteweg-de Vries to t = 5",
        (
            Side("physent", our_soliton, "384 points, dopri8", error=soliton_error),
            Side("sangkuriang-ideal-solver", their_soliton, "512 points", error=soliton_error),
        ),
        "the exact soliton",
    )
    yield Case(
        "a packet through a barrier to t = 6",
        (
            Side("physent", our_tunnelling, "384 points, dt .02", error=tunnelling_error),
            Side(
                "1d-qt-ideal-solver",
                their_tunnelling,
                "2,048 points, its dt",
                error=tunnelling_error,
            ),
        ),
        "physent on four times the points with an eighth of the step",
    )


if __name__ == "__main__":
    main("field_equations", cases)
