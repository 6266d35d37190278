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
# # Where entropy is produced: from a run to maps
#
# An active particle in a trap: its self-propulsion $g$ is an Ornstein-Uhlenbeck process, and $\dot
# x = -A x + v_0 g + \sqrt{2\epsilon}\,\xi$. The total entropy production needs no learning. *Where*
# it is produced needs the score of the stationary density. It is learned here from the run, and its
# absolute error is known without knowing the true score.

# %%
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import physent
import physent.score
from physent.score import LearnedEntropyProduction
from physent.solvers import LinearLangevin
from physent.solvers.langevin import TrappedAOUP

jax.config.update("jax_enable_x64", True)

# %% [markdown] A run of 1,024 independent walkers. From one snapshot to the next, two relaxation
# times, x keeps a correlation of 0.36 and g one of 0.14; what is kept from training are whole
# walkers.

# %%
folder = Path(tempfile.mkdtemp()) / "aoup_trap"
system = TrappedAOUP(speed=1.0, trap=1.0, rate=1.0, diffusivity=0.1)
solver = LinearLangevin(system=system, walkers=1024, dt=0.5)
run = physent.run(solver, t_end=100.0, save_every=2.0, output=folder)
float(solver.exact_production().total), solver.exact_production().parts

# %% [markdown] Training, on walkers of which a fifth are kept out. What `physent score FOLDER` does
# on the command line:

# %%
learnt = physent.score.learn(
    folder, overrides=["score.steps=800", "score.bins=24", "score.checks=4"]
)
for name, number in learnt.verdict.numbers.items():
    print(f"{name:35} {number}")
print(learnt.verdict.sentence)

# %% [markdown]
# The learned score beside the exact one, $s = -S^{-1}x$, which only a linear system has.

# %%
trained = physent.score.load(folder)
x = run.position.values[-1]
learned = trained.score(trained.solver, trained.solver.at({"position": jnp.asarray(x)}))["position"]
exact = -x @ np.linalg.inv(np.asarray(solver.exact_production().covariance))
diffusion = np.asarray(system.diffusion())
1 - np.sum(diffusion * (learned - exact) ** 2) / np.sum(diffusion * exact**2)

# %% [markdown]
# Maps: how much is produced by a walker at each place, and the current that circulates.

# %%
maps = learnt.dataset()
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for panel, name in zip(axes, ("map_total", "map_density"), strict=True):
    maps[name].plot.pcolormesh(x="map_position_0", y="map_position_1", ax=panel)
current = maps.map_current.isel(
    map_position_0=slice(None, None, 2), map_position_1=slice(None, None, 2)
)
axes[1].quiver(current.map_position_0, current.map_position_1, *current.values.T)
axes[0].set(xlabel="x", ylabel="g", title="total rate of a walker there")
axes[1].set(xlabel="x", ylabel="g", title="density, and current")
plt.show()

# %% [markdown] The score in a later run, as a diagnostic that streams: by variable, with the exact
# parts 30/7 and 5/7.

# %%
diagnostic = LearnedEntropyProduction(path=str(folder / "score.eqx"), over="mean", each=True)
later = physent.run(
    LinearLangevin(system=system, walkers=512, dt=0.5),
    t_end=20.0,
    save_every=1.0,
    diagnostics=[diagnostic],
)
later[["learned_entropy_production", "learned_entropy_production_system"]].mean("t")

# %% [markdown] The probability flow: where the current carries a walker, without noise. For the
# exact score it is an ellipse.

# %%
start = {"position": jnp.asarray([[1.0, 0.0]])}
path = physent.score.probability_flow(
    trained.score, trained.solver, start, jnp.linspace(0.0, 4.0, 80)
)["position"]
fig, axes = plt.subplots(figsize=(3.6, 3.2), layout="constrained")
axes.plot(path[:, 0, 0], path[:, 0, 1])
axes.set(xlabel="x", ylabel="g", title="probability flow")
plt.show()
