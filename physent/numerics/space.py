"""The space of particles: boxes periodic along some axes, all, or none.

Space is two functions, a displacement and a shift, as in jax-md: `displacement` is the shortest
vector between two places, `shift` is where a step leads, with the number of times it went round.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

T = TypeVar("T")


class Space(eqx.Module):
    """The box [-length/2, length/2) along every periodic axis, the whole line along the others.

    `length` is (d,); its entries along axes that are not periodic are not used. Make one with
    `Space.torus(length)` or `Space.free(d)`, or name the axes that are periodic: `Space(length,
    (True, False))` is a strip.
    """

    length: Float[Array, " d"]
    periodic: tuple[bool, ...] = eqx.field(static=True)

    @classmethod
    def torus(cls, length: Float[Array, " d"]) -> "Space":
        """Periodic along every axis."""
        return cls(length, (True,) * length.shape[-1])

    @classmethod
    def free(cls, dimension: int, dtype=None) -> "Space":
        """Unbounded along every axis."""
        return cls(jnp.ones(dimension, dtype or jnp.result_type(float)), (False,) * dimension)

    @property
    def dimension(self) -> int:
        """The number of axes d."""
        return len(self.periodic)

    def nearest(self, difference: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
        """The minimum image of one component of a difference of positions, in [-length/2,
        length/2].
        """
        if not self.periodic[axis]:
            return difference
        length = self.length[axis]
        return difference - length * jnp.round(difference * (1 / length))

    def displacement(
        self, to: Float[Array, "... d"], start: Float[Array, "... d"]
    ) -> Float[Array, "... d"]:
        """The minimum-image vector from `start` to `to`."""
        difference = to - start
        return jnp.stack(
            [self.nearest(difference[..., axis], axis) for axis in range(self.dimension)], axis=-1
        )

    def shift(
        self, position: Float[Array, "... d"], step: Float[Array, "... d"]
    ) -> tuple[Float[Array, "... d"], Int[Array, "... d"]]:
        """The position after a step, and the number of times it wrapped around each periodic axis.

        position + step = new + rounds length; adding up the rounds keeps the unwrapped path without
        loss of precision.
        """
        new, rounds = [], []
        for axis in range(self.dimension):
            moved = position[..., axis] + step[..., axis]
            turns = (
                jnp.floor(moved * (1 / self.length[axis]) + 0.5)
                if self.periodic[axis]
                else jnp.zeros_like(moved)
            )
            new.append(moved - turns * self.length[axis])
            rounds.append(turns.astype(jnp.int32))
        return jnp.stack(new, axis=-1), jnp.stack(rounds, axis=-1)


def squared_length(components: list[Float[Array, "..."]]) -> Float[Array, "..."]:
    """The sum of the squares of a vector's components."""
    return sum((component**2 for component in components[1:]), components[0] ** 2)


def renewed(
    old: T,
    make: Callable[[T], T],
    position: Iterable[Array],
    reference: Iterable[Array],
    space: Space,
    skin: Float[Array, ""],
) -> T:
    """An object built for a reference while it is valid, else make(old): when some particle has
    moved by more than skin/2.

    Positions and reference come component by component. What is built has no derivatives: `make`
    is to close over nothing that has.
    """
    old = jax.lax.stop_gradient(old)
    position, reference = jax.lax.stop_gradient((list(position), list(reference)))
    space, skin = jax.lax.stop_gradient((space, skin))
    pairs = enumerate(zip(position, reference, strict=True))
    moved = squared_length([space.nearest(now - before, axis) for axis, (now, before) in pairs])
    serves = 4 * jnp.max(moved) <= skin**2  # false for what is not finite
    # a loop of one turn: under vmap a branch would be taken always, a loop only when some member
    # needs it
    return jax.lax.while_loop(
        lambda loop: ~loop[1], lambda loop: (make(loop[0]), jnp.ones((), bool)), (old, serves)
    )[0]
