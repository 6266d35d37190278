"""Flows and maps by name, each a function of its state and its parameters with the usual values."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

State = Float[Array, " d"]


@dataclass(frozen=True)
class System:
    """A function with its sort, a start, and the names of its components.

    A flow gives dx/dt, a map the next x, and a Hamiltonian H(q, p) of x = (q, p) the energy. A
    start that is a function takes the number of units of a system of any size.
    """

    function: Callable[..., Any]
    sort: Literal["flow", "map", "hamiltonian"] = "flow"
    start: tuple[float, ...] | Callable[[int], np.ndarray] | None = None
    names: tuple[str, ...] = ()
    size: int | None = None  # of a system of any size

    def value(self, t: Array, x: State, parameters: Any) -> Array:
        """What the function gives: f(x), the next x, or the energy."""
        timed = {"t": t} if "t" in inspect.signature(self.function).parameters else {}
        given = self.function(x, **parameters, **timed)
        if isinstance(given, tuple | list):
            given = jnp.stack([jnp.asarray(each, x.dtype) for each in given])
        return jnp.asarray(given, x.dtype)

    def slope(self, t: Array, x: State, parameters: Any) -> State:
        """x', (dH/dp, -dH/dq) of a Hamiltonian system."""
        if self.sort != "hamiltonian":
            return self.value(t, x, parameters)
        q, p = jnp.split(jax.grad(lambda x: self.value(t, x, parameters))(x), 2)
        return jnp.concatenate([p, -q])


def lorenz(x: State, sigma: Any = 10.0, rho: Any = 28.0, beta: Any = 8 / 3) -> Any:
    """x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z. (E. N. Lorenz, J. Atmos. Sci.
    20, 130, 1963.)
    """
    x, y, z = x
    return sigma * (y - x), x * (rho - z) - y, x * y - beta * z


def roessler(x: State, a: Any = 0.2, b: Any = 0.2, c: Any = 5.7) -> Any:
    """x' = -y - z, y' = x + a y, z' = b + z (x - c). (O. E. Roessler, Phys. Lett. A 57, 397,
    1976.)
    """
    x, y, z = x
    return -y - z, x + a * y, b + z * (x - c)


def aizawa(
    x: State,
    a: Any = 0.95,
    b: Any = 0.7,
    c: Any = 0.6,
    d: Any = 3.5,
    e: Any = 0.25,
    f: Any = 0.1,
) -> Any:
    """x' = (z - b) x - d y, y' = d x + (z - b) y, z' = c + a z - z^3/3 - (x^2 + y^2)(1 + e z) + f z
    x^3. (Y. Aizawa, T. Uezu, Prog. Theor. Phys. 67, 982, 1982.)
    """
    x, y, z = x
    round_ = (x**2 + y**2) * (1 + e * z)
    return (z - b) * x - d * y, d * x + (z - b) * y, c + a * z - z**3 / 3 - round_ + f * z * x**3


def thomas(x: State, b: Any = 0.208186) -> Any:
    """x' = sin y - b x, and so on around. (R. Thomas, Int. J. Bifurcat. Chaos 9, 1889, 1999.)"""
    return jnp.sin(jnp.roll(x, -1)) - b * x


def lorenz_96(x: State, forcing: Any = 8.0) -> Any:
    """x_i' = (x_(i+1) - x_(i-2)) x_(i-1) - x_i + forcing, on a ring. (E. N. Lorenz, Proc. ECMWF
    Seminar on Predictability, 1, 1996.)
    """
    return (jnp.roll(x, -1) - jnp.roll(x, 2)) * jnp.roll(x, 1) - x + forcing


def kuramoto(x: State, coupling: Any = 0.5, spread: Any = 1.0) -> Any:
    """theta_i' = omega_i + (coupling/N) sum_j sin(theta_j - theta_i), omega_i equally spaced from
    -spread to spread. (Y. Kuramoto, Lect. Notes Phys. 39, 420, 1975.)
    """
    omega = spread * jnp.linspace(-1, 1, x.size, dtype=x.dtype)
    cosine, sine = jnp.mean(jnp.cos(x)), jnp.mean(jnp.sin(x))
    return omega + coupling * (sine * jnp.cos(x) - cosine * jnp.sin(x))


# --------------------------------------------------------------------------------------------------
# maps


def logistic(x: State, r: Any = 4.0) -> Any:
    """x -> r x (1 - x)."""
    return r * x * (1 - x)


def henon(x: State, a: Any = 1.4, b: Any = 0.3) -> Any:
    """x -> 1 - a x^2 + y, y -> b x. (M. Henon, Commun. Math. Phys. 50, 69, 1976.)"""
    x, y = x
    return 1 - a * x**2 + y, b * x


def standard_map(x: State, kick: Any = 10.0) -> Any:
    """p -> p + kick sin theta, theta -> theta + p, both modulo 2 pi; x = (theta, p). (B. V.
    Chirikov, Phys. Rep. 52, 263, 1979.)
    """
    theta, p = x
    p = p + kick * jnp.sin(theta)
    return jnp.mod(theta + p, 2 * np.pi), jnp.mod(p, 2 * np.pi)


def cat_map(x: State) -> Any:
    """x -> 2 x + y, y -> x + y, both modulo 1; its exponents are +-ln[(3 + sqrt 5)/2]. (V. I.
    Arnold, A. Avez, Problemes ergodiques de la mecanique classique, 1967.)
    """
    x, y = x
    return jnp.mod(2 * x + y, 1), jnp.mod(x + y, 1)


def _rippled(n: int) -> np.ndarray:
    return 8.0 + np.sin(np.arange(n))


def _spread_out(n: int) -> np.ndarray:
    return 2 * np.pi * ((0.5 + np.arange(n)) * 0.6180339887498949 % 1)


FLOWS = {
    "lorenz": System(lorenz, "flow", (1.0, 1.0, 20.0), ("x", "y", "z")),
    "roessler": System(roessler, "flow", (1.0, 1.0, 0.0), ("x", "y", "z")),
    "aizawa": System(aizawa, "flow", (0.1, 0.0, 0.0), ("x", "y", "z")),
    "thomas": System(thomas, "flow", (1.0, 0.5, 0.0), ("x", "y", "z")),
    "lorenz_96": System(lorenz_96, "flow", _rippled, (), 40),
    "kuramoto": System(kuramoto, "flow", _spread_out, (), 20),
}
MAPS = {
    "logistic": System(logistic, "map", (0.3,), ("x",)),
    "henon": System(henon, "map", (0.1, 0.1), ("x", "y")),
    "standard_map": System(standard_map, "map", (0.5, 0.3), ("theta", "p")),
    "cat_map": System(cat_map, "map", (0.3, 0.4), ("x", "y")),
}
