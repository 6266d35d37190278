# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Add a solver
#
# A solver is a class with five methods. Here is the complex Ginzburg-Landau equation on a ring,
#
# $$ A_t = A + (1 + i b) A_{xx} - (1 + i c) |A|^2 A , $$
#
# solved by Strang splitting: both halves have exact flows, so the method is of second order and as
# stable as they are. Where $1 + b c < 0$ the uniform oscillation is unstable (Benjamin and Feir)
# and the field becomes turbulent.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
from jaxtyping import Array

import physent
from physent import Axis, Domain, Solver, State, Variable, as_number, param, static
from physent.diagnostics import DifferentialEntropy, Entropy
from physent.entropy import Spectrum

jax.config.update("jax_enable_x64", True)

# %% [markdown] The fields are declared once. `param` makes a number (an array leaf: it may differ
# by member, and be differentiated), `static` a size. From these lines come the checks, `physent new
# "add_a_solver.py:GinzburgLandau"` and the docs.


# %%
class GinzburgLandauState(State):
    t: Array
    amplitude: Array


class GinzburgLandau(Solver[GinzburgLandauState]):
    """The complex Ginzburg-Landau equation on a ring."""

    n: int = static(256, doc="grid points", ge=8)
    length: Array = param(default=100.0, converter=as_number, doc="length of the ring", gt=0)
    b: Array = param(default=2.0, converter=as_number, doc="linear dispersion")
    c: Array = param(default=-1.2, converter=as_number, doc="nonlinear dispersion")
    dt: Array = param(default=0.05, converter=as_number, doc="time step", gt=0)

    def init(self, key):
        noise = jax.random.normal(key, (2, self.n))
        return GinzburgLandauState(jnp.zeros(()), 1.0 + 0.01 * (noise[0] + 1j * noise[1]))

    def step(self, state):
        k = 2 * jnp.pi * jnp.fft.fftfreq(self.n, 1 / self.n) / self.length
        a = self.saturate(state.amplitude, self.dt / 2)
        a = jnp.fft.ifft(jnp.exp((1 - (1 + 1j * self.b) * k**2) * self.dt) * jnp.fft.fft(a))
        return GinzburgLandauState(state.t + self.dt, self.saturate(a, self.dt / 2))

    def saturate(self, a, dt):
        growth = jnp.log1p(2 * dt * jnp.abs(a) ** 2)
        return a * jnp.exp(-(1 + 1j * self.c) * growth / 2)

    def observe(self, state):
        return {"amplitude": state.amplitude, "density": jnp.abs(state.amplitude) ** 2}

    def variables(self):
        return {
            "amplitude": Variable(("x",), "amplitude", long_name="complex amplitude"),
            "density": Variable(("x",), "density", long_name="squared modulus of the amplitude"),
        }

    def domain(self):
        x = jnp.arange(self.n) * self.length / self.n
        return Domain((Axis("x", x, self.length, periodic=True, long_name="position"),))


# %% [markdown] Run it. The diagnostics find what they need by name or by role, so any of them works
# with any solver. Two members with another $c$ each run together: the first is stable ($1 + b c >
# 0$), the second turbulent.

# %%
run = physent.run(
    GinzburgLandau(c=[0.5, -1.2]),
    t_end=100.0,
    save_every=0.5,
    members=2,
    diagnostics=[Entropy(of="amplitude", outcomes=Spectrum()), DifferentialEntropy(of="density")],
)
run

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
picture = left.pcolormesh(
    run.x, run.t, run.density.isel(member=1), cmap="viridis", shading="auto", rasterized=True
)
left.set(xlabel="x", ylabel="t", title="density, turbulent member")
figure.colorbar(picture, ax=left)
for member, style in ((0, "--"), (1, "-")):
    right.plot(
        run.t,
        run.entropy_amplitude_spectrum_shannon.isel(member=member),
        style,
        label=f"member {member}",
    )
right.set(xlabel="t", ylabel="spectral entropy (nat)", title="how many modes take part")
right.legend()
plt.show()

# %% [markdown] The uniform oscillation has one mode and entropy 0. Turbulence spreads the power
# over many: the entropy rises as the instability grows out of the noise and then stays at the
# turbulent level.

# %%
last = run.entropy_amplitude_spectrum_shannon.isel(t=slice(-50, None)).mean("t")
assert float(last[0]) < 1e-3, "the stable member has not settled"
assert float(last[1]) > 2.0, "the turbulent member is not turbulent"
last

# %% [markdown] From a config it is `kind = "add_a_solver.py:GinzburgLandau"`; in a package of your
# own, an entry point in the group `physent.solvers` gives it a short name.
