"""The particle transformer: attention among a particle and its nearest neighbours, without built-in
physics.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from physent.learning.model import Network, Score, Values, noisy
from physent.learning.pairs import Medium, Pairs, ParticleScore
from physent.learning.system import System
from physent.protocol.parameters import static


class Block(eqx.Module):
    """Attention among tokens, then a perceptron on each, both with residual connections and
    normalisation.
    """

    attention: eqx.nn.MultiheadAttention
    feedforward: eqx.nn.MLP
    norms: tuple[eqx.nn.LayerNorm, eqx.nn.LayerNorm]

    @classmethod
    def make(cls, width: int, heads: int, key: PRNGKeyArray) -> "Block":
        """At random."""
        first, second = jax.random.split(key)
        bias = {f"use_{name}_bias": True for name in ("query", "key", "value", "output")}
        return cls(
            eqx.nn.MultiheadAttention(heads, width, **bias, key=first),
            eqx.nn.MLP(width, width, 2 * width, 1, jax.nn.gelu, key=second),
            (eqx.nn.LayerNorm(width), eqx.nn.LayerNorm(width)),
        )

    def __call__(
        self, tokens: Float[Array, "t c"], weight: Float[Array, " t"]
    ) -> Float[Array, "t c"]:
        """The tokens after the block; each is attended to with its weight."""
        tokens = jax.vmap(self.norms[0])(tokens + self._attended(tokens, weight))
        return jax.vmap(self.norms[1])(tokens + jax.vmap(self.feedforward)(tokens))

    def _attended(
        self, tokens: Float[Array, "t c"], weight: Float[Array, " t"]
    ) -> Float[Array, "t c"]:
        """Equinox's attention, which has masks but no weights: w_j e^(q.k_j) over its sum."""
        attention = self.attention
        projections = (attention.query_proj, attention.key_proj, attention.value_proj)
        q, k, v = (
            jax.vmap(p)(tokens).reshape(len(tokens), attention.num_heads, -1) for p in projections
        )
        weight = weight[None, None, :]
        logits = jnp.where(
            weight > 0, jnp.einsum("shc,thc->hst", q, k) / q.shape[-1] ** 0.5, -jnp.inf
        )
        share = weight * jax.nn.softmax(logits, axis=-1)
        share = share / jnp.sum(share, axis=-1, keepdims=True)
        return jax.vmap(attention.output_proj)(
            jnp.einsum("hst,thc->shc", share, v).reshape(len(tokens), -1)
        )


class Transformer(ParticleScore):
    """The score of each particle, from a set of tokens: itself and its nearest neighbours within
    the force's reach.

    A token is an embedding of a separation and one of a propulsion, made by two perceptrons; the
    particle's own token has its place instead of a separation where the box is open, and 0 where it
    is periodic. The mean of the tokens after the blocks of attention is decoded. (N. M. Boffi, E.
    Vanden-Eijnden, PNAS 121, e2318106121, 2024.) Unlike the published one it is continuous: a
    neighbour counts with (1 - r^2/c^2)^2, c the distance of the first one that does not count, or
    the reach of the force where that is nearer. A network that jumps where neighbours come and go
    has a divergence that derivatives do not see, and training finds that: the loss falls without
    bound.
    """

    place: eqx.nn.MLP
    heading: eqx.nn.MLP
    blocks: tuple[Block, ...]
    decoder: eqx.nn.MLP
    scale: Float[Array, ""]
    neighbors: int = eqx.field(static=True)
    learned: tuple[str, ...] = eqx.field(static=True)

    def _of(self, system: System, medium: Medium, state: Any) -> dict[str, Array]:
        """u of every learned variable."""
        x, g, space = state.position, state.propulsion, medium.space
        pairs = Pairs.of(x, state.neighbors, space)
        n, d = x.shape
        # what a list holds beyond the reach of the force depends on its skin and on when it was
        # made
        reach = medium.force.reach()
        distance = jnp.where(pairs.there & (pairs.distance < reach), pairs.distance, reach)
        k = min(self.neighbors, distance.shape[1])
        near = jax.lax.top_k(-jax.lax.stop_gradient(distance), min(k + 1, distance.shape[1]))[1]
        distance = jnp.take_along_axis(distance, near, axis=1)
        edge = distance[:, k:] if distance.shape[1] > k else jnp.full_like(distance[:, :1], reach)
        near, distance = near[:, :k], distance[:, :k]
        fade = jnp.where(
            distance < edge, (1 - (distance / edge) ** 2) ** 2, jnp.zeros_like(distance)
        )
        separation = pairs.direction * pairs.distance[None]
        separation = jnp.take_along_axis(separation, near[None], axis=2).transpose(1, 2, 0)
        other = near if pairs.index is None else jnp.take_along_axis(pairs.index, near, axis=1)
        own = jnp.zeros_like(x) if any(space.periodic) else x
        places = jnp.concatenate([own[:, None], separation], axis=1) / jax.lax.stop_gradient(
            self.scale
        )
        weight = jnp.concatenate([jnp.ones((n, 1), x.dtype), fade], axis=1)
        index = jnp.concatenate([jnp.arange(n, dtype=other.dtype)[:, None], other], axis=1)
        headings = jax.vmap(self.heading)(g)[index]
        tokens = jnp.concatenate([jax.vmap(jax.vmap(self.place))(places), headings], axis=-1)
        for block in self.blocks:
            tokens = jax.vmap(block)(tokens, weight)
        out = jax.vmap(self.decoder)(
            jnp.einsum("it,itc->ic", weight, tokens) / jnp.sum(weight, axis=1)[:, None]
        )
        return {name: out[:, i * d : (i + 1) * d] for i, name in enumerate(self.learned)}


class ParticleTransformer(Network):
    """The transformer on a particle and its nearest neighbours; the only physics built in is that
    particles are identical.
    """

    neighbors: int = static(
        16, doc="number of nearest particles attended to, within the force's reach", ge=1
    )
    width: int = static(32, doc="width of a token", ge=2)
    heads: int = static(2, doc="heads of attention", ge=1)
    layers: int = static(2, doc="blocks of attention", ge=1)

    def build(self, system: System, samples: Values, key: PRNGKeyArray) -> Score:
        """With random weights; lengths are in units of the force's reach."""
        medium = Medium.of(system)
        learned = noisy(system, system.at({name: value[0] for name, value in samples.items()}))
        d = samples["position"].shape[-1]
        keys = jax.random.split(key, 3 + self.layers)
        half = self.width // 2
        place, heading = (eqx.nn.MLP(d, half, half, 1, jax.nn.gelu, key=k) for k in keys[:2])
        blocks = tuple(Block.make(self.width, self.heads, k) for k in keys[3:])
        decoder = eqx.nn.MLP(self.width, d * len(learned), self.width, 1, jax.nn.gelu, key=keys[2])
        return Transformer(
            place,
            heading,
            blocks,
            decoder,
            jnp.asarray(medium.force.reach()),
            self.neighbors,
            learned,
        )
