"""A physics-informed equivariant network for self-propelled particles with translational noise."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from physent.errors import ParameterError
from physent.learning.model import Network, Score, Values
from physent.learning.pairs import (
    Medium,
    Pairs,
    ParticleScore,
    Radial,
    Springs,
    chebyshev,
    filtered,
    wanders,
)
from physent.learning.system import System
from physent.protocol.parameters import static

FILTERS = 3


class Resolvent(ParticleScore):
    """The residual u to the equilibrium score, from the forces filtered by a matrix of springs.

    If forces were linear, F = -M x, then with kappa^2 = v0^2 gamma/eps and P + i Q = kappa/(M +
    gamma - i kappa)

        u_x = [v0 (1 - Q - (gamma/kappa) P) g - Q F]/eps,   u_g = [Q - (kappa/gamma) P] g - v0/(eps
        kappa) P F.

    The network starts there and learns the rest: M is a graph Laplacian of springs between
    neighbours (`Springs`), its functions are sums of Chebyshev polynomials of it applied to g and
    F, and u is a sum of the vectors A x, g, F, their filtered ones and one layer of messages, with
    a gate for each that depends on their products. (That the current is v0 g without its stiff
    modes is what makes these functions of M: messages alone would need as many layers as their
    range.)
    """

    radial: Radial
    springs: Springs
    filters: Float[Array, "f k"]
    embed: eqx.nn.MLP
    choose: Float[Array, "a v"]
    mix: Float[Array, "b c"]
    gate: eqx.nn.MLP
    linear: Float[Array, "2 v"]

    def _of(self, system: System, medium: Medium, state: Any) -> dict[str, Array]:
        """u of x and g."""
        x, g, eps, gamma = state.position, state.propulsion, medium.diffusivity, medium.rate
        n, d = x.shape
        scale = 1 / jnp.sqrt(medium.speed**2 + eps * gamma)
        pull = -medium.trap * x
        force = system.drift(state)["position"] - medium.speed * g
        pairs = Pairs.of(x, state.neighbors, medium.space)
        right = jnp.stack([g.T, force.T * scale], axis=-1)  # d n 2
        terms = chebyshev(
            self.springs.operator(pairs, medium.trap),
            right.reshape(d * n, 2),
            self.filters.shape[1] - 1,
        )
        soft = jnp.einsum("fk,kqr->frq", self.filters, terms).reshape(-1, d, n)
        v = jnp.concatenate(
            [jnp.stack([pull.T * scale, g.T, (force - pull).T * scale, force.T * scale]), soft]
        )
        scalars = products(v)
        contracted, messages = self._messages(
            pairs, jax.vmap(self.embed)(scalars), jnp.einsum("av,vcn->acn", self.choose, v)
        )
        mixed = jnp.einsum("bc,can->ban", self.mix, messages)
        gates = jax.vmap(self.gate)(jnp.concatenate([scalars, contracted], axis=1)).reshape(
            n, 2, -1
        )
        u = jnp.einsum("iov,vai->oia", gates, jnp.concatenate([v, mixed])) + jnp.einsum(
            "ov,vai->oia", self.linear, v
        )
        return {"position": u[0] * jnp.sqrt(gamma / eps), "propulsion": u[1]}

    def _messages(
        self, pairs: Pairs, h: Float[Array, "n c"], vectors: Float[Array, "a d n"]
    ) -> tuple[Array, Array]:
        """Sums over neighbours: numbers, of scalars and of vectors along the direction; vectors, of
        the others.
        """
        phi = self.radial(pairs)
        m, (n, c), (a, d, _) = phi.shape[0], h.shape, vectors.shape
        weights = jnp.concatenate([phi[:, None], phi[:, None] * pairs.direction[None]], axis=1)
        values = jnp.concatenate([h.T, vectors.reshape(a * d, n)]).T
        total = pairs.total(weights.reshape(m * (1 + d), *phi.shape[1:]), values).reshape(
            m, 1 + d, n, -1
        )
        scalar, vector = total[..., :c], total[..., c:].reshape(m, 1 + d, n, a, d)
        numbers = jnp.concatenate([scalar[:, 0], jnp.einsum("mdiad->mia", vector[:, 1:])], axis=2)
        toward = scalar[:, 1:].transpose(0, 3, 1, 2).reshape(m * c, d, n)
        along = vector[:, 0].transpose(0, 2, 3, 1).reshape(m * a, d, n)
        return numbers.transpose(1, 0, 2).reshape(n, -1), jnp.concatenate([toward, along])


def products(vectors: Float[Array, "v d n"]) -> Float[Array, "n c"]:
    """The scalars of vectors: ln(1 + v.v), and the products of pairs, divided by the square roots
    of 1 + v.v.
    """
    norm = 1 + jnp.sum(vectors**2, axis=1)
    unit = vectors * jax.lax.rsqrt(norm)[:, None]
    i, j = np.triu_indices(vectors.shape[0], 1)
    return jnp.concatenate([jnp.log(norm), jnp.sum(unit[i] * unit[j], axis=1)]).T


def quiet(layers: eqx.nn.MLP, share: float) -> eqx.nn.MLP:
    """The same perceptron with a small last layer."""
    last = layers.layers[-1]
    assert last.bias is not None
    return eqx.tree_at(
        lambda layers: (layers.layers[-1].weight, layers.layers[-1].bias),
        layers,
        (last.weight * share, last.bias * 0),
    )


class ResolventNetwork(Network):
    """The equivariant network for particles with noise in x and g: forces and headings filtered by
    springs.
    """

    degree: int = static(
        14,
        doc="polynomial degree in the spring matrix: how far forces propagate",
        ge=2,
    )
    functions: int = static(6, doc="radial functions of the messages", ge=2)
    channels: int = static(6, doc="scalars that a particle sends to its neighbours", ge=1)
    vectors: int = static(4, doc="vectors that a particle sends to its neighbours", ge=1)
    hidden: int = static(48, doc="units in the hidden layer of the gates", ge=1)

    def build(self, system: Any, samples: Values, key: PRNGKeyArray) -> Score:
        """With the springs of the force, initialised to the exact result for linear forces."""
        medium = Medium.of(system)
        if not wanders(system):
            raise ParameterError(
                "kind", "'resolvent' needs noise in x, a diffusivity; allowed: 'slow_manifold'"
            )
        keys = jax.random.split(key, 4)
        cutoff = jnp.asarray(medium.force.reach())
        v = 4 + 2 * FILTERS
        scalars, messages, mixed = (
            v * (v + 1) // 2,
            self.functions * (self.channels + self.vectors),
            12,
        )
        v0, eps, gamma = medium.speed, medium.diffusivity, medium.rate
        kappa = v0 * jnp.sqrt(gamma / eps)
        springs = Springs.of(medium.force, cutoff, 8, 2.5 * medium.force.strength)

        def response(stiffness):
            """gamma/(M + gamma), and Q and P of the class."""
            pole = (stiffness + gamma) ** 2 + kappa**2
            return jnp.stack(
                [gamma / (stiffness + gamma), kappa**2 / pole, kappa * (stiffness + gamma) / pole]
            )

        scale, unit = jnp.sqrt(v0**2 + eps * gamma), jnp.sqrt(eps / gamma)
        linear = jnp.zeros((2, v))
        linear = linear.at[0, jnp.array([1, 6, 8, 7])].set(
            unit / eps * jnp.stack([v0, -v0, -v0 * gamma / kappa, -scale])
        )
        linear = linear.at[1, jnp.array([6, 8, 9])].set(
            jnp.stack([jnp.ones_like(v0), -kappa / gamma, -v0 / (eps * kappa) * scale])
        )
        return Resolvent(
            Radial.spread(self.functions, cutoff),
            springs,
            filtered(response, springs.largest(medium.trap), self.degree),
            eqx.nn.MLP(scalars, self.channels, 32, 1, jax.nn.silu, key=keys[0]),
            jax.random.normal(keys[1], (self.vectors, v)) / v**0.5,
            jax.random.normal(keys[2], (mixed, messages)) / messages**0.5,
            quiet(
                eqx.nn.MLP(
                    scalars + messages, 2 * (v + mixed), self.hidden, 1, jax.nn.silu, key=keys[3]
                ),
                0.1,
            ),
            linear,
        )
