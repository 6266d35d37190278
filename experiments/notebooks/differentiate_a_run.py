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
# # Differentiate a run
#
# `physent.trajectory` is a run as a pure function of the solver: it can be jitted, vmapped and differentiated with
# respect to every `param`. Two uses: to find what a measurement came from, and to find the start with the most to show.

# %%
import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import optax

import physent
from physent.entropy import Spectrum, entropy
from physent.solvers import NLSE
from physent.solvers.nlse import PlaneWave, Soliton

jax.config.update("jax_enable_x64", True)

# %% [markdown]
# ## A soliton's parameters from its spectrum
#
# Given is only the power spectrum at t = 1 of a soliton that has met a focusing medium of twice its strength. The
# amplitude and the velocity that it started with are found by descending the misfit.

# %%
solver = NLSE(n=128, length=30.0, dt=0.02, nonlinearity=2.0, initial=Soliton(amplitude=1.0, velocity=0.0))


def spectrum(parameters):
    initial = eqx.tree_at(lambda s: (s.amplitude, s.velocity), solver.initial, tuple(parameters))
    one = eqx.tree_at(lambda s: s.initial, solver, initial)
    psi, _ = physent.trajectory(one, 1, 50, save=lambda solver, state: solver.observe(state)["psi"])
    return jnp.abs(jnp.fft.fft(psi[-1])) ** 2


truth = jnp.array([1.4, 0.8])
measured = jax.jit(spectrum)(truth)


@jax.jit
def misfit(parameters):
    return jnp.mean((jnp.sqrt(spectrum(parameters)) - jnp.sqrt(measured)) ** 2)


parameters = jnp.array([1.1, 0.6])
optimiser = optax.adam(0.05)


@jax.jit
def descend(parameters, state):
    value, slope = jax.value_and_grad(misfit)(parameters)
    change, state = optimiser.update(slope, state)
    return optax.apply_updates(parameters, change), state, value


state, history = optimiser.init(parameters), []
for _ in range(200):
    parameters, state, value = descend(parameters, state)
    history.append(float(value))
print("found", parameters, "truth", truth)

# %% [markdown]
# ## The disturbance whose entropy grows most
#
# A plane wave of the focusing equation is unstable. Of all disturbances of one per cent of its mass in the first eight
# modes to either side, which one makes the spectral entropy largest at t = 4?

# %%
box = NLSE(n=64, length=20.0, dt=0.02, initial=PlaneWave(amplitude=1.0, mode=0))
plain = box.init(jax.random.key(0))
x = box.domain()["x"].points
waves = jnp.exp(2j * jnp.pi * jnp.arange(-8, 9)[:, None] * x[None, :] / 20.0)


def final_entropy(real_and_imaginary):
    a = jax.lax.complex(*real_and_imaginary).at[8].set(0)
    a = 0.1 * a / jnp.linalg.norm(a)
    start = eqx.tree_at(lambda state: state.psi, plain, plain.psi * (1 + a @ waves))
    psi, _ = physent.trajectory(box, 40, 5, state=start, save=lambda solver, state: solver.observe(state)["psi"])
    growth = entropy(psi, outcomes=Spectrum(), axis=-1)
    return growth[-1], growth


climb = optax.adam(0.1)


@jax.jit
def step(a, state):
    (_, growth), slope = jax.value_and_grad(final_entropy, has_aux=True)(a)
    change, state = climb.update(-slope, state)
    return optax.apply_updates(a, change), state, growth


a = jax.random.normal(jax.random.key(0), (2, 17))
state, curves = climb.init(a), []
for _ in range(60):
    a, state, growth = step(a, state)
    curves.append(growth)
print(f"entropy at t = 4: {curves[0][-1]:.4f} at random, {curves[-1][-1]:.4f} after the search")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
left.semilogy(history, color="black")
left.set(xlabel="iteration", ylabel="misfit of the spectrum")
t = jnp.linspace(0, 4, len(curves[0]))
for i, style in ((0, ":"), (20, "--"), (59, "-")):
    right.plot(t, curves[i], style, color="black", label=f"iteration {i}")
right.set(xlabel="t", ylabel="spectral entropy (nats)")
right.legend()
# %% [markdown]
# The gradient is that of the discrete run, so it agrees with finite differences to rounding.

# %%
slope = jax.jit(jax.grad(misfit))(jnp.array([1.2, 0.7]))
h = 1e-5
difference = (misfit(jnp.array([1.2 + h, 0.7])) - misfit(jnp.array([1.2 - h, 0.7]))) / (2 * h)
print(f"d misfit/d amplitude: {slope[0]:.9f} by gradient, {difference:.9f} by differences")
assert abs(parameters - truth).max() < 1e-4 and curves[-1][-1] > curves[0][-1]
