"""Outcome spaces of particles: cells of space or phase space, and directions.

Both read two axes, particles first, components last: `axis=(-2, -1)`, the default.
"""

import math
from typing import Any, ClassVar, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.entropy.discrete import (
    as_real,
    azimuth,
    count_symbols,
    nonzero,
    only_finite,
    scaled,
)
from physent.entropy.outcomes.histogram import bin_index, check_range
from physent.entropy.outcomes.space import OutcomeSpace
from physent.protocol.parameters import (
    as_number,
    param,
    static,
)


class Cells(OutcomeSpace):
    """Particles in boxes of position, or of position and velocity: prod(bins) outcomes.

    `bins`, `low`, `high` and `periodic` have one entry a component, or one for all. A periodic
    component is wrapped into [low, high). Elsewhere, particles beyond the range are dropped, or put
    in the outermost boxes with `outside = "clip"`. For phase space, concatenate positions and
    velocities along the components. The entropy falls by the logarithm of the box volume: compare
    equal boxes, or add it (`boltzmann_entropy`).
    """

    axes: ClassVar[int | None] = 2
    bins: tuple[int, ...] = static((16,), doc="number of boxes along each component", ge=1)
    low: Array = param(
        default=(0.0,), converter=as_number, doc="lower end of each component", ndim=1
    )
    high: Array = param(
        default=(1.0,), converter=as_number, doc="upper end of each component", ndim=1
    )
    periodic: tuple[bool, ...] = static((False,), doc="whether each component is periodic")
    outside: Literal["drop", "clip"] = static(
        "drop", doc="how particles outside the range are handled"
    )

    def __check_init__(self):
        check_range("low", self.low, self.high, np.max(self.bins))

    def boxes(self, d: int) -> int:
        """The number of boxes for d components. Raises ValueError if there are too many."""
        count = math.prod(_one_each(self.bins, d, "bins"))
        if count >= 2**31:
            raise ValueError(
                f"{d} components make {float(count):.1e} boxes, allowed: fewer than 2^31"
            )
        return count

    def ends(self, d: int, dtype: Any) -> tuple[Array, Array]:
        """The lower and the upper ends of d components. Raises ValueError for other numbers."""
        ends = []
        for name, given in (("low", self.low), ("high", self.high)):
            end = jnp.asarray(given, dtype)
            if end.ndim > 1 or end.size not in (1, d):
                raise ValueError(
                    f"{name} has {end.size} entries for {d} components, allowed: 1 or {d}"
                )
            ends.append(jnp.broadcast_to(end, (d,)))
        return ends[0], ends[1]

    def tally(self, x: Array) -> Array:
        """The number of particles in every box, row-major."""
        x = as_real(x)
        d = x.shape[-1]
        low, high = self.ends(d, x.dtype)
        bins, periodic = _one_each(self.bins, d, "bins"), _one_each(self.periodic, d, "periodic")
        symbol = jnp.zeros(x.shape[:2], jnp.int32)
        inside = jnp.ones(x.shape[:2], bool)
        for i in range(d):
            value = x[:, :, i]
            if periodic[i]:
                value = low[i] + jnp.mod(value - low[i], high[i] - low[i])
                # what lies just below `low` can be wrapped, by rounding, onto `high`
                value = jnp.where(value >= high[i], low[i], value)
            index = bin_index(value, low[i], high[i], bins[i])
            inside &= (index >= 0) & (index < bins[i])
            symbol = symbol * bins[i] + jnp.clip(index, 0, bins[i] - 1)
        if self.outside == "drop":
            symbol = jnp.where(inside, symbol, -1)
        return only_finite(count_symbols(symbol, self.boxes(d), dtype=x.dtype), x, core=2)


def _one_each(values: tuple, d: int, name: str) -> tuple:
    if len(values) not in (1, d):
        raise ValueError(f"{name} has {len(values)} entries for {d} components, allowed: 1 or {d}")
    return tuple(values) * d if len(values) == 1 else tuple(values)


class Headings(OutcomeSpace):
    """Directions in equal cells: `sectors` arcs of the circle, or `bands` x `sectors` equal areas
    of the sphere.

    The data are vectors of two or three components; their lengths do not matter. Bands are equal in
    cos(theta), theta the angle from the last component's axis, so that isotropic directions are
    equally likely: no weights are needed. A zero vector counts as the direction of the first
    component's axis.
    """

    axes: ClassVar[int | None] = 2
    sectors: int = static(24, doc="arcs of azimuth", ge=1)
    bands: int = static(12, doc="bands of equal area between the poles of a sphere", ge=1)

    def tally(self, x: Array) -> Array:
        """The number of directions in every cell, band by band."""
        x = as_real(x)
        if x.shape[-1] not in (2, 3):
            raise ValueError(f"directions have 2 or 3 components, given {x.shape[-1]}")
        angle = azimuth(x) / (2 * jnp.pi)
        sector = jnp.clip(jnp.floor((angle - jnp.floor(angle)) * self.sectors), 0, self.sectors - 1)
        if x.shape[-1] == 2:
            symbol, size = sector, self.sectors
        else:
            x = scaled(x, axis=(1, 2))
            height = x[:, :, 2] / nonzero(jnp.sqrt(jnp.sum(x**2, axis=-1)))
            band = jnp.clip(jnp.floor((1 - height) / 2 * self.bands), 0, self.bands - 1)
            symbol, size = band * self.sectors + sector, self.bands * self.sectors
        symbol = jnp.where(jnp.isnan(symbol), jnp.zeros_like(symbol), symbol)
        return only_finite(count_symbols(symbol.astype(jnp.int32), size, dtype=x.dtype), x, core=2)
