"""Entropies against antropy, ordpy, infomeasure and EntropyHub: time and agreement, in one process.

    pip install 'physent[bench]' && python experiments/benchmarks/entropy.py [--repeats 7]

Every line runs all packages in turn, several times; the best of each counts. Our time is after compilation, which
stands beside it; theirs after one call, which compiles what they compile. The ratio is against the fastest of them.
Values are compared in nats, normalised where they are. Prints Markdown.
"""

import argparse
import functools
import os
import platform
import time

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

import physent.entropy as ours  # noqa: E402 (float64 first)


def clock(call) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def at_best(function):
    """The best of calls in a row, up to four within 20 ms: the first one finds the caches full of the last package."""
    times = [clock(function)]
    while len(times) < 4 and sum(times) < 0.02:
        times.append(clock(function))
    return min(times)


def measure(own, peers: dict, repeats: int):
    """The compile time, the best times by name, and the values by name."""
    compilation = clock(lambda: jax.block_until_ready(own()))
    values = {"physent": np.asarray(own())} | {name: np.asarray(peer()) for name, peer in peers.items()}
    times = {name: [] for name in values}
    for _ in range(repeats):
        times["physent"].append(at_best(lambda: jax.block_until_ready(own())))
        for name, peer in peers.items():
            times[name].append(at_best(peer))
    return compilation, {name: min(all_times) for name, all_times in times.items()}, values


def cases(rng):
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{platform.machine()}, {cores} cores, load {load:.1f}; jax {jax.__version__}; float64; best of {repeats}\n")
    print("| what | physent | compilation | others | ratio to the fastest | largest difference |")
    print("|" + "---|" * 6)
    for name, own, peers in cases(np.random.default_rng(0)):
        compilation, times, values = measure(own, peers, repeats)
        others = ", ".join(f"{peer} {times[peer] * 1e3:.1f} ms" for peer in peers)
        fastest = min(times[peer] for peer in peers)
        difference = max(float(np.max(np.abs(values["physent"] - values[peer]))) for peer in peers)
        print(
            f"| {name} | {times['physent'] * 1e3:.2f} ms | {compilation:.1f} s | {others} "
            f"| {fastest / times['physent']:.1f} | {difference:.0e} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
