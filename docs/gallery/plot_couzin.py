"""
Fish that mill
==============

A hundred fish by the rules of Couzin et al. (2002), attracted far and aligned near: they turn into
a torus, with almost no common direction (polarization) and much rotation.
"""

import jax

jax.config.update("jax_enable_x64", True)

import matplotlib.pyplot as plt

import physent
from physent.diagnostics import SchoolEntropy
from physent.solvers import Couzin

run = physent.run(
    Couzin(n=100, orientation_width=0.75, attraction_width=14.0),
    t_end=150.0,
    save_every=1.0,
    snapshot_every=10.0,
    diagnostics=[SchoolEntropy()],
)

figure, (place, order) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
position, heading = run.position.isel(t_snapshot=-1), run.heading.isel(t_snapshot=-1)
place.quiver(
    *position.values.T[:2], *heading.values.T[:2], heading.values[:, 2], cmap="viridis", pivot="mid"
)
place.set(aspect="equal", xlabel="x", ylabel="y", title="seen from above; colour: climbing")
order.plot(run.t, run.polarization, label="polarization")
order.plot(run.t, run.rotation, label="rotation")
order.set(xlabel="t", ylim=(0, 1))
order.legend()
plt.show()
