"""How long a time step of active particles may be: the steepest pair force, and the trap."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.protocol.solver import too_long
from physent.solvers.checks import each_member

from .pair_force import steepest


def longest(solver: Any) -> Float[Array, ""]:
    """A tenth of the step that is stable, a quarter with methods of weak order 2, and the same
    share of the persistence time, for one member.
    """
    share = 0.1 if solver.method == "euler_maruyama" else 0.25
    memory = solver.propulsion.persistence(solver.dimension)
    return share * jnp.minimum(stable(solver), jnp.where(solver.speed > 0, memory, jnp.inf))


def stable(solver: Any) -> Float[Array, ""]:
    """The step beyond which particles in contact swing apart, 2/lambda (1/lambda with
    `adams_bashforth`), lambda = 4 d max|f'(r)| + A, for one member.

    4 d |f'| bounds the stiffest motion of a dense packing in d dimensions: 4 of a chain, 6 of
    hexagons, 8 of spheres. Particles are pressed by swimming, 3 v0, by the trap at the edge of the
    box, and by noise, against which a force of 100 eps/reach holds.
    """
    reach, eps = solver.force.reach(), solver.diffusivity
    push = 3 * solver.speed + solver.trap * solver._length() / 2
    if eps is not None:
        push = push + jnp.where(reach > 0, 100 * eps / jnp.where(reach > 0, reach, 1), 0)
    rate = 4 * solver.dimension * steepest(solver.force, push) + solver.trap
    most = 1.0 if solver.method == "adams_bashforth" else 2.0
    return jnp.where(rate > 0, most / jnp.where(rate > 0, rate, 1), jnp.inf)


def doubt(solver: Any) -> str | None:
    """A sentence where the step is longer than the stable one of some member."""
    long = too_long(solver.dt, each_member(stable, solver))
    return long and (
        f"{long}, where particles in contact swing apart with {solver.method} (the steepest pair "
        "force, or the trap); 'auto' chooses a shorter one"
    )
