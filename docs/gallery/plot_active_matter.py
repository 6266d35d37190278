"""
Active particles cluster
========================

Persistent particles that only repel each other collect in dense clusters. Their entropy production,
known without learning because the drift is known, is largest where they push against each other.
"""

import matplotlib.pyplot as plt

import physent
from physent.diagnostics import EntropyProduction
from physent.solvers import ActiveMatter
from physent.solvers.active_matter import OrnsteinUhlenbeck

solver = ActiveMatter(
    particles=400,
    packing_fraction=0.5,
    speed=0.5,
    dt=0.02,
    diffusivity=1e-3,
    propulsion=OrnsteinUhlenbeck(rate=0.05),
)
run = physent.run(
    solver,
    t_end=60.0,
    save_every=1.0,
    snapshot_every=20.0,
    diagnostics=[EntropyProduction(over="mean")],
)

figure, panels = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
for panel, index in zip(panels[:2], (0, -1), strict=True):
    position = run.position.isel(t_snapshot=index)
    panel.scatter(*position.values.T, s=12)
    panel.set(aspect="equal", title=f"t = {float(position.t_snapshot):g}", xlabel="x", ylabel="y")
panels[2].plot(run.t, run.entropy_production)
panels[2].set(xlabel="t", ylabel="entropy production of a particle")
plt.show()
