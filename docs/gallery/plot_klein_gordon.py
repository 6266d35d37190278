"""
A kink meets an antikink
========================

At 0.3 of the speed of light a phi^4 kink and an antikink bounce once and part. What they leave
behind, radiation, is what the entropy of the energy density counts.
"""

import jax

jax.config.update("jax_enable_x64", True)

import matplotlib.pyplot as plt

import physent
from physent.diagnostics import Entropy
from physent.solvers import KleinGordon
from physent.solvers.klein_gordon import KinkAntikink, Phi4

run = physent.run(
    KleinGordon(
        n=512,
        length=100.0,
        dt=0.1,
        potential=Phi4(),
        initial=KinkAntikink(separation=20.0, velocity=0.3),
    ),
    t_end=80.0,
    save_every=0.5,
    diagnostics=[Entropy(of="energy_density")],
)

figure, (field, curves) = plt.subplots(
    2, 1, figsize=(8, 6), sharex=True, height_ratios=[2, 1], layout="constrained"
)
image = field.pcolormesh(run.t, run.x, run.phi.T, cmap="RdBu_r", vmin=-2, vmax=2, rasterized=True)
figure.colorbar(image, ax=field, label="phi")
field.set(ylabel="x")
curves.plot(run.t, run.entropy_energy_density_shannon, color="black")
curves.set(xlabel="t", ylabel="entropy of the\nenergy density (nats)")
plt.show()
