"""One run on many devices: which devices, how the work is shared, and what the processes must agree
on.

With members each device runs its share of them, by itself. One member alone is cut into slabs along
the axes that its solver names (`Solver.split`), and `physent.numerics.slab` does what the compiler
cannot do without gathering.
"""

import math
import os
import sys
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding

from physent.errors import ParameterError, RunError
from physent.numerics.slab import AXIS

MEMBERS = "members"
MOST = 1024  # devices that a refusal looks among for those that would fit
T = TypeVar("T")


def count_of(devices: int | Literal["all"]) -> int:
    """The number of devices requested by `run.devices`. Raises ParameterError if fewer are
    available.
    """
    there = jax.device_count()
    if devices == "all":
        return there
    if devices > there:
        hint = (
            ", or XLA_FLAGS=--xla_force_host_platform_device_count=n, which splits one processor "
            "into n devices"
        )
        words = (
            f"given {devices}, but there {'is' if there == 1 else 'are'} {there} of "
            f"{jax.default_backend()}"
        )
        raise ParameterError(
            "run.devices", f"{words}, allowed: 'all' or 1 to {there}{hint * (there == 1)}"
        )
    if devices < there and jax.process_count() > 1:
        raise ParameterError(
            "run.devices",
            f"given {devices}, allowed with {jax.process_count()} processes: 'all', which is "
            f"{there}",
        )
    return devices


def mesh_of(devices: int, members: int) -> Mesh:
    """A one-dimensional mesh of devices, its axis named after what is distributed along it."""
    return Mesh(
        np.asarray(jax.devices()[:devices]),
        (MEMBERS if members > 1 else AXIS,),
        axis_types=(AxisType.Auto,),
    )


def problem(solver: Any, members: int, devices: int) -> str | None:
    """Why a run cannot be distributed over `count` devices, and the numbers that would work."""

    def refusal(count: int) -> str | None:
        if members > 1:
            return (
                f"{members} members cannot be divided evenly among {count} devices"
                if members % count
                else None
            )
        try:
            solver.split(count)
        except ParameterError as error:
            return error.message
        return None

    if devices == 1 or (words := refusal(devices)) is None:
        return None
    fitting = [
        count
        for count in range(1, min(members if members > 1 else MOST, MOST) + 1)
        if not refusal(count)
    ]
    shown = ", ".join(map(str, fitting[:8])) + (", ..." if len(fitting) > 8 else "")
    return f"given {devices}, but {words}, allowed: {shown or 1}"


# --------------------------------------------------------------------------------------------------
# many processes

_orphaned = False  # forked from a process whose threads JAX needs


def shortage(needed: int, devices: int) -> str | None:
    """Why one device of this machine cannot hold a run that needs so many bytes at least; None if
    it may, or if several share it.
    """
    there = _memory()
    if devices > 1 or needed <= there:
        return None
    return f"it needs at least {needed / 1e9:.3g} GB of memory, and here are {there / 1e9:.3g} GB"


def _memory() -> float:
    """The bytes of memory of the first device; infinite where nobody knows."""
    own = (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit")
    if own:
        return float(own)
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return math.inf


def _forked() -> None:
    global _orphaned
    begun = getattr(sys.modules.get("jax._src.xla_bridge"), "backends_are_initialized", None)
    _orphaned = _orphaned or (begun is not None and begun())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def check_fork() -> None:
    """Raise RunError where nothing can be computed: JAX's threads do not survive a fork."""
    if _orphaned:
        raise RunError(
            "this process was forked from one that had used JAX, whose threads are not in it: "
            "start it with multiprocessing.get_context('spawn') or 'forkserver', or before JAX is "
            "used"
        )


def join() -> None:
    """Make this process one of several, all running the same command; on one machine or on many.

    They find each other by JAX_COORDINATOR_ADDRESS (host:port of the first), JAX_NUM_PROCESSES and
    JAX_PROCESS_ID, or without those by what SLURM, MPI or a cloud says. Raises ParameterError where
    neither says enough.
    """
    number, own = (os.environ.get(name) for name in ("JAX_NUM_PROCESSES", "JAX_PROCESS_ID"))
    try:
        # with one program at a time the processes' messages cannot overtake each other
        jax.config.update("jax_cpu_enable_async_dispatch", False)
        jax.distributed.initialize(
            num_processes=None if number is None else int(number),
            process_id=None if own is None else int(own),
        )
    except (ValueError, RuntimeError) as error:
        words = (
            "allowed: JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID set, or SLURM "
            "or MPI"
        )
        raise ParameterError(
            "distributed", f"the processes cannot find each other ({error}), {words}"
        ) from None


def leads() -> bool:
    """Whether this process writes: the only one, or the first of several."""
    return jax.process_index() == 0


def agreed(own: int) -> int:
    """The value of the first process, broadcast to all."""
    if jax.process_count() == 1:
        return own
    from jax.experimental.multihost_utils import broadcast_one_to_all

    return int(broadcast_one_to_all(np.asarray(own)))


def anybody(own: bool) -> bool:
    """Whether the value is true in any process."""
    if jax.process_count() == 1:
        return own
    from jax.experimental.multihost_utils import process_allgather

    return bool(np.any(process_allgather(np.asarray(own))))


def by_leader(function: Callable[[], T]) -> T | None:
    """The result of `make` in the first process, None in the others; if it fails they raise
    ParameterError instead of waiting.
    """
    result, failure = None, None
    if leads():
        try:
            result = function()
        except Exception as error:
            failure = error
    failed = agreed(failure is not None)
    if failure is not None:
        raise failure
    if failed:
        raise ParameterError("distributed", "the first process stopped; see its message")
    return result


def fetch(tree: Any) -> Any:
    """The arrays of a tree, gathered on the host; a collective call in every process."""
    return jax.tree.map(_whole, tree)


def _whole(leaf: Any) -> Any:
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(
            _whole(jax.jit(jax.random.key_data)(leaf)), impl=jax.random.key_impl(leaf)
        )
    if isinstance(leaf, jax.Array) and not (leaf.is_fully_addressable or leaf.is_fully_replicated):
        from jax.experimental.multihost_utils import process_allgather

        return process_allgather(leaf, tiled=True)
    return np.asarray(leaf)


def place(tree: Any, like: Any) -> Any:
    """A tree with its arrays distributed over devices like those of another tree of the same
    structure.
    """

    def put(leaf: Any, other: jax.Array) -> Any:
        return (
            jax.device_put(leaf, other.sharding)
            if isinstance(other.sharding, NamedSharding)
            else leaf
        )

    return jax.tree.map(put, tree, like)
