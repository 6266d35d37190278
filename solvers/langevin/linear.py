"""Linear Langevin systems, whose covariance and entropy production are known exactly."""

import abc
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from physent.entropy import LinearProduction, linear_entropy_production
from physent.entropy.production import stationary_covariance
from physent.errors import ParameterError
from physent.numerics.derivatives import repeat
from physent.numerics.products import matmul
from physent.protocol.parameters import (
    Declared,
    as_number,
    as_step,
    choice,
    known,
    member_axes,
    one_of,
    param,
    require_one_member,
    static,
)
from physent.protocol.solver import State
from physent.protocol.stochastic import StochasticSolver
from physent.protocol.variables import Domain, Variable
from physent.solvers.checks import certain, each_member, on_host, refuse, require_length


class LinearSystem(Declared):
    """A matrix A (d, d) and diffusion coefficients D (d,) of dX = A X dt + sqrt(2 D) dW."""

    @abc.abstractmethod
    def matrix(self) -> Float[Array, "d d"]:
        """A."""

    @abc.abstractmethod
    def diffusion(self) -> Float[Array, " d"]:
        """D."""


class Matrix(LinearSystem):
    """Any A and D; the default is a rotation at rate a = 2 against a friction k = 1, with entropy
    production 2 a^2/k = 8.
    """

    a: Array = param(
        default=((-1.0, 2.0), (-2.0, -1.0)),
        converter=as_number,
        ndim=2,
        doc="A, all eigenvalues with a negative real part",
    )
    d: Array = param(
        default=(1.0, 1.0), converter=as_number, ndim=1, gt=0, doc="D of each variable"
    )

    def matrix(self) -> Float[Array, "d d"]:
        """A."""
        return self.a

    def diffusion(self) -> Float[Array, " d"]:
        """D."""
        return self.d


class TrappedAOUP(LinearSystem):
    """An active Ornstein-Uhlenbeck particle in a trap, x and g, with entropy production v0^2
    gamma/(eps (A + gamma)).
    """

    speed: Array = param(
        default=0.25, converter=as_number, ge=0, doc="v0, speed of self-propulsion"
    )
    trap: Array = param(default=0.05, converter=as_number, gt=0, doc="A, stiffness of the trap")
    rate: Array = param(
        default=0.1, converter=as_number, gt=0, doc="gamma, inverse persistence time"
    )
    diffusivity: Array = param(
        default=0.1, converter=as_number, gt=0, doc="eps, diffusivity of the translational noise"
    )

    def matrix(self) -> Float[Array, "2 2"]:
        """dx = (-A x + v0 g) dt, dg = -gamma g dt."""
        zero = jnp.zeros_like(self.rate)
        return jnp.stack([jnp.stack([-self.trap, self.speed]), jnp.stack([zero, -self.rate])])

    def diffusion(self) -> Float[Array, " 2"]:
        """eps and gamma."""
        return jnp.stack([self.diffusivity, self.rate])


class CoupledAOUPs(LinearSystem):
    """Two AOUPs in a trap, joined by a spring, with entropy production sum_lambda v0^2 gamma/(eps
    (lambda + gamma)), lambda = A, A + 2 kappa.
    """

    speed: Array = param(default=1.0, converter=as_number, ge=0, doc="v0, speed of self-propulsion")
    trap: Array = param(default=1.0, converter=as_number, gt=0, doc="A, stiffness of the trap")
    spring: Array = param(
        default=2.0, converter=as_number, ge=0, doc="kappa, stiffness of the spring"
    )
    rate: Array = param(
        default=1.0, converter=as_number, gt=0, doc="gamma, inverse persistence time"
    )
    diffusivity: Array = param(
        default=0.5, converter=as_number, gt=0, doc="eps, diffusivity of the translational noise"
    )

    def matrix(self) -> Float[Array, "4 4"]:
        """x1, x2, g1, g2."""
        one, bond = np.eye(2, dtype=self.rate.dtype), np.array([[1, -1], [-1, 1]], self.rate.dtype)
        above = jnp.concatenate([-self.trap * one - self.spring * bond, self.speed * one], axis=1)
        return jnp.concatenate([above, jnp.concatenate([0 * one, -self.rate * one], axis=1)])

    def diffusion(self) -> Float[Array, " 4"]:
        """eps, eps, gamma, gamma."""
        return jnp.stack([self.diffusivity, self.diffusivity, self.rate, self.rate])


class BeadSpring(LinearSystem):
    """Beads on a line joined by unit springs to each other and to two walls, with temperatures that
    vary linearly along the chain.

    A has -2 on its diagonal and 1 beside it, D_i = T_i; two beads produce (T1 - T2)^2/(4 T1 T2).
    (J. Li et al., Nat. Commun. 10, 1666, 2019.)
    """

    beads: int = static(2, ge=2, doc="number of beads")
    cold: Array = param(default=1.0, converter=as_number, gt=0, doc="temperature of the first bead")
    hot: Array = param(default=10.0, converter=as_number, gt=0, doc="temperature of the last bead")

    def matrix(self) -> Float[Array, "d d"]:
        """The discrete Laplacian."""
        beside = np.eye(self.beads, k=1, dtype=self.cold.dtype)
        return jnp.asarray(beside + beside.T - 2 * np.eye(self.beads, dtype=self.cold.dtype))

    def diffusion(self) -> Float[Array, " d"]:
        """From the first to the last temperature."""
        return self.cold + (self.hot - self.cold) * jnp.linspace(
            0, 1, self.beads, dtype=self.cold.dtype
        )


class Gyrator(LinearSystem):
    """The Brownian gyrator, two coordinates at two temperatures: c^2 (T1 - T2)^2/[(k1 + k2) T1 T2].

    dx = -K x dt + sqrt(2 T) dW, K = [[k1, c], [c, k2]]. (R. Filliger, P. Reimann, Phys. Rev. Lett.
    99, 230602, 2007.)
    """

    stiffness: Array = param(default=(1.0, 2.0), converter=as_number, ndim=1, gt=0, doc="k1 and k2")
    coupling: Array = param(default=0.5, converter=as_number, doc="c, with c^2 < k1 k2")
    temperature: Array = param(
        default=(1.0, 3.0), converter=as_number, ndim=1, gt=0, doc="T1 and T2"
    )

    def __check_init__(self):
        """Reject other numbers of coordinates."""
        require_length(self, ("stiffness", "temperature"), 2, "2")

    def matrix(self) -> Float[Array, "2 2"]:
        """-K."""
        swap = np.array([[0, 1], [1, 0]], self.coupling.dtype)
        return -(jnp.diag(self.stiffness) + self.coupling * swap)

    def diffusion(self) -> Float[Array, " 2"]:
        """T1 and T2."""
        return self.temperature


SYSTEMS: dict[str, type[LinearSystem]] = {
    "matrix": Matrix,
    "trapped_aoup": TrappedAOUP,
    "coupled_aoups": CoupledAOUPs,
    "bead_spring": BeadSpring,
    "gyrator": Gyrator,
}


@jax.jit  # where it is not part of a program, it is one
def exact_step(
    matrix: Float[Array, "d d"], diffusion: Float[Array, " d"], time: Float[Array, ""]
) -> tuple[Float[Array, "d d"], Float[Array, "d d"]]:
    """e^(A t) and the covariance int_0^t e^(A s) 2 D e^(A' s) ds of the added noise.

    Both are blocks of one exponential, exp([[-A, 2 D], [0, A']] t), of a time so short that it does
    not overflow; then doubled, S(2 t) = S(t) + e^(A t) S(t) e^(A' t): sums of positive terms, so
    nothing cancels in float32. (C. F. Van Loan, IEEE Trans. Autom. Control 23, 395, 1978.)
    """
    size = jnp.max(jnp.sum(jnp.abs(matrix), axis=1)) * time
    doublings = jnp.maximum(jnp.ceil(jnp.log2(size)), 0).astype(int)
    d = matrix.shape[0]
    blocks = jnp.block([[-matrix, 2 * jnp.diag(diffusion)], [jnp.zeros_like(matrix), matrix.T]])
    blocks = jax.scipy.linalg.expm(blocks * (time * 0.5**doublings))
    decay = blocks[d:, d:].T

    def double(_, step):
        decay, noise = step
        return matmul(decay, decay), noise + matmul(matmul(decay, noise), decay.T)

    # no number is larger than 2^most
    most = int(jnp.finfo(matrix.dtype).maxexp)
    decay, noise = repeat(double, doublings, (decay, matmul(decay, blocks[:d, d:])), most)
    return decay, (noise + noise.T) / 2


class LinearLangevinState(State):
    """The variables of all walkers; `decay` and `spread` are e^(A dt) and the square root of the
    noise covariance of a step.
    """

    t: Float[Array, ""]
    key: PRNGKeyArray
    position: Float[Array, "walkers d"]
    decay: Float[Array, "d d"]
    spread: Float[Array, "d d"]


class LinearLangevin(StochasticSolver[LinearLangevinState]):
    """Independent walkers of a linear Langevin system dX = A X dt + sqrt(2 D) dW of any dimension.

    `exact` draws X(t + dt) from its Gaussian, with the mean e^(A dt) X and the covariance S - e^(A
    dt) S e^(A' dt), computed as an integral, without the difference: right for any dt. Walkers
    start in the stationary state, or all at 0.
    """

    auxiliary = ("t", "decay", "spread")
    system: LinearSystem = choice(converter=one_of(SYSTEMS), default="gyrator", doc="A and D")
    walkers: int = static(1024, ge=1, doc="independent copies")
    dt: Array = param(
        default=0.1, converter=as_step, gt=0, doc="time step, or 'auto'", units="time"
    )
    method: Literal["exact", "euler_maruyama"] = static("exact", doc="time stepping method")
    initial: Literal["stationary", "origin"] = static("stationary", doc="walkers at t = 0")

    def __check_init__(self):
        """Reject a system without a stationary state, and Euler steps too long to have one."""
        if any(axis is not None for axis in jax.tree.leaves(member_axes(self.system))):
            return  # one system for each member
        a, dt = on_host((on_host(self.system).matrix(), self.dt))
        d = jax.eval_shape(self.system.diffusion)
        if a.ndim != 2 or a.shape != (*d.shape, *d.shape):
            refuse(
                isinstance(self.system, Matrix) and a.ndim == 2,
                "system.a",
                f"given {list(a.shape)} and {list(d.shape)}, allowed: d x d and d",
            )
            return
        if not known(a):
            return
        rates = np.linalg.eigvals(np.asarray(a, float))
        refuse(
            rates.real >= 0,
            "system",
            f"given A = {a.tolist()}, allowed: eigenvalues with negative real parts only",
        )
        longest = np.min(-2 * rates.real / np.abs(rates) ** 2)
        if self.method == "euler_maruyama" and certain(dt >= longest):
            raise ParameterError(
                "dt",
                f"given {np.max(dt):g}, allowed with euler_maruyama: < {longest:.4g}, where steps "
                "decay",
            )

    def exact_production(self) -> LinearProduction:
        """The stationary covariance and entropy production, in closed form."""
        return linear_entropy_production(self.system.matrix(), self.system.diffusion())

    def init(self, key: PRNGKeyArray) -> LinearLangevinState:
        """A draw from the stationary distribution, or 0."""
        require_one_member(self)
        a, d = self.system.matrix(), self.system.diffusion()
        if self.method == "exact":
            decay, noise = exact_step(a, d, self.dt)
            spread = jnp.linalg.cholesky(noise)
        else:
            decay = jnp.eye(d.shape[0], dtype=a.dtype) + a * self.dt
            spread = jnp.diag(jnp.sqrt(2 * d * self.dt))
        key, start = jax.random.split(key)
        normal = jax.random.normal(start, (self.walkers, d.shape[0]), a.dtype)
        root = jnp.linalg.cholesky(stationary_covariance(a, d))
        position = matmul(normal, root.T) if self.initial == "stationary" else 0 * normal
        return LinearLangevinState(jnp.zeros_like(self.dt), key, position, decay, spread)

    def step(self, state: LinearLangevinState) -> LinearLangevinState:
        """The state after one time step dt."""
        key, now = jax.random.split(state.key)
        normal = jax.random.normal(now, state.position.shape, state.position.dtype)
        position = matmul(state.position, state.decay.T) + matmul(normal, state.spread.T)
        return LinearLangevinState(state.t + self.dt, key, position, state.decay, state.spread)

    def observe(self, state: LinearLangevinState) -> dict[str, Array]:
        """The variables of every walker, and their second moments over the walkers."""
        return {
            "position": state.position,
            "covariance": matmul(state.position.T, state.position) / self.walkers,
        }

    def variables(self) -> dict[str, Variable]:
        """Vectors of each walker, and the matrix of second moments."""
        return {
            "position": Variable(
                ("walker", "component"), "position", "1", "variables of each walker"
            ),
            "covariance": Variable(
                ("component", "other_component"), "covariance", "1", "second moments"
            ),
        }

    def domain(self) -> Domain:
        """No axes: the variables have no spatial meaning."""
        return Domain(())

    def longest_dt(self) -> Array:
        """Any step is right for `exact`; of `euler_maruyama` a fortieth of the step from where on
        it does not decay, min -2 Re(lambda)/|lambda|^2 over the eigenvalues of A.

        Its stationary covariance is wrong by the same share, at most 2.5 %.
        """
        if self.method == "exact":
            return jnp.full_like(self.dt, jnp.inf)
        matrices = np.asarray(each_member(lambda solver: solver.system.matrix(), self), float)
        rates = np.linalg.eigvals(matrices)
        return jnp.asarray(np.min(-2 * rates.real / np.abs(rates) ** 2, axis=-1) / 40)

    def drift(self, state: LinearLangevinState) -> dict[str, Array]:
        """A X."""
        return {"position": matmul(state.position, self.system.matrix().T)}

    def diffusion(self, state: LinearLangevinState) -> dict[str, Array]:
        """D, one per component."""
        return {"position": self.system.diffusion()}

    def divergence(self, state: LinearLangevinState) -> dict[str, Array]:
        """The diagonal of A."""
        return {
            "position": jnp.broadcast_to(
                jnp.diag(self.system.matrix())[None, :], state.position.shape
            )
        }

    def parity(self) -> dict[str, int]:
        """All even."""
        return {"position": 1}

    def independent(self) -> bool:
        """True: walkers do not interact."""
        return True
