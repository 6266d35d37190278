"""Order parameters of a school."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from physent.entropy.schools.directions import momenta

Vectors = Float[Array, "d n"]


def polarization(heading: Vectors) -> Float[Array, ""]:
    """|sum v_i|/N with unit vectors along the headings: 1 if all swim the same way."""
    return jnp.linalg.norm(jnp.mean(heading, axis=1))


def rotation(from_centre: Vectors, heading: Vectors) -> Float[Array, ""]:
    """|sum r_i x v_i|/N with unit vectors from the centre and along the headings: 1 for a mill."""
    return jnp.linalg.norm(jnp.mean(momenta(from_centre.T, heading.T), axis=0))


def spread(from_centre: Vectors) -> Float[Array, ""]:
    """The root mean square distance from the centre, its radius of gyration."""
    return jnp.sqrt(jnp.mean(jnp.sum(from_centre**2, axis=0)))


def groups(smallest: Callable[[Int[Array, " n"]], Int[Array, " n"]], n: int) -> Int[Array, ""]:
    """The number of connected components of the graph of fish, near ones joined.

    `smallest` gives the smallest label among the neighbours of each fish, n where it has none.
    Every fish takes that label, then that of the fish it is called after, until nothing changes.
    """
    own = jnp.arange(n, dtype=jnp.int32)

    def turn(loop: tuple[Array, Array]) -> tuple[Array, Array]:
        label, _ = loop
        new = jnp.minimum(label, smallest(label))
        new = jnp.minimum(new, new[new])
        return new, jnp.any(new != label)

    label, _ = jax.lax.while_loop(lambda loop: loop[1], turn, (own, jnp.ones((), bool)))
    return jnp.sum((label == own).astype(jnp.int32))
