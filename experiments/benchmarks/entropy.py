"""Entropies against antropy, ordpy, infomeasure and EntropyHub: python -m experiments.benchmarks.entropy

Arrays are on the device. A run is the best of calls in a row, up to four within 20 ms: the first one finds the caches
full of the last package. Errors are the largest difference of each peer's values from physent's, in nats, normalised
where they are.
"""

import functools
import time

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

import physent.entropy as ours  # noqa: E402 (float64 first)
from experiments.benchmarks.comparison import Case, Side, main  # noqa: E402


def in_a_row(call):
    """A run of the best of several calls: its seconds and the value."""

    def run():
        times, value = [], None
        while not times or (len(times) < 4 and sum(times) < 0.02):
            start = time.perf_counter()
            value = call()
            times.append(time.perf_counter() - start)
        return min(times), np.asarray(value)

    return run


def workloads(rng):
    """Name, our call, their calls; each gives a value, in the same unit."""
    import antropy
    import EntropyHub
    import infomeasure
    import ordpy

    series, many = rng.standard_normal(100_000), rng.standard_normal((1000, 1000))
    order = ours.Ordinal(order=5)
    on_device, batch = jax.device_put(series), jax.device_put(many)
    yield (
        "permutation entropy, order 5, 100,000 points",
        lambda: ours.entropy(on_device, outcomes=order),
        {
            "antropy": lambda: antropy.perm_entropy(series, order=5) * np.log(2),
            "ordpy": lambda: ordpy.permutation_entropy(series, dx=5, base="e", normalized=False),
            "infomeasure": lambda: infomeasure.entropy(series, approach="ordinal", embedding_dim=5),
        },
    )
    yield (
        "permutation entropy, order 5, 1,000 series of 1,000 points",
        lambda: ours.entropy(batch, outcomes=order),
        {"antropy": lambda: [antropy.perm_entropy(row, order=5) * np.log(2) for row in many]},
    )
    field = rng.standard_normal((256, 256))
    plane = jax.device_put(field)
    yield (
        "spatial permutation entropy, 2 x 2, 256 x 256 points",
        lambda: ours.entropy(plane, outcomes=ours.SpatialOrdinal()),
        {"ordpy": lambda: ordpy.permutation_entropy(field, dx=2, dy=2, base="e", normalized=False)},
    )
    short = series[:5000]
    brief = jax.device_put(short)
    yield (
        "sample entropy, m = 2, 5,000 points",
        lambda: ours.sample_entropy(brief),
        {
            "antropy": lambda: antropy.sample_entropy(short, order=2),
            "EntropyHub": lambda: EntropyHub.SampEn(short, m=2, r=0.2 * short.std())[0][2],
        },
    )
    x = rng.standard_normal(10_000)
    y = 0.6 * x + 0.8 * rng.standard_normal(10_000)
    peers = {"infomeasure": lambda: infomeasure.mutual_information(x, y, approach="ksg", k=4, noise_level=0)}
    for method in ("pairs", "tree"):
        information = functools.partial(ours.ksg_mutual_information, x, y, k=4, method=method)
        yield f"mutual information, KSG 1, k = 4, 10,000 points ({method})", information, peers


def cases():
    for name, own, peers in workloads(np.random.default_rng(0)):
        value = functools.cache(lambda own=own: np.asarray(own()))
        sides = [Side("physent", in_a_row(lambda own=own: jax.block_until_ready(own())), seconds=lambda r: r[0])]
        for peer, call in peers.items():
            apart = lambda result, value=value: float(np.max(np.abs(result[1] - value())))  # noqa: E731
            sides.append(Side(peer, in_a_row(call), threads=1, seconds=lambda r: r[0], error=apart))
        yield Case(name, tuple(sides), "physent's value")


if __name__ == "__main__":
    main("entropy", cases)
