"""A physics-informed equivariant network for self-propelled particles without translational
noise.
"""

from typing import Any, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from physent.errors import ParameterError
from physent.learning.model import Network, Score, Values
from physent.learning.pairs import (
    Medium,
    Pairs,
    ParticleScore,
    Radial,
    chebyshev,
    filtered,
    wanders,
)
from physent.learning.resolvent import products, quiet
from physent.learning.system import System
from physent.numerics.neighbors import find_neighbors
from physent.protocol.parameters import (
    as_number,
    param,
    static,
)

SHIFTS = (0.08, 0.5)
WIDTHS = 5.0


class Contacts(NamedTuple):
    """The contacts of every particle, and how P moves the two particles of each.

    `k`, `slope` and `rolling` (N, K) are -f', -f'' and -f/r, of which `fade` is left near the
    cutoff; `r` the distance, which is never 0. `normal` (d, N, K) points from the neighbour to the
    particle, `along` (N, K) is the part of P_i - P_j along it, `across` (d, N, K) the rest and
    `turning` the square of that.
    """

    pairs: Pairs
    k: Array
    slope: Array
    rolling: Array
    fade: Array
    r: Array
    normal: Array
    along: Array
    across: Array
    turning: Array

    @classmethod
    def of(cls, force: Any, pairs: Pairs, cutoff: Array, motion: Float[Array, "d n"]) -> Self:
        """From a pair force and P."""
        inside = pairs.there & (pairs.distance < cutoff)
        r = jnp.where(inside, pairs.distance, cutoff)
        fade = jnp.where(inside, (1 - (r / cutoff) ** 8) ** 2, jnp.zeros_like(r))
        one = jnp.ones_like(r)

        def slope(r: Array) -> tuple[Array, Array]:
            return jax.jvp(force.magnitude, (r,), (one,))

        (f, first), (_, second) = jax.jvp(slope, (r,), (one,))
        q, normal = _gap(pairs, motion), -pairs.direction
        along = jnp.sum(q * normal, axis=0)
        across = q - along[None] * normal
        turning = jnp.sum(across**2, axis=0)
        k, slope_, rolling = -first * fade, -second * fade, -f / r * fade
        return cls(pairs, k, slope_, rolling, fade, r, normal, along, across, turning)

    def pushed(self, amount: Float[Array, "n k"]) -> Float[Array, "d n"]:
        """The sum over contacts of an amount along their normals."""
        return jnp.sum(amount[None] * self.normal, axis=2)

    def turned(self, amount: Float[Array, "n k"]) -> Float[Array, "d n"]:
        """The sum over contacts of an amount times the motion across."""
        return jnp.sum(amount[None] * self.across, axis=2)

    def both(self, values: Float[Array, "c n"]) -> Float[Array, "c n k"]:
        """values_i + values_j."""
        return values[:, :, None] + jnp.stack([self.pairs.others(part) for part in values])


class SlowManifold(ParticleScore):
    """The residual u_g to -g where x has no noise: what keeps v0 g + F near the manifold of slow
    motions.

    With P = (v0 g + F)/kappa, kappa = v0 sqrt(gamma), and H the matrix of the normal stiffnesses
    -f'(r) of contacts, P relaxes to a slow manifold at the rates of H with unit noise, so that
    sqrt(gamma) u_g is about -H P in dense places, where P is small; where pairs slide round each
    other it is -(H P - kappa z), z the centripetal part of the third derivatives of the energy,
    z[P, P]; and about 0 where a particle not yet slowed down comes in. The network is a gated sum
    of H P, of the force of the turning of pairs, of the three parts of z and of (shift + H)^-1 of
    these, plus a sum over contacts of gates that see the pair: its distance, how far it is from its
    own slow manifold in units of the width of it, how fast it turns. u is NaN where a particle has
    more contacts than slots.
    """

    radial: Radial
    embed: eqx.nn.MLP
    gate: eqx.nn.MLP
    pair: eqx.nn.MLP
    cutoff: Float[Array, ""]
    degree: int = eqx.field(static=True)
    slots: int = eqx.field(static=True)

    def _of(self, system: System, medium: Medium, state: Any) -> dict[str, Array]:
        """u of g; NaN where a particle has more contacts than slots."""
        x, cutoff = state.position, jax.lax.stop_gradient(self.cutoff)
        kappa = medium.speed * jnp.sqrt(medium.rate)
        near = find_neighbors(jax.lax.stop_gradient(x), medium.space, cutoff, self.slots)
        pairs, motion = Pairs.of(x, near, medium.space), system.drift(state)["position"].T / kappa
        contacts = Contacts.of(medium.force, pairs, cutoff, motion)
        hp = contacts.pushed(contacts.k * contacts.along)
        stiff = jnp.sum(contacts.k, axis=1)
        v, scalars = self._vectors(contacts, hp, stiff, kappa, medium.force.strength)
        w = jnp.einsum("vn,van->an", jax.vmap(self.gate)(scalars).T.at[0].add(-0.8), v)
        push, turn = self._of_pairs(contacts, hp, scalars, kappa)
        w = w + contacts.pushed(push) + contacts.turned(turn)
        w = jnp.where(near.longest > self.slots, jnp.nan, w.T)
        return {"propulsion": w / jnp.sqrt(medium.rate)}

    def _vectors(
        self, contacts: Contacts, hp: Array, stiff: Array, kappa: Array, strength: Array
    ) -> tuple[Float[Array, "v d n"], Float[Array, "n c"]]:
        """The vectors of each particle that are summed, and the scalars that the gates see."""
        swing = kappa * contacts.k / contacts.r
        rolled = contacts.turned(contacts.rolling)
        third = [
            kappa * contacts.pushed(contacts.slope * contacts.along**2),
            contacts.pushed(swing * contacts.turning),
            contacts.turned(swing * contacts.along),
        ]
        soft = self._softened(
            contacts, stiff, strength, jnp.concatenate([0.1 * (hp + rolled), *third])
        )
        v = jnp.concatenate([jnp.stack([hp, rolled, *third]), soft])
        width = jax.lax.rsqrt(stiff + 0.01)
        v = _bounded(v * width[None, None], 1) / width[None, None]
        return v, jnp.concatenate(
            [
                products(v * width[None, None]),
                jnp.sum(self.radial(contacts.pairs), axis=2).T,
                stiff[:, None],
            ],
            axis=1,
        )

    def _softened(
        self, contacts: Contacts, stiff: Array, strength: Array, vectors: Float[Array, "m n"]
    ) -> Float[Array, "s d n"]:
        """(shift + H)^-1 of vectors, for every shift."""
        (d, n, _), k = contacts.normal.shape, contacts.k
        # no sum over k exceeds `most`, and so no eigenvalue twice that; where it is far from it
        # nothing is changed
        most = 4 * strength
        others = contacts.pairs.others(stiff)
        relax = k / most * (1 + ((stiff[:, None] ** 4 + others**4) / most**4)) ** -0.25

        def apply(c: Float[Array, "m n"]) -> Float[Array, "m n"]:
            gap = _gap(contacts.pairs, c).reshape(-1, d, *k.shape)
            gap = jnp.sum(gap * contacts.normal[None], axis=1)
            pull = (relax[None] * gap)[:, None] * contacts.normal[None]
            return jnp.sum(pull, axis=3).reshape(-1, n) - c

        shift = jnp.asarray(SHIFTS, vectors.dtype) * strength
        inverse = filtered(lambda h: 1 / (shift[:, None] + h[None]), 2 * most, self.degree)
        terms = chebyshev(apply, vectors, self.degree)
        return jnp.einsum("sk,kcn->scn", inverse, terms).reshape(-1, d, n)

    def _of_pairs(
        self, contacts: Contacts, hp: Array, scalars: Float[Array, "n c"], kappa: Array
    ) -> tuple[Float[Array, "n k"], Float[Array, "n k"]]:
        """The contribution of each contact along its normal and across it: the effect of all
        surroundings along the line between the two, and of the pair alone.
        """
        _, k, slope, rolling, fade, r, normal, along, _, turning = contacts
        d, n, _ = normal.shape
        tensor = jnp.sum(k[None, None] * normal[:, None] * normal[None], axis=3)
        both = contacts.both(tensor.reshape(d * d, n)).reshape(d, d, *r.shape)
        stiffness = 1e-4 + jnp.einsum("aik,bik,abik->ik", normal, normal, both)
        pull = jnp.sum(_gap(contacts.pairs, hp) * normal, axis=0)
        root, bend = jnp.sqrt(stiffness), kappa * turning / r
        falling = jnp.where(k > 1e-6, -slope / jnp.maximum(k, 1e-6), 0.0)  # -k'/k
        growth = kappa * jnp.maximum(falling - 3 / r, 0)
        slow = _slow(bend, stiffness - 4 * rolling, growth)
        alone = _slow(bend, 2 * k - 4 * rolling, growth)
        excess, excess_slow = (pull - bend) / root, (pull - stiffness * slow) / root
        excess_alone = 2 * k * (along - alone) / jnp.sqrt(2 * k + 1e-4)
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
        node = contacts.both(jax.vmap(self.embed)(scalars).T)
        out = _layers(self.pair, jnp.concatenate([features, node])) * fade[None]
        share = k / root
        amount = (
            _saturated(excess) * share * out[0]
            + _saturated(excess_slow) * share * out[1]
            + _saturated(excess_alone) * jnp.sqrt(k + 1e-6) * out[2]
            + jnp.sqrt(k + 1e-6) * (0.3 * out[3])
            + _saturated(root * along) * share * out[4]
        )
        return amount, k * out[5]


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
        18, doc="polynomial degree in the contact matrix: how far forces propagate", ge=2
    )
    functions: int = static(4, doc="radial functions that measure the density", ge=2)
    channels: int = static(4, doc="scalars that a particle sends to its neighbours", ge=1)
    hidden: int = static(32, doc="units in the hidden layers of a particle's gates", ge=1)
    pair: int = static(20, doc="units in the hidden layers of a pair's gates", ge=1)
    slots: int = static(14, doc="maximum number of contacts per particle", ge=1)
    reach: Array = param(
        default=0.9,
        converter=as_number,
        doc="contact cutoff, in units of the force's reach",
        gt=0,
        le=1,
    )

    def build(self, system: Any, samples: Values, key: PRNGKeyArray) -> Score:
        """With gates that are nearly -0.8 of H P."""
        medium = Medium.of(system)
        if wanders(system):
            raise ParameterError(
                "kind", "'slow_manifold' is for particles without noise in x; allowed: 'resolvent'"
            )
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
