"""Entropy production of sequences of states: by counts of steps, by rates, by words, by waiting
times.

Whatever is seen of a stationary process, the distribution p of n + 1 rows that follow each other
and that of the same rows backward, p~, bound its rate from below (E. Roldan, J. M. R. Parrondo,
Phys. Rev. Lett. 105, 150607 (2010)):

    sigma >= sum_w p(w) ln[p(w)/p~(w)] / (n dt),

with equality at n = 1 for a Markov chain of which all is seen, a step being its unit of time.
"""

from collections import Counter

import numpy as np
from scipy.special import digamma

from physent.production.estimator import PIECES, Estimate, jackknifed, within
from physent.production.trajectories import MOST_STATES, Trajectories

DENSE = 400  # states of which the chain's own fluctuations are computed
DRAWS = 100
ENOUGH, RARE = 5, 0.01  # times a word is seen; share of words that are seen less


def counts_of(data: Trajectories) -> np.ndarray:
    """Steps from each state to each other, (states, states)."""
    size = len(data.labels)
    counts = np.zeros(size * size)
    for each in data.states:
        counts += np.bincount(each[:-1] * size + each[1:], minlength=size * size)
    return counts.reshape(size, size)


def divergence(forward: np.ndarray, backward: np.ndarray) -> float:
    """sum p ln(p/q) per count, of counts of the same things forward and backward, without the bias
    of few counts: E[n psi(n)] = m ln m and E[psi(n + 1)] = ln m of Poisson's n of mean m, up to
    terms that fall exponentially. What never occurs backward counts as if seen half a time or so.
    """
    seen = forward > 0
    n, back = forward[seen], backward[seen]
    return float(np.sum(n * (digamma(n) - digamma(back + 1))) / np.sum(forward))


def not_states(data: Trajectories) -> str:
    """Why these are no sequences of states that can be counted; empty where they are."""
    if not data.discrete:
        return "these are numbers, no states"
    if len(data.labels) < 2:
        return "there is one state only"
    if len(data.labels) > MOST_STATES:
        return f"more than {MOST_STATES} states"
    if np.any(data.parity == -1):
        return "states that turn round with time are not taken"
    return ""


def _few(data: Trajectories, least: int) -> str:
    return "" if data.steps >= least else f"{data.steps} steps are too few (at least {least})"


class MarkovChain:
    """sum p_ij ln(p_ij/p_ji)/dt by counts of steps, with the error of the chain that was counted.

    That error has the fluctuations of g_ij = ln(p_ij/p_ji) + 1 - p_ji/p_ij along the chain, what
    sigma changes by with p_ij, with their correlations in time.
    """

    label = "markov_chain"
    assumes = "a stationary sequence; equal to the truth for a Markov chain of which all is seen"
    is_bound = True

    def refuses(self, data: Trajectories) -> str:
        """Numbers, and less than ten steps a state."""
        return not_states(data) or _few(data, 10 * len(data.labels))

    def seconds(self, data: Trajectories) -> float:
        """Of counting, and of one matrix of the chain."""
        return 1e-8 * data.rows + 1e-9 * min(len(data.labels), DENSE) ** 3 + 0.01

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        size = len(data.labels)
        if size > DENSE:
            pieces = [_sparse(each) for each in data.blocks(PIECES)]
            found = jackknifed(pieces, _sparse_rate, lambda a, b: a + b)
            return _per_time(found, data.dt)
        counts = counts_of(data)
        rate = divergence(_moves(counts), _moves(counts.T)) * _moves(counts).sum() / counts.sum()
        p = counts / counts.sum()
        moved = (p > 0) & ~np.eye(size, dtype=bool)
        back = np.maximum(p.T, 0.5 / counts.sum())
        g = np.zeros_like(p)
        g[moved] = np.log(p[moved] / back[moved]) + 1 - p.T[moved] / p[moved]
        error = np.sqrt(long_run_variance(counts, g) / counts.sum())
        return _per_time(within(rate, error), data.dt)


def _moves(counts: np.ndarray) -> np.ndarray:
    return counts - np.diag(np.diag(counts))


def _per_time(found: Estimate, dt: float) -> Estimate:
    return Estimate(*(each / dt for each in found))


def long_run_variance(counts: np.ndarray, g: np.ndarray) -> float:
    """N Var of the mean of g along N steps of the chain with these counts (states, states)."""
    used = counts.sum(axis=1) > 0
    counts, g = counts[np.ix_(used, used)], g[np.ix_(used, used)]
    total = counts.sum(axis=1, keepdims=True)
    p, pi = counts / total, total[:, 0] / counts.sum()
    mean = float(np.sum(counts * g) / counts.sum())
    g = g - mean
    ahead = np.sum(p * g, axis=1)
    size = len(p)
    later = np.linalg.lstsq(np.eye(size) - p + np.outer(np.ones(size), pi), ahead, rcond=None)[0]
    joint = p * pi[:, None]
    return max(float(np.sum(joint * g * g) + 2 * np.sum(joint * g * later[None, :])), 0.0)


def _sparse(data: Trajectories) -> dict[int, int]:
    size, found = len(data.labels), Counter[int]()
    for each in data.states:
        codes, times = np.unique(each[:-1] * size + each[1:], return_counts=True)
        found.update(dict(zip(codes.tolist(), times.tolist(), strict=True)))
        found[-size] += 0  # so that the size comes along
    return found


def _sparse_rate(found: dict[int, int]) -> float:
    size = -min(found)
    codes = np.asarray([code for code in found if code >= 0])
    n = np.asarray([found[int(code)] for code in codes], float)
    i, j = codes // size, codes % size
    back = np.asarray([found.get(int(b * size + a), 0) for a, b in zip(i, j, strict=True)], float)
    moved = i != j
    return divergence(n[moved], back[moved]) * n[moved].sum() / n.sum()


class MarkovRates:
    """sum pi_i W_ij ln(W_ij/W_ji) of a process in continuous time that is seen every dt.

    The rates W are ln P/dt of P_ij = n_ij/sum_j n_ij, so what happens between two rows counts, too.
    Bias and error are those of counts drawn from the fitted chain.
    """

    label = "markov_rates"
    assumes = "a stationary Markov process in continuous time, all states seen, every dt"
    is_bound = False

    def refuses(self, data: Trajectories) -> str:
        """A sequence that always or hardly ever moves, and more than 100 states."""
        if said := not_states(data) or _few(data, 50 * len(data.labels)):
            return said
        if len(data.labels) > 100:
            return "more than 100 states"
        counts = counts_of(data)
        stay = np.diag(counts) / np.maximum(counts.sum(axis=1), 1)
        if np.any(stay == 0):
            return "a state is never seen twice in a row, so these are steps and no samples in time"
        if _generator(counts) is None:
            return "its steps are no samples of a process in continuous time (no real logarithm)"
        return ""

    def seconds(self, data: Trajectories) -> float:
        """Of the logarithms of draws."""
        return 1e-8 * data.rows + 2e-7 * DRAWS * (len(data.labels) + 8) ** 3

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        counts = counts_of(data)
        rate = _rate_of(counts)
        p = counts / counts.sum(axis=1, keepdims=True)
        drawn = []
        for _ in range(DRAWS):
            again = draw.multinomial(counts.sum(axis=1).astype(int), p)
            drawn.append(_rate_of(again.astype(float)) / data.dt)
        found = np.asarray(drawn)
        found = found[np.isfinite(found)]
        if not np.isfinite(rate) or len(found) < 0.9 * DRAWS:
            return Estimate(np.nan, np.nan, np.nan, np.nan)
        return within(2 * rate / data.dt - found.mean(), float(found.std(ddof=1)))


def _generator(counts: np.ndarray) -> np.ndarray | None:
    """ln P, or None where there is none that is real."""
    p = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    w, v = (np.asarray(each, complex) for each in np.linalg.eig(p))
    if np.any((np.real(w) <= 0) & (np.abs(np.imag(w)) < 1e-12)) or np.linalg.cond(v) > 1e10:
        return None
    return ((v * np.log(w)) @ np.linalg.inv(v)).real


def _rate_of(counts: np.ndarray) -> float:
    """The rate per row; a step that is less frequent than an error of its rate is none."""
    w = _generator(counts)
    if w is None:
        return np.nan
    total = counts.sum(axis=1, keepdims=True)
    least = 3 * np.sqrt(np.maximum(counts / total, 1 / total) / total)
    pi = stationary(counts / total)
    both = (w > least) & (w.T > least.T) & ~np.eye(len(w), dtype=bool)
    flow = pi[:, None] * np.where(both, w, 0)
    ratio = np.ones_like(flow)
    ratio[both] = flow[both] / flow.T[both]
    return float(np.sum(flow * np.log(ratio)))


def stationary(p: np.ndarray) -> np.ndarray:
    """pi P = pi."""
    size = len(p)
    system = np.vstack([p.T - np.eye(size), np.ones(size)])
    return np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)[0]


class Words:
    """The bound of words of n + 1 rows, the n for which counting them is good enough.

    n is the largest, of 8 at most, with few words whose reversed ones are hardly ever seen; where
    states are hidden, longer words see more.
    """

    label = "words"
    assumes = "a stationary sequence"
    is_bound = True

    def refuses(self, data: Trajectories) -> str:
        """As chains, and data of less than a thousand steps."""
        return not_states(data) or _few(data, max(1000, 20 * len(data.labels)))

    def seconds(self, data: Trajectories) -> float:
        """Of sorting words, each length once and the last for each piece."""
        return 1.2e-6 * data.rows + 0.05

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        size, best = len(data.labels), 1
        for n in range(2, 9):
            if size ** (n + 1) > 2**62 or not self._counted(data, n):
                break
            best = n
        every, _ = self._words(data, best)
        back = _reversed(every, size, best)
        place = _places(every, back)
        pieces = []
        for each in data.blocks(PIECES):
            words, times = self._words(each, best)
            counts = np.zeros(len(every) + 1)
            counts[np.searchsorted(every, words)] = times
            pieces.append((counts,))
        same = back == every

        def rate(sums: tuple[np.ndarray]) -> float:
            n = sums[0]
            n, backward, total = n[:-1][~same], n[place][~same], n.sum()
            return divergence(n, backward) * n.sum() / total if n.sum() else 0.0

        whole = rate((np.sum([counts for (counts,) in pieces], axis=0),))
        found = jackknifed(pieces, rate)
        # of counts the bias is known, so the jackknife is asked for the error alone
        return _per_time(within(whole, found.standard_error, PIECES - 1), data.dt * best)

    def _counted(self, data: Trajectories, n: int) -> bool:
        """Whether words that are seen backward less than ten times are rare."""
        every, times = self._words(data, n)
        back = np.append(times, 0)[_places(every, _reversed(every, len(data.labels), n))]
        return float(times[back < ENOUGH].sum()) <= RARE * float(times.sum())

    def _words(self, data: Trajectories, n: int) -> tuple[np.ndarray, np.ndarray]:
        size, codes = len(data.labels), []
        for each in data.states:
            if len(each) > n:
                code = np.zeros(len(each) - n, np.int64)
                for k in range(n + 1):
                    code = code * size + each[k : len(each) - n + k]
                codes.append(code)
        return np.unique(np.concatenate(codes or [np.zeros(0, np.int64)]), return_counts=True)


def _places(every: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each is in the sorted `every`, whose length stands for nowhere."""
    place = np.searchsorted(every, wanted)
    there = every[np.minimum(place, len(every) - 1)] == wanted
    return np.where(there, place, len(every))


def _reversed(codes: np.ndarray, size: int, n: int) -> np.ndarray:
    back, rest = np.zeros_like(codes), codes.copy()
    for _ in range(n + 1):
        back, rest = back * size + rest % size, rest // size
    return back


class WaitingTimes:
    """The bound of two moves that follow each other and the time between them.

    Of moves I = (i to j), J and the time t between, and the reversed ones, with f moves a unit of
    time: sigma >= (f/2) sum p(I, t, J) ln[p(I, t, J)/p(J~, t, I~)] (J. van der Meer, B. Ertel, U.
    Seifert, Phys. Rev. X 12, 031025 (2022)). Times are counted in classes of doubling width.
    """

    label = "waiting_times"
    assumes = "a stationary sequence; times between moves tell what states do not"
    is_bound = True

    def refuses(self, data: Trajectories) -> str:
        """As chains, and where it never stays."""
        if said := not_states(data) or _few(data, max(1000, 20 * len(data.labels))):
            return said
        if not any(np.any(each[1:] == each[:-1]) for each in data.states):
            return "every row is a move, so there are no times between them"
        if len(data.labels) > 300:
            return "more than 300 states"
        return ""

    def seconds(self, data: Trajectories) -> float:
        """Of sorting moves."""
        return 3e-7 * data.rows + 0.05

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        pieces = []
        size = len(data.labels)
        for piece in data.blocks(PIECES):
            codes, rows = [], 0
            for each in piece.states:
                rows += len(each) - 1
                moves = np.flatnonzero(each[1:] != each[:-1])
                if len(moves) > 1:
                    wait = np.log2(np.diff(moves)).astype(np.int64)
                    one, other = each[moves], each[moves + 1]
                    codes.append(
                        (((one[:-1] * size + other[:-1]) * 64 + wait) * size + one[1:]) * size
                        + other[1:]
                    )
            pieces.append((np.concatenate(codes or [np.zeros(0, np.int64)]), rows))
        every = np.unique(np.concatenate([codes for codes, _ in pieces]))
        if not len(every):
            return Estimate(np.nan, np.nan, np.nan, np.nan)
        rest, d = np.divmod(every, size)
        rest, c = np.divmod(rest, size)
        rest, wait = np.divmod(rest, 64)
        a, b = np.divmod(rest, size)
        back = (((d * size + c) * 64 + wait) * size + b) * size + a
        place = _places(every, back)
        sums = [
            (np.bincount(np.searchsorted(every, codes), minlength=len(every) + 1), np.asarray(rows))
            for codes, rows in pieces
        ]
        same = back == every

        def rate(sums: tuple[np.ndarray, ...]) -> float:
            n = sums[0].astype(float)
            n, backward = n[:-1][~same], n[place][~same]
            return divergence(n, backward) * n.sum() / float(sums[1]) / 2 if n.sum() else 0.0

        whole = rate((np.sum([n for n, _ in sums], axis=0), np.sum([rows for _, rows in sums])))
        found = jackknifed(sums, rate)
        return _per_time(within(whole, found.standard_error, PIECES - 1), data.dt)
