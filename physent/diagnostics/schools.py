"""Entropies of schools of fish, as diagnostics; the formulas are in `physent.entropy.schools`."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.core
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array

from physent.diagnostics.particles import _particles
from physent.entropy import (
    oceanic_schooling_index,
    school_entropies,
    schooling_entropies,
    velocity_correlation_profile,
    wrapped_rotation,
)
from physent.entropy.schools.dewi_kadita import SchoolingEntropies
from physent.entropy.schools.unbinned import SchoolEntropies
from physent.errors import ParameterError
from physent.protocol.diagnostic import Diagnostic, Observed
from physent.protocol.parameters import param, static
from physent.protocol.variables import Variable


def _school(observed: Observed, of: str, heading: str) -> tuple[str, str, tuple[str, ...]]:
    """The names of positions and headings, and their dims before particles and components."""
    position, left = _particles(observed, of)
    heading, _ = _particles(observed, heading)
    shapes = observed[position].shape, observed[heading].shape
    if shapes[0] != shapes[1] or shapes[0][-1] not in (2, 3) or shapes[0][-2] < 6:
        raise ValueError(
            f"a school is six or more fish in 2 or 3 components: {position} and {heading} are "
            f"{shapes}"
        )
    return position, heading, left


class _Box(NamedTuple):
    """The space that the domain says the fish live in: its sides where it has any, and whether it
    is periodic.
    """

    sides: Array | None
    periodic: bool


def _box(observed: Observed, position: str) -> _Box | None:
    """None where the domain does not say, as that of a file."""
    axes = [axis for axis in observed.domain.axes if axis.points is None]
    if len(axes) != observed[position].shape[-1]:
        return None
    if len({axis.periodic for axis in axes}) > 1:
        raise ValueError(
            "a school lives in a space that is periodic along every axis or along none"
        )
    lengths = [jnp.asarray(axis.length) for axis in axes if axis.length is not None]
    return _Box(jnp.stack(lengths) if len(lengths) == len(axes) else None, axes[0].periodic)


def _agree(key: str, given: ArrayLike, known: Array) -> None:
    """Refuse a value that the domain contradicts; traced values pass."""
    if not isinstance(known, jax.core.Tracer) and not np.allclose(given, known, rtol=1e-6, atol=0):
        shown, there = np.asarray(given).tolist(), np.asarray(known).tolist()
        raise ParameterError(key, f"given {shown}, and the domain has {there} (inf: unbounded)")


def _period(
    observed: Observed, position: str, given: Array | Sequence[float] | None
) -> Array | None:
    """The circumference along every component, the domain's where none is given; None in unbounded
    space.
    """
    box, d = _box(observed, position), observed[position].shape[-1]
    if given is None:
        if box is None:
            raise ParameterError(
                "period",
                f"missing, and the data do not say in what space {position} lives (inf: unbounded)",
            )
        return box.sides if box.periodic else None
    period = np.asarray(given, float)
    if period.shape != (d,):
        raise ParameterError(
            "period", f"given {period.size} numbers, allowed: {d}, one a component of {position}"
        )
    unbounded = np.isinf(period)
    if unbounded.any() != unbounded.all():
        raise ParameterError(
            "period", f"given {period.tolist()}, allowed: inf along every component or along none"
        )
    if box is not None:
        _agree(
            "period",
            period,
            box.sides if box.periodic and box.sides is not None else jnp.full(d, jnp.inf),
        )
    return None if unbounded.all() else jnp.asarray(given)


class SchoolDewiKadita(Diagnostic[tuple[()]]):
    """The seven entropies of dewi-kadita 0.0.4, its Oceanic Schooling Index and its rotation, as it
    defines them.

    All but the shape's by histograms in a box [0, length)^d, positions as they are; its docstrings
    say what each is not (`physent.entropy.schools.dewi_kadita`).
    """

    of: str = static("position", doc="positions, by name or role")
    heading: str = static("heading", doc="headings or velocities, by name or role")
    length: Array | float | None = param(
        None,
        doc="side of the box; default: the domain's, which unbounded space has not",
        gt=0,
        units="length",
    )
    periodic: bool | None = static(
        None,
        doc="whether neighbours are looked for across its edges; default: the domain's, true where "
        "that is unknown",
    )
    name: str | None = static(None, doc="prefix of the output variables", example="schooling")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Nine series."""
        position, _, left = _school(observed, self.of, self.heading)
        self._cube(observed, position)
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

    def _cube(self, observed: Observed, position: str) -> tuple[Array | float, bool]:
        """Side of the box and whether it is periodic, as given, or else as the domain has them."""
        box, length, periodic = _box(observed, position), self.length, self.periodic
        sides = None if box is None else box.sides
        if length is None and sides is None:
            raise ParameterError("length", "missing, and the domain has no sides to take it from")
        if sides is not None:
            _agree("length", sides[0] if length is None else length, sides)
            length = sides[0] if length is None else length
        if periodic is None:
            periodic = box is None or box.periodic
        elif box is not None and periodic != box.periodic:
            words = "periodic" if box.periodic else "not periodic"
            raise ParameterError(
                "periodic", f"given {str(periodic).lower()}, and the domain is {words}"
            )
        assert length is not None
        return length, periodic

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The values at this time."""
        position, heading, _ = _school(observed, self.of, self.heading)
        x, v = observed[position], observed[heading]
        values = schooling_entropies(x, v, *self._cube(observed, position))
        prefix = self.name or "schooling"
        named = {f"{prefix}_{field}_entropy": value for field, value in values._asdict().items()}
        named[f"{prefix}_index"] = oceanic_schooling_index(values)
        named[f"{prefix}_wrapped_rotation"] = wrapped_rotation(x, v)
        return carry, named


class SchoolEntropy(Diagnostic[tuple[()]]):
    """Six entropies of a school with bins only where they are of equal area
    (`physent.entropy.school_entropies`).
    """

    of: str = static("position", doc="positions, by name or role")
    heading: str = static("heading", doc="headings or velocities, by name or role")
    k: int = static(3, doc="which neighbour, for the differential entropies", ge=1)
    period: Array | Sequence[float] | None = param(
        None,
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

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The values at this time."""
        position, heading, _ = _school(observed, self.of, self.heading)
        values = school_entropies(
            observed[position], observed[heading], _period(observed, position, self.period), self.k
        )
        return carry, {
            f"{self.name or 'school'}_{field}_entropy": value
            for field, value in values._asdict().items()
        }


class VelocityCorrelation(Diagnostic[tuple[()]]):
    """The correlation of headings by distance: its mean and its entropy in every shell.

    Shells in which there is no pair are NaN.
    """

    of: str = static("position", doc="positions, by name or role")
    heading: str = static("heading", doc="headings or velocities, by name or role")
    edges: Array | Sequence[float] = param(
        (0.0, 1.0, 2.0, 4.0, 8.0, 16.0),
        ndim=1,
        ge=0,
        doc="edges of the shells, rising",
        units="length",
    )
    bins: int = static(20, doc="bins of the correlation", ge=2)
    period: Array | Sequence[float] | None = param(
        None,
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
        if isinstance(self.edges, jax.core.Tracer):
            return
        edges = np.asarray(self.edges)
        if edges.size < 2 or not np.all(np.diff(edges) > 0):
            raise ParameterError(
                "edges", f"given {edges.tolist()}, allowed: two or more numbers that rise"
            )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Three series for every shell."""
        position, _, left = _school(observed, self.of, self.heading)
        _period(observed, position, self.period)
        prefix = self.name or "velocity_correlation"
        dims = (*left, f"{prefix}_shell")
        outputs = {
            "distance": ("scalar", "length", "mean distance of the pairs in a shell"),
            "mean": ("scalar", "1", "mean correlation of the headings of the pairs in a shell"),
            "entropy": ("entropy", "1", "entropy of the correlation of headings in a shell"),
        }
        return {
            f"{prefix}_{part}": Variable(dims, *words, nan="no pair")
            for part, words in outputs.items()
        }

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The values at this time."""
        position, heading, _ = _school(observed, self.of, self.heading)
        profile = velocity_correlation_profile(
            observed[position],
            observed[heading],
            jnp.asarray(self.edges),
            _period(observed, position, self.period),
            self.bins,
        )
        prefix = self.name or "velocity_correlation"
        values = zip(("distance", "mean", "entropy"), profile, strict=True)
        return carry, {f"{prefix}_{part}": value for part, value in values}
