"""Information between observables: at one time, and from the past of one to the next value of
another.
"""

from typing import Any, Literal

import jax.numpy as jnp
from jaxtyping import Array

from physent.diagnostics.fields import joined, real
from physent.entropy import (
    ESTIMATORS,
    Estimator,
    Histogram,
    combine_symbols,
    discrete_conditional_mutual_information,
    discrete_mutual_information,
    gaussian_information,
    ksg_conditional_mutual_information,
    ksg_mutual_information,
)
from physent.entropy.discrete import as_floating, count_symbols, matmul, unit_of
from physent.entropy.information import information_of_counts
from physent.entropy.outcomes.histogram import bin_index, check_range
from physent.protocol.diagnostic import Diagnostic, Instantaneous, Observed
from physent.protocol.parameters import (
    as_number,
    choice,
    one_of,
    param,
    static,
)
from physent.protocol.variables import Variable


def _alike(observed: Observed, *wanted: str) -> list[str]:
    """The selected observables, which must be real and live on the same axes."""
    names = [real(observed, of) for of in wanted]
    for name in names:
        if observed.variables[name].dims != observed.variables[names[0]].dims:
            raise ValueError(f"{names[0]} and {name} live on different axes")
    return names


class MutualInformation(Instantaneous):
    """Mutual information of two real fields on the same grid, over its points at one time, in nats,
    optionally conditioned on a third.

    By histograms on the ranges of the data, or by nearest neighbours (KSG, all pairs of points).
    Neighbouring points of smooth fields are alike, so its significance is less than their number
    suggests.
    """

    of: str = static(doc="first observable, by name or role", example="density")
    other: str = static(doc="second observable, by name or role", example="vorticity")
    given: str | None = static(None, doc="condition on this observable", example="vorticity")
    method: Literal["histogram", "ksg"] = static("histogram", doc="estimator")
    bins: int = static(16, doc="bins of each histogram", ge=2)
    k: int = static(4, doc="which neighbour", ge=1)
    estimator: Estimator = choice(
        converter=one_of(ESTIMATORS),
        default="miller_madow",
        doc="how entropies are estimated from histograms",
    )
    name: str | None = static(
        None, doc="name of the output variable", example="mutual_information_density_vorticity"
    )

    def _names(self, observed: Observed) -> list[str]:
        return _alike(observed, self.of, self.other, *([self.given] if self.given else []))

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series."""
        a, b, *given = self._names(observed)
        words = f"mutual information of {a} and {b}" + "".join(f" given {name}" for name in given)
        condition = ["given", *given] if given else []
        name = self.name or joined("mutual_information", a, b, *condition)
        return {name: Variable((), "entropy", "1", f"{words} in nats")}

    def values(self, observed: Observed) -> tuple[Array]:
        """The information at this time."""
        values = [as_floating(observed[name]).ravel() for name in self._names(observed)]
        if self.method == "ksg":
            x, y, *given = (value[:, None] for value in values)
            if given:
                return (ksg_conditional_mutual_information(x, y, given[0], self.k),)
            return (ksg_mutual_information(x, y, self.k),)
        histogram, n = Histogram(bins=self.bins), self.bins
        x, y, *given = (histogram.symbols(value[None, :])[0] for value in values)
        if given:
            value = discrete_conditional_mutual_information(
                x, y, given[0], (n, n, n), self.estimator
            )
        else:
            value = discrete_mutual_information(x, y, (n, n), self.estimator)
        return (value.astype(values[0].dtype),)


class TransferEntropy(Diagnostic[Any]):
    """Transfer entropy from one real observable to another over all saved rows so far, in nats.

    T = I(y_t; x_(t-u), ..., x_(t-u-h+1) | y_(t-1), ..., y_(t-h)), with times in saved rows, h =
    `history`, u = `delay` (`physent.entropy.discrete_transfer_entropy`). All grid points count
    alike, each with its own pasts. "gaussian" keeps the covariance of present and pasts (half the
    Granger causality), "histogram" their counts on fixed ranges, where values outside go to the
    outermost bins: bins^(2 h + 1) of them. NaN until the first past is complete.
    """

    of: str = static(doc="source, by name or role", example="density")
    to: str = static(doc="target, by name or role", example="vorticity")
    method: Literal["gaussian", "histogram"] = static("gaussian", doc="estimator")
    history: int = static(1, doc="values in each past", ge=1)
    delay: int = static(1, doc="rows from the source's last value to the target's present", ge=1)
    bins: int = static(4, doc="bins of each histogram", ge=2)
    low: Array = param(default=0.0, converter=as_number, doc="lower end of the source's histogram")
    high: Array = param(default=1.0, converter=as_number, doc="upper end of the source's histogram")
    to_low: Array = param(
        default=0.0, converter=as_number, doc="lower end of the target's histogram"
    )
    to_high: Array = param(
        default=1.0, converter=as_number, doc="upper end of the target's histogram"
    )
    estimator: Estimator = choice(
        converter=one_of(ESTIMATORS),
        default="miller_madow",
        doc="how entropies are estimated from histograms",
    )
    name: str | None = static(
        None, doc="name of the output variable", example="transfer_entropy_density_to_vorticity"
    )

    def __check_init__(self):
        check_range("low", self.low, self.high)
        check_range("to_low", self.to_low, self.to_high)

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series."""
        source, target = _alike(observed, self.of, self.to)
        name = self.name or f"transfer_entropy_{source}_to_{target}"
        words = f"transfer entropy from {source} to {target} in nats"
        return {name: Variable((), "entropy", "1", words)}

    def in_order(self) -> bool:
        """True: the past of a row is that of the rows before it."""
        return True

    def init(self, observed: Observed) -> Any:
        """The last values of both, the rows seen, and empty counts or moments."""
        source, target = (
            as_floating(observed[name]) for name in _alike(observed, self.of, self.to)
        )
        dtype, size = jnp.result_type(source, target), 1 + 2 * self.history
        past = jnp.zeros((2, self.delay + self.history, source.size), dtype)
        if self.method == "gaussian":
            vector = jnp.zeros(size, dtype)
            moments = (jnp.zeros((), dtype), vector, jnp.zeros((size, size), dtype), vector)
        else:
            moments = jnp.zeros(self.bins**size, dtype)
        return past, jnp.zeros((), jnp.int32), moments

    def __call__(self, carry: Any, observed: Observed) -> tuple[Any, dict[str, Array]]:
        """Add the row just saved, and evaluate all rows so far."""
        past, seen, moments = carry
        now = jnp.stack([observed[name].ravel() for name in _alike(observed, self.of, self.to)])
        past = jnp.concatenate([past[:, 1:], now.astype(past.dtype)[:, None, :]], axis=1)
        x, y = past[0, ::-1], past[1, ::-1]  # the present first
        present, other = y[:1], x[self.delay : self.delay + self.history]
        own = y[1 : 1 + self.history]
        complete = seen + 1 >= past.shape[1]
        update = self._covariance if self.method == "gaussian" else self._counts
        moments, value = update(moments, present, other, own, complete)
        value = jnp.where(complete, value, jnp.full_like(value, jnp.nan))
        return (past, seen + 1, moments), self.named(observed, [value])

    def _covariance(
        self, moments: Any, present: Array, other: Array, own: Array, complete: Array
    ) -> tuple[Any, Array]:
        """Chan's update of mean and summed products by all grid points of a row, each component in
        a unit near its largest value so far.
        """
        total, mean, products, before = moments
        samples = jnp.concatenate([present, other, own])
        unit = jnp.where(jnp.any(samples != 0, axis=1), unit_of(samples, 1)[:, 0], before)
        unit = jnp.maximum(before, unit)
        one = jnp.where(unit > 0, unit, 1)
        shrunk, samples = before / one, samples * (1 / one)[:, None]
        mean, products = mean * shrunk, products * jnp.outer(shrunk, shrunk)
        more = jnp.where(complete, samples.shape[1], 0).astype(total.dtype)
        centre = jnp.mean(samples, axis=1)
        centred = samples - centre[:, None]
        after = jnp.maximum(total + more, 1)
        apart = centre - mean
        products += jnp.where(complete, matmul(centred, centred.T), jnp.zeros_like(products))
        products += jnp.outer(apart, apart) * (total * more / after)
        last = 1 + self.history
        value = gaussian_information(
            products / after, [0], range(1, last), range(last, last + self.history)
        )
        return (total + more, mean + apart * (more / after), products, unit), value

    def _counts(
        self, counts: Array, present: Array, other: Array, own: Array, complete: Array
    ) -> tuple[Array, Array]:
        def symbols(values: Array, low: Array | float, high: Array | float) -> list[Array]:
            low, high = jnp.asarray(low, values.dtype), jnp.asarray(high, values.dtype)
            return list(jnp.clip(bin_index(values, low, high, self.bins), 0, self.bins - 1))

        first, *owns = symbols(jnp.concatenate([present, own]), self.to_low, self.to_high)
        joint, size = combine_symbols(
            [first, *symbols(other, self.low, self.high), *owns],
            [self.bins] * (1 + 2 * self.history),
        )
        joint = jnp.where(complete, joint, -1)[None, :]
        counts = counts + count_symbols(joint, size, dtype=counts.dtype)[0]
        shape = (self.bins, self.bins**self.history, self.bins**self.history)
        return counts, information_of_counts(counts.reshape(shape), self.estimator)
