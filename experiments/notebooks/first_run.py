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
# # First run
#
# An experiment is a TOML file. This one sends two solitons of the nonlinear Schroedinger equation
# through each other and watches the entropy of the density, and that of the spectrum.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import physent
import physent.report
from physent.app import cli

EXPERIMENT = """
name = "collision"
description = "Two solitons meet at t = 5."

[solver]
kind = "nlse"
n = 256
length = 50.0
dt = 0.02
method = "blanes_moan_4"

[solver.initial]
kind = "solitons"
amplitude = [2.0, 1.5]
position = [-10.0, 10.0]
velocity = [2.0, -2.0]

[run]
t_end = 10.0
save_every = 0.1

[[diagnostics]]
kind = "entropy"
of = "density"

[[diagnostics]]
kind = "entropy"
of = "psi"
outcomes = "spectrum"
"""
Path("collision.toml").write_text(EXPERIMENT)

# %% [markdown]
# In a terminal that is `physent run collision.toml`. Here the same function is called.

# %%
code = cli.app(["run", "collision.toml", "--quiet", "--overwrite"], result_action="return_value")
print("exit code", code)
print(*sorted(path.name for path in Path("data/runs/collision").iterdir()))

# %% [markdown] The result is a NetCDF file. `physent.open_run` gives it as an xarray Dataset with
# its complex fields joined.

# %%
run = physent.open_run("data/runs/collision")
run

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
abs(run.psi).plot(ax=left, x="t", cmap="magma", cbar_kwargs={"label": "|psi|"})
right.plot(run.t, run.entropy_density_shannon, label="density")
right.plot(run.t, run.entropy_psi_spectrum_shannon, label="spectrum")
right.set(xlabel="t", ylabel="Shannon entropy (nats)")
right.legend()
plt.show()

# %% [markdown] Where the two overlap the density is narrow, and its entropy low; afterwards both
# entropies are what they were, since solitons pass through each other unchanged. How good the run
# is, is in the file as well: what should be conserved.

# %%
drift = {
    name: float(abs(run[f"invariant_{name}"] / run[f"invariant_{name}"][0] - 1).max())
    for name in ("mass", "energy")
}
print({name: f"{value:.1e}" for name, value in drift.items()})
before, after = run.entropy_density_shannon.isel(t=[0, -1]).values
assert (
    drift["mass"] < 1e-11
    and abs(before - after) < 1e-3
    and run.entropy_density_shannon.min() < before - 0.5
)

# %% [markdown]
# `physent.report.plot(run)` draws what there is without being told what it is, and `physent report
# data/runs/collision` writes a page of it.

# %%
physent.report.plot(run, "entropy_density_shannon")
