"""Systems whose entropy production is known exactly, and trajectories of them.

Each is a small class with `rate`, in nats per unit of time, and `sample(draw)`; those that are
linear or have few states are sampled exactly, the others by steps of weak second order.
"""

import bisect
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.signal import lfilter

from physent.production.chains import stationary
from physent.production.linear import Process, linear_rate

WALKERS = 200


class Known(NamedTuple):
    """A system: its rate, the interval between rows, and a function of the number of rows and of a
    generator that gives (times, components), or (trajectories, times, components).
    """

    rate: float
    dt: float
    sample: Callable[[int, np.random.Generator], np.ndarray]
    diffusion: np.ndarray
    period: np.ndarray | None = None
    parity: np.ndarray | None = None


# --------------------------------------------------------------------------------------------------
# linear


def linear(
    matrix: np.ndarray, diffusion: np.ndarray, dt: float, parity: np.ndarray | None = None
) -> Known:
    """dX = -A X dt + sqrt(2 D) dW with diagonal D (d,), at times that are dt apart, exactly."""
    a, d = np.asarray(matrix, float), np.diag(np.asarray(diffusion, float))
    s = solve_continuous_lyapunov(a, 2 * d)
    s = (s + s.T) / 2
    rate = float(linear_rate(Process(a, d, s), parity))

    def sample(n: int, draw: np.random.Generator) -> np.ndarray:
        w, v = np.linalg.eig(a)
        assert np.linalg.cond(v) < 1e6, "modes that are none"
        back = np.linalg.inv(v)
        p = ((v * np.exp(-w * dt)) @ back).real
        noise = s - p @ s @ p.T
        root = _root(noise)
        start = _root(s) @ draw.standard_normal(len(a))
        modes = draw.standard_normal((n, len(a))) @ (back @ root).T
        modes[0] = back @ start
        for i, each in enumerate(w):  # the modes do not know of each other
            modes[:, i] = lfilter([1], [1, -np.exp(-each * dt)], modes[:, i])
        return (modes @ v.T).real

    return Known(rate, dt, sample, np.diag(d), parity=parity)


def _root(covariance: np.ndarray) -> np.ndarray:
    w, v = np.linalg.eigh((covariance + covariance.T) / 2)
    return v * np.sqrt(np.maximum(w, 0))


def gyrator(dt: float = 0.05) -> Known:
    """Two coupled coordinates at two temperatures: sigma = c^2 (T1 - T2)^2/[(k1 + k2) T1 T2]."""
    return linear(np.asarray([[1, 0.5], [0.5, 2]]), np.asarray([1.0, 3.0]), dt)


def rotation(dt: float = 0.05) -> Known:
    """A trap k = 1 that turns, a = 2: sigma = 2 a^2/k."""
    return linear(np.asarray([[1.0, 2.0], [-2.0, 1.0]]), np.ones(2), dt)


def faint_rotation(dt: float = 0.01) -> Known:
    """A trap k = 1 that turns hardly, a = .3 (the demonstration of stochasticforceinference)."""
    return linear(np.asarray([[1.0, 0.3], [-0.3, 1.0]]), np.full(2, 0.5), dt)


def beads(n: int, dt: float = 0.1) -> Known:
    """A chain of beads between walls, in heat baths of 10 at one end to 1 at the other."""
    return linear(2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1), np.linspace(10, 1, n), dt)


def aoup(dt: float = 0.1) -> Known:
    """A propelled particle in a trap, x and its propulsion g: sigma = v0^2 gamma/[eps (A +
    gamma)].
    """
    return linear(np.asarray([[1.0, -1.0], [0.0, 0.5]]), np.asarray([0.1, 0.5]), dt)


def aoups(n: int = 4, dt: float = 0.05) -> Known:
    """n propelled particles in a trap, neighbours joined by springs."""
    force = 3 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    a = np.block([[force, -np.eye(n)], [np.zeros((n, n)), 0.7 * np.eye(n)]])
    return linear(a, np.concatenate([np.full(n, 0.5), np.full(n, 0.7)]), dt)


def inertial(dt: float = 0.05) -> Known:
    """A particle with inertia in a trap in the plane, k = 1, driven round by a force a = .3, with
    friction 1 at temperature 1; its velocities are odd.
    """
    force = np.asarray([[1.0, 0.3], [-0.3, 1.0]])
    a = np.block([[np.zeros((2, 2)), -np.eye(2)], [force, np.eye(2)]])
    return linear(a, np.asarray([0.0, 0.0, 1.0, 1.0]), dt, np.asarray([1.0, 1.0, -1.0, -1.0]))


# --------------------------------------------------------------------------------------------------
# others with noise


def _steps(
    drift: Callable[[np.ndarray], np.ndarray],
    diffusion: np.ndarray,
    start: np.ndarray,
    dt: float,
    each: int,
    first: int,
) -> Callable[[int, np.random.Generator], np.ndarray]:
    """Heun's steps of many walkers at once; the first rows are thrown away."""
    h = dt / each
    size = np.sqrt(2 * np.asarray(diffusion) * h)

    def sample(n: int, draw: np.random.Generator) -> np.ndarray:
        walkers = max(1, min(WALKERS, n // 50))
        x = np.tile(start, (walkers, 1))
        rows = np.empty((walkers, n // walkers, x.shape[1]))
        for row in range(-first, rows.shape[1]):
            for _ in range(each):
                noise = size * draw.standard_normal(x.shape)
                b = drift(x)
                x = x + h / 2 * (b + drift(x + h * b + noise)) + noise
            if row >= 0:
                rows[:, row] = x
        return rows

    return sample


def tilted_ring(dt: float = 0.05, height: float = 1.0, tilt: float = 1.0, d: float = 1.0) -> Known:
    """U0 cos x and a force f on a ring of length 2 pi, sigma = f <v>/D by quadrature."""
    n = 400
    x = 2 * np.pi * np.arange(n) / n
    energy = lambda y: (height * np.cos(y) - tilt * y) / d  # noqa: E731
    # the mean over a grid is exact for what is periodic in x; in y the ends differ
    y, weight = np.polynomial.legendre.leggauss(60)
    y, weight = np.pi * (y + 1), np.pi * weight
    inner = (np.exp(energy(x[:, None]) - energy(x[:, None] - y[None, :])) @ weight).mean()
    velocity = d * (1 - np.exp(-2 * np.pi * tilt / d)) / inner  # the mean speed
    sample = _steps(
        lambda x: tilt + height * np.sin(x), np.asarray([d]), np.zeros(1), dt, 5, int(5 / dt)
    )
    return Known(tilt * velocity / d, dt, sample, np.asarray([d]), period=np.asarray([2 * np.pi]))


def cycle(dt: float = 0.02, turn: float = 1.0, d: float = 0.5) -> Known:
    """U = (r^2 - 1)^2 in the plane and a drift a (-y, x), which leaves exp(-U/D) as it is: sigma =
    a^2 <r^2>/D.
    """
    r = (np.arange(20000) + 0.5) / 20000 * 4
    weight = r * np.exp(-((r**2 - 1) ** 2) / d)
    rate = turn**2 * float((weight * r**2).sum() / weight.sum()) / d

    def drift(x: np.ndarray) -> np.ndarray:
        pull = -4 * (np.sum(x * x, axis=1, keepdims=True) - 1)
        return pull * x + turn * np.stack([-x[:, 1], x[:, 0]], axis=1)

    return Known(
        rate,
        dt,
        _steps(drift, np.full(2, d), np.asarray([1.0, 0.0]), dt, 4, int(3 / dt)),
        np.full(2, d),
    )


def active_brownian(
    dt: float = 0.05, speed: float = 1.0, d: float = 0.5, turning: float = 1.0, trap: float = 1.0
) -> Known:
    """A particle of constant speed in a trap in the plane, x, y and its heading: sigma = v0^2
    D_r/[D (D_r + k)].
    """
    noises = np.asarray([d, d, turning])

    def drift(x: np.ndarray) -> np.ndarray:
        heading = np.stack([np.cos(x[:, 2]), np.sin(x[:, 2])], axis=1)
        return np.concatenate([speed * heading - trap * x[:, :2], np.zeros((len(x), 1))], axis=1)

    return Known(
        speed**2 * turning / (d * (turning + trap)),
        dt,
        _steps(drift, noises, np.zeros(3), dt, 4, int(8 / dt)),
        noises,
        period=np.asarray([np.inf, np.inf, 2 * np.pi]),
    )


# --------------------------------------------------------------------------------------------------
# states


def chain(steps: np.ndarray, labels: np.ndarray | None = None) -> Known:
    """A Markov chain (states, states): sigma = sum pi_i P_ij ln(P_ij/P_ji) a step."""
    p = np.asarray(steps, float)
    return _states(p, _rate(p), 1.0, labels)


def jumps(rates: np.ndarray, dt: float, labels: np.ndarray | None = None) -> Known:
    """A process in continuous time with rates (states, states), seen every dt."""
    w = np.asarray(rates, float) - np.diag(np.sum(rates, axis=1))
    return _states(expm(w * dt), _rate(w), dt, labels)


def _rate(w: np.ndarray) -> float:
    """Of steps or of rates."""
    still = w + np.eye(len(w)) if np.allclose(w.sum(axis=1), 0) else w
    flow = stationary(still)[:, None] * w
    both = (flow > 0) & (flow.T > 0) & ~np.eye(len(w), dtype=bool)
    return float(np.sum(flow[both] * np.log(flow[both] / flow.T[both])))


def _states(p: np.ndarray, rate: float, dt: float, labels: np.ndarray | None) -> Known:
    names = np.arange(len(p))[:, None] if labels is None else labels

    def sample(n: int, draw: np.random.Generator) -> np.ndarray:
        rows = [list(row) for row in np.cumsum(p, axis=1)]
        last = len(p) - 1
        state = min(int(np.searchsorted(np.cumsum(stationary(p)), draw.random())), last)
        found = np.empty(n, np.int64)
        for i, each in enumerate(draw.random(n).tolist()):
            state = min(bisect.bisect(rows[state], each), last)
            found[i] = state
        return names[found]

    return Known(rate, dt, sample, np.zeros(0))


def flashing_ratchet() -> Known:
    """Three places on a ring, with a potential that is switched on and off; columns are place and
    switch (D.-K. Kim, Y. Bae, S. Lee, H. Jeong, Phys. Rev. Lett. 125, 140604 (2020)).
    """
    rates = np.zeros((6, 6))
    for i in range(3):
        for j in range(3):
            if i != j:
                rates[i, j], rates[3 + i, 3 + j] = np.exp(3.0 * (i - j) / 2), 1
        rates[i, 3 + i] = rates[3 + i, i] = 1
    labels = np.asarray([(state % 3, state // 3) for state in range(6)])
    return chain(rates / rates.sum(axis=1, keepdims=True), labels)


def four_states(dt: float = 0.1) -> Known:
    """Four states, all joined, with rates that are no equilibrium's."""
    rates = np.asarray([[0, 3, 0.5, 1], [1, 0, 2, 0.5], [1, 0.5, 0, 3], [2, 1, 1, 0]], float)
    return jumps(rates, dt)


def network(n: int = 8, dt: float = 0.1) -> Known:
    """n states on a ring, rates 2 one way and 1 the other, of uneven depth."""
    depth = np.cos(2 * np.pi * np.arange(n) / n)
    rates = np.zeros((n, n))
    for i in range(n):
        j = (i + 1) % n
        rates[i, j] = 2 * np.exp((depth[i] - depth[j]) / 2)
        rates[j, i] = np.exp((depth[j] - depth[i]) / 2)
    return jumps(rates, dt)


def spins(n: int = 6) -> Known:
    """n spins, one of them turned a step by Glauber's rule, with couplings that are not symmetric;
    a column each.
    """
    couplings = np.random.default_rng(6).normal(0, 0.7, (n, n))
    np.fill_diagonal(couplings, 0)
    states = np.asarray([[state >> k & 1 for k in range(n)] for state in range(2**n)])
    p = np.zeros((2**n, 2**n))
    for number, state in enumerate(states):
        field = couplings @ (2 * state - 1)
        turn = 1 / (1 + np.exp(2 * (2 * state - 1) * field)) / n
        for k in range(n):
            p[number, number ^ (1 << k)] = turn[k]
        p[number, number] = 1 - turn.sum()
    return chain(p, states)
