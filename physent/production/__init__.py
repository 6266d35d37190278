"""Entropy production of anybody's trajectories: nothing is needed but the data.

physent.production.estimate(x, dt) gives a table of estimates, each with what it assumes, whether it
is a bound and its standard error, and one sentence: which to trust, and why.
"""

from typing import TYPE_CHECKING

from physent.protocol.late import late

if TYPE_CHECKING:
    from physent.production import benchmark as benchmark, systems as systems
    from physent.production.estimator import Estimate as Estimate, Estimator as Estimator
    from physent.production.known import VarianceSum as VarianceSum
    from physent.production.table import ESTIMATORS as ESTIMATORS, estimate as estimate
    from physent.production.trajectories import Trajectories as Trajectories

__getattr__, __all__ = late(  # pyright: ignore[reportUnsupportedDunderAll]
    "physent.production",
    {
        "physent.production.estimator": ("Estimate", "Estimator"),
        "physent.production.known": ("VarianceSum",),
        "physent.production.table": ("ESTIMATORS", "estimate"),
        "physent.production.trajectories": ("Trajectories",),
    },
)


def __dir__() -> list[str]:
    return sorted(__all__)
