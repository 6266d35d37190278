"""Pair forces between particles in a space, computed from a neighbour list."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.numerics.derivatives import forward_only, root
from physent.numerics.neighbors import NeighborList, find_neighbors, renew, sum_over_neighbors
from physent.numerics.space import Space

from .pair_force import NoForce, PairForce

# of the force's reach: what a random start with a diverging force may move in its first step
RELAXED = 0.05
TURNS = 2000
RANDOM_START = (
    "reverse mode cannot pass a random start with a force that diverges, where overlaps are pushed "
    "apart in as many turns as it takes; allowed: initial = 'lattice', forward mode (jax.jvp, "
    "jax.jacfwd), or a start that is there already, physent.trajectory(solver, rows, state=start)"
)


class Pairs(eqx.Module):
    """A pair force between particles closer than its `reach`, in a space.

    Lists of neighbours have so many `slots`, and hold those nearer than the reach and the `skin`.
    """

    force: PairForce
    reach: Float[Array, ""]
    space: Space
    skin: Float[Array, ""]
    slots: int = eqx.field(static=True)

    def found(self, position: Float[Array, "n d"]) -> NeighborList:
        """The neighbour list at these positions."""
        if isinstance(self.force, NoForce):
            own, none = jnp.arange(position.shape[0], dtype=jnp.int32), jnp.zeros((), jnp.int32)
            return NeighborList(own[None, :], position, none, none, none)
        return find_neighbors(position, self.space, self.reach + self.skin, self.slots)

    def renewed(self, neighbors: NeighborList, position: Float[Array, "n d"]) -> NeighborList:
        """The same list while it is valid at these positions, else a new one."""
        if isinstance(self.force, NoForce):
            return neighbors
        return renew(neighbors, position, self.space, self.reach + self.skin, self.skin)

    def forces(self, position: Float[Array, "n d"], neighbors: NeighborList) -> Float[Array, "n d"]:
        """The pair force on each particle; a repulsion points away from the neighbour."""
        if isinstance(self.force, NoForce):
            return jnp.zeros_like(position)

        def pull(parts, squared):
            return -self.force.over_distance(squared)[None] * jnp.stack(parts)

        return sum_over_neighbors(pull, position, neighbors, self.space).T

    def over(
        self,
        of: Callable[[Array], Array],
        position: Float[Array, "n d"],
        neighbors: NeighborList,
    ) -> Float[Array, " n"]:
        """The sum over the neighbours of each particle of a function of the squared distance."""
        return sum_over_neighbors(
            lambda _, squared: of(squared)[None], position, neighbors, self.space
        )[0]

    def leap(self, force: Float[Array, "n d"], dt: Float[Array, ""]) -> Float[Array, ""]:
        """The largest displacement by this force in a step, over its reach; 0 for bounded
        forces.
        """
        if not self.force.diverges:
            return jnp.zeros_like(dt)
        # it becomes a bit of `error`, and so has no derivative
        dt, force, reach = jax.lax.stop_gradient((dt, force, self.reach))
        return dt * jnp.sqrt(jnp.max(jnp.sum(force**2, axis=1))) / reach

    def relaxed(self, position: Float[Array, "n d"], dt: Float[Array, ""]) -> Float[Array, "n d"]:
        """The positions with overlaps pushed apart by bounded moves, until no particle moves by
        RELAXED of the reach in a step.
        """

        def push(parts, squared):
            # no pair moves by more than the reach, where particles coincide the force may be
            # infinite
            most = self.reach / jnp.sqrt(jnp.maximum(squared, 1e-6 * self.reach**2))
            move = jnp.minimum(dt * self.force.over_distance(squared), most)
            return -move[None] * jnp.stack(parts)

        def moves(position, neighbors):
            move = sum_over_neighbors(push, position, neighbors, self.space).T
            return move, root(jnp.sum(move**2, axis=1, keepdims=True))

        def relax(loop):
            position, neighbors, turn = loop
            move, size = moves(position, neighbors)
            most = RELAXED * self.reach
            move = move * jnp.minimum(1, most / jnp.maximum(size, most))
            position, _ = self.space.shift(position, move)
            return position, self.renewed(neighbors, position), turn + 1

        def far(loop):
            position, neighbors, turn = loop
            return (turn < TURNS) & (jnp.max(moves(position, neighbors)[1]) > RELAXED * self.reach)

        position, _ = self.space.shift(position, jnp.zeros_like(position))
        relaxed = jax.lax.while_loop(far, relax, (position, self.found(position), 0))[0]
        return forward_only(relaxed, RANDOM_START)


def over(x: Array, diffusivity: Array | None) -> Array:
    """x/eps, and 0 where eps = 0."""
    if diffusivity is None:
        return jnp.zeros_like(x)
    return jnp.where(diffusivity > 0, x / jnp.where(diffusivity > 0, diffusivity, 1), 0 * x)
