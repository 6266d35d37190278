"""Two phases in a finished run of discs: their densities, and how much of each there is, from its
NetCDF.

    python -m experiments.active_matter.validate mips=data/runs/mips

The run needs the diagnostics `local_density`, `clusters` and `hexatic_order`, as
experiments/active_matter/mips.toml.
"""

import jax
import numpy as np

import physent
from physent.entropy import block_bootstrap

CELLS = 0.04 * (np.arange(39) - 0.5)  # a disc more or less within the radius of mips.toml is 1/25
SOLID = 0.8  # |psi_6| of a particle in a solid


def modes(density, cells=CELLS):
    """The most frequent local densities of the dilute and of the dense phase, NaN where there are
    not two.

    Two maxima are two phases when the valley between is below half the lower one.
    """
    count = by_area(density, cells)
    middle = (cells[1:] + cells[:-1]) / 2
    peaks = [
        i for i in range(1, len(count) - 1) if count[i] > count[i - 1] and count[i] >= count[i + 1]
    ]
    highest = max(peaks, key=lambda i: count[i])
    others = [
        i for i in peaks if np.min(count[min(i, highest) : max(i, highest) + 1]) < count[i] / 2
    ]
    if not others:
        return np.nan, np.nan
    second = max(others, key=lambda i: count[i])
    return tuple(sorted((middle[highest], middle[second])))


def by_area(density, cells=CELLS):
    """The share of space at each local density, per unit of density: each particle stands for
    1/density of it.
    """
    return np.histogram(density, cells, weights=1 / density, density=True)[0]


def phases(folder):
    """(what, value, standard error) of the second half of a run."""
    with physent.open_run(folder) as run:
        late = run.isel(t=slice(run.sizes["t"] // 2, None))
        density = late.local_density.values
        dilute, dense = modes(density)
        by_time = np.array([modes(row) for row in density])
        rows: list[tuple[str, float, float]] = [
            ("local density of the dilute phase", float(dilute), float(np.nanstd(by_time[:, 0]))),
            ("local density of the dense phase", float(dense), float(np.nanstd(by_time[:, 1]))),
        ]
        for what, series in (
            ("fraction of particles in the largest cluster", late.clusters_largest.values),
            ("share of particles in a solid", np.mean(late.hexatic_order.values > SOLID, axis=1)),
        ):
            found = block_bootstrap(series, jax.random.key(0))
            rows.append((what, float(found.value), float(found.standard_error)))
        rows.append(("seconds it took", float(run.attrs["wall_time"]), np.nan))
        histogram = by_area(density)
    return rows, histogram
