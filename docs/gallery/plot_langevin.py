"""
Entropy production of a tilted ring
===================================

Walkers are dragged round a ring with a barrier. How much entropy they make is known exactly, and
measured here without learning anything, map included.
"""

import jax

jax.config.update("jax_enable_x64", True)

import matplotlib.pyplot as plt
import numpy as np

import physent
from physent.diagnostics import EntropyProduction
from physent.solvers import TiltedRing

solver = TiltedRing(walkers=4096)
run = physent.run(
    solver,
    t_end=10.0,
    save_every=0.2,
    diagnostics=[EntropyProduction(over="mean", bins=32, after=3.0)],
)
exact = float(solver.exact_production())

figure, (series, where) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
series.plot(run.t, run.entropy_production, label="measured")
series.axhline(exact, color="black", linestyle="--", label=f"exact, {exact:.4f}")
series.set(xlabel="t", ylabel="entropy production of a walker")
series.legend()
angle = (np.arange(32) + 0.5) * 2 * np.pi / 32
where.plot(angle, run.entropy_production_map[-1])
where.set(xlabel="angle", ylabel="rate of the medium at that place")
plt.show()
