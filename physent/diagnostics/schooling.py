"""Entropies of schools of fish, as diagnostics; the formulas are in `physent.entropy.schooling` and `.school`."""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array

from physent.diagnostic import Diagnostic, Observed
from physent.diagnostics.particles import _particles
from physent.entropy.school import SchoolEntropies, school_entropies, velocity_correlation_profile
from physent.entropy.schooling import (
    SchoolingEntropies,
    oceanic_schooling_index,
    schooling_entropies,
    wrapped_rotation,
)
from physent.parameters import param, static
from physent.solver import Variable


def _school(observed: Observed, of: str, heading: str) -> tuple[str, str, tuple[str, ...]]:
    """The names of positions and headings, and their dims before particles and components."""
    position, left = _particles(observed, of)
    heading, _ = _particles(observed, heading)
    shapes = observed[position].shape, observed[heading].shape
    if shapes[0] != shapes[1] or shapes[0][-1] not in (2, 3) or shapes[0][-2] < 6:
        raise ValueError(f"a school is six or more fish in 2 or 3 components: {position} and {heading} are {shapes}")
    return position, heading, left


def _check_period(observed: Observed, period: Array | Sequence[float] | None) -> None:
    circles = [axis.name for axis in observed.domain.axes if axis.points is None and axis.periodic]
    if circles and period is None:
        raise ValueError(f"the domain is periodic in {', '.join(circles)}: give period")


class SchoolingEntropy(Diagnostic[tuple[()]]):
    """The seven entropies of dewi-kadita 0.0.4, its Oceanic Schooling Index and its rotation, as it defines them.

    All by histograms in a box [0, length)^d, positions as they are; its docstrings say what each is not
    (`physent.entropy.schooling`).
    """

    of: str = static("position", doc="positions, by name or role")
    heading: str = static("heading", doc="headings or velocities, by name or role")
    length: Array | float = param(doc="side of the box", gt=0, units="length")
    periodic: bool = static(True, doc="whether neighbours are looked for across the edges of the box")
    name: str | None = static(None, doc="prefix of the output variables", example="schooling")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Nine series."""
        _, _, left = _school(observed, self.of, self.heading)
        prefix = self.name or "schooling"
        declared = {
            f"{prefix}_{field}_entropy": Variable(
                left, "entropy", "1", f"{field.replace('_', ' ')} entropy of a school"
            )
            for field in SchoolingEntropies._fields
        }
        declared[f"{prefix}_index"] = Variable(left, "entropy", "1", "Oceanic Schooling Index")
        declared[f"{prefix}_wrapped_rotation"] = Variable(
            left, "order", "1", "rotation about the mean wrapped position"
        )
        return declared

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The values at this time."""
        position, heading, _ = _school(observed, self.of, self.heading)
        x, v = observed[position], observed[heading]
        values = schooling_entropies(x, v, self.length, self.periodic)
        prefix = self.name or "schooling"
        named = {f"{prefix}_{field}_entropy": value for field, value in values._asdict().items()}
        named[f"{prefix}_index"] = oceanic_schooling_index(values)
        named[f"{prefix}_wrapped_rotation"] = wrapped_rotation(x, v)
        return carry, named


class SchoolEntropy(Diagnostic[tuple[()]]):
    """Six entropies of a school without bins where none are needed (`physent.entropy.school_entropies`)."""

    of: str = static("position", doc="positions, by name or role")
    heading: str = static("heading", doc="headings or velocities, by name or role")
    k: int = static(3, doc="which neighbour, for the differential entropies", ge=1)
    period: Array | Sequence[float] | None = param(
        None, ndim=1, gt=0, doc="circumference of every component; default: unbounded space"
    )
    name: str | None = static(None, doc="prefix of the output variables", example="school")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Six series."""
        _, _, left = _school(observed, self.of, self.heading)
        _check_period(observed, self.period)
        return {
            f"{self.name or 'school'}_{field}_entropy": Variable(
                left, "entropy", "1", f"entropy of a school: {field.replace('_', ' ')}"
            )
            for field in SchoolEntropies._fields
        }  # fmt: skip

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The values at this time."""
        position, heading, _ = _school(observed, self.of, self.heading)
        values = school_entropies(observed[position], observed[heading], self.period, self.k)
        return carry, {f"{self.name or 'school'}_{field}_entropy": value for field, value in values._asdict().items()}


class VelocityCorrelation(Diagnostic[tuple[()]]):
    """The correlation of headings by distance: its mean and its entropy in every shell.

    Shells in which there is no pair are NaN.
    """

    of: str = static("position", doc="positions, by name or role")
    heading: str = static("heading", doc="headings or velocities, by name or role")
    edges: Array | Sequence[float] = param(
        (0.0, 1.0, 2.0, 4.0, 8.0, 16.0), ndim=1, ge=0, doc="edges of the shells, rising", units="length"
    )
    bins: int = static(20, doc="bins of the correlation", ge=2)
    period: Array | Sequence[float] | None = param(
        None, ndim=1, gt=0, doc="circumference of every component; default: unbounded space"
    )
    name: str | None = static(None, doc="prefix of the output variables", example="velocity_correlation")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Three series for every shell."""
        _, _, left = _school(observed, self.of, self.heading)
        _check_period(observed, self.period)
        prefix = self.name or "velocity_correlation"
        dims = (*left, f"{prefix}_shell")
        return {
            f"{prefix}_distance": Variable(dims, "scalar", "length", "mean distance of the pairs in a shell"),
            f"{prefix}_mean": Variable(dims, "scalar", "1", "mean correlation of the headings of the pairs in a shell"),
            f"{prefix}_entropy": Variable(dims, "entropy", "1", "entropy of the correlation of headings in a shell"),
        }

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The values at this time."""
        position, heading, _ = _school(observed, self.of, self.heading)
        profile = velocity_correlation_profile(
            observed[position], observed[heading], jnp.asarray(self.edges), self.period, self.bins
        )
        prefix = self.name or "velocity_correlation"
        values = zip(("distance", "mean", "entropy"), profile, strict=True)
        return carry, {f"{prefix}_{part}": value for part, value in values}
