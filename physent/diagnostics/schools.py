"""Entropies of schools of fish, as diagnostics; the formulas are in `physent.entropy.schools`."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.diagnostics.particles import particles
from physent.entropy import (
    oceanic_schooling_index,
    school_entropies,
    schooling_entropies,
    velocity_correlation_profile,
    wrapped_rotation,
)
from physent.entropy.schools.dewi_kadita import SchoolingEntropies
from physent.entropy.schools.unbinned import RISING, CorrelationProfile, SchoolEntropies
from physent.errors import ParameterError
from physent.protocol.diagnostic import Instantaneous, Observed
from physent.protocol.parameters import (
    as_number,
    known,
    param,
    static,
)
from physent.protocol.variables import Variable


def _school(observed: Observed, of: str, heading: str) -> tuple[str, str, tuple[str, ...]]:
    """The names of positions and headings, and their dims before particles and components."""
    position, left = particles(observed, of)
    heading, _ = particles(observed, heading)
    shapes = observed[position].shape, observed[heading].shape
    if shapes[0] != shapes[1] or shapes[0][-1] not in (2, 3) or shapes[0][-2] < 6:
        raise ValueError(
            f"a school needs six or more fish in 2 or 3 components: {position} and {heading} are "
            f"{shapes}"
        )
    return position, heading, left


def _box(observed: Observed, position: str) -> tuple[Array | None, bool | None]:
    """The space of the fish from the domain: its side lengths, if any, and whether it is periodic;
    None if not declared, as in a file.
    """
    axes = [axis for axis in observed.domain.axes if axis.points is None]
    if len(axes) != observed[position].shape[-1]:
        return None, None
    if len({axis.periodic for axis in axes}) > 1:
        raise ValueError("a school needs a space that is periodic along every axis or along none")
    lengths = [jnp.asarray(axis.length) for axis in axes if axis.length is not None]
    return jnp.stack(lengths) if len(lengths) == len(axes) else None, axes[0].periodic


def _agree(key: str, given: ArrayLike, there: Array) -> None:
    """Reject a value that contradicts the domain; traced values pass."""
    if known(there) and not np.allclose(given, there, rtol=1e-6, atol=0):
        raise ParameterError(
            key,
            f"given {np.asarray(given).tolist()}, but the domain has {np.asarray(there).tolist()} "
            "(inf: unbounded)",
        )


def _period(
    observed: Observed, position: str, given: Array | Sequence[float] | None
) -> Array | None:
    """The period of every component, by default from the domain; None in unbounded space."""
    (sides, wraps), d = _box(observed, position), observed[position].shape[-1]
    if given is None:
        if wraps is None:
            raise ParameterError(
                "period",
                f"missing, and the data do not declare the space of {position} (inf: unbounded)",
            )
        return sides if wraps else None
    period = np.asarray(given, float)
    if period.shape != (d,):
        raise ParameterError(
            "period", f"given {period.size} numbers, allowed: {d}, one per component of {position}"
        )
    unbounded = np.isinf(period)
    if unbounded.any() != unbounded.all():
        raise ParameterError(
            "period", f"given {period.tolist()}, allowed: inf along every component or along none"
        )
    if wraps is not None:
        _agree("period", period, sides if wraps and sides is not None else jnp.full(d, jnp.inf))
    return None if unbounded.all() else jnp.asarray(given)


class SchoolDewiKadita(Instantaneous):
    """The seven entropies of dewi-kadita 0.0.4, its Oceanic Schooling Index and its rotation, as
    defined there.

    All but the shape's by histograms in a box [0, length)^d, positions as they are; its docstrings
    say what each is not (`physent.entropy.schools.dewi_kadita`).
    """

    of: str = static("position", doc="positions, by name or role")
    heading: str = static("heading", doc="headings or velocities, by name or role")
    length: Array | None = param(
        default=None,
        converter=as_number,
        doc="side of the box; default: from the domain, required in unbounded space",
        gt=0,
        units="length",
    )
    periodic: bool | None = static(
        None,
        doc="whether neighbours are searched across its edges; default: from the domain, or true "
        "if unknown",
    )
    name: str | None = static(None, doc="prefix of the output variables", example="schooling")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Nine series."""
        position, _, left = _school(observed, self.of, self.heading)
        self._cube(observed, position)
        prefix = self.name or "schooling"
        return {
            **{
                f"{prefix}_{field}_entropy": Variable(
                    left, "entropy", "1", f"{field.replace('_', ' ')} entropy of a school"
                )
                for field in SchoolingEntropies._fields
            },
            f"{prefix}_index": Variable(left, "entropy", "1", "Oceanic Schooling Index"),
            f"{prefix}_wrapped_rotation": Variable(
                left, "order", "1", "rotation about the mean wrapped position"
            ),
        }

    def _cube(self, observed: Observed, position: str) -> tuple[Array | float, bool]:
        """Side of the box and whether it is periodic, as given or from the domain."""
        sides, wraps = _box(observed, position)
        length = self.length if self.length is not None or sides is None else sides[0]
        if length is None:
            raise ParameterError("length", "missing, and the domain has no side lengths")
        if sides is not None:
            _agree("length", length, sides)
        if self.periodic is None:
            return length, wraps is not False
        if wraps is not None and self.periodic != wraps:
            words = f"given {str(self.periodic).lower()}, and the domain is"
            raise ParameterError("periodic", f"{words} {'' if wraps else 'not '}periodic")
        return length, self.periodic

    def values(self, observed: Observed) -> tuple[Array, ...]:
        """The values at this time."""
        position, heading, _ = _school(observed, self.of, self.heading)
        x, v = observed[position], observed[heading]
        values = schooling_entropies(x, v, *self._cube(observed, position))
        return *values, oceanic_schooling_index(values), wrapped_rotation(x, v)


class SchoolEntropy(Instantaneous):
    """Six entropies of a school with bins only where they are of equal area
    (`physent.entropy.school_entropies`).
    """

    of: str = static("position", doc="positions, by name or role")
    heading: str = static("heading", doc="headings or velocities, by name or role")
    k: int = static(3, doc="k of the k-th neighbour, for the differential entropies", ge=1)
    period: Array | None = param(
        default=None,
        converter=as_number,
        ndim=1,
        gt=0,
        finite=False,
        doc="circumference of every component, inf in unbounded space (default: the domain's)",
    )
    name: str | None = static(None, doc="prefix of the output variables", example="school")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Six series."""
        position, _, left = _school(observed, self.of, self.heading)
        _period(observed, position, self.period)
        return {
            f"{self.name or 'school'}_{field}_entropy": Variable(
                left, "entropy", "1", f"entropy of a school: {field.replace('_', ' ')}"
            )
            for field in SchoolEntropies._fields
        }

    def values(self, observed: Observed) -> SchoolEntropies:
        """The values at this time."""
        position, heading, _ = _school(observed, self.of, self.heading)
        return school_entropies(
            observed[position], observed[heading], _period(observed, position, self.period), self.k
        )


class VelocityCorrelation(Instantaneous):
    """The correlation of headings by distance: its mean and its entropy in every shell.

    Shells in which there is no pair are NaN.
    """

    of: str = static("position", doc="positions, by name or role")
    heading: str = static("heading", doc="headings or velocities, by name or role")
    edges: Array = param(
        default=(0.0, 1.0, 2.0, 4.0, 8.0, 16.0),
        converter=as_number,
        ndim=1,
        ge=0,
        doc="edges of the shells, increasing",
        units="length",
    )
    bins: int = static(20, doc="bins of the correlation", ge=2)
    period: Array | None = param(
        default=None,
        converter=as_number,
        ndim=1,
        gt=0,
        finite=False,
        doc="circumference of every component, inf in unbounded space (default: the domain's)",
    )
    name: str | None = static(
        None, doc="prefix of the output variables", example="velocity_correlation"
    )

    def __check_init__(self):
        """The edges must rise."""
        (rise, words), edges = RISING, self.edges
        if known(edges) and not rise(np.asarray(edges)):
            raise ParameterError("edges", f"given {np.asarray(edges).tolist()}, allowed: {words}")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Three series for every shell."""
        position, _, left = _school(observed, self.of, self.heading)
        _period(observed, position, self.period)
        name = self.name or "velocity_correlation"
        return {
            f"{name}_{part}": Variable((*left, f"{name}_shell"), *words, nan="no pair")
            for part, words in {
                "distance": ("scalar", "length", "mean distance of the pairs in a shell"),
                "mean": ("scalar", "1", "mean correlation of the headings of the pairs in a shell"),
                "entropy": ("entropy", "1", "entropy of the correlation of headings in a shell"),
            }.items()
        }

    def values(self, observed: Observed) -> CorrelationProfile:
        """The values at this time."""
        position, heading, _ = _school(observed, self.of, self.heading)
        return velocity_correlation_profile(
            observed[position],
            observed[heading],
            jnp.asarray(self.edges),
            _period(observed, position, self.period),
            self.bins,
        )
