"""Two active particles on a ring: their entropy production and its parts, from the Fokker-Planck
equation.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from physent.errors import ParameterError
from physent.solvers.checks import refuse

from .equation import ActiveMatter
from .propulsion import OrnsteinUhlenbeck

HIGHEST = 320  # order; beyond it Gauss-Hermite weights underflow


class PairProduction(NamedTuple):
    """Rates in nats per unit time: of the centre, which moves freely, and of the distance, from x
    and from its heading g.
    """

    centre: float
    position: float
    propulsion: float

    @property
    def total(self) -> float:
        """The sum of all parts."""
        return self.centre + self.position + self.propulsion


def pair_production(
    solver: ActiveMatter,
    points: int = 151,
    order: int = 20,
    tolerance: float = 1e-3,
    finest: int = 701,
) -> PairProduction:
    """The stationary entropy production of two Ornstein-Uhlenbeck particles on a ring, with its
    parts E|v_i|^2/D_i.

    The distance x and its heading g = (g_1 - g_2)/sqrt(2) are one particle on the ring, dx =
    [sqrt(2) v0 g + 2 f(x)] dt + sqrt(4 eps) dW, dg = -gamma g dt + sqrt(2 gamma) dW. The density is
    p = phi(g) sum_n c_n(x) He_n(g)/sqrt(n!), phi the normal density and n <= `order`, which makes
    the Fokker-Planck equation block tridiagonal in n,

        0 = -(F c_n)' + D c_n'' - n gamma c_n - u (sqrt(n) c_(n-1) + sqrt(n+1) c_(n+1))',  u =
        sqrt(2) v0, D = 2 eps,

    solved with Fourier derivatives at `points` places, an odd number, by elimination from the last
    block on. Currents follow from c_n; the integral over g is Gauss-Hermite quadrature. The parts
    need the score, which their sum does not: u^2/D + (u/D) int F c_1 dx. The order is doubled until
    both agree to the relative `tolerance`, then the points until the total stays; RuntimeError
    where that takes more than order 320 or `finest` points, as for particles so fast that they pass
    through each other, where the force jumps. NumPy, in float64, on the host. ParameterError for
    any other system. (Matrix continued fractions: H. Risken, The Fokker-Planck Equation, 1989,
    chapter 9.)
    """
    refuse(
        solver.particles != 2 or solver.dimension != 1 or solver.boundary != "periodic",
        "particles",
        "allowed: 2, in 1 periodic dimension",
    )
    eps = 0.0 if solver.diffusivity is None else float(solver.diffusivity)
    if not isinstance(solver.propulsion, OrnsteinUhlenbeck) or eps <= 0:
        raise ParameterError(
            "diffusivity", "allowed: a number > 0, with ornstein_uhlenbeck propulsion"
        )
    refuse(
        not 3 <= points <= finest or points % 2 == 0,
        "points",
        f"given {points}, allowed: an odd number from 3 to {finest}",
    )
    refuse(not 1 <= order <= HIGHEST, "order", f"given {order}, allowed: 1 to {HIGHEST}")
    rate, before, words = float(solver.propulsion.rate), math.inf, ""
    while points <= finest:
        position, propulsion, total = _parts(solver, rate, points, order)
        slack = tolerance * abs(total) + 1e-9
        agree = abs(position + propulsion - total) <= slack
        if agree and abs(total - before) <= slack:
            return PairProduction(float(solver.speed) ** 2 / eps, position, propulsion)
        words = (
            f"with {points} points at order {order} the parts add up to "
            f"{position + propulsion:.6g}, but the total is {total:.6g}, with half the points "
            f"{before:.6g}"
        )
        if not agree and order < HIGHEST:
            order = min(2 * order, HIGHEST)
        else:
            before, points = total, 2 * points + 1
    raise RuntimeError(f"not converged: {words}")


def _parts(
    solver: ActiveMatter, rate: float, points: int, order: int
) -> tuple[float, float, float]:
    """E|v_x|^2/D and E|v_g|^2/gamma of the distance, and their sum by the identity without the
    score.
    """
    speed, diffusion = (
        math.sqrt(2) * float(solver.speed),
        2 * np.asarray(solver.diffusivity).item(),
    )
    length = float(solver._length())
    x = np.arange(points) * (length / points)
    nearest = x - length * np.round(x / length)
    force = 2 * nearest * np.asarray(solver.force.over_distance(jnp.asarray(nearest**2)), float)
    coefficients, slopes = _density(force, speed, diffusion, rate, length, order)
    total = speed * (speed + float(force @ coefficients[1]) * length / points) / diffusion

    g, weight = np.polynomial.hermite_e.hermegauss(order)
    weight = weight / np.sum(weight) * (length / points)
    h = [np.ones_like(g), g]
    for n in range(1, order):
        h.append((g * h[n] - np.sqrt(n) * h[n - 1]) / np.sqrt(n + 1))
    hermite = np.stack(h, axis=1)  # (quadrature, order + 1)
    density = hermite @ coefficients
    in_x = (speed * g[:, None] + force) * density - diffusion * hermite @ slopes
    in_g = -rate * hermite[:, :-1] @ (np.sqrt(np.arange(1, order + 1))[:, None] * coefficients[1:])
    # where nobody is, a quotient of rounding errors is no velocity
    there = density > 1e-9 * np.max(coefficients[0])
    share = np.where(there, weight[:, None] / np.where(there, density, 1), 0)
    position = float(np.sum(share * in_x**2)) / diffusion
    return position, float(np.sum(share * in_g**2)) / rate, total


def _density(
    force: np.ndarray, speed: float, diffusion: float, rate: float, length: float, order: int
) -> tuple[np.ndarray, np.ndarray]:
    """The coefficients c_n at all places, (order + 1, points), and their derivatives."""
    points = len(force)
    identity = np.eye(points)
    k = 2j * np.pi / length * np.fft.fftfreq(points, 1 / points)
    derivative = np.fft.ifft(k[:, None] * np.fft.fft(identity, axis=0), axis=0).real
    alone = diffusion * derivative @ derivative - derivative * force
    ratio, ratios = np.zeros_like(identity), []  # c_n = ratio c_(n-1)
    for n in range(order, 0, -1):
        block = alone - n * rate * identity - speed * math.sqrt(n + 1) * derivative @ ratio
        ratio = np.linalg.solve(block, speed * math.sqrt(n) * derivative)
        ratios.append(ratio)
    first = alone - speed * derivative @ ratio
    first[0] = length / points  # one equation follows from the others, and the integral of p is 1
    coefficients = [np.linalg.solve(first, identity[0])]
    for ratio in reversed(ratios):
        coefficients.append(ratio @ coefficients[-1])
    values = np.stack(coefficients)
    return values, values @ derivative.T
