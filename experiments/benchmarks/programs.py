"""What a compiled program does, from its text, and what the machine could do at best.

XLA's own cost analysis counts the body of a loop once; here it counts as often as the loop is known
to turn.
"""

import collections
import dataclasses
import math
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

BYTES = {"pred": 1, "c64": 8, "c128": 16}  # of the others the name says how many bits
FREE = (
    "parameter",
    "constant",
    "tuple",
    "get-tuple-element",
    "bitcast",
    "while",
    "call",
    "conditional",
    "iota",
)
OPERATION = re.compile(r"^\s*(?:ROOT )?%(\S+) = (\(.*?\)|\S+) ([\w-]+)\(([^)]*)\)")
TRANSFORMS = {  # by the name in a compiled program: itself, its inverse
    "FFT": (jnp.fft.fftn, jnp.fft.ifftn),
    "IFFT": (jnp.fft.ifftn, jnp.fft.fftn),
    "RFFT": (jnp.fft.rfftn, jnp.fft.irfftn),
    "IRFFT": (jnp.fft.irfftn, jnp.fft.rfftn),
}


@dataclasses.dataclass(frozen=True)
class Limit:
    """What the machine reaches in a micro-benchmark."""

    what: str
    value: float
    unit: str


@dataclasses.dataclass(frozen=True)
class Operation:
    """An operation of a program: its kind, the type of its result, those of its operands, the whole
    line.
    """

    kind: str
    result: str
    operands: tuple[str, ...]
    line: str


def computations(program: str) -> tuple[str, dict[str, list[Operation]]]:
    """The name of the entry, and the operations of every computation by its name."""
    found, entry, name, types = {}, "", "", {}
    for line in program.splitlines():
        if head := re.match(r"^(ENTRY )?%?(\S+) \(.*\{$", line):
            name, types = head[2], {}
            found[name] = []
            entry = name if head[1] else entry
        elif name and (match := OPERATION.match(line)):
            of, result, kind, operands = match.groups()
            types[of] = result
            given = tuple(
                types.get(operand, "") for operand in re.findall(r"%([^\s,)]+)", operands)
            )
            found[name].append(Operation(kind, result, given, line))
    return entry, found


def executed(program: str) -> Iterator[tuple[Operation, int]]:
    """All operations outside of fusions, and how often each is done: of a loop of unknown length,
    once.
    """
    entry, found = computations(program)

    def of(name: str, times: int) -> Iterator[tuple[Operation, int]]:
        for operation in found[name]:
            yield operation, times
            turns = re.search(r'"known_trip_count":\{"n":"(\d+)"', operation.line)
            inner = times * int(turns[1]) if turns else times
            if operation.kind in ("while", "call"):
                for called in re.findall(r"(?:body|to_apply)=%([^\s,]+)", operation.line):
                    yield from of(called, inner)

    return of(entry, 1)


def sizes_of(types: str) -> list[int]:
    """Bytes of each array of a type."""

    def of(kind: str) -> int:
        return BYTES.get(kind) or int(re.sub(r"\D", "", kind)) // 8

    arrays = re.findall(r"([a-z]+[0-9]+|pred)\[([\d,]*)\]", types)
    return [of(kind) * math.prod(int(n) for n in shape.split(",") if n) for kind, shape in arrays]


def size_of(types: str) -> int:
    """Bytes of all arrays of a type."""
    return sum(sizes_of(types))


def bytes_moved(program: str) -> int:
    """What every operation reads and writes, as if nothing stayed in a cache."""
    return sum(
        times * sum(map(size_of, (operation.result, *operation.operands)))
        for operation, times in executed(program)
        if operation.kind not in FREE
    )


def transform_seconds(program: str) -> float:
    """What the transforms of a compiled program take by themselves, one after another."""
    counts: collections.Counter = collections.Counter()
    for operation, times in executed(program):
        if operation.kind == "fft":
            kind, length = re.search(
                r"fft_type=(\w+), fft_length=\{([\d,]+)\}", operation.line
            ).groups()  # pyright: ignore[reportOptionalMemberAccess]
            counts[re.search(r"\[([\d,]+)\]", operation.result)[1], kind, length] += times  # pyright: ignore[reportOptionalSubscript]
    total = 0.0
    for (shape, kind, length), count in counts.items():
        out, lengths = (tuple(map(int, numbers.split(","))) for numbers in (shape, length))
        batch, axes = out[: len(out) - len(lengths)], tuple(range(-len(lengths), 0))
        halved = (*lengths[:-1], lengths[-1] // 2 + 1)
        x = jnp.ones(
            (*batch, *(halved if kind == "IRFFT" else lengths)),
            float if kind == "RFFT" else complex,
        )
        total += count * pair_seconds(*TRANSFORMS[kind], x, axes) / 2
    return total


def pair_seconds(there: Callable, back: Callable, x: jax.Array, axes: tuple[int, ...]) -> float:
    """A transform and its inverse."""

    @jax.jit
    def repeated(x):
        return jax.lax.fori_loop(0, 20, lambda _, x: back(there(x, axes=axes), axes=axes), x)

    return seconds_of(lambda: jax.block_until_ready(repeated(x))) / 20


def seconds_of(function: Callable[[], Any], repeats: int = 5) -> float:
    """The best of several calls, as many as begin within three seconds, after one that compiles."""
    function()
    times = []
    while not times or (len(times) < repeats and sum(times) < 3):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def bandwidth(turns: int = 10) -> float:
    """Bytes a second of b = c + 3 b on two arrays of 128 MiB: in place, since new memory costs more
    than its use.
    """
    b = c = jnp.ones(2**24)
    triad = jax.jit(lambda b, c: jax.lax.fori_loop(0, turns, lambda _, b: c + 3 * b, b))
    return turns * 3 * b.nbytes / seconds_of(lambda: jax.block_until_ready(triad(b, c)))


def limits() -> Iterator[Limit]:
    """The machine's: memory, and complex transforms at 5 N log2 N operations each."""
    yield Limit("memory, triad on 256 MiB", bandwidth() / 1e9, "GB/s")
    for shape in ((1024,), (512, 512)):
        x, axes = jnp.ones(shape, complex), tuple(range(len(shape)))
        seconds = pair_seconds(jnp.fft.fftn, jnp.fft.ifftn, x, axes) / 2
        words = " x ".join(map(str, shape))
        yield Limit(
            f"complex transform, {words}", 5 * x.size * math.log2(x.size) / seconds / 1e9, "GFLOP/s"
        )
