"""
Two solitons collide
====================

Two solitons of the nonlinear Schroedinger equation meet at t = 5. While they overlap the field is
narrower and the entropy of its density lower; afterwards both are what they were, but shifted.
"""

import jax

jax.config.update("jax_enable_x64", True)

import matplotlib.pyplot as plt
import numpy as np

import physent
from physent.diagnostics import Entropy
from physent.entropy import Spectrum
from physent.solvers import NLSE
from physent.solvers.nlse import Solitons

run = physent.run(
    NLSE(n=512, length=50.0, dt=0.01, initial=Solitons()),  # amplitudes 2 and 1.5, head on
    t_end=10.0,
    save_every=0.1,
    diagnostics=[Entropy(of="density"), Entropy(of="psi", outcomes=Spectrum())],
)

figure, (field, curves) = plt.subplots(
    2, 1, figsize=(8, 6), sharex=True, height_ratios=[2, 1], layout="constrained"
)
image = field.pcolormesh(run.t, run.x, np.abs(run.psi).T, cmap="magma", rasterized=True)
figure.colorbar(image, ax=field, label="|psi|")
field.set(ylabel="x", ylim=(-16, 16))
curves.plot(run.t, run.entropy_density_shannon, label="density")
curves.plot(run.t, run.entropy_psi_spectrum_shannon, label="spectrum")
curves.set(xlabel="t", ylabel="Shannon entropy (nats)")
curves.legend()
plt.show()
