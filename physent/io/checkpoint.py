"""`checkpoint.eqx`: the state that continues a run bit for bit, replaced atomically.

One line of JSON (what it belongs to), then the leaves of (state, carries) as equinox serialises
them; random keys go as their key data.
"""

import json
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from physent.io.replacing import replacing

FORMAT = 1  # of a checkpoint; those of version 0.1 have no number


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def save(path: Path, header: dict[str, Any], tree: Any) -> None:
    """Write header and tree to `path`; a reader sees the old checkpoint or the new one, never half
    of it.
    """
    plain = jax.tree.map(lambda leaf: jax.random.key_data(leaf) if _is_key(leaf) else leaf, tree)
    # always the same name: what a killed run leaves, the one that goes on replaces
    new = path.with_name(f"{path.name}.new")
    with replacing(path, new) as beside, open(beside, "wb") as file:
        file.write((json.dumps({"format": FORMAT} | header) + "\n").encode())
        eqx.tree_serialise_leaves(file, plain)


def read_header(path: Path) -> dict[str, Any]:
    """The JSON line of a checkpoint."""
    with open(path, "rb") as file:
        return json.loads(file.readline())


def load(path: Path, like: Any) -> Any:
    """The tree of a checkpoint; `like` has its structure, with arrays or their shapes as leaves."""

    def data_like(leaf: Any) -> Any:
        return jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf

    with open(path, "rb") as file:
        file.readline()
        plain = eqx.tree_deserialise_leaves(file, jax.tree.map(data_like, like))
    return jax.tree.map(
        lambda leaf, wanted: jax.random.wrap_key_data(leaf) if _is_key(wanted) else leaf,
        plain,
        like,
    )
