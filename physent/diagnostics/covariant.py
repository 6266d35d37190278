"""Covariant Lyapunov vectors: the directions in which perturbations grow at each exponent."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from physent.diagnostics.lyapunov import Lyapunov, of_frame, orthonormal
from physent.errors import ParameterError
from physent.protocol.parameters import check_instance
from physent.protocol.solver import Solver


class CovariantVectors(NamedTuple):
    """At `rows` times: the time; unit vectors (rows, m, d) in the degrees of freedom; the growth of
    each until the next frame over its time (rows, m); and its participation number sum v^2 squared
    over sum v^4, 1 where one degree of freedom moves and d where all do.
    """

    t: Float[Array, " rows"]
    vectors: Float[Array, "rows m d"]
    growth: Float[Array, "rows m"]
    participation: Float[Array, "rows m"]


def covariant_lyapunov_vectors(
    solver: Solver[Any],
    count: int,
    rows: int,
    *,
    every: int = 5,
    before: int = 200,
    after: int = 200,
    state: Any = None,
    key: PRNGKeyArray | None = None,
) -> CovariantVectors:
    """The vectors that the flow takes to themselves, at `rows` frames, `every` steps apart.

    Orthonormal frames are followed forward, V_(n+1) R_n = J_n V_n; upper triangular coefficients
    backward, C_n = R_n^-1 C_(n+1), which turn to those of the covariant vectors V_n C_n (F. Ginelli
    et al., Phys. Rev. Lett. 99, 130601, 2007). The means of `growth` are the exponents, largest
    first.

    Args:
        solver: without noise.
        count: m, number of vectors.
        rows: number of frames at which they are given.
        every: steps between two frames.
        before: frames that are followed before the first row, for the frame to turn.
        after: frames that are followed beyond the last row, for the coefficients to turn.
        state: where to begin; by default `solver.init(key)`.
        key: of the start, by default `jax.random.key(0)`.

    Raises ParameterError for noise, and for more vectors than degrees of freedom. Memory holds all
    frames: rows m d numbers and (rows + after) m^2.
    """
    check_instance(solver, Solver, "solver")
    for name, value in (("count", count), ("rows", rows), ("every", every)):
        if value < 1:
            raise ParameterError(name, f"given {value}, allowed: at least 1")
    following = Lyapunov(count=count, every=every)
    following.check(solver)
    if state is None:
        state = solver.init(jax.random.key(0) if key is None else key)
    return _followed(solver, following, state, rows, before, after)


@eqx.filter_jit
def _followed(
    solver: Any, following: Lyapunov, state: Any, rows: int, before: int, after: int
) -> CovariantVectors:
    def frame(now: tuple[Any, Array], _: None) -> Any:
        state, q = now
        vectors = of_frame(solver, state, q)

        def one(_: Any, now: tuple[Any, Any]) -> tuple[Any, Any]:
            state, vectors = now
            after = solver.step(state)
            return after, following.pushed(solver, state, vectors)

        following_state, vectors = jax.lax.fori_loop(0, following.every, one, (state, vectors))
        turned, r = orthonormal(solver, following_state, vectors)
        return (following_state, turned), (state.t, q, r)

    flat, _ = solver.degrees_of_freedom(state)
    start = state, following.first(flat)
    turned = jax.lax.scan(frame, start, None, length=before)[0]
    last, (t, q, r) = jax.lax.scan(frame, turned, None, length=rows)
    _, (_, _, beyond) = jax.lax.scan(frame, last, None, length=after)

    def back(c: Array, r: Array) -> tuple[Array, tuple[Array, Array]]:
        earlier = jax.scipy.linalg.solve_triangular(r, c)
        size = jnp.linalg.norm(earlier, axis=0)
        earlier = earlier / size[None, :]
        return earlier, (earlier, -jnp.log(size))

    c = jnp.triu(jnp.ones_like(r[0]))
    c = c / jnp.linalg.norm(c, axis=0)[None, :]
    c, _ = jax.lax.scan(back, c, beyond, reverse=True)
    _, (c, growth) = jax.lax.scan(back, c, r, reverse=True)
    vectors = jnp.einsum("rkm,rkd->rmd", c, q, precision="highest")
    share = vectors**2 / jnp.sum(vectors**2, axis=-1, keepdims=True)
    lapse = following.every * solver.dt
    return CovariantVectors(t, vectors, growth / lapse, 1 / jnp.sum(share**2, axis=-1))
