"""The nearest match to a misspelt name."""

import difflib
from collections.abc import Iterable


def nearest(word: str, words: Iterable[str]) -> str:
    """', did you mean X?' for the entry of `words` that is spelt most like `word`, or nothing."""
    match = difflib.get_close_matches(str(word), [str(entry) for entry in words], n=1, cutoff=0.5)
    return f", did you mean {match[0]}?" if match else ""
