"""What the devices of a compiled program send each other."""

from typing import Any, NamedTuple

from experiments.benchmarks.programs import OPERATION, sizes_of

KINDS = (
    "all-gather",
    "all-to-all",
    "all-reduce",
    "collective-permute",
    "reduce-scatter",
    "collective-broadcast",
)


class Exchange(NamedTuple):
    """One collective operation: its kind, and the bytes of its result on one device.

    One that is started here and awaited later gives back its operand too, in front: the result is
    the last of them.
    """

    kind: str
    size: int


def exchanges(compiled: Any) -> list[Exchange]:
    """Every collective of a compiled program (what `jax.jit(f).lower(...).compile()` gives), as
    often as it is written.

    One in a loop is written once and done as often as the loop turns.
    """
    found = []
    for line in compiled.as_text().splitlines():
        if match := OPERATION.match(line):
            _, result, written, _ = match.groups()
            kind, sizes = written.removesuffix("-start"), sizes_of(result)
            if kind in KINDS:
                found.append(Exchange(kind, sum(sizes) if kind == written else sizes[-1]))
    return found
