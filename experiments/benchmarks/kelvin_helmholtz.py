"""Stratified shear flow against kh2d-solver 0.1.6: python -m
experiments.benchmarks.kelvin_helmholtz

Two of its cases until t = 5 on the same grid, in float64 and float32, with a snapshot saved every
0.1. The peer takes its own time step, and both take the cores that the process may use. Its noise
leaves no solution to converge to, so errors are those of `single_mode`'s start at t = 2: the
relative errors of kinetic energy, enstrophy and density variance, printed one by one, and the
largest of them in the table, against method B on 256 x 128 points; method A on the peer's grid, and
on 16 x 8 cells, where each of the three is still below the peer's.
"""

import functools

import numpy as np

from experiments.benchmarks.comparison import CORES, Case, Side, main

# the default, up to which Euler steps with the velocity at their start keep the density bounded
COURANT = 1.0
T_END, EVERY = 5.0, 0.1
# name: ours, start of both, options of theirs, Re, Ri of the peer
CASES = {
    "basic_shear": (
        dict(reynolds=1000.0, buoyancy=2.4525, noise=0.01),
        "ShearLayer",
        dict(shear_thickness=0.05, rho_bot=1.2),
        1000,
        0.25,
    ),
    "double_shear": (
        dict(reynolds=2000.0, buoyancy=0.981, noise=0.01),
        "DoubleShear",
        dict(shear_thickness=0.04, separation=0.3),
        2000,
        0.1,
    ),
}


def ours(name, precision):
    import equinox as eqx
    import jax

    from physent.solvers import kelvin_helmholtz as kh

    @eqx.filter_jit
    def snapshots(solver, count):
        def row(state, _):
            state = solver.step(state)
            fields = solver._method.centred(state.flow)
            return state, (fields.u, fields.w, fields.density, fields.vorticity, state.inner_steps)

        return jax.lax.scan(row, solver.init(jax.random.key(0)), None, length=count)[1]

    settings, kind, *_ = CASES[name]
    with jax.enable_x64(precision == "float64"):
        initial = getattr(kh, kind)(perturbation=kh.Ripple())
        solver = kh.KelvinHelmholtz(
            nx=256,
            nz=128,
            dt=EVERY,
            courant=COURANT,
            initial=initial,
            **settings,  # pyright: ignore[reportArgumentType]
        )

    def run():
        with jax.enable_x64(precision == "float64"):
            return jax.block_until_ready(snapshots(solver, round(T_END / EVERY)))

    return run


def peer(nx, nz):
    from kh2d_solver.core.solver import KH2DSolver

    return KH2DSolver(nx=nx, nz=nz, verbose=False, n_cores=CORES)


def theirs(name):
    from kh2d_solver.core import initial_conditions

    _, kind, options, reynolds, richardson = CASES[name]
    grid = peer(256, 128)
    np.random.seed(0)  # noqa: NPY002
    fields = getattr(initial_conditions, kind)(**options)(grid.x, grid.z)
    return lambda: grid.solve(
        *fields,
        t_final=T_END,
        n_snapshots=round(T_END / EVERY),
        reynolds=reynolds,
        richardson=richardson,
        show_progress=False,
    )


def cases():
    for name in CASES:
        for precision in ("float64", "float32"):
            sides = (
                Side(
                    "physent",
                    functools.partial(ours, name, precision),
                    f"courant {COURANT}",
                    precision,
                ),
                Side("kh2d-solver 0.1.6", functools.partial(theirs, name)),
            )
            yield Case(f"{name} to t = {T_END:g}, {precision}", sides, "noise: see single_mode")
    coarse = Side("physent", functools.partial(single_mode, 16), "A, 16 x 8", error=error)
    same = Side("physent", functools.partial(single_mode, 256), "A, 256 x 128", error=error)
    grid = Side(
        "kh2d-solver 0.1.6", their_single_mode, "256 x 128", error=lambda r: error(sums_of(r))
    )
    yield Case("single_mode, t = 2", (coarse, same, grid), "method B")


# ---------------------------------------------------------------------------------------------
# errors of single_mode

NAMES = ("kinetic_energy", "enstrophy", "density_variance")


def single_mode(nx, method="projection", courant=COURANT):
    import equinox as eqx
    import jax

    from physent.solvers.kelvin_helmholtz import KelvinHelmholtz

    @eqx.filter_jit
    def last(solver, steps):
        state = jax.lax.fori_loop(
            0, steps, lambda _, state: solver.step(state), solver.init(jax.random.key(0))
        )
        return solver.observe(state)

    solver = KelvinHelmholtz(nx=nx, nz=nx // 2, method=method, courant=courant)  # pyright: ignore[reportArgumentType]
    return lambda: [
        float(jax.block_until_ready(last(solver, jax.numpy.asarray(20)))[name]) for name in NAMES
    ]


def their_single_mode():
    grid = peer(256, 128)
    x, z = np.meshgrid(grid.x, grid.z)
    s, k = (z - 0.5) / 0.05, 2 * np.pi
    u = np.tanh(s) - 0.02 * s * np.exp(-(s**2)) * np.cos(k * x)
    w = 0.01 * 0.05 * k * np.exp(-(s**2)) * np.sin(k * x)
    density = 1 + 0.1 * (1 - np.tanh(s))
    # it saves what it has once it is past a time of its list: with two snapshots only the start is
    # ever saved
    arguments = dict(n_snapshots=200, reynolds=1000, richardson=0.5 / 9.81, show_progress=False)
    area = (
        grid.dx
        * grid.dz
        * np.outer(*(np.where((np.arange(n) % (n - 1)) == 0, 0.5, 1) for n in (128, 256)))
    )
    return lambda: grid.solve(u, w, density, t_final=2.0, **arguments) | {"area": area}


def sums_of(result):
    """The peer's integrals at t = 2, by the trapezoidal rule."""
    assert abs(result["t"][-1] - 2) < 0.02, f"the last snapshot is of t = {result['t'][-1]}"
    u, w, density, vorticity = (
        np.asarray(result[name][-1]) for name in ("u", "w", "rho", "vorticity")
    )
    return [
        float(np.sum(result["area"] * f))
        for f in ((u**2 + w**2) / 2, vorticity**2, (density - 1) ** 2)
    ]


@functools.cache
def converged():
    return single_mode(256, "spectral", 0.8)()


def errors(found):
    return [value / exact - 1 for value, exact in zip(found, converged(), strict=True)]


def error(found):
    """The largest, after printing all three."""
    shown = errors(found)
    print(
        "errors: " + ", ".join(f"{name} {e:+.2e}" for name, e in zip(NAMES, shown, strict=True)),
        flush=True,
    )
    return max(map(abs, shown))


if __name__ == "__main__":
    main("kelvin_helmholtz", cases)
