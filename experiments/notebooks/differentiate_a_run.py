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
# `physent.trajectory` is a run as a pure function of the solver: it can be jitted, vmapped and
# differentiated with respect to every `param`. Two uses: to find what a measurement came from, and
# to find the start with the most to show.

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
# Given is only the power spectrum at t = 1 of a soliton that has met a focusing medium of twice its
# strength. The amplitude and the velocity that it started with are found by descending the misfit.

# %%
solver = NLSE(
    n=128, length=30.0, dt=0.02, nonlinearity=2.0, initial=Soliton(amplitude=1.0, velocity=0.0)
)


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
# A plane wave of the focusing equation is unstable. Of all disturbances of one per cent of its mass
# in the first eight modes to either side, which one makes the spectral entropy grow most from t = 0
# to 2.5? The climb begins at four random ones, and may end on different summits: the highest found
# is no proof of the highest there is.

# %%
box = NLSE(n=64, length=20.0, dt=0.02, initial=PlaneWave(amplitude=1.0, mode=0))
plain = box.init(jax.random.key(0))
x = box.domain()["x"].points
waves = jnp.exp(2j * jnp.pi * jnp.arange(-8, 9)[:, None] * x[None, :] / 20.0)


def gain(real_and_imaginary):
    a = jax.lax.complex(*real_and_imaginary).at[8].set(0)
    a = 0.1 * a / jnp.linalg.norm(a)
    start = eqx.tree_at(lambda state: state.psi, plain, plain.psi * (1 + a @ waves))
    psi, _ = physent.trajectory(
        box, 25, 5, state=start, save=lambda solver, state: solver.observe(state)["psi"]
    )
    first = entropy(start.psi[None], outcomes=Spectrum(), axis=-1)
    growth = jnp.concatenate([first, entropy(psi, outcomes=Spectrum(), axis=-1)])
    return growth[-1] - growth[0], growth


steps = 60
climb = optax.lbfgs()


def loss(a):
    return -gain(a)[0]


@jax.jit
def search(a):
    value_and_slope = optax.value_and_grad_from_state(loss)

    def step(carry, _):
        a, state = carry
        value, slope = value_and_slope(a, state=state)
        change, state = climb.update(slope, state, a, value=value, grad=slope, value_fn=loss)
        return (optax.apply_updates(a, change), state), (
            -jnp.asarray(value),
            gain(a)[1],
            jnp.linalg.norm(slope) * jnp.linalg.norm(a),
        )

    return jax.lax.scan(step, (a, climb.init(a)), None, length=steps)[1]


gains, curves, slopes = jax.lax.map(search, jax.random.normal(jax.random.key(0), (4, 2, 17)))
best = int(gains[:, -1].argmax())
for start in range(4):
    print(f"gain of entropy {gains[start, 0]:.4f} at random, {gains[start, -1]:.6f} after the "
          "search; "
          f"slope {slopes[start, 0]:.1e}, then {slopes[start, -1]:.1e}")  # fmt: skip

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
left.semilogy(history, color="black")
left.set(xlabel="iteration", ylabel="misfit of the spectrum")
t = jnp.linspace(0, 2.5, curves.shape[-1])
for i, style in ((0, ":"), (5, "--"), (steps - 1, "-")):
    right.plot(t, curves[best, i], style, color="black", label=f"iteration {i}")
right.set(xlabel="t", ylabel="spectral entropy (nats)")
right.legend()
# %% [markdown] The gradients are those of the discrete runs, so they agree with finite differences:
# of fourth order here, to 1e-6.


# %%
def along(function, x, direction, h=1e-3):
    """The derivative of a function along a direction, by differences."""
    at = [function(x + k * h * direction) for k in (-2, -1, 1, 2)]
    return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h)


errors = {}
for name, function, x, direction in (
    ("misfit", misfit, jnp.array([1.2, 0.7]), jnp.array([0.6, 0.8])),
    (
        "gain of entropy",
        jax.jit(lambda a: gain(a)[0]),
        *jax.random.normal(jax.random.key(1), (2, 2, 17)),
    ),
):
    exact = jnp.vdot(jax.jit(jax.grad(function))(x), direction)
    errors[name] = float(abs(along(function, x, direction) / exact - 1))
    print(f"{name}: slope {exact:.9f}, relative difference from differences {errors[name]:.0e}")
assert max(errors.values()) < 1e-6
assert abs(parameters - truth).max() < 1e-4
assert (gains[:, -1] > gains[:, 0]).all() and slopes[:, -1].max() < 1e-3
