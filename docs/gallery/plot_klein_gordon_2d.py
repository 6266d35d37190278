"""
Walls, oscillons and vortices in two dimensions
===============================================

Three fields that fall from the top of their potential or ring in one of its vacua: a network of
domain walls, an oscillon, and the phase of a complex field with its vortices. The entropy of the
energy density says over how much of the box the energy is spread: it falls as walls shrink, and
stays low while an oscillon holds its energy together.
"""

import jax

jax.config.update("jax_enable_x64", True)

from typing import Any

import matplotlib.pyplot as plt
import numpy as np

import physent
from physent.diagnostics import Entropy
from physent.solvers import ComplexKleinGordon, KleinGordon
from physent.solvers.gallery.complex_klein_gordon import Quench
from physent.solvers.klein_gordon import Gaussian, Random

how: Any = dict(save_every=5.0, diagnostics=[Entropy(of="energy_density")], seed=1)
box: Any = dict(n=(96, 96), dt=0.2, method="strang")
walls = physent.run(
    KleinGordon(**box, length=80.0, potential="phi4", damping=0.2, initial=Random(wavelengths=10)),
    t_end=60.0,
    **how,
)
oscillon = physent.run(
    KleinGordon(
        **box,
        length=60.0,
        potential="phi4",
        absorbing_width=10.0,
        initial=Gaussian(amplitude=-1.3, width=3.0),
    ),
    t_end=150.0,
    **how,
)
vortices = physent.run(
    ComplexKleinGordon(**box, length=80.0, damping=0.2, initial=Quench(wavelengths=10)),
    t_end=60.0,
    **how,
)

figure, panels = plt.subplots(2, 2, figsize=(9, 8), layout="constrained")
pictures = [
    (panels[0, 0], walls.phi[8], "RdBu_r", "walls: phi, t = 40", (-1.2, 1.2)),
    (panels[0, 1], oscillon.energy_density[-1], "magma", "oscillon: energy density, t = 150", None),
    (panels[1, 0], np.angle(vortices.phi[8]), "twilight", "vortices: phase, t = 40", None),
]
for panel, values, colours, title, limits in pictures:
    low, high = limits or (None, None)
    image = panel.imshow(np.asarray(values).T, origin="lower", cmap=colours, vmin=low, vmax=high)
    panel.set(title=title, xticks=[], yticks=[])
    figure.colorbar(image, ax=panel, shrink=0.8)
last = panels[1, 1]
for run, name in ((walls, "walls"), (oscillon, "oscillon"), (vortices, "vortices")):
    last.plot(run.t, run.entropy_energy_density_shannon, label=name)
last.set(xlabel="t", ylabel="entropy of the energy density (nats)")
last.legend()
