"""`checkpoint.eqx`: the state that continues a run bit for bit, replaced atomically.

One line of JSON (what it belongs to, the digest of the leaves, and one of itself), then the leaves
of (state, carries) as equinox serialises them; random keys go as their key data.
"""

import hashlib
import json
from pathlib import Path
from typing import IO, Any

import equinox as eqx
import jax
import jax.numpy as jnp

from physent.io.digests import SEAL, sealed, unsealed
from physent.io.replacing import replacing

FORMAT = 2  # of a checkpoint; those of version 0.1 have no number, those before 2 no digests
LEAVES = "leaves"
OTHER = "its leaves are not as they were written: their digest is another"


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


class _Hashing:
    """Hashes what is written to a file."""

    def __init__(self, file: IO[bytes]):
        self.file, self.digest = file, hashlib.sha256()

    def write(self, data: Any) -> int:
        """Write and hash."""
        self.digest.update(data)
        return self.file.write(data)


def save(path: Path, header: dict[str, Any], tree: Any) -> None:
    """Write header and tree to `path`; a reader sees the old checkpoint or the new one, never half
    of it.
    """
    plain = jax.tree.map(lambda leaf: jax.random.key_data(leaf) if _is_key(leaf) else leaf, tree)
    header = {"format": FORMAT} | header

    def line(digest: str) -> bytes:
        return (json.dumps(sealed(header | {LEAVES: digest})) + "\n").encode()

    # always the same name: what a killed run leaves, the one that goes on replaces
    new = path.with_name(f"{path.name}.new")
    with replacing(path, new) as beside, open(beside, "wb") as file:
        file.write(line("0" * 64))  # of the same length as the line to come
        hashing: Any = _Hashing(file)
        eqx.tree_serialise_leaves(hashing, plain)
        file.seek(0)
        file.write(line(hashing.digest.hexdigest()))


def read_header(path: Path) -> dict[str, Any]:
    """The JSON line of a checkpoint. Raises ValueError where it is damaged, or not as it was
    written; one of a later format is returned as it is.
    """
    with open(path, "rb") as file:
        header = _header(file)
    return {name: value for name, value in header.items() if name != LEAVES}


def _header(file: IO[bytes]) -> dict[str, Any]:
    try:
        header = json.loads(file.readline())
    except RecursionError:
        raise ValueError("its first line is not that of a checkpoint") from None
    if not isinstance(header, dict):
        raise ValueError("its first line is not that of a checkpoint")
    number = header.get("format", 0)
    if type(number) is not int:
        raise ValueError(f"its format is {number!r}")
    if number > FORMAT or (number < 2 and SEAL not in header):
        return header
    return unsealed(header)


def check(path: Path) -> dict[str, Any]:
    """The JSON line of a checkpoint whose leaves are as they were written; else ValueError."""
    with open(path, "rb") as file:
        header = _header(file)
        leaves = header.pop(LEAVES, None)
        if leaves not in (None, hashlib.file_digest(file, "sha256").hexdigest()):
            raise ValueError(OTHER)
    return header


def load(path: Path, like: Any, *, whole: bool = True) -> Any:
    """The tree of a checkpoint, or, unless `whole`, its first leaves, such as the state; `like` has
    its structure, with arrays or their shapes as leaves.

    Raises ValueError for a file that is damaged, or of another structure.
    """

    def data_like(leaf: Any) -> Any:
        return jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf

    check(path)
    with open(path, "rb") as file:
        file.readline()
        try:
            plain = eqx.tree_deserialise_leaves(file, jax.tree.map(data_like, like))
        except Exception as error:  # numpy's reader raises anything for bytes that are no array
            first = (str(error).strip() or repr(error)).splitlines()[0]
            raise ValueError(f"its leaves are not those of this run ({first[:200]})") from None
        if whole and file.read(1):
            raise ValueError("its leaves are not those of this run (there are more)")
    return jax.tree.map(
        lambda leaf, wanted: jax.random.wrap_key_data(leaf) if _is_key(wanted) else leaf,
        plain,
        like,
    )
