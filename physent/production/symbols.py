"""Entropy production of sequences of symbols by how well they can be compressed."""

import numpy as np

from physent.production.chains import not_states
from physent.production.estimator import Estimate, within
from physent.production.trajectories import Trajectories

LONGEST = 200_000  # symbols that are parsed
PARTS = 8


class Compression:
    """The divergence of a sequence from its reversed one by parsing each with another part of it.

    A part is cut into the longest phrases that occur in the other half, in C phrases of n symbols,
    and so is the reversed part: C/n ln n are entropies a symbol, cross and own, whose difference is
    the rate (J. Ziv, N. Merhav, IEEE Trans. Inf. Theory 39, 1270 (1993); S. Ro et al., Phys. Rev.
    Lett. 129, 220601 (2022)). Any memory is seen; the bias falls as 1/ln n, in both alike.
    """

    label = "compression"
    assumes = "a stationary sequence; hidden states may be; a bias that falls as 1/ln n"
    is_bound = False

    def refuses(self, data: Trajectories) -> str:
        """As `Words`, and more states than a byte has."""
        if said := not_states(data):
            return said
        if len(data.labels) > 256:
            return "more than 256 states"
        longest = max(map(len, data.states))
        return "" if longest >= 5000 else f"no part has 5000 rows ({longest})"

    def seconds(self, data: Trajectories) -> float:
        """Of sorting suffixes and of the searches in them."""
        return 2.5e-5 * min(max(map(len, data.states)), LONGEST) + 0.05

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        longest = max(data.states, key=len)[:LONGEST].astype(np.uint8)
        half = len(longest) // 2
        values = []
        for known, new in ((longest[:half], longest[half:]), (longest[half:], longest[:half])):
            text = known.tobytes()
            order = suffixes(known)
            for piece in np.array_split(new, PARTS):
                own = _phrases(text, order, piece.tobytes())
                cross = _phrases(text, order, piece[::-1].tobytes())
                values.append((cross - own) / len(piece) * np.log(half))
        found = np.asarray(values) / data.dt
        return within(
            float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found))), len(found) - 1
        )


def suffixes(x: np.ndarray) -> np.ndarray:
    """Where suffixes of x (n,) begin, sorted, by doubling the length that is compared."""
    n, length = len(x), 1
    rank = np.unique(x, return_inverse=True)[1].astype(np.int64)
    while True:
        later = np.full(n, -1, np.int64)
        later[: n - length] = rank[length:]
        code = rank * (n + 1) + later + 1
        order = np.argsort(code, kind="stable")
        new = np.zeros(n, np.int64)
        new[order[1:]] = np.cumsum(np.diff(code[order]) > 0)
        rank, length = new, 2 * length
        if rank[order[-1]] == n - 1 or length >= n:
            return order


def _phrases(text: bytes, order: np.ndarray, piece: bytes) -> int:
    """How many of the longest phrases of a text make up a piece."""
    places, n = order.tolist(), len(piece)
    count, at, size = 0, 0, 32
    while at < n:
        size = 32
        while True:
            word = piece[at : at + size]
            low, high = 0, len(places)
            while low < high:
                middle = (low + high) // 2
                if text[places[middle] : places[middle] + size] < word:
                    low = middle + 1
                else:
                    high = middle
            best = max(
                _shared(text[places[i] : places[i] + size], word)
                for i in (low - 1, low)
                if 0 <= i < len(places)
            )
            if best < size or at + size >= n:
                break
            size *= 4
        at += max(best, 1)
        count += 1
    return count


def _shared(one: bytes, other: bytes) -> int:
    """The length of the beginning that two have in common."""
    n = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        n += 1
    return n
