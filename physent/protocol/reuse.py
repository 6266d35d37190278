"""What was traced and compiled in this process, for all programs that are the same but for the
values of their arguments.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import jaxlib.version

MOST = 16  # programs, the last ones used

# How to compile a program that runs once: what takes long to make fast is not worth it. The older
# emitters and one piece instead of 32 take a quarter of the time (measured: 0.04 against 0.18 s
# for the derivatives of three invariants); an unknown option is an error, hence the version.
QUICK: dict[str, Any] = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
}
if jaxlib.version.__version__.startswith(("0.9.", "0.10.")):
    QUICK |= {"xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": 1}

_programs: OrderedDict[Hashable, dict[Hashable, Any]] = OrderedDict()
_lock = threading.Lock()


def made_for(key: Hashable | None) -> dict[Hashable, Any]:
    """What is kept for all programs with a key of `identity.key_of`, to look into and to add to; a
    new table for None.
    """
    if key is None:
        return {}
    with _lock:
        kept = _programs.setdefault(key, {})
        _programs.move_to_end(key)
        while len(_programs) > MOST:
            _programs.popitem(last=False)
    return kept


def forget() -> None:
    """Let go of everything that is kept."""
    with _lock:
        _programs.clear()
