"""Entropies of particles, as diagnostics; the formulas are in `physent.entropy`."""

import jax.numpy as jnp
from jaxtyping import Array

from physent.diagnostics.fields import joined, real
from physent.entropy import (
    ESTIMATORS,
    MEASURES,
    Cells,
    Estimator,
    Headings,
    Measure,
    OutcomeSpace,
    boltzmann_entropy,
    entropy,
    nearest_neighbour_entropy,
)
from physent.entropy.continuous.distances import Metric
from physent.errors import ParameterError
from physent.protocol.diagnostic import Instantaneous, Observed
from physent.protocol.parameters import (
    as_number,
    choice,
    kind_of,
    one_of,
    param,
    static,
)
from physent.protocol.variables import Variable

PARTICLE_OUTCOMES: dict[str, type[OutcomeSpace]] = {"cells": Cells, "headings": Headings}


def particles(observed: Observed, of: str) -> tuple[str, tuple[str, ...]]:
    """The selected observable and its dims without particles and components."""
    name = real(observed, of)
    dims = observed.variables[name].dims
    if len(dims) < 2:
        raise ValueError(
            f"{name} does not hold particles and components (its dims: {', '.join(dims) or 'none'})"
        )
    return name, dims[:-2]


class ParticleEntropy(Instantaneous):
    """Entropy of particle positions in boxes, or of headings in equal cells of direction, in nats.

    With several observables, for example position and velocity, their components are joined: boxes
    of phase space.
    """

    of: tuple[str, ...] = static(
        doc="observables, by name or role; their components are joined", example=["position"]
    )
    outcomes: OutcomeSpace = choice(
        converter=one_of(PARTICLE_OUTCOMES), default="cells", doc="outcome space"
    )
    measure: Measure = choice(
        converter=one_of(MEASURES), default="shannon", doc="functional of the probabilities"
    )
    estimator: Estimator = choice(
        converter=one_of(ESTIMATORS),
        default="grassberger",
        doc="how the measure is estimated from the counts",
    )
    normalise: bool = static(False, doc="divide by the largest possible value")
    name: str | None = static(
        None, doc="name of the output variable", example="entropy_position_cells"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or a field over the dims before particles and components."""
        names, left = zip(*(particles(observed, of) for of in self.of), strict=True)
        if isinstance(self.outcomes, Cells):
            self.outcomes.boxes(sum(observed[name].shape[-1] for name in names))
        kind = kind_of(self.outcomes, PARTICLE_OUTCOMES)
        words = f"entropy of {' and '.join(names)} ({kind})"
        return {
            self.name or joined("entropy", *names, kind): Variable(left[0], "entropy", "1", words)
        }

    def values(self, observed: Observed) -> tuple[Array]:
        """The entropy at this time."""
        components = jnp.concatenate([observed[observed.find(of)] for of in self.of], axis=-1)
        options = self.measure, self.outcomes, self.estimator
        return (entropy(components, *options, axis=(-2, -1), normalise=self.normalise),)


class BoltzmannEntropy(Instantaneous):
    """Boltzmann's coarse-grained entropy per particle in boxes of position, or of position and
    velocity, in nats.

    S/(N k_B) = -sum_c p_c ln p_c + ln(box volume) (`physent.entropy.boltzmann_entropy`); boxes of
    phase space have the components of position first.
    """

    of: str = static("position", doc="observable of particles and components, by name or role")
    velocity: str | None = static(
        None, doc="velocities, by name or role; default: positions only", example="velocity"
    )
    cells: Cells = choice(converter=one_of({"cells": Cells}), default="cells", doc="the boxes")
    estimator: Estimator = choice(
        converter=one_of(ESTIMATORS),
        default="grassberger",
        doc="how the entropy is estimated from the counts",
    )
    name: str | None = static(
        None, doc="name of the output variable", example="boltzmann_entropy_position"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or a field over the dims before particles and components."""
        name, left = particles(observed, self.of)
        if self.velocity and particles(observed, self.velocity)[1] != left:
            raise ValueError(f"{name} and {observed.find(self.velocity)} live on different axes")
        self.cells.boxes(observed[name].shape[-1] * (2 if self.velocity else 1))
        space = "phase space" if self.velocity else name
        return {
            self.name or f"boltzmann_entropy_{name}": Variable(
                left, "entropy", "1", f"Boltzmann entropy per particle in boxes of {space}"
            )
        }

    def values(self, observed: Observed) -> tuple[Array]:
        """The entropy at this time."""
        position = observed[observed.find(self.of)]
        velocity = observed[observed.find(self.velocity)] if self.velocity else None
        return (boltzmann_entropy(position, self.cells, velocity, self.estimator),)


class NearestNeighbourEntropy(Instantaneous):
    """Kozachenko-Leonenko differential entropy of one-particle positions, in nats.

    All pairs: O(N^2) a row. In a periodic domain the circumferences must be given, so that the same
    diagnostic means the same on a file, which may not know them.
    """

    of: str = static("position", doc="observable of particles and components, by name or role")
    k: int = static(3, doc="which neighbour", ge=1)
    metric: Metric = static("euclidean", doc="shape of the balls")
    period: Array | None = param(
        default=None,
        converter=as_number,
        ndim=1,
        gt=0,
        doc="period of every component, inf if not periodic; default: none is periodic",
    )
    name: str | None = static(
        None, doc="name of the output variable", example="nearest_neighbour_entropy_position"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or a field over the dims before particles and components."""
        name, left = particles(observed, self.of)
        circles = [
            axis.name for axis in observed.domain.axes if axis.points is None and axis.periodic
        ]
        if circles and self.period is None:
            raise ParameterError(
                "period", f"missing, but the domain is periodic in {', '.join(circles)}"
            )
        return {
            self.name or f"nearest_neighbour_entropy_{name}": Variable(
                left, "entropy", "1", f"nearest-neighbour differential entropy of {name}"
            )
        }

    def values(self, observed: Observed) -> tuple[Array]:
        """The entropy at this time."""
        position = observed[observed.find(self.of)]
        return (nearest_neighbour_entropy(position, self.k, self.metric, self.period),)
