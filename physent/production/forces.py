"""Entropy production of Langevin trajectories from currents on a basis of functions of the state.

The current velocity of dX = b dt + sqrt(2 D) dW with constant D is regressed from Stratonovich
increments (A. Frishman, P. Ronceray, Phys. Rev. X 10, 021009 (2020)): with functions c_a,

    J_a = <c_a(X) o dX>/dt,  B_ab = <c_a c_b>,  v(x) = sum J_a (B^-1)_ab c_b(x),
    sigma = sum_ab J_a . D^-1 J_b (B^-1)_ab.

An increment and its middle are what is seen of X o dX, which errs in first order of dt: the same
from every second row takes that away, 2 sigma(dt) - sigma(2 dt). Errors of J raise sigma, by
2 n d/T or so with n functions of d components; leaving pieces out takes that away, too.
Measurement noise is the same at both ends of an increment and does not change J in first order;
D it does (C. Vestergaard, P. Blainey, H. Flyvbjerg, Phys. Rev. E 89, 022726 (2014)):

    D = <dX dX'>/(2 dt) + <dX dX_next' + dX_next dX'>/(2 dt).
"""

from typing import NamedTuple

import numpy as np

from physent.production.basis import Basis, basis_of
from physent.production.estimator import PIECES, Estimate, added, jackknifed, within
from physent.production.findings import span_of
from physent.production.trajectories import INERTIA, Trajectories, inertial

ORDERS = (1, 2, 3, 4, 6)


class Sums(NamedTuple):
    """Of a piece of data: steps, products of functions, J, dX dX', and dX dX_next'."""

    steps: np.ndarray
    products: np.ndarray
    current: np.ndarray
    square: np.ndarray
    onward: np.ndarray
    pairs: np.ndarray


def sums_of(data: Trajectories, basis: Basis) -> Sums:
    """The sums of one piece at its own interval."""
    size, d = len(basis.factors), data.components
    steps, products, current = 0, np.zeros((size, size)), np.zeros((size, d))
    square, onward, pairs = np.zeros((d, d)), np.zeros((d, d)), 0
    block = max(256, (1 << 22) // size)
    for rows in data.windows(2, block):
        increments = np.diff(rows, axis=0)
        functions = basis((rows[1:] + rows[:-1]) / 2)
        steps += len(increments)
        products += functions.T @ functions
        current += functions.T @ increments
        square += increments.T @ increments
        onward += increments[:-1].T @ increments[1:]
        pairs += len(increments) - 1
    return Sums(
        np.asarray(float(steps)), products, current, square, onward, np.asarray(float(pairs))
    )


def diffusion_of(sums: Sums, dt: float, noisy: bool) -> np.ndarray:
    """D (d, d) from increments, of which noise is taken away where there is any."""
    naive = sums.square / (2 * dt * sums.steps)
    if not noisy:
        return naive
    return naive + (sums.onward + sums.onward.T) / (2 * dt * sums.pairs)


def _rate(sums: Sums, dt: float, noisy: bool) -> float:
    diffusion = diffusion_of(sums, dt, noisy)
    if np.linalg.eigvalsh(diffusion)[0] <= 0:
        return np.nan
    velocity = np.linalg.lstsq(sums.products, sums.current, rcond=1e-10)[0]  # J B^-1, in sums
    inner = velocity.T @ sums.current / (sums.steps * dt * dt)
    return float(np.trace(np.linalg.solve(diffusion, inner)))


class Forces:
    """The rate above, on the basis that predicts the other half of the data best."""

    is_bound = False

    def __init__(self, noisy: bool = False):
        self.noisy = noisy
        self.label = "forces_noisy" if noisy else "forces"
        self.assumes = (
            "a stationary overdamped process, all of it seen, constant diffusion, a current that "
            "the basis holds, an interval short beside relaxation"
            + (", with white measurement noise" if noisy else ", without measurement noise")
        )

    def refuses(self, data: Trajectories) -> str:
        """States, velocities, and fewer than fifty steps for each component."""
        if data.discrete:
            return "states have no currents that add up to a velocity"
        if np.any(data.parity == -1):
            return "a velocity is no current of its position"
        if data.steps < 50 * max(data.components, PIECES // 4):
            return f"{data.steps} steps are too few"
        if max(map(len, data.parts)) < 4:
            return "no part has four rows"
        if data.components == 1 and not data.periodic:
            return "one component on a line has no current"
        if basis_of(data, 1) is None:
            return "too many components"
        return INERTIA if inertial(data) else ""

    def seconds(self, data: Trajectories) -> float:
        """Of the products of functions, for both intervals."""
        size = len(_bases(data)[-1].factors)
        return 4e-9 * data.rows * size * (size / 4 + 12) + 1e-8 * PIECES * size**3 + 0.05

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        bases = _bases(data)
        pieces, dt = data.blocks(PIECES), data.dt
        once = [sums_of(each, bases[-1]) for each in pieces]
        chosen = _best(bases, once, data)
        once = [_of_first(each, bases[-1], chosen) for each in once]
        twice = [sums_of(each.every(2), chosen) for each in pieces]

        def rate(sums: tuple[Sums, Sums]) -> float:
            return 2 * _rate(sums[0], dt, self.noisy) - _rate(sums[1], 2 * dt, self.noisy)

        def both(one: tuple[Sums, Sums], other: tuple[Sums, Sums]) -> tuple[Sums, Sums]:
            return Sums(*added(one[0], other[0])), Sums(*added(one[1], other[1]))

        return jackknifed(list(zip(once, twice, strict=True)), rate, both)


def _bases(data: Trajectories) -> list[Basis]:
    """The bases that are tried, each with all functions of those before it."""
    found = [basis_of(data, order) for order in ORDERS]
    return [
        basis
        for i, basis in enumerate(found)
        if basis is not None and (i == 0 or len(basis.factors) * 40 <= data.steps)
    ]


def _of_first(sums: Sums, every: Basis, some: Basis) -> Sums:
    """The sums of some of the functions of a basis."""
    wanted = {tuple(factor) for factor in some.factors.tolist()}
    place = [i for i, factor in enumerate(every.factors.tolist()) if tuple(factor) in wanted]
    return sums._replace(products=sums.products[np.ix_(place, place)], current=sums.current[place])


def _best(bases: list[Basis], sums: list[Sums], data: Trajectories) -> Basis:
    """The basis with the least error of v in the half of the data that was not fitted."""
    inverse = np.linalg.inv(diffusion_of(Sums(*_total(sums)), data.dt, False))
    halves = [Sums(*_total(sums[start::2])) for start in (0, 1)]
    merits = []
    for basis in bases:
        parts = [_of_first(half, bases[-1], basis) for half in halves]
        merit = 0.0
        for one, other in (parts, parts[::-1]):
            v = np.linalg.lstsq(one.products, one.current, rcond=1e-10)[0]
            merit += float(np.trace(inverse @ (2 * v.T @ other.current - v.T @ other.products @ v)))
        merits.append(merit)
    return bases[int(np.argmax(merits))]


def _total(sums: list[Sums]) -> tuple[np.ndarray, ...]:
    whole: tuple[np.ndarray, ...] = sums[0]
    for each in sums[1:]:
        whole = added(whole, each)
    return whole


class Uncertainty:
    """The bound of the thermodynamic uncertainty relation for the current that makes it tightest.

    For every J that changes its sign when time is turned round, over one interval (Y. Hasegawa, T.
    Van Vu, Phys. Rev. Lett. 123, 110602 (2019)),

        sigma dt >= ln(1 + 2 <J>^2/Var J),

    whatever is hidden, however long dt is, and with noise; two rows that are means over an exposure
    see up to 2 dt, which is taken where steps go on in their direction. Of all w . c o dX the
    tightest is w = Cov^-1 <c o dX> (T. Van Vu, V. T. Vo, Y. Hasegawa, Phys. Rev. E 101, 042138
    (2020)), found in one half of the data and used in the other; at short intervals it becomes
    sigma (S. Otsubo et al., Phys. Rev. E 101, 062106 (2020)).
    """

    label = "uncertainty"
    assumes = "a stationary process that is even under time reversal; hidden variables may be"
    is_bound = True
    most = 240  # currents

    def refuses(self, data: Trajectories) -> str:
        """As `Forces`."""
        return Forces().refuses(data)

    def seconds(self, data: Trajectories) -> float:
        """Of the products of currents."""
        size = self._size(data)
        return 1.5e-9 * data.rows * size * (size / 3 + 12) + 1e-9 * size**3 + 0.05

    def _size(self, data: Trajectories) -> int:
        basis = self._basis(data)
        size = len(basis.factors) * data.components
        return size if size <= self.most else 2 * len(basis.factors)

    def _basis(self, data: Trajectories) -> Basis:
        found = basis_of(data, 1)
        assert found is not None
        for order in ORDERS[1:4]:
            basis = basis_of(data, order)
            if basis is None or len(basis.factors) * data.components > min(
                self.most, data.steps / 100
            ):
                break
            found = basis
        return found

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        basis = self._basis(data)
        pieces = data.blocks(PIECES)
        span = span_of(data)
        halves = pieces[0::2], pieces[1::2]
        numbers: list[tuple[np.ndarray, ...]] = [()] * len(pieces)
        for start, others in ((0, halves[1]), (1, halves[0])):
            weights = self._weights(others, basis)
            for i, piece in enumerate(halves[start]):
                numbers[start + 2 * i] = _moments(piece, basis, weights, start)

        def rate(sums: tuple[np.ndarray, ...]) -> float:
            (moments,) = sums  # of each half: steps, sum, sum of squares
            each = []
            for n, first, second in moments:
                if n > 0:
                    mean, square = first / n, second / n
                    variance = max(square - mean**2, 1e-300)
                    # the square of a mean is too large by its variance
                    signal = mean**2 - variance / n
                    each.append((n, np.log1p(max(2 * signal / variance, -0.5))))
            total = sum(n for n, _ in each)
            return float(sum(n * value for n, value in each) / total / span)

        found = jackknifed(numbers, rate)
        whole = rate((np.sum([moments for (moments,) in numbers], axis=0),))
        return within(whole, found.standard_error, len(pieces) - 1)

    def _weights(self, pieces: list[Trajectories], basis: Basis) -> np.ndarray:
        """w (functions, components)."""
        size, d = len(basis.factors), pieces[0].components
        if size * d > self.most:  # the best one of short intervals, D^-1 v
            sums = Sums(*_total([sums_of(each, basis) for each in pieces]))
            v = np.linalg.lstsq(sums.products, sums.current, rcond=1e-10)[0]
            return v @ np.linalg.inv(sums.square / sums.steps)
        count, mean, square = 0, np.zeros(size * d), np.zeros((size * d, size * d))
        for piece in pieces:
            for rows in piece.windows(2, max(256, (1 << 21) // (size * d))):
                functions = basis((rows[1:] + rows[:-1]) / 2)
                currents = (functions[:, :, None] * np.diff(rows, axis=0)[:, None, :]).reshape(
                    len(functions), -1
                )
                count += len(currents)
                mean += currents.sum(axis=0)
                square += currents.T @ currents
        return np.linalg.lstsq(square, mean, rcond=1e-10)[0].reshape(size, d)


def _moments(
    piece: Trajectories, basis: Basis, weights: np.ndarray, half: int
) -> tuple[np.ndarray, ...]:
    found = np.zeros((2, 3))
    for rows in piece.windows(2, max(256, (1 << 21) // len(weights))):
        functions = basis((rows[1:] + rows[:-1]) / 2)
        current = np.sum((functions @ weights) * np.diff(rows, axis=0), axis=1)
        found[half] += len(current), current.sum(), np.square(current).sum()
    return (found,)
