"""Two-dimensional incompressible flow in a periodic box: python -m experiments.benchmarks.navier_stokes

Two opposite shear layers without stratification on 256 x 256 points, Re = 1000, to t = 2: the spectral method of
`kelvin_helmholtz` at its default step and at a longer one, and exponax's exponential stepper of the second order for
the vorticity with two steps. Both start from the same vorticity and dealias by the rule of 2/3; physent advects a
density, too, which exponax does not. A vorticity does not say how fast the whole flow moves: exponax's result is moved
along by the mean velocity. Errors are the largest of the vorticity over the largest vorticity, against
physent's with a tenth of the step.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

from experiments.benchmarks.comparison import Case, Side, main  # noqa: E402 (float64 first)
from physent.solvers.kelvin_helmholtz import DoubleShear, KelvinHelmholtz  # noqa: E402

N, T_END, REYNOLDS = 256, 2.0, 1000.0


def solver_of(courant):
    return KelvinHelmholtz(
        nx=N, nz=N, length=1.0, height=1.0, reynolds=REYNOLDS, buoyancy=0.0, walls="periodic", method="spectral",
        initial=DoubleShear(), courant=courant,
    )  # fmt: skip


@eqx.filter_jit
def observed(solver, steps):
    state = solver.init(jax.random.key(0))
    return solver.observe(jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state))


def vorticity(solver, steps):
    return jax.block_until_ready(observed(solver, steps))["vorticity"]


def ours(courant):
    solver = solver_of(courant)
    return lambda: vorticity(solver, jnp.asarray(round(T_END / 0.1)))


def theirs(steps):
    import exponax

    stepper = exponax.stepper.NavierStokesVorticity(2, 1.0, N, T_END / steps, diffusivity=1 / REYNOLDS)
    run = jax.jit(exponax.repeat(stepper, steps))
    start = observed(solver_of(1.0), jnp.asarray(0))
    wave = 2 * jnp.pi * jnp.fft.rfftfreq(N, 1 / N) * jnp.mean(start["u"]) * T_END

    def whole():
        found = jax.block_until_ready(run(start["vorticity"][None]))[0]
        return jnp.fft.irfft(jnp.fft.rfft(found, axis=0) * jnp.exp(-1j * wave)[:, None], axis=0)

    return whole


@functools.cache
def reference():
    return np.asarray(ours(0.1)())


def error(found):
    return float(np.max(np.abs(np.asarray(found) - reference())) / np.max(np.abs(reference())))


def cases():
    physent = [Side("physent", ours(courant), f"courant {courant}", error=error) for courant in (1.0, 1.5)]
    peer = [Side("exponax", theirs(steps), f"{steps} steps", error=error) for steps in (1000, 2000)]
    yield Case("two shear layers", (*physent, *peer), "a tenth of the step")


if __name__ == "__main__":
    main("navier_stokes", cases)
