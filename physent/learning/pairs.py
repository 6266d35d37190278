"""Particles and their neighbours as a network sees them: separations, radial functions, and sums
over pairs.
"""

import abc
from typing import Any, Self, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from physent.errors import ParameterError
from physent.learning.model import Score
from physent.learning.system import System
from physent.numerics.neighbors import NeighborList
from physent.numerics.products import with_all_digits
from physent.numerics.space import Space

T = TypeVar("T", bound=eqx.Module)


class Medium(eqx.Module):
    """What a network needs to know about self-propelled particles with pair forces.

    dx_i = (v0 g_i + F_i - A x_i) dt + sqrt(2 eps) dW,  dg_i = -gamma g_i dt + sqrt(2 gamma) dW, F_i
    a sum over pairs.
    """

    space: Space
    force: Any
    speed: Float[Array, ""]
    trap: Float[Array, ""]
    diffusivity: Float[Array, ""]
    rate: Float[Array, ""]

    @classmethod
    def of(cls, system: Any) -> Self:
        """From the fields of a system. Raises ParameterError if it is not of this kind."""
        try:
            eps = jnp.zeros_like(system.dt) if system.diffusivity is None else system.diffusivity
            axes = system.domain().axes
            space = Space(
                jnp.stack([axis.length for axis in axes]), tuple(axis.periodic for axis in axes)
            )
            if not isinstance(system.force.strength, jax.Array):
                raise AttributeError
            return cls(space, system.force, system.speed, system.trap, eps, system.propulsion.rate)
        except (AttributeError, TypeError):
            raise ParameterError(
                "kind",
                "needs particles with a soft pair force and Ornstein-Uhlenbeck propulsion, not "
                f"{type(system).__name__}",
            ) from None


def wanders(system: Any) -> bool:
    """Whether positions have their own noise: a nonzero diffusivity."""
    return system.diffusivity is not None and float(system.diffusivity) > 0


class ParticleScore(Score):
    """The score of self-propelled particles by a network, in the precision of their state."""

    @with_all_digits
    def __call__(self, system: System, state: Any) -> dict[str, Array]:
        """u of the variables that are learned."""
        return adapted(self, state.position.dtype)._of(system, Medium.of(system), state)

    @abc.abstractmethod
    def _of(self, system: System, medium: Medium, state: Any) -> dict[str, Array]:
        """u, by a network in the precision of the state."""


def adapted(module: T, dtype: Any) -> T:
    """The same network in the precision of a state."""
    return jax.tree.map(
        lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, module
    )


class Pairs(eqx.Module):
    """The separations x_j - x_i of every particle i from its neighbours j.

    `direction` (d, N, K) are unit vectors and `distance` (N, K) their lengths, `there` says which
    slots hold a pair. A list of everybody else becomes the whole N x N table (K = N, with i itself
    an empty slot): sums over it are products of matrices, and nothing is gathered.
    """

    index: Int[Array, "n k"] | None
    direction: Float[Array, "d n k"]
    distance: Float[Array, "n k"]
    there: Bool[Array, "n k"]

    @classmethod
    def of(cls, position: Float[Array, "n d"], neighbors: NeighborList, space: Space) -> Self:
        """From a neighbour list, which stays as it is when the positions are differentiated."""
        n = position.shape[0]
        index = None if neighbors.capacity >= n - 1 else neighbors.index
        separation = jnp.stack(
            [
                space.nearest(_take(position[:, axis], index) - position[:, axis, None], axis)
                for axis in range(space.dimension)
            ]
        )
        own = np.arange(n, dtype=np.int32)[:, None]
        there = jnp.asarray(own != own.T) if index is None else index != own
        # an empty slot gets a length that has a derivative
        squared = jnp.where(
            there, jnp.sum(separation**2, axis=0), jnp.ones(there.shape, position.dtype)
        )
        inverse = jax.lax.rsqrt(squared)
        return cls(index, separation * inverse[None], squared * inverse, there)

    def others(self, values: Float[Array, "n *c"]) -> Float[Array, "#n k *c"]:
        """The values of the neighbours j; if these are all particles, without a copy for each i."""
        return _take(values, self.index)

    def total(
        self, weights: Float[Array, "m n k"], values: Float[Array, "n c"]
    ) -> Float[Array, "m n c"]:
        """sum_j weights_ij values_j for every weight and value; weights of empty slots must be
        0.
        """
        if self.index is None:
            m, n, _ = weights.shape
            return (weights.reshape(m * n, n) @ values).reshape(m, n, -1)
        return jnp.einsum("mik,ikc->mic", weights, _take(values, self.index))


def _take(values: Array, index: Array | None) -> Array:
    return values[None] if index is None else values.at[index].get(mode="promise_in_bounds")


class Radial(eqx.Module):
    """Gaussians of the distance times (1 - (r/cutoff)^2)^3, whose centres and widths are learned; 0
    in empty slots.
    """

    center: Float[Array, " m"]
    width: Float[Array, " m"]
    cutoff: Float[Array, ""]

    @classmethod
    def spread(cls, functions: int, cutoff: Float[Array, ""]) -> Self:
        """Centres from 0.45 to 0.95 of the cutoff, with spacings equal to their widths."""
        center = cutoff * jnp.linspace(0.45, 0.95, functions, dtype=cutoff.dtype)
        return cls(center, jnp.full_like(center, 0.5 / max(functions - 1, 1)) * cutoff, cutoff)

    def __call__(self, pairs: Pairs) -> Float[Array, "m n k"]:
        """Their values at every pair."""
        r, cutoff = pairs.distance, jax.lax.stop_gradient(self.cutoff)
        inside = pairs.there & (r < cutoff)
        fade = jnp.where(
            inside, (1 - (jnp.where(inside, r, cutoff) / cutoff) ** 2) ** 3, jnp.zeros_like(r)
        )
        scaled = (r[None] - self.center[:, None, None]) / self.width[:, None, None]
        return fade[None] * jnp.exp(-(scaled**2))


class Springs(eqx.Module):
    """Springs between neighbours: M q = A q_i + sum_j [a(r) e e' + b(r)] (q_i - q_j), a positive
    matrix.

    a and b are sums of radial functions with positive weights, which are learned. A particle's
    springs are weakened where there are many, so that no eigenvalue exceeds A + 2 `most`: functions
    of M are then sums of Chebyshev polynomials.
    """

    radial: Radial
    weight: Float[Array, "2 m"]
    most: Float[Array, ""]

    @classmethod
    def of(
        cls, force: Any, cutoff: Float[Array, ""], functions: int, most: Float[Array, ""]
    ) -> Self:
        """The springs of a pair force where it repels: a = -f'(r), b = 0."""
        radial = Radial.spread(functions, cutoff)
        r = radial.center
        _, slope = jax.jvp(force.magnitude, (r,), (jnp.ones_like(r),))
        share = (1 - (r / cutoff) ** 2) ** 3 * jnp.sqrt(jnp.pi) * radial.width / (r[1] - r[0])
        along = jnp.maximum(-slope / share, 1e-3 * most)
        return cls(
            radial, jnp.log(jnp.expm1(jnp.stack([along, jnp.full_like(along, 1e-3 * most)]))), most
        )

    def largest(self, trap: Float[Array, ""]) -> Float[Array, ""]:
        """A bound of the eigenvalues."""
        return trap + 2 * self.most

    def operator(self, pairs: Pairs, trap: Float[Array, ""]):
        """q -> 2 M q/largest - q for q (d N, c), whose eigenvalues are in [-1, 1]."""
        most = jax.lax.stop_gradient(self.most)
        a, b = jnp.einsum("cm,mik->cik", jax.nn.softplus(self.weight), self.radial(pairs))
        degree = jnp.sum(a + b, axis=1)
        fade = most / (most + degree[:, None] + pairs.others(degree))
        e = pairs.direction
        d, n, _ = e.shape
        identity = jnp.eye(d, dtype=a.dtype)[:, :, None]
        block = (fade * a)[None, None] * e[:, None] * e[None] + (fade * b)[None, None] * identity[
            ..., None
        ]
        half = most + trap / 2
        diagonal = (jnp.sum(block, axis=3) + (trap - half) * identity) / half
        block = block / half
        if pairs.index is None:
            full = diagonal[..., None] * jnp.eye(n, dtype=a.dtype)[None, None] - block
            full = full.transpose(0, 2, 1, 3).reshape(d * n, d * n)
            return lambda q: full @ q

        def apply(q: Float[Array, "dn c"]) -> Float[Array, "dn c"]:
            q = q.reshape(d, n, -1)
            near = jnp.einsum(
                "abik,bikc->aic", block, jnp.stack([pairs.others(part) for part in q])
            )
            return (jnp.einsum("abi,bic->aic", diagonal, q) - near).reshape(d * n, -1)

        return apply


def chebyshev(apply, q: Float[Array, "n c"], degree: int) -> Float[Array, "k n c"]:
    """T_k(A) q for k = 0 ... degree, of a matrix with eigenvalues in [-1, 1]."""
    first = apply(q)

    def turn(loop, _):
        before, last = loop
        following = 2 * apply(last) - before
        return (last, following), following

    _, rest = jax.lax.scan(turn, (q, first), None, length=degree - 1)
    return jnp.concatenate([q[None], first[None], rest])


def filtered(function, largest: Float[Array, ""], degree: int) -> Float[Array, "f k"]:
    """The coefficients c_k of functions, sum_k c_k T_k(2 x/largest - 1) = f(x) for x in [0,
    largest].
    """
    points = 8 * (degree + 1)
    angle = jnp.pi * (jnp.arange(points, dtype=largest.dtype) + 0.5) / points
    values = 2 / points * function(largest / 2 * (1 + jnp.cos(angle)))
    coefficients = values @ jnp.cos(angle[:, None] * jnp.arange(degree + 1)[None])
    return coefficients.at[:, 0].multiply(0.5)
