"""
Which entropies grow as fast as chaos makes them
================================================

The Kolmogorov-Sinai entropy says how much an orbit tells with each turn that nobody could have
known. Beside it: the Shannon entropy of clouds of points that begin in one small cell, and for the
logistic map at many parameters the rate of permutation entropy and the entropy of the spectrum.
"""

import jax

jax.config.update("jax_enable_x64", True)

import matplotlib.pyplot as plt
import numpy as np

import physent
from physent.diagnostics import Lyapunov
from physent.entropy import Cells, Ordinal, entropy, spectral_entropy
from physent.solvers import Ordinary

# clouds that begin in cells of their own, of 512 x 512, and the mean entropy of the cells
count, points, turns, side = 25, 4000, 10, 512
random = np.random.default_rng(0)
clouds = {}
for system, high in (("cat_map", 1.0), ("standard_map", 2 * np.pi)):
    start = random.integers(0, side, (count, 1, 2)) + random.random((count, points, 2))
    solver = Ordinary(system=system, initial=start.reshape(-1, 2) * high / side)
    ds = physent.run(solver, members=count * points, t_end=turns, save_every=1.0)
    cells = Cells(bins=(side,), low=(0.0,), high=(high,), periodic=(True,))
    each = ds.state.values.reshape(turns + 1, count, points, 2)
    shannon = [np.mean(entropy(x, outcomes=cells, axis=None)) for x in each]
    one = Ordinary(system=system)
    known = physent.run(one, t_end=2e4, save_every=2e3, diagnostics=[Lyapunov(count=2, every=1)])
    clouds[system] = np.array(shannon), float(known.kolmogorov_sinai[-1])

# the logistic map, one member for each r
r = np.linspace(3.5, 4.0, 101)
scan = physent.run(
    Ordinary(system="logistic", parameters={"r": r}),
    members=r.size, t_end=12_000, save_every=1.0, diagnostics=[Lyapunov(count=1)],
)  # fmt: skip
exponent = scan.lyapunov_exponents[-1, :, 0].values
series = scan.x.values[2000:].T
longer, shorter = (np.asarray(entropy(series, outcomes=Ordinal(order=n), axis=-1)) for n in (7, 6))
patterns = longer - shorter
spectrum = np.asarray(spectral_entropy(series))
chaotic = np.maximum(exponent, 0)
for name, values in (("permutation entropy rate", patterns), ("spectral entropy", spectrum)):
    print(f"{name}: correlation {np.corrcoef(values, chaotic)[0, 1]:.3f} with the exponent")
for system, (values, rate) in clouds.items():
    straight = (values > 1) & (values < 6)  # over several cells, and fewer than there are points
    slope = np.polyfit(np.flatnonzero(straight), values[straight], 1)[0]
    print(f"{system}: {slope:.3f} nats a turn, {rate:.3f} known")

figure, (growth, along) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
for system, (values, rate) in clouds.items():
    (line,) = growth.plot(values, "o-", label=system.replace("_", " "))
    growth.plot(rate * np.arange(7), "--", color=line.get_color())
growth.axhline(np.log(points), color="black", linewidth=0.8)
growth.set(xlabel="turns", ylabel="Shannon entropy of the cells", ylim=(0, 12))
growth.legend()
along.plot(r, chaotic, label="Lyapunov exponent")
along.plot(r, patterns, label="permutation entropy rate")
along.plot(r, spectrum / spectrum.max(), label="spectral entropy (of its largest)")
along.set(xlabel="r of the logistic map")
along.legend(loc="upper left")
plt.show()
