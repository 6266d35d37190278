"""What was traced and compiled in this process, for all programs that are the same but for the
values of their arguments.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

MOST = 16  # programs, the last ones used

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
