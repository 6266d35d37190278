"""Entropies against antropy, ordpy, infomeasure and EntropyHub: python -m
experiments.benchmarks.entropy

Arrays are on the device. A run is the best of calls in a row, up to four within 20 ms, and its time
is that of warm caches: the first call finds them full of the last package. Errors are in nats, of
each side, physent too: from patterns or templates counted one by one in NumPy, and for the mutual
information of two Gaussian series from its closed form, where they are the scatter of the estimate.
"""

import functools

import numpy as np

from experiments.benchmarks.comparison import Case, Side, clocked, main

RHO = 0.6


def in_a_row(call):
    """A run of the best of several calls: its seconds and the value."""

    def run():
        times, value = [], None
        while not times or (len(times) < 4 and sum(times) < 0.02):
            seconds, value = clocked(call)
            times.append(seconds)
        return min(times), np.asarray(value)

    return run


@functools.cache
def series():
    return np.random.default_rng(0).standard_normal(100_000)


@functools.cache
def many():
    return np.random.default_rng(1).standard_normal((1000, 1000))


@functools.cache
def field():
    return np.random.default_rng(2).standard_normal((256, 256))


def short():
    return series()[:5000]


@functools.cache
def pair():
    x, noise = np.random.default_rng(3).standard_normal((2, 10_000))
    return x, RHO * x + np.sqrt(1 - RHO**2) * noise


# --------------------------------------------------------------------------------------------------
# exact values


def of_patterns(windows):
    """The entropy of the order patterns in windows (count, values), from their sorted order."""
    patterns = np.argsort(windows, axis=-1, kind="stable") @ windows.shape[-1] ** np.arange(
        windows.shape[-1]
    )
    p = np.unique(patterns, return_counts=True)[1] / len(windows)
    return -np.sum(p * np.log(p))


def of_series(x):
    return of_patterns(np.lib.stride_tricks.sliding_window_view(x, 5))


def of_squares(x):
    return of_patterns(np.lib.stride_tricks.sliding_window_view(x, (2, 2)).reshape(-1, 4))


def of_templates(x, m=2):
    """Sample entropy: pairs of the N - m first templates that agree within 0.2 standard deviations,
    all of them.
    """
    windows = np.lib.stride_tricks.sliding_window_view(x, m + 1)
    agreeing = np.zeros(2)
    for i in range(len(windows) - 1):
        away = np.abs(windows[i + 1 :] - windows[i]) <= 0.2 * x.std()
        shorter = away[:, :m].all(axis=1)
        agreeing += shorter.sum(), (shorter & away[:, m]).sum()
    return np.log(agreeing[0] / agreeing[1])


# --------------------------------------------------------------------------------------------------
# sides


def physent(data, call):
    """`call` of physent.entropy and arrays on the device."""
    import jax

    import physent.entropy

    on_device = [jax.device_put(array) for array in data()]
    return in_a_row(lambda: jax.block_until_ready(call(physent.entropy, *on_device)))


def peer(package, data, call):
    """`call` of a package and arrays."""
    module = __import__(package)
    arrays = data()
    return in_a_row(lambda: call(module, *arrays))


def workloads():
    """Name, data, our call, their calls, the exact value and what it is; values are in the same
    unit.
    """

    def permutations(package, x):
        return package.entropy(x, outcomes=package.Ordinal(order=5))

    def mutual(method):
        return lambda package, x, y: package.ksg_mutual_information(x, y, k=4, method=method)

    counted = "counted one by one"
    yield (
        "permutation entropy, order 5, 100,000 points",
        lambda: (series(),),
        permutations,
        {
            "antropy": lambda package, x: package.perm_entropy(x, order=5) * np.log(2),
            "ordpy": lambda package, x: package.permutation_entropy(
                x, dx=5, base="e", normalized=False
            ),
            "infomeasure": lambda package, x: package.entropy(
                x, approach="ordinal", embedding_dim=5
            ),
        },
        lambda: of_series(series()),
        counted,
    )
    yield (
        "permutation entropy, order 5, 1,000 series of 1,000 points",
        lambda: (many(),),
        permutations,
        {
            "antropy": lambda package, x: [
                package.perm_entropy(row, order=5) * np.log(2) for row in x
            ]
        },
        lambda: np.array([of_series(row) for row in many()]),
        counted,
    )
    yield (
        "spatial permutation entropy, 2 x 2, 256 x 256 points",
        lambda: (field(),),
        lambda package, x: package.entropy(x, outcomes=package.SpatialOrdinal()),
        {
            "ordpy": lambda package, x: package.permutation_entropy(
                x, dx=2, dy=2, base="e", normalized=False
            )
        },
        lambda: of_squares(field()),
        counted,
    )
    yield (
        "sample entropy, m = 2, 5,000 points",
        lambda: (short(),),
        lambda package, x: package.sample_entropy(x),
        {
            "antropy": lambda package, x: package.sample_entropy(x, order=2),
            "EntropyHub": lambda package, x: package.SampEn(x, m=2, r=0.2 * x.std())[0][2],
        },
        lambda: of_templates(short()),
        counted,
    )
    ksg = {
        "infomeasure": lambda package, x, y: package.mutual_information(
            x, y, approach="ksg", k=4, noise_level=0
        )
    }
    for method in ("pairs", "tree"):
        yield (
            f"mutual information, KSG 1, k = 4, 10,000 points ({method})",
            pair,
            mutual(method),
            ksg,
            lambda: -np.log(1 - RHO**2) / 2,
            "-ln(1 - rho^2)/2",
        )


def cases():
    for name, data, own, peers, exact, against in workloads():
        value = functools.cache(exact)

        def error(result, value=value):
            return float(np.max(np.abs(result[1] - value())))

        def side(package, prepare, threads, error=error):
            return Side(
                package,
                prepare,
                "warm",
                threads=threads,
                seconds=lambda result: result[0],
                error=error,
            )

        sides = [side("physent", functools.partial(physent, data, own), Side.threads)]
        sides += [
            side(package, functools.partial(peer, package, data, call), 1)
            for package, call in peers.items()
        ]
        yield Case(name, tuple(sides), against)


if __name__ == "__main__":
    main("entropy", cases)
