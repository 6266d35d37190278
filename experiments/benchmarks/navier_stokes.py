"""Two-dimensional incompressible flow in a periodic box: python -m
experiments.benchmarks.navier_stokes

Two opposite shear layers without stratification on 128 x 128 points, Re = 1000, to t = 2: the
spectral method of `kelvin_helmholtz` at its default step and at a longer one, and exponax's
exponential stepper for the vorticity, of the second order, and of the fourth with about the fewest
steps that are stable and with twice as many, which shows that its errors fall. Both start from the
same vorticity and dealias by the rule of 2/3; physent advects a density, too, and finds its step by
the Courant condition, which exponax does not. exponax's stream function has the other sign, so that
its flow is the mirror image: it gets the vorticity with the other sign, and so does its result. A
vorticity does not say how fast the whole flow moves: the result is moved along by the mean
velocity, too. Errors are the largest of the vorticity over the largest vorticity, against physent's
with a tenth of the step.
"""

import functools

import numpy as np

from experiments.benchmarks.comparison import Case, Side, elsewhere, main

N, T_END, REYNOLDS = 128, 2.0, 1000.0


def solver_of(courant):
    from physent.solvers.kelvin_helmholtz import DoubleShear, KelvinHelmholtz

    return KelvinHelmholtz(
        nx=N,
        nz=N,
        length=1.0,
        height=1.0,
        reynolds=REYNOLDS,
        buoyancy=0.0,
        walls="periodic",
        method="spectral",
        initial=DoubleShear(density_thickness=0.04),
        courant=courant,
    )


def ours(courant):
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    @eqx.filter_jit
    def vorticity(solver, steps):
        state = solver.init(jax.random.key(0))
        later = jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state)
        return solver.observe(later)["vorticity"]

    solver = solver_of(courant)
    return lambda: jax.block_until_ready(
        vorticity(solver, jnp.asarray(round(T_END / float(solver.dt))))
    )


def start():
    """The vorticity at t = 0, and the mean velocity."""
    import jax

    solver = solver_of(1.0)
    observed = solver.observe(solver.init(jax.random.key(0)))
    return np.asarray(observed["vorticity"]), float(np.mean(observed["u"]))


def theirs(steps, order, begin):
    """exponax from a vorticity and a mean velocity, which `begin` gives."""
    import exponax
    import jax
    import jax.numpy as jnp

    stepper = exponax.stepper.NavierStokesVorticity(
        2, 1.0, N, T_END / steps, diffusivity=1 / REYNOLDS, order=order
    )
    run = jax.jit(exponax.repeat(stepper, steps))
    vorticity, mean = begin()
    mirrored = -jnp.asarray(vorticity)[None]
    wave = 2 * jnp.pi * jnp.fft.rfftfreq(N, 1 / N) * mean * T_END

    def whole():
        found = -jax.block_until_ready(run(mirrored))[0]
        return jnp.fft.irfft(jnp.fft.rfft(found, axis=0) * jnp.exp(-1j * wave)[:, None], axis=0)

    return whole


@functools.cache
def reference():
    return np.asarray(ours(0.1)())


def error(found):
    return float(np.max(np.abs(np.asarray(found) - reference())) / np.max(np.abs(reference())))


def cases():
    @functools.cache
    def begin():
        return elsewhere(start)

    physent = [
        Side("physent", functools.partial(ours, courant), f"courant {courant}", error=error)
        for courant in (1.0, 1.5)
    ]
    peer = [
        Side(
            "exponax",
            functools.partial(theirs, steps, order, begin),
            f"order {order}, {steps} steps",
            error=error,
        )
        for order, steps in ((2, 1000), (4, 300), (4, 600))
    ]
    yield Case(f"two shear layers, {N} x {N}", (*physent, *peer), "a tenth of the step")


if __name__ == "__main__":
    main("navier_stokes", cases)
