"""Ordinal patterns of a two-dimensional field."""

import math
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from physent.entropy.discrete.counting import as_floating, count_patterns
from physent.entropy.outcomes.ordinal import lehmer_code
from physent.entropy.outcomes.space import OutcomeSpace
from physent.protocol.parameters import static


class SpatialOrdinal(OutcomeSpace):
    """Ordinal patterns of a rows x columns stencil moved over a field, (rows columns)! outcomes.

    Reads two axes, rows first; the stencil's values are taken row by row. On a periodic axis the
    stencil wraps, so that every grid point has one and the value does not change when the field is
    shifted. Ribeiro, Zunino, Lenzi, Santoro and Mendes, PLoS ONE 7, e40689 (2012). Coarsening the
    grid changes the value: compare equal spacings.
    """

    axes: ClassVar[int | None] = 2
    rows: int = static(2, doc="rows of the stencil", ge=1, le=8)
    columns: int = static(2, doc="columns of the stencil", ge=1, le=8)
    row_delay: int = static(1, doc="grid points between the rows of the stencil", ge=1)
    column_delay: int = static(1, doc="grid points between the columns of the stencil", ge=1)
    periodic: tuple[bool, bool] = static(
        (False, False), doc="whether the stencil wraps along rows, along columns"
    )

    def __check_init__(self):
        if not 2 <= self.rows * self.columns <= 8:
            raise ValueError(f"the stencil has {self.rows * self.columns} points, allowed: 2 to 8")

    def tally(self, x: Array) -> Array:
        """The number of stencils with every pattern."""
        x = as_floating(x)
        reach = ((self.rows - 1) * self.row_delay, (self.columns - 1) * self.column_delay)
        pad = tuple(r if wraps else 0 for r, wraps in zip(reach, self.periodic, strict=True))
        padded = jnp.pad(x, ((0, 0), (0, pad[0]), (0, pad[1])), mode="wrap")
        height, width = padded.shape[1] - reach[0], padded.shape[2] - reach[1]
        if height < 1 or width < 1:
            raise ValueError(f"a field of {x.shape[1:]} points is smaller than the stencil")
        values = [
            padded[:, i * self.row_delay : i * self.row_delay + height, j * self.column_delay :][
                :, :, :width
            ]
            for i in range(self.rows)
            for j in range(self.columns)
        ]
        symbols = lehmer_code(values).reshape(x.shape[0], -1)
        flat = [value.reshape(x.shape[0], -1) for value in values]
        return count_patterns(symbols, flat, math.factorial(self.rows * self.columns))
