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
# # Resonance windows
#
# A phi^4 kink and an antikink that meet below $v_c = 0.2600$ are captured, unless the energy that
# the first bounce put into their shape mode comes back at a second one: then they part. The
# velocities at which that happens are the two-bounce windows.
# `experiments/klein_gordon/collision_scan.toml` runs 2,000 velocities as one vmapped run (`physent
# run experiments/klein_gordon/collision_scan.toml`, some minutes); if its file is there, this page
# shows it, otherwise it runs 80 velocities around the first window.

# %%
from pathlib import Path

import jax
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import physent

jax.config.update("jax_enable_x64", True)

# %%
FILE = Path("data/runs/collision_scan/run.nc")
if FILE.exists():
    run = xr.open_dataset(FILE)
    velocity = np.linspace(0.18, 0.28, run.sizes["member"])
else:
    velocity = np.linspace(0.19, 0.206, 80)
    solver = physent.solvers.KleinGordon(
        n=320,
        length=120.0,
        dt=0.25,
        potential=physent.solvers.klein_gordon.Phi4(),
        linear_mass=2**0.5,
        initial=physent.solvers.klein_gordon.KinkAntikink(separation=20.0, velocity=velocity),
    )
    run = physent.run(
        solver, t_end=130.0, save_every=0.5, members=80, variables=["phi_probe", "bounces"]
    )
run

# %% [markdown] Above: the field at the centre. It is +1 while the two are apart and falls to about
# -1.7 at each bounce.

# %%
figure, (field, count) = plt.subplots(
    2, 1, figsize=(9, 6), sharex=True, height_ratios=[3, 1], layout="constrained"
)
image = field.pcolormesh(
    velocity, run.t, run.phi_probe.transpose("t", "member"), cmap="cividis", vmin=-2, vmax=1.5
)
figure.colorbar(image, ax=field, label="field at the centre")
field.set(ylabel="time", title="Kink-antikink collisions")
count.step(velocity, run.bounces.isel(t=-1), where="mid", color="black")
count.set(xlabel="initial velocity of each (speed of light = 1)", ylabel="bounces", ylim=(0, 8))
for low, high in (
    (0.1926, 0.2034),
    (0.2240, 0.2288),
    (0.2371, 0.2396),
):  # measured with the full scan
    if low < velocity[-1]:
        count.axvspan(low, high, color="tab:orange", alpha=0.3)

# %% [markdown] The shaded velocities are the two-bounce windows measured on the full scan. Inside
# one the number of bounces is two and stays two; beside it the pair stays together, and its late
# bounces are chaotic.

# %%
inside = (velocity > 0.1932) & (velocity < 0.2028)
print(
    "two bounces inside the first window:", bool(np.all(run.bounces.isel(t=-1).values[inside] == 2))
)
