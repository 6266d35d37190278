"""Trajectories of the probability flow dX/dt = v(X) = b(X) - D s(X), which transport the stationary
density.
"""

from typing import Any

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array

from physent.learning.model import Score, Values, with_all_digits
from physent.protocol.stochastic import StochasticSolver


@with_all_digits
def velocity(score: Score, solver: StochasticSolver, state: Any) -> dict[str, Array]:
    """v = b - D s of every stochastic variable of a state; v = b of those without noise."""
    drift, diffusion = solver.drift(state), solver.diffusion(state)
    found = {name: drift[name] for name in solver.parity()}
    for name, s in score(solver, state).items():
        found[name] = found[name] - jnp.broadcast_to(diffusion[name], s.shape) * s
    return found


def probability_flow(
    score: Score,
    solver: StochasticSolver,
    start: Values,
    times: Array,
    *,
    rtol: float = 1e-4,
    atol: float = 1e-6,
    max_steps: int = 100_000,
) -> dict[str, Array]:
    """The stochastic variables along the probability flow at `times`, (times, ...) each, from
    `start` at times[0].

    The flow moves an ensemble that is distributed by p so that it stays so, without noise; where p
    is stationary its lines are those of the current. Positions are followed through a periodic box,
    not taken back into it. Tsitouras' method of order 5 with adaptive steps (diffrax),
    differentiable. Raises RuntimeError after `max_steps`.
    """
    times = jnp.asarray(times, jnp.result_type(*start.values()))

    def slope(t: Any, values: Values, _: Any) -> dict[str, Array]:
        return velocity(score, solver, solver.at(values))

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(slope),
        diffrax.Tsit5(),
        times[0],
        times[-1],
        None,
        dict(start),
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol),
        max_steps=max_steps,
    )
    assert solution.ys is not None
    return jax.tree.map(jnp.asarray, solution.ys)
