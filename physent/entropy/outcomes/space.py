"""The base class of outcome spaces, and the layout of array axes for them."""

import abc
import math
from collections.abc import Sequence
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import (
    Count,
    as_array,
    as_floating,
    axes_of,
    compiled,
    refuse_lost,
    scaled,
    shift_free,
    with_room,
)
from physent.protocol.parameters import Declared

Axes = int | Sequence[int] | None


def as_axes(axis: Axes, last: int = 1) -> tuple[int, ...]:
    """An axis, or a sequence of axes, as a tuple; None means the last ones, as many as `last`."""
    if axis is None:
        return tuple(range(-last, 0))
    return tuple(axis) if isinstance(axis, Sequence) else (axis,)


def read_axes(space: "OutcomeSpace", x: ArrayLike, axis: Axes) -> tuple[int, ...] | None:
    """The axes that an outcome space reads, None where the origin of the data counts.

    Raises ValueError where differences count as well, and JAX's default precision has no digits
    left for them.
    """
    axes = as_axes(axis, space.axes or 1)
    if space.shiftable():
        return axes
    if space.by_differences:
        refuse_lost(x, axes)
    return None


class OutcomeSpace(Declared):
    """An outcome space: turns data into one count, or one weight, for every possible outcome.

    `counted` says whether the numbers are counts of a sample, which is what bias-corrected
    estimators need; a density or a power spectrum gives weights instead. `homogeneous` says whether
    a change of units multiplies all weights alike, or leaves all as they are. `in_order` says
    whether neighbours count, so that data along time must be evenly spaced; `by_differences`,
    whether differences of values count, of spaces that are not `shiftable`, too. `weighs` says
    whether cells may have weights (`weighted`), `has_room` whether the space can look at the first
    values of a longer series (`tally_first`). `axes` is how many axes of the data the space reads;
    None means that it takes any number and flattens them.
    """

    counted: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = False
    in_order: ClassVar[bool] = False
    by_differences: ClassVar[bool] = False
    weighs: ClassVar[bool] = False
    has_room: ClassVar[bool] = False
    axes: ClassVar[int | None] = 1

    @abc.abstractmethod
    def tally(self, x: Array) -> Array:
        """The counts or weights (batch, outcomes) of data (batch, *read axes), already laid out."""

    def tally_first(self, x: Array, count: Count) -> Array:
        """The counts or weights of the first `count` values of series (batch, n), the others being
        copies of the last of these.
        """
        raise NotImplementedError(type(self).__name__)

    def weighted(self, x: Array, weights: Array) -> Array:
        """The counts or weights (batch, outcomes) of data whose cells stand for `weights` (batch,
        *read axes) equal ones each; of a density, those of one of the equal ones.
        """
        raise NotImplementedError(type(self).__name__)

    def misfit(self, x: np.ndarray) -> str | None:
        """What is wrong with data on the host, as the predicate of a sentence, or None."""
        return None

    def shiftable(self) -> bool:
        """Whether a constant added to the data changes nothing."""
        return False

    @shift_free(x=lambda given: read_axes(given["self"], given["x"], given["axis"]))
    @compiled()
    def counts(self, x: ArrayLike, axis: Axes = None) -> Array:
        """The counts or weights of all outcomes, along a last axis that replaces the axes read."""
        batch, laid_out = arrange(as_array(x), axis, self.axes)
        tally = self.tally(laid_out)
        return tally.reshape(*batch, tally.shape[-1])

    def relative(self, x: ArrayLike, axis: Axes = None, count: Count | None = None) -> Array:
        """The counts as in `counts`, or the weights up to a factor, so that they fit in any units;
        of series `with_room`, those of their first `count` values.
        """
        batch, laid_out = arrange(as_array(x), axis, self.axes)
        tally = self.up_to_a_factor(laid_out, count)
        return tally.reshape(*batch, tally.shape[-1])

    def up_to_a_factor(self, x: Array, count: Count | None = None) -> Array:
        """The counts, or the weights up to a factor, (batch, outcomes) of data already laid out; of
        the first `count` values of series.
        """
        return self.tallied(self.prepared(x), count)

    def tallied(self, x: Array, count: Count | None = None) -> Array:
        """`tally`, or `tally_first` where there is a count."""
        return self.tally(x) if count is None else self.tally_first(x, count)

    def with_room(self, x: ArrayLike, axis: Axes) -> tuple[ArrayLike, Count | None]:
        """Series with room behind, and their length, where the space can do with that; else the
        data as they are, and None.
        """
        axes = as_axes(axis, self.axes or 1)
        if not self.has_room or len(axes) != 1 or type(axes[0]) is not int:
            return x, None
        (longer,), count = with_room(axes[0], x)
        return (x, None) if count is not None and count < self.least() else (longer, count)

    def least(self) -> int:
        """The number of values of the shortest series that has an outcome."""
        return 1

    def prepared(self, x: Array) -> Array:
        """Laid-out data, of order one where a factor does not matter."""
        return _of_order_one(x) if self.homogeneous else x

    @shift_free(x=lambda given: read_axes(given["self"], given["x"], given["axis"]))
    def probabilities(self, x: ArrayLike, axis: Axes = None) -> Array:
        """The relative frequencies of all outcomes, along the last axis; NaN if there is nothing to
        count.
        """
        return self._probabilities(*self.with_room(x, axis), axis)

    @compiled()
    def _probabilities(self, x: ArrayLike, count: Count | None, axis: Axes) -> Array:
        counts = self.relative(x, axis, count)
        return counts / jnp.sum(counts, axis=-1, keepdims=True)


def _of_order_one(x: Array) -> Array:
    x = as_floating(x)
    return scaled(x, axis=tuple(range(1, x.ndim)))


def arrange(x: Array, axis: Axes, wanted: int | None) -> tuple[tuple[int, ...], Array]:
    """The shape of the batch, and the array as (batch, *read axes).

    `axis` is an axis, or a sequence of axes in the order they are read; None means the last axis,
    or the last `wanted`. Where `wanted` is None the axes may be any number.
    """
    axis = as_axes(axis, wanted or 1)
    if wanted is not None and len(axis) != wanted:
        raise ValueError(f"this outcome space reads {wanted} axes of the data, given axis={axis}")
    axis = axes_of(x, axis)
    moved = jnp.moveaxis(x, axis, tuple(range(-len(axis), 0)))
    batch = moved.shape[: x.ndim - len(axis)]
    return batch, moved.reshape(math.prod(batch), *moved.shape[x.ndim - len(axis) :])
