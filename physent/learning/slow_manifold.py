"""A physics-informed equivariant network for self-propelled particles without translational
noise.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from physent.errors import ParameterError
from physent.learning.model import Network, Score, Values
from physent.learning.pairs import Medium, Pairs, Radial, adapted, chebyshev, filtered, wanders
from physent.learning.resolvent import products, quiet
from physent.learning.system import System
from physent.numerics.neighbors import find_neighbors
from physent.protocol.parameters import param, static

SHIFTS = (0.08, 0.5)
WIDTHS = 5.0


class SlowManifold(Score):
    """The residual u_g to -g where x has no noise: what keeps v0 g + F near the manifold of slow
    motions.

    With P = (v0 g + F)/kappa, kappa = v0 sqrt(gamma), and H the matrix of the normal stiffnesses
    -f'(r) of contacts, P relaxes to a slow manifold at the rates of H with unit noise, so that
    sqrt(gamma) u_g is about -H P in dense places, where P is small; where pairs slide round each
    other it is -(H P - kappa z), z the centripetal part of the third derivatives of the energy,
    z[P, P]; and about 0 where a particle not yet slowed down comes in. The network is a gated sum
    of H P, of the force of the turning of pairs, of the three parts of z and of (shift + H)^-1 of
    these, plus a sum over contacts of gates that see the pair: its distance, how far it is from its
    own slow manifold in units of the width of it, how fast it turns.
    """

    radial: Radial
    embed: eqx.nn.MLP
    gate: eqx.nn.MLP
    pair: eqx.nn.MLP
    cutoff: Float[Array, ""]
    degree: int = eqx.field(static=True)
    slots: int = eqx.field(static=True)

    def __call__(self, system: System, state: Any) -> dict[str, Array]:
        """u of g; NaN where a particle has more contacts than slots."""
        return adapted(self, state.position.dtype)._of(system, state)

    def _of(self, system: System, state: Any) -> dict[str, Array]:
        medium = Medium.of(system)
        x = state.position
        n, d = x.shape
        kappa = medium.speed * jnp.sqrt(medium.rate)
        cutoff = jax.lax.stop_gradient(self.cutoff)
        near = find_neighbors(jax.lax.stop_gradient(x), medium.space, cutoff, self.slots)
        pairs = Pairs.of(x, near, medium.space)
        k, slope, rolling, fade, r = self._stiffness(medium.force, pairs, cutoff)
        normal = -pairs.direction
        motion = system.drift(state)["position"].T / kappa  # P
        q = _gap(pairs, motion)
        along = jnp.sum(q * normal, axis=0)
        across = q - along[None] * normal
        turning = jnp.sum(across**2, axis=0)

        def summed(amount: Float[Array, "n k"]) -> Float[Array, "d n"]:
            return jnp.sum(amount[None] * normal, axis=2)

        y = summed(k * along)
        rolled = jnp.sum(rolling[None] * across, axis=2)
        swing = kappa * k / r
        third = [
            kappa * summed(slope * along**2),
            summed(swing * turning),
            jnp.sum((swing * along)[None] * across, axis=2),
        ]
        stiff = jnp.sum(k, axis=1)
        # no sum over k exceeds `most`, and so no eigenvalue twice that; where it is far from it
        # nothing is changed
        most = 4 * medium.force.strength
        relax = (
            k / most * (1 + ((stiff[:, None] ** 4 + pairs.others(stiff) ** 4) / most**4)) ** -0.25
        )

        def apply(c: Float[Array, "m n"]) -> Float[Array, "m n"]:
            gap = jnp.sum(_gap(pairs, c).reshape(-1, d, *r.shape) * normal[None], axis=1)
            return jnp.sum((relax[None] * gap)[:, None] * normal[None], axis=3).reshape(-1, n) - c

        shift = jnp.asarray(SHIFTS, x.dtype) * medium.force.strength
        inverse = filtered(lambda h: 1 / (shift[:, None] + h[None]), 2 * most, self.degree)
        terms = chebyshev(apply, jnp.concatenate([0.1 * (y + rolled), *third]), self.degree)
        soft = jnp.einsum("sk,kcn->scn", inverse, terms).reshape(-1, d, n)
        v = jnp.concatenate([jnp.stack([y, rolled, *third]), soft])
        width = jax.lax.rsqrt(stiff + 0.01)
        v = _bounded(v * width[None, None], 1) / width[None, None]
        scalars = jnp.concatenate(
            [
                products(v * width[None, None]),
                jnp.sum(self.radial(pairs), axis=2).T,
                stiff[:, None],
            ],
            axis=1,
        )
        gates = jax.vmap(self.gate)(scalars).T
        gates = gates.at[0].add(-0.8)
        w = jnp.einsum("vn,van->an", gates, v)

        # pairs: what the whole surroundings do along the line between the two, and what the pair
        # alone does
        tensor = jnp.sum(k[None, None] * normal[:, None] * normal[None], axis=3)
        both = tensor.reshape(d * d, n)
        both = both[..., None] + jnp.stack([pairs.others(part) for part in both])
        stiffness = 1e-4 + jnp.einsum(
            "aik,bik,abik->ik", normal, normal, both.reshape(d, d, *r.shape)
        )
        pull = jnp.sum(_gap(pairs, y) * normal, axis=0)
        root = jnp.sqrt(stiffness)
        bend = kappa * turning / r
        growth = kappa * jnp.maximum(_relative(slope, k) - 3 / r, 0)
        slow = _slow(bend, stiffness - 4 * rolling, growth)
        alone = _slow(bend, 2 * k - 4 * rolling, growth)
        own = jnp.sqrt(2 * k + 1e-4)
        excess, excess_slow = (pull - bend) / root, (pull - stiffness * slow) / root
        excess_alone = 2 * k * (along - alone) / own
        node = jax.vmap(self.embed)(scalars).T
        node = node[:, :, None] + jnp.stack([pairs.others(part) for part in node])
        features = jnp.stack(
            [
                3 * (2 - r),
                root,
                2 * k / stiffness,
                jnp.arcsinh(excess),
                jnp.arcsinh(root * along),
                jnp.arcsinh(excess_slow),
                jnp.arcsinh(excess_alone),
                jnp.log1p(bend / (slow * stiffness + 1e-6)),
                jnp.log1p(turning * (kappa / (r * stiffness)) ** 2),
            ]
        )
        features = jnp.concatenate([features, jnp.broadcast_to(node, (node.shape[0], *r.shape))])
        out = _layers(self.pair, features) * fade[None]
        share = k / root
        amount = (
            _saturated(excess) * share * out[0]
            + _saturated(excess_slow) * share * out[1]
            + _saturated(excess_alone) * jnp.sqrt(k + 1e-6) * out[2]
            + jnp.sqrt(k + 1e-6) * (0.3 * out[3])
            + _saturated(root * along) * share * out[4]
        )
        w = w + summed(amount) + jnp.sum((k * out[5])[None] * across, axis=2)
        w = jnp.where(near.longest > self.slots, jnp.nan, w.T)
        return {"propulsion": w / jnp.sqrt(medium.rate)}

    def _stiffness(
        self, force: Any, pairs: Pairs, cutoff: Array
    ) -> tuple[Array, Array, Array, Array, Array]:
        """-f', -f'', -f/r and how much of it is left near the cutoff; at distances that are never
        0.
        """
        inside = pairs.there & (pairs.distance < cutoff)
        r = jnp.where(inside, pairs.distance, cutoff)
        fade = jnp.where(inside, (1 - (r / cutoff) ** 8) ** 2, jnp.zeros_like(r))
        one = jnp.ones_like(r)

        def slope(r: Array) -> tuple[Array, Array]:
            return jax.jvp(force.magnitude, (r,), (one,))

        (f, first), (_, second) = jax.jvp(slope, (r,), (one,))
        return -first * fade, -second * fade, -f / r * fade, fade, r


def _relative(slope: Array, k: Array) -> Array:
    """-k'/k, 0 where there is no contact."""
    return jnp.where(k > 1e-6, -slope / jnp.maximum(k, 1e-6), 0.0)


def _slow(bend: Array, stiffness: Array, growth: Array) -> Array:
    """The separation's speed q on the slow manifold of a pair, from dq/dt = -stiffness q + bend.

    q grows on it at the rate of its own change, 4 f/r (in `stiffness`) and `growth` q, so growth
    q^2 + stiffness q = bend: to second order in the rate of turning, and finite where the contact
    ends.
    """
    return 2 * bend / (stiffness + jnp.sqrt(stiffness**2 + 4 * growth * bend + 1e-9))


def _saturated(x: Array) -> Array:
    return x * jax.lax.rsqrt(1 + (x / WIDTHS) ** 2)


def _bounded(vectors: Array, axis: int) -> Array:
    return vectors * jax.lax.rsqrt(1 + jnp.sum(vectors**2, axis=axis, keepdims=True) / WIDTHS**2)


def _gap(pairs: Pairs, values: Float[Array, "c n"]) -> Float[Array, "c n k"]:
    """values_i - values_j."""
    return values[:, :, None] - jnp.stack([pairs.others(part) for part in values])


def _layers(layers: eqx.nn.MLP, x: Float[Array, "c *shape"]) -> Float[Array, "o *shape"]:
    """A perceptron along the first axis: large arrays stay in their layout."""
    for i, layer in enumerate(layers.layers):
        assert layer.bias is not None
        x = jnp.tensordot(layer.weight, x, 1) + layer.bias.reshape(-1, *(1,) * (x.ndim - 1))
        if i < len(layers.layers) - 1:
            x = jax.nn.silu(x)
    return x


class SlowManifoldNetwork(Network):
    """The equivariant network for particles with noise in g only: how far each contact is from its
    slow motion.
    """

    degree: int = static(
        18, doc="degree of the polynomials in the matrix of contacts: how far forces are felt", ge=2
    )
    functions: int = static(4, doc="radial functions that measure the density", ge=2)
    channels: int = static(4, doc="numbers that a particle tells its neighbours", ge=1)
    hidden: int = static(32, doc="units in the hidden layers of a particle's gates", ge=1)
    pair: int = static(20, doc="units in the hidden layers of a pair's gates", ge=1)
    slots: int = static(14, doc="most contacts of a particle", ge=1)
    reach: Array = param(0.9, doc="where contacts end, in the reach of the force", gt=0, le=1)

    def build(self, system: Any, samples: Values, key: PRNGKeyArray) -> Score:
        """With gates that are nearly -0.8 of H P."""
        medium = Medium.of(system)
        if wanders(system):
            words = "'slow_manifold' is for particles without noise in x; allowed: 'resolvent'"
            raise ParameterError("score.network.kind", words)
        cutoff = self.reach * medium.force.reach()
        keys = jax.random.split(key, 3)
        v = 5 + 4 * len(SHIFTS)
        scalars = v * (v + 1) // 2 + self.functions + 1
        return SlowManifold(
            Radial.spread(self.functions, cutoff),
            eqx.nn.MLP(scalars, self.channels, 24, 1, jax.nn.silu, key=keys[0]),
            quiet(eqx.nn.MLP(scalars, v, self.hidden, 2, jax.nn.silu, key=keys[1]), 0.1),
            quiet(eqx.nn.MLP(9 + self.channels, 6, self.pair, 2, jax.nn.silu, key=keys[2]), 0.1),
            cutoff,
            self.degree,
            self.slots,
        )
