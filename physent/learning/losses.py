"""Training losses, each minimised by the score, or by the current it implies.

All are written for one sample and weighed by D; a minibatch takes their mean. A score s = s0 + u
(`Score.parts`) learns u, and terms that do not depend on it are left out.
"""

import abc
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from physent.errors import ParameterError
from physent.learning.currents import Physics, added, current, physics, summed
from physent.learning.derivatives import Learned, by_probes, exactly
from physent.learning.model import Score, Values, singular
from physent.learning.system import System
from physent.numerics.space import Space
from physent.protocol.parameters import (
    Declared,
    as_number,
    param,
    static,
)

Objective = Callable[[Score, Values, PRNGKeyArray], Array]
DENOISING_SHARE = 0.175


class Scales(NamedTuple):
    """Scales of a system from the data, before training.

    `fastest`: a large rate of contraction, the 95 % quantile of -db_i/dx_i over all components of
    all samples; `contraction`: -E[div b] of a sample; `interval`: the time between snapshots.
    """

    fastest: Array
    contraction: Array
    interval: Array


class Loss(Declared):
    """A loss that an experiment can select."""

    @abc.abstractmethod
    def objective(self, system: System, scales: Scales) -> Objective:
        """(score, values of a sample, key) -> the loss of that sample, a scalar."""

    def snapshots(self) -> int:
        """The number of successive snapshots per sample, along a first axis if there are
        several.
        """
        return 1


class Implicit(Loss):
    """Implicit score matching, E[s . D s + 2 div(D s)] = E[ds . D ds] + const: it needs no
    reference score.

    (A. Hyvaerinen, J. Mach. Learn. Res. 6, 695, 2005.) The divergence is exact, by forward mode, or
    estimated with random signs, for systems of many parts (Y. Song et al., UAI 2019); both are
    unbiased. `stationarity` adds E[(div v + v . s)^2]/|E div b|, whose integrand is 0 everywhere
    where p is stationary: only where every variable has noise, else b . s of those without is part
    of it, and is not learned (ParameterError). With probes it is a product of two independent
    estimates: the square of one would add its variance.
    """

    divergence: Literal["exact", "probes"] = static(
        "exact", doc="divergence of the score; use probes for many particles"
    )
    probes: int = static(1, doc="random signs per sample, for probes", ge=1)
    particles: int | None = static(
        None,
        doc="random particles per sample that enter the loss, for exact; default: all",
        ge=1,
    )
    stationarity: Array = param(
        default=0.0, converter=as_number, ge=0, doc="weight of the stationarity term; 0: none"
    )

    def objective(self, system: System, scales: Scales) -> Objective:
        """The loss of a sample."""

        def loss(score: Score, values: Values, key: PRNGKeyArray) -> Array:
            state = system.at(values)
            first, second = jax.random.split(key)
            of = self._drawn(values, first)
            learned = self._learned(score, system, state, first, of)
            diffusion = system.diffusion(state)
            total = jnp.zeros((), scales.contraction.dtype)
            for name, u in learned.learned.items():
                d = jnp.broadcast_to(diffusion[name], u.shape)
                integrand = d * (
                    u**2 + 2 * learned.known[name] * u + 2 * learned.learned_slope[name]
                )
                share = 1.0 if of is None else u.shape[0] / of.size
                total = total + share * jnp.sum(integrand if of is None else integrand[of])
            if not float(self.stationarity) > 0:
                return total
            if singular(system, state):
                raise ParameterError(
                    "stationarity",
                    "given for a system with D = 0 somewhere, where the score is not learned, "
                    "allowed: 0",
                )
            found, again = physics(system, state), learned
            if self.divergence == "probes":
                again = self._learned(score, system, state, second, None)
            gap = _stationarity(found, learned) * _stationarity(found, again)
            return total + self.stationarity * gap / scales.contraction

        return loss

    def __check_init__(self):
        if self.particles is not None and self.divergence != "exact":
            raise ParameterError(
                "particles", "given with probes, allowed: with divergence = 'exact'"
            )
        if self.particles is not None and float(self.stationarity) > 0:
            raise ParameterError(
                "particles", "given with a stationarity term, which needs all of them"
            )

    def _drawn(self, values: Values, key: PRNGKeyArray) -> Array | None:
        """The particles that enter the loss."""
        count = next(iter(values.values())).shape[0]
        if self.particles is None or self.particles >= count:
            return None
        return jax.random.choice(key, count, (self.particles,), replace=False)

    def _learned(
        self, score: Score, system: System, state: Any, key: PRNGKeyArray, of: Array | None
    ) -> Learned:
        if self.divergence == "exact":
            return exactly(score, system, state, of)
        return by_probes(score, system, state, key, self.probes)


def _stationarity(found: Physics, learned: Learned) -> Array:
    """div v + v . s of one state."""
    flow, score = current(found, learned), learned.score
    return summed(flow.divergence) + added(
        jnp.sum(flow.velocity[name] * score[name]) for name in score
    )


class Denoising(Loss):
    """Denoising score matching, E|s(X + h z) + z/h|^2_D with X + h z and X - h z in pairs: no
    divergence is needed.

    (P. Vincent, Neural Comput. 23, 1661, 2011.) What is learned is the score of the density
    smoothed by h, so h must be small against the narrowest width of p. Without a `noise` it is h =
    0.175 sqrt(D/lambda) for each variable, lambda the 95 % quantile of -db_i/dx_i over everything:
    a variable bound to another with the rate lambda has the width sqrt(D/lambda), as the propulsion
    of a particle in contact (D = gamma, lambda the stiffness of the contact).
    """

    noise: Array | None = param(
        default=None,
        converter=as_number,
        gt=0,
        doc="h, standard deviation of the noise (default: by a rule)",
    )

    def objective(self, system: System, scales: Scales) -> Objective:
        """The loss of a sample. Raises ParameterError if the default h needs lambda > 0 and finds
        none.
        """
        if self.noise is None and not float(scales.fastest) > 0:
            raise ParameterError(
                "noise",
                f"no default if nothing contracts (lambda = {float(scales.fastest):.3g}), "
                "allowed: a number > 0",
            )

        def loss(score: Score, values: Values, key: PRNGKeyArray) -> Array:
            diffusion, width, kick = system.diffusion(system.at(values)), {}, {}
            for own, name in zip(jax.random.split(key, len(values)), values, strict=True):
                d = jnp.broadcast_to(diffusion[name], values[name].shape)
                h = (
                    jnp.sqrt(d / scales.fastest) * DENOISING_SHARE
                    if self.noise is None
                    else self.noise + 0 * d
                )
                width[name] = jnp.where(d > 0, h, jnp.zeros_like(h))
                kick[name] = width[name] * jax.random.normal(own, d.shape, d.dtype)

            def noisy(sign: int) -> dict[str, Array]:
                return score(
                    system, system.at({name: values[name] + sign * kick[name] for name in values})
                )

            ahead, behind = noisy(1), noisy(-1)
            total = jnp.zeros((), scales.contraction.dtype)
            for name in ahead:
                d = jnp.broadcast_to(diffusion[name], values[name].shape)
                pull = kick[name] / jnp.where(d > 0, width[name], jnp.ones_like(d)) ** 2
                square = (ahead[name] ** 2 + behind[name] ** 2) / 2
                total = total + jnp.sum(d * (square + (ahead[name] - behind[name]) * pull))
            return total

        return loss


class Stratonovich(Loss):
    """The current from trajectories alone, E[v . D^-1 v - 2 v . D^-1 o dX/dt], minimised by v = b -
    D s.

    For E[f(X) o dX] = E[f . v] dt for every f, with the product at the midpoint. The drift is not
    used: what is learned is D^-1 v, and the score is D^-1 b - D^-1 v. Of two successive snapshots
    the trapezoidal rule is taken, right to first order in the time between them, which must be
    short against every relaxation. (N. M. Boffi, E. Vanden-Eijnden, arXiv 2411.14317.)
    """

    def objective(self, system: System, scales: Scales) -> Objective:
        """The loss of a sample: the values of two successive snapshots along a first axis."""
        space = _space(system)

        def loss(score: Score, values: Values, key: PRNGKeyArray) -> Array:
            ends = [system.at({name: value[i] for name, value in values.items()}) for i in range(2)]
            at_ends = [score.parts(system, end)[1] for end in ends]
            diffusion = system.diffusion(ends[0])
            total = jnp.zeros((), scales.contraction.dtype)
            for name in at_ends[0]:
                first, last = (-learned[name] for learned in at_ends)  # D^-1 v
                step = values[name][1] - values[name][0]
                if space is not None and system.variables()[name].role == "position":
                    step = space.displacement(values[name][1], values[name][0])
                d = jnp.broadcast_to(diffusion[name], step.shape)
                square = d * (first**2 + last**2) / 2
                total = total + jnp.sum(square - (first + last) * step / scales.interval)
            return total

        return loss

    def snapshots(self) -> int:
        """Two."""
        return 2


def _space(system: System) -> Space | None:
    """The space of the positions, if it is periodic along some axis."""
    axes = system.domain().axes
    periodic = tuple(axis.periodic for axis in axes)
    lengths = [jnp.ones(()) if axis.length is None else axis.length for axis in axes]
    return Space(jnp.stack(lengths), periodic) if any(periodic) else None


LOSSES: dict[str, type[Loss]] = {
    "implicit": Implicit,
    "denoising": Denoising,
    "stratonovich": Stratonovich,
}
