"""
A shear layer rolls up
======================

A stratified layer with one wave on it. The histogram entropy of the density grows as mixing makes
fluid of every density between the two that were there.
"""

import jax

jax.config.update("jax_enable_x64", True)

import matplotlib.pyplot as plt

import physent
from physent.diagnostics import Entropy
from physent.entropy import Histogram
from physent.solvers import KelvinHelmholtz
from physent.solvers.kelvin_helmholtz import Mode, ShearLayer

run = physent.run(
    KelvinHelmholtz(
        nx=96,
        nz=48,
        dt=0.1,
        reynolds=1000.0,
        buoyancy=0.5,
        initial=ShearLayer(
            thickness=0.05, density_bottom=1.2, perturbation=Mode(amplitude=0.05, m=2)
        ),
    ),
    t_end=5.0,
    save_every=0.1,
    diagnostics=[
        Entropy(of="density", outcomes=Histogram(bins=50, low=1.0, high=1.2), name="entropy")
    ],
)

figure = plt.figure(figsize=(8, 6), layout="constrained")
grid = figure.add_gridspec(2, 3, height_ratios=[1, 1.4])
for column, time in enumerate((1.5, 3.0, 5.0)):
    axes = figure.add_subplot(grid[0, column])
    axes.pcolormesh(
        run.x, run.z, run.density.sel(t=time, method="nearest").transpose("z", "x"), cmap="cividis"
    )
    axes.set(
        title=f"density, t = {time}", aspect="equal", xlabel="x", ylabel="z" if column == 0 else ""
    )
curve = figure.add_subplot(grid[1, :])
curve.plot(run.t, run.entropy, color="black")
curve.set(xlabel="t", ylabel="entropy of the density's histogram (nats)")
plt.show()
