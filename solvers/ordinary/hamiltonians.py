"""Hamiltonian systems by name: the energy as a function of x = (q, p) and of parameters."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from .systems import State, System


def pendulum(x: State, frequency: Any = 1.0) -> Any:
    """p^2/2 - frequency^2 cos q."""
    q, p = x
    return p**2 / 2 - frequency**2 * jnp.cos(q)


def double_pendulum(
    x: State,
    length_1: Any = 1.0,
    length_2: Any = 1.0,
    mass_1: Any = 1.0,
    mass_2: Any = 1.0,
    gravity: Any = 1.0,
) -> Any:
    """Two point masses on rigid rods; q the angles from below, p their momenta."""
    a, b, p, s = x
    l1, l2, m1, m2 = length_1, length_2, mass_1, mass_2
    below = 2 * m2 * l1**2 * l2**2 * (m1 + m2 * jnp.sin(a - b) ** 2)
    above = m2 * l2**2 * p**2 + (m1 + m2) * l1**2 * s**2 - 2 * m2 * l1 * l2 * p * s * jnp.cos(a - b)
    return above / below - gravity * ((m1 + m2) * l1 * jnp.cos(a) + m2 * l2 * jnp.cos(b))


def henon_heiles(x: State, coupling: Any = 1.0) -> Any:
    """(px^2 + py^2 + x^2 + y^2)/2 + coupling (x^2 y - y^3/3). (M. Henon, C. Heiles, Astron. J. 69,
    73, 1964.)
    """
    x, y, px, py = x
    return (px**2 + py**2 + x**2 + y**2) / 2 + coupling * (x**2 * y - y**3 / 3)


def logarithmic(x: State, speed: Any = 1.0, core: Any = 0.1, flattening: Any = 0.7) -> Any:
    """p^2/2 + (speed^2/2) ln(core^2 + x^2 + y^2/flattening^2): a galaxy with a flat rotation
    curve. (J. Binney, S. Tremaine, Galactic Dynamics, 2008, eq. 3.103.)
    """
    x, y, px, py = x
    inside = core**2 + x**2 + (y / flattening) ** 2
    return (px**2 + py**2) / 2 + speed**2 / 2 * jnp.log(inside)


def plummer(x: State, mass: Any = 1.0, core: Any = 1.0) -> Any:
    """p^2/2 - mass/sqrt(core^2 + r^2). (H. C. Plummer, Mon. Not. R. Astron. Soc. 71, 460, 1911.)"""
    x, y, px, py = x
    return (px**2 + py**2) / 2 - mass / jnp.sqrt(core**2 + x**2 + y**2)


def rotating_bar(
    x: State, speed: Any = 1.0, core: Any = 0.1, flattening: Any = 0.8, rotation: Any = 1.0
) -> Any:
    """The logarithmic potential that turns at the rate `rotation`, in the frame that turns with it:
    H - rotation (x py - y px).
    """
    q1, q2, p1, p2 = x
    return logarithmic(x, speed, core, flattening) - rotation * (q1 * p2 - q2 * p1)


def toda(x: State) -> Any:
    """sum p_i^2/2 + exp(q_i - q_(i+1)) - 1 on a ring; integrable. (M. Toda, J. Phys. Soc. Jpn. 22,
    431, 1967.)
    """
    q, p = jnp.split(x, 2)
    return jnp.sum(p**2) / 2 + jnp.sum(jnp.expm1(q - jnp.roll(q, -1)))


def fput(x: State, alpha: Any = 0.25, beta: Any = 0.0) -> Any:
    """sum p_i^2/2 + r_i^2/2 + alpha r_i^3/3 + beta r_i^4/4, r_i = q_(i+1) - q_i on a ring. (E.
    Fermi, J. Pasta, S. Ulam, M. Tsingou, Los Alamos report LA-1940, 1955.)
    """
    q, p = jnp.split(x, 2)
    r = jnp.roll(q, -1) - q
    return jnp.sum(p**2) / 2 + jnp.sum(r**2 / 2 + alpha * r**3 / 3 + beta * r**4 / 4)


def phi4_chain(x: State, coupling: Any = 1.0, quartic: Any = 1.0) -> Any:
    """sum p_i^2/2 + coupling (q_(i+1) - q_i)^2/2 + q_i^2/2 + quartic q_i^4/4 on a ring."""
    q, p = jnp.split(x, 2)
    r = jnp.roll(q, -1) - q
    return jnp.sum(p**2 + coupling * r**2 + q**2) / 2 + quartic * jnp.sum(q**4) / 4


def _stirred(n: int) -> np.ndarray:
    """At rest in place, with momenta of mean 0 that look like noise."""
    p = np.sin(1.0 + 2.399963229728653 * np.arange(n) ** 2)
    return np.concatenate([np.zeros(n), p - p.mean()])


PLANE = ("x", "y", "px", "py")
HAMILTONIANS = {
    "pendulum": System(pendulum, "hamiltonian", (1.0, 0.0), ("q", "p")),
    "double_pendulum": System(
        double_pendulum, "hamiltonian", (2.0, 2.0, 0.0, 0.0), ("q1", "q2", "p1", "p2")
    ),
    "henon_heiles": System(henon_heiles, "hamiltonian", (0.0, 0.1, 0.49057, 0.0), PLANE),
    "logarithmic": System(logarithmic, "hamiltonian", (0.5, 0.1, 0.0, 0.9), PLANE),
    "plummer": System(plummer, "hamiltonian", (1.0, 0.0, 0.0, 0.5), PLANE),
    "rotating_bar": System(rotating_bar, "hamiltonian", (0.3, 0.1, 0.1, 0.6), PLANE),
    "toda": System(toda, "hamiltonian", _stirred, (), 8),
    "fput": System(fput, "hamiltonian", _stirred, (), 32),
    "phi4_chain": System(phi4_chain, "hamiltonian", _stirred, (), 32),
}
