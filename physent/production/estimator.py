"""What an estimator of entropy production is, and what several have in common."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from scipy.special import stdtrit

from physent.production.trajectories import Trajectories

PIECES = 32  # of the data, each left out once


class Estimate(NamedTuple):
    """A rate in nats per unit time, its standard error, and an interval of 95 %."""

    rate: float
    standard_error: float
    low: float
    high: float


@runtime_checkable
class Estimator(Protocol):
    """An estimator: a class of your own with these is one.

    `label` names its row, `assumes` says in words what must hold, `is_bound` whether it is below
    the truth by construction where that holds.
    """

    @property
    def label(self) -> str:
        """The name of its row."""
        ...

    @property
    def assumes(self) -> str:
        """What must hold, in words."""
        ...

    @property
    def is_bound(self) -> bool:
        """Whether it is below the truth by construction, where that holds."""
        ...

    def refuses(self, data: Trajectories) -> str:
        """Why it does not apply to data, as part of a sentence; empty where it does."""
        ...

    def seconds(self, data: Trajectories) -> float:
        """About how long it takes on one core: from sizes alone, so that equal data always meet
        equal work.
        """
        ...

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate; a rate that is not finite leaves it out of the table."""
        ...


def within(rate: float, error: float, freedom: float = np.inf) -> Estimate:
    """An estimate with the interval of Student's t."""
    width = float(stdtrit(min(freedom, 1e9), 0.975)) * error
    return Estimate(float(rate), float(error), float(rate - width), float(rate + width))


def jackknifed(
    sums: Sequence[Any], rate: Callable[[Any], float], add: Callable[[Any, Any], Any] | None = None
) -> Estimate:
    """The rate of what pieces of the data sum up to, without its bias of the order of one over
    their number, with an error from leaving each out once.

    Args:
        sums: of each piece, tuples of arrays.
        rate: of such a tuple, over any number of pieces.
        add: how two are put together; by default each array is added.

    The error is that of a mean of pieces, so these have to be longer than the memory of the data
    (B. Efron, C. Stein, Ann. Stat. 9, 586 (1981); bias: M. Quenouille, Biometrika 43, 353 (1956)).
    """
    add = add or added
    n = len(sums)
    before: list[Any] = [None] * (n + 1)
    after: list[Any] = [None] * (n + 1)
    for i in range(n):
        before[i + 1] = sums[i] if before[i] is None else add(before[i], sums[i])
        j = n - 1 - i
        after[j] = sums[j] if after[j + 1] is None else add(sums[j], after[j + 1])
    whole = rate(before[n])
    if n < 4:
        return Estimate(float(whole), np.nan, np.nan, np.nan)
    others = np.asarray(
        [
            rate(
                add(before[i], after[i + 1]) if 0 < i < n - 1 else after[1] if i == 0 else before[i]
            )
            for i in range(n)
        ]
    )
    mean = float(np.mean(others))
    error = float(np.sqrt((n - 1) * np.mean((others - mean) ** 2)))
    return within(n * whole - (n - 1) * mean, error, n - 1)


def added(one: Any, other: Any) -> Any:
    """Two tuples of arrays, one by one."""
    return tuple(a + b for a, b in zip(one, other, strict=True))
