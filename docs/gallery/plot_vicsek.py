"""
Birds that become a flock
=========================

A thousand birds that take the mean direction of those within a distance of 1, with three noises.
At little noise one direction wins; at much there is none.
"""

import jax

jax.config.update("jax_enable_x64", True)

import matplotlib.pyplot as plt
import numpy as np

import physent
from physent.solvers import Vicsek

NOISES = [0.1, 0.3, 0.6]
run = physent.run(
    Vicsek(n=1024, length=32.0, noise=NOISES),
    t_end=300.0,
    save_every=2.0,
    snapshot_every=300.0,
    members=3,
)

figure, (place, order) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
last = run.isel(t_snapshot=-1, member=1)
x, v = last.position.values, last.heading.values
arrows = place.quiver(*x.T, *v.T, np.arctan2(v[:, 1], v[:, 0]), cmap="twilight", pivot="mid")
arrows.set_clim(-np.pi, np.pi)
place.set(aspect="equal", xlabel="x", ylabel="y", title=f"noise {NOISES[1]}, t = 300")
for member, noise in enumerate(NOISES):
    order.plot(run.t, run.polarization[:, member], label=f"noise {noise}")
order.set(xlabel="t", ylabel="polarization", ylim=(0, 1))
order.legend()
plt.show()
