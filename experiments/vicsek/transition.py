"""The order of flocks against the noise at three sizes, means over seeds with their errors.

python -m experiments.vicsek.transition [table.csv]: density 1, radius 1, half a radius a step,
scalar noise; four independent flocks a point, the second half of 4,000 decisions. The error is the
standard deviation over flocks, over the root of their number.
"""

import sys

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np  # noqa: E402

import physent  # noqa: E402
from physent.solvers import Vicsek  # noqa: E402

NOISES = np.array([0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6])
SIZES = (8, 16, 32)
FLOCKS, DECISIONS = 4, 4000


def curve(length: int) -> np.ndarray:
    """Rows of length, noise, mean order, its error, Binder cumulant 1 - <m^4>/(3 <m^2>^2)."""
    run = physent.run(
        Vicsek(n=length**2, length=float(length), noise=np.repeat(NOISES, FLOCKS).tolist()),
        t_end=DECISIONS,
        save_every=10,
        snapshot_every=DECISIONS,
        members=NOISES.size * FLOCKS,
    )
    order = run.polarization.values
    late = order[order.shape[0] // 2 :].reshape(-1, NOISES.size, FLOCKS)
    each = late.mean(axis=0)
    error = each.std(axis=1, ddof=1) / np.sqrt(FLOCKS)
    second, fourth = ((late**power).mean(axis=(0, 2)) for power in (2, 4))
    binder = 1 - fourth / (3 * second**2)
    return np.stack(
        [np.full(NOISES.size, length), NOISES, each.mean(axis=1), error, binder], axis=1
    )


if __name__ == "__main__":
    rows = np.concatenate([curve(length) for length in SIZES])
    where = sys.argv[1] if len(sys.argv) > 1 else sys.stdout
    np.savetxt(where, rows, "%.6g", ",", header="length,noise,order,error,binder", comments="")
