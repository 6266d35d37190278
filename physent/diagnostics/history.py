"""Entropies of all rows so far: ordinal windows and histograms accumulated during a run."""

import math

import jax.numpy as jnp
from jaxtyping import Array

from physent.diagnostics.fields import real
from physent.entropy import ESTIMATORS, MEASURES, Estimator, Measure, jensen_shannon_complexity
from physent.entropy.discrete import as_floating, count_symbols
from physent.entropy.outcomes.histogram import bin_index, check_range
from physent.entropy.outcomes.patterns import lehmer_code
from physent.entropy.outcomes.weighting import check_counts
from physent.protocol.diagnostic import Diagnostic, Observed
from physent.protocol.parameters import (
    as_number,
    choice,
    one_of,
    param,
    static,
)
from physent.protocol.variables import Variable


class PermutationEntropy(Diagnostic[tuple[Array, Array, Array]]):
    """Normalised entropy and Jensen-Shannon complexity of the ordinal patterns in time of all rows
    so far.

    The pattern of `order` saved values, `delay` rows apart, is counted at every row; `pooled`
    counts the patterns of all grid points together, otherwise each has its own entropy. NaN until
    the first pattern is complete. The spacing of saved rows decides what it sees. Memory: order!
    counts a grid point (one set where pooled), and the last (order - 1) delay + 1 fields.
    """

    of: str = static(doc="real observable, by name or role", example="density")
    order: int = static(3, doc="number of values in a pattern", ge=2, le=7)
    delay: int = static(1, doc="saved rows between the values of a pattern", ge=1)
    pooled: bool = static(True, doc="count the patterns of all grid points together")
    estimator: Estimator = choice(
        converter=one_of(ESTIMATORS),
        default="plug_in",
        doc="how the entropy is estimated from the counts",
    )
    measure: Measure = choice(
        converter=one_of(MEASURES), default="shannon", doc="functional of the probabilities"
    )
    name: str | None = static(
        None, doc="prefix of the output variables", example="permutation_density"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """The entropy and the complexity, as series or as fields."""
        of = real(observed, self.of)
        dims = () if self.pooled else observed.variables[of].dims
        name = self.name or f"permutation_{of}"
        words = f"of the ordinal patterns of {of} (order {self.order}, delay {self.delay})"
        return {
            f"{name}_{role}": Variable(dims, role, "1", f"{adjective} {role} {words}")
            for role, adjective in (("entropy", "normalised"), ("complexity", "statistical"))
        }

    def in_order(self) -> bool:
        """True: a pattern is one of neighbouring rows."""
        return True

    def init(self, observed: Observed) -> tuple[Array, Array, Array]:
        """The last fields, the counts, and the number of rows seen."""
        value = as_floating(observed[real(observed, self.of)])
        last = jnp.zeros(((self.order - 1) * self.delay + 1, value.size), value.dtype)
        patterns = 1 if self.pooled else value.size, math.factorial(self.order)
        return last, jnp.zeros(patterns, value.dtype), jnp.zeros((), jnp.int32)

    def __call__(
        self, carry: tuple[Array, Array, Array], observed: Observed
    ) -> tuple[tuple[Array, Array, Array], dict[str, Array]]:
        """Count the pattern that ends here, and evaluate all counts."""
        last, counts, seen = carry
        value = as_floating(observed[real(observed, self.of)])
        last = jnp.concatenate([last[1:], value.reshape(1, -1)])
        symbols = lehmer_code([last[i * self.delay] for i in range(self.order)])
        symbols = jnp.where(
            seen + 1 >= last.shape[0], symbols, -1
        )  # no pattern before the window is full
        counts = counts + count_symbols(
            symbols[None, :] if self.pooled else symbols[:, None],
            counts.shape[1],
            dtype=counts.dtype,
        )
        shape = () if self.pooled else value.shape
        entropy = self.measure.normalised(self.estimator(counts, self.measure), counts.shape[1])
        complexity = jensen_shannon_complexity(counts / jnp.sum(counts, axis=-1, keepdims=True))
        outputs = entropy.reshape(shape), complexity.reshape(shape)
        return (last, counts, seen + 1), self.named(observed, outputs)


class HistogramEntropy(Diagnostic[Array]):
    """Entropy of the values of an observable in all saved rows so far, from a histogram on a fixed
    range.

    All grid points and components count alike. Values outside the range are not counted. In nats;
    grows as ln(bins) with finer bins.
    """

    of: str = static(doc="real observable, by name or role", example="density")
    bins: int = static(50, doc="number of bins", ge=1)
    low: Array = param(converter=as_number, doc="lower end of the range")
    high: Array = param(converter=as_number, doc="upper end of the range")
    estimator: Estimator = choice(
        converter=one_of(ESTIMATORS),
        default="miller_madow",
        doc="how the entropy is estimated from the counts",
    )
    measure: Measure = choice(
        converter=one_of(MEASURES), default="shannon", doc="functional of the probabilities"
    )
    name: str | None = static(
        None, doc="name of the output variable", example="histogram_entropy_density"
    )

    def weighs(self) -> bool:
        """True: each value counts as many times as its cell weighs."""
        return True

    def __check_init__(self):
        check_range("low", self.low, self.high)

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series."""
        name = real(observed, self.of)
        return {
            self.name or f"histogram_entropy_{name}": Variable(
                (), "entropy", "1", f"entropy of the values of {name} so far ({self.bins} bins)"
            )
        }

    def init(self, observed: Observed) -> Array:
        """Empty bins."""
        return jnp.zeros(self.bins, as_floating(observed[real(observed, self.of)]).dtype)

    def __call__(self, carry: Array, observed: Observed) -> tuple[Array, dict[str, Array]]:
        """Count the values of this row, and evaluate all counts."""
        value = as_floating(observed[real(observed, self.of)])
        low, high = jnp.asarray(self.low, value.dtype), jnp.asarray(self.high, value.dtype)
        symbols = bin_index(value.reshape(1, -1), low, high, self.bins)
        weights = observed.weights(observed.find(self.of))
        if weights is None:
            counts = carry + count_symbols(symbols, self.bins, dtype=carry.dtype)[0]
        else:
            check_counts(self.estimator, weights.dtype, "set the estimator to plug_in")
            each = weights.astype(carry.dtype).reshape(1, -1)
            symbols = jnp.where(each == 0, -1, symbols)
            counts = carry + count_symbols(symbols, self.bins, each)[0]
        return counts, self.named(observed, [self.estimator(counts, self.measure)])
