"""What the devices of a compiled program send each other."""

import math
import re
from typing import Any, NamedTuple

KINDS = ("all-gather", "all-to-all", "all-reduce", "collective-permute", "reduce-scatter", "collective-broadcast")
_BYTES = {"pred": 1, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "f16": 2, "bf16": 2, "c64": 8, "c128": 16}
_LINE = re.compile(rf"= (.*?) ({'|'.join(KINDS)})(-start)?\(")
_SHAPE = re.compile(r"([a-z]+[0-9]+|pred)\[([0-9,]*)\]")


class Exchange(NamedTuple):
    """One collective operation: its kind, and the bytes of its result on one device.

    One that is started here and awaited later gives back its operand too, in front: the result is the last of them.
    """

    kind: str
    size: int


def exchanges(compiled: Any) -> list[Exchange]:
    """Every collective of a compiled program (what `jax.jit(f).lower(...).compile()` gives), as often as it is written.

    One in a loop is written once and done as often as the loop turns.
    """
    found = []
    for shapes, kind, started in _LINE.findall(compiled.as_text()):
        sizes = [
            _bytes(dtype) * math.prod(int(n) for n in dims.split(",") if n) for dtype, dims in _SHAPE.findall(shapes)
        ]
        found.append(Exchange(kind, sizes[-1] if started else sum(sizes)))
    return found


def _bytes(dtype: str) -> int:
    return _BYTES.get(dtype) or int(re.sub(r"\D", "", dtype)) // 8
