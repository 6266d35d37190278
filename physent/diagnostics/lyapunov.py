"""Lyapunov exponents of a solver while it runs, by tangent vectors."""

from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from physent.diagnostics.least_variance import Blocks, correlation_of_successive, filed
from physent.diagnostics.noise import draws_noise
from physent.errors import ParameterError
from physent.protocol.diagnostic import Diagnostic, Observed
from physent.protocol.parameters import as_number, param, static
from physent.protocol.variables import Axis, Variable

BLOCKS = 128  # an even number


class Growth(NamedTuple):
    """The tangent vectors, each array of the state with one more axis (m, ...); the steps so far;
    the growth of each vector, ln, summed in every block, in the one that is not full, and since the
    last row; how many blocks are full, of how many frames, and how many are in the rest and in the
    row.
    """

    vectors: Any
    steps: Int[Array, ""]
    sums: Float[Array, "blocks m"]
    rest: Float[Array, " m"]
    recent: Float[Array, " m"]
    full: Int[Array, ""]
    length: Int[Array, ""]
    begun: Int[Array, ""]
    since: Int[Array, ""]


class Lyapunov(Diagnostic[Growth]):
    """The largest `count` Lyapunov exponents: the rates at which perturbations of a state grow.

    Tangent vectors follow every step of the solver by forward-mode differentiation and are made
    orthonormal every few steps, V = Q R; the exponents are the time averages of ln |R_ii| (G.
    Benettin, L. Galgani, A. Giorgilli, J.-M. Strelcyn, Meccanica 15, 9, 1980), per unit of time,
    or per turn of a map. From them follow the Kolmogorov-Sinai entropy by Pesin's formula, the sum
    of the positive ones, which in general is an upper bound; and the Kaplan-Yorke dimension k +
    S_k/|lambda_(k+1)|, S_k the last sum of the largest k that is not negative, NaN where more
    exponents are needed. Every component of the state counts, also one that the equation conserves:
    its exponent is 0.

    The errors are standard errors from the growth in blocks of time, corrected for correlation of
    successive blocks; NaN until there are 16. An exponent that is 0 by a symmetry converges as ln
    T/T and not as its error says. A direction that shrinks between two frames to less than
    rounding errors of the fastest one is NaN: choose a smaller `every`. With noise the exponents
    would be those of one realisation of it: such runs are refused.
    """

    count: int = static(9, ge=1, doc="number of exponents")
    every: int = static(5, ge=1, doc="steps between two frames of orthonormal vectors")
    transient: Array | None = param(
        default=None,
        converter=as_number,
        ge=0,
        doc="time that is left out; none: the first tenth of the run so far",
        units="time",
    )
    frame: Literal["random", "symplectic"] = static(
        "random",
        doc="first vectors; symplectic: unit vectors of the positions, then those of the momenta "
        "in reverse, so that exponents come in exact pairs with a symplectic method",
    )
    finite_time: bool = static(False, doc="also the growth rates between two rows")
    name: str | None = static(None, doc="prefix of the output variables", example="lyapunov")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Exponents and their errors, entropy and dimension. Refuses files, noise, and more
        exponents than degrees of freedom.
        """
        solver, state = self._system(observed)
        if state is None:
            self.check(solver)
        name = self._name
        dims, rate = (f"{name}_exponent" if self.name else "exponent",), "1/time"
        found = {
            f"{name}_exponents": Variable(dims, "exponent", rate, "Lyapunov exponents so far"),
            f"{name}_error": Variable(
                dims, "error", rate, "standard error of the Lyapunov exponents", "too early"
            ),
            self._named("kolmogorov_sinai"): Variable(
                (), "entropy", rate, "sum of the positive Lyapunov exponents"
            ),
            self._named("kaplan_yorke"): Variable(
                (), "dimension", "1", "Kaplan-Yorke dimension", "more exponents are needed"
            ),
        }
        if self.finite_time:
            words = "growth rates since the last row"
            found[f"{name}_finite_time"] = Variable(dims, "exponent", rate, words, "no frame since")
        return found

    def axes(self, observed: Observed) -> tuple[Axis, ...]:
        """The numbers of the exponents, from 1."""
        name = f"{self._name}_exponent" if self.name else "exponent"
        numbers = jnp.arange(1, self.count + 1)
        return (Axis(name, numbers, long_name="number of the exponent, largest first"),)

    def init(self, observed: Observed) -> Growth:
        """Orthonormal vectors, and no growth."""
        solver, state = self._system(observed)
        flat, _ = solver.degrees_of_freedom(state)
        zero = jnp.zeros((), jnp.int32)
        none = jnp.zeros(self.count, flat.dtype)
        return Growth(
            of_frame(solver, state, self.first(flat)),
            zero,
            jnp.zeros((BLOCKS, self.count), flat.dtype),
            none,
            none,
            zero,
            zero + 1,
            zero,
            zero,
        )

    def advance(self, carry: Growth, solver: Any, before: Any, after: Any) -> Growth:
        """The vectors one step later, made orthonormal where it is time."""
        vectors = self.pushed(solver, before, carry.vectors)
        carry = carry._replace(vectors=vectors, steps=carry.steps + 1)
        left_out = 0 if self.transient is None else self.transient
        counted = carry.steps * solver.dt > left_out
        return jax.lax.cond(
            carry.steps % self.every == 0,
            lambda carry: _framed(carry, solver, after, counted),
            lambda carry: carry,
            carry,
        )

    def __call__(self, carry: Growth, observed: Observed) -> tuple[Growth, dict[str, Array]]:
        """The exponents so far."""
        solver, state = self._system(observed)
        lapse = self.every * solver.dt
        without = carry.full // 10 if self.transient is None else 0
        there = (jnp.arange(BLOCKS) >= without) & (jnp.arange(BLOCKS) < carry.full)
        frames = carry.length * jnp.sum(there) + carry.begun
        total = jnp.sum(jnp.where(there[:, None], carry.sums, 0), axis=0) + carry.rest
        exponents = total / jnp.where(frames > 0, frames, jnp.nan) / lapse
        exponents = jnp.where(_quiet(observed), exponents, jnp.nan)
        error = _standard_error(carry, there) / lapse
        order = jnp.argsort(-exponents)
        exponents, error = exponents[order], error[order]
        outputs = [exponents, error, jnp.sum(jnp.maximum(exponents, 0))]
        whole = self.count == solver.degrees_of_freedom(state)[0].size
        outputs.append(kaplan_yorke(exponents, whole))
        if self.finite_time:
            since = jnp.where(carry.since > 0, carry.since, jnp.nan)
            outputs.append(carry.recent / since / lapse)
        carry = carry._replace(recent=0 * carry.recent, since=0 * carry.since)
        dtype = carry.sums.dtype
        return carry, self.named(observed, [each.astype(dtype) for each in outputs])

    def pushed(self, solver: Any, state: Any, vectors: Any) -> Any:
        """Perturbations of a state one step later."""
        numbers, rest = eqx.partition(state, eqx.is_inexact_array)

        def step(numbers: Any) -> Any:  # the compiler finds that it is done anyway
            return eqx.filter(solver.step(eqx.combine(numbers, rest)), eqx.is_inexact_array)

        return jax.vmap(lambda way: jax.jvp(step, (numbers,), (way,))[1])(vectors)

    @property
    def _name(self) -> str:
        return self.name or "lyapunov"

    def _named(self, what: str) -> str:
        return f"{self.name}_{what}" if self.name else what

    def _system(self, observed: Observed) -> tuple[Any, Any]:
        system = observed.system()
        if system is None:
            raise ParameterError(
                "kind",
                "Lyapunov exponents follow every step of a solver: a file has saved states only "
                "(physent.entropy.largest_lyapunov_exponent takes a series)",
            )
        return system

    def check(self, solver: Any) -> None:
        """Raise ParameterError for a solver with noise, or with fewer degrees of freedom."""
        size = jax.eval_shape(
            lambda: solver.degrees_of_freedom(solver.init(jax.random.key(0)))[0]
        ).size
        if self.count > size:
            words = f"{size}, the degrees of freedom of {type(solver).__name__}"
            raise ParameterError("count", f"given {self.count}, allowed: at most {words}")
        if self.frame == "symplectic" and (size % 2 or self.count != size):
            words = f"'symplectic' with count = {size}, all exponents, allowed for an even number"
            raise ParameterError("frame", f"given {self.frame!r} and count = {self.count}: {words}")
        if words := draws_noise(solver):
            raise ParameterError("kind", words)

    def first(self, flat: Float[Array, " d"]) -> Float[Array, "m d"]:
        """The first frame."""
        size, dtype = flat.size, flat.dtype
        if self.frame == "symplectic":
            half = size // 2
            order = np.concatenate([np.arange(half), np.arange(size - 1, half - 1, -1)])
            return jnp.asarray(np.eye(size)[order], dtype)
        start = jax.random.normal(jax.random.key(0), (size, self.count), dtype)
        return jnp.linalg.qr(start)[0].T


def kaplan_yorke(exponents: Float[Array, " m"], whole: bool = False) -> Float[Array, ""]:
    """k + S_k/|lambda_(k+1)|, S_k the last sum of the largest k exponents that is not negative.

    **Arguments:**

    - `exponents`: the largest ones, in descending order.
    - `whole`: whether these are all; the dimension is their number where their sum is not negative.

    **Returns:**

    The dimension; NaN where the sum of all that are given is not negative, but there are more. (J.
    L. Kaplan, J. A. Yorke, Lect. Notes Math. 730, 204, 1979.)
    """
    sums = jnp.cumsum(exponents)
    k = jnp.sum(jnp.cumprod(sums >= 0))
    m = exponents.shape[0]
    before = jnp.where(k > 0, sums[jnp.maximum(k - 1, 0)], 0)
    following = jnp.abs(exponents[jnp.minimum(k, m - 1)])
    between = k + before / jnp.where(following > 0, following, 1)
    found = jnp.where(k < m, between, float(m) if whole else jnp.nan)
    return jnp.where(jnp.any(jnp.isnan(exponents)) & (k >= m - 1), jnp.nan, found)


def of_frame(solver: Any, state: Any, frame: Float[Array, "m d"]) -> Any:
    """The perturbations of a state for those of its degrees of freedom."""
    flat, rebuilt = solver.degrees_of_freedom(state)

    def numbers(flat: Array) -> Any:
        return eqx.filter(rebuilt(flat), eqx.is_inexact_array)

    return jax.vmap(lambda vector: jax.jvp(numbers, (flat,), (vector,))[1])(frame)


def orthonormal(
    solver: Any, state: Any, vectors: Any
) -> tuple[Float[Array, "m d"], Float[Array, "m m"]]:
    """The frame Q that perturbations of a state span, as rows, and R of V = Q R."""
    numbers, rest = eqx.partition(state, eqx.is_inexact_array)

    def flat(numbers: Any) -> Array:
        return solver.degrees_of_freedom(eqx.combine(numbers, rest))[0]

    q, r = jnp.linalg.qr(jax.vmap(lambda way: jax.jvp(flat, (numbers,), (way,))[1])(vectors).T)
    return q.T, r


def _framed(carry: Growth, solver: Any, state: Any, counted: Array) -> Growth:
    """The vectors made orthonormal, and their growth taken into the sums."""
    frame, r = orthonormal(solver, state, carry.vectors)
    size = jnp.abs(jnp.diagonal(r))
    lost = size <= 100 * jnp.finfo(size.dtype).eps * jnp.max(size)
    grown = jnp.where(lost, jnp.nan, jnp.log(jnp.where(lost, 1, size)))
    grown = jnp.where(counted, grown, 0)
    one = counted.astype(carry.begun.dtype)
    rest, begun = carry.rest + grown, carry.begun + one
    done = begun >= carry.length
    sums, rest, full, length = filed(Blocks(carry.sums, rest, carry.full, carry.length), done)
    return carry._replace(
        vectors=of_frame(solver, state, frame),
        sums=sums,
        rest=rest,
        recent=carry.recent + grown,
        full=full,
        length=length,
        begun=jnp.where(done, 0, begun),
        since=carry.since + one,
    )


def _standard_error(carry: Growth, there: Array) -> Array:
    """The standard error of the growth between two frames, from that in blocks."""
    number = jnp.maximum(jnp.sum(there), 2).astype(carry.sums.dtype)
    means = carry.sums / carry.length
    mean = jnp.sum(jnp.where(there[:, None], means, 0), axis=0) / number
    residual = jnp.where(there[:, None], means - mean[None], 0)
    square = jnp.sum(residual**2, axis=0)
    successive = correlation_of_successive(residual, square, number)
    variance = square / (number * (number - 1)) * (1 + successive) / (1 - successive)
    return jnp.where(number < 16, jnp.nan, jnp.sqrt(variance))


def _quiet(observed: Observed) -> Any:
    """Whether no variable of a stochastic solver diffuses at this state."""
    dynamics = observed.dynamics()
    if dynamics is None:
        return True
    return jnp.all(jnp.stack([jnp.all(each == 0) for each in dynamics.diffusion.values()]))
