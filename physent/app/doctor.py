"""Checks that physent works on this machine, with advice on what does not."""

import importlib.util
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from physent.errors import CheckoutError, Locked, RegistryError
from physent.io.lock import lock
from physent.protocol import registry

NEEDED = ("jax", "jaxlib", "equinox", "optax", "diffrax", "netCDF4", "xarray", "numpy", "scipy")
OPTIONAL = {"distributed": "physent[dask]", "jupytext": "physent[notebook]"}


@dataclass(frozen=True)
class Finding:
    """One line of the report; `advice` says what to do where `state` is not "good"."""

    subject: str
    state: Literal["good", "note", "bad"]
    words: str
    advice: str = ""


def examine(folder: Path = Path()) -> Iterator[Finding]:
    """All findings; test runs are written below `folder`. A check that itself fails is a finding
    too.
    """
    checks: list[Callable[[], Iterator[Finding]]] = [
        _versions,
        _devices,
        _precision,
        _canary,
        _threads,
        _registered,
        lambda: _disk(folder),
    ]
    for check in checks:
        try:
            yield from check()
        except Exception as error:
            yield Finding(
                check.__name__.strip("_"),
                "bad",
                repr(error),
                "reinstall physent in a fresh environment",
            )


def _versions() -> Iterator[Finding]:
    words = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("python", "good", words)
    yield Finding(
        "packages",
        "good",
        ", ".join(f"{name} {metadata.version(name)}" for name in ("physent", *NEEDED)),
    )
    for name, extra in OPTIONAL.items():
        if importlib.util.find_spec(name) is None:
            yield Finding(
                "packages",
                "note",
                f"{name} is not installed",
                f"pip install '{extra}' if you want it",
            )


def _devices() -> Iterator[Finding]:
    import jax

    devices = ", ".join(str(device) for device in jax.devices())
    yield Finding("devices", "good", f"{jax.default_backend()}: {devices}")


def _precision() -> Iterator[Finding]:
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(True):
        wide = (jnp.asarray(1.0) + 1e-15 - 1) > 0
    if bool(wide):
        yield Finding(
            "precision",
            "good",
            "float64 works; experiments use it unless run.precision says float32",
        )
    else:
        yield Finding(
            "precision",
            "bad",
            "float64 is not available",
            "unset JAX_ENABLE_X64 and JAX_DEFAULT_DTYPE_BITS",
        )


def _canary() -> Iterator[Finding]:
    """The reproducer of jax issue 39103: wrong sums in jax 0.10.2 on the CPU."""
    import jax
    import jax.numpy as jnp

    with jax.default_device(jax.devices("cpu")[0]):
        index = jnp.arange(32_769, dtype=jnp.float32)
        x = jnp.stack((index, 0 * index, 0 * index), axis=1)
        squares = jax.jit(jax.vmap(lambda row: jnp.sum((jnp.eye(3, dtype=row.dtype) @ row) ** 2)))(
            x
        )
        right = bool(jnp.all(squares == index**2))
    if right:
        yield Finding(
            "arithmetic",
            "good",
            "sums over many rows are correct (not affected by jax issue 39103)",
        )
    else:
        words = "sums over many rows are wrong (jax issue 39103)"
        yield Finding("arithmetic", "bad", words, "pip install 'jax!=0.10.2' 'jaxlib!=0.10.2'")


def _threads() -> Iterator[Finding]:
    available = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    set_ = {
        name: os.environ[name]
        for name in ("XLA_FLAGS", "OMP_NUM_THREADS", "JAX_PLATFORMS")
        if name in os.environ
    }
    words = f"{available} processors; " + (
        ", ".join(f"{k}={v}" for k, v in set_.items()) or "not limited by any variable"
    )
    yield Finding(
        "threads",
        "note" if set_ else "good",
        words,
        "results are bitwise reproducible only with the same number of threads",
    )


def _registered() -> Iterator[Finding]:
    for family in ("solvers", "diagnostics"):
        broken: list[str] = []
        names = registry.registered(family)
        for name in names:
            try:
                registry.find(family, name)
            except (RegistryError, CheckoutError) as error:
                broken.append(str(error))
        if broken:
            words = "; ".join(dict.fromkeys(broken))
            yield Finding(family, "bad", words, "reinstall the package that registers it")
        else:
            yield Finding(family, "good", f"{len(names)} registered")


def _disk(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free / 2**30
    state, advice = (
        ("good", "") if free > 1 else ("bad", "free some space: a run that fills the disk stops")
    )
    yield Finding("disk", state, f"{free:.1f} GiB free in {folder.resolve()}", advice)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".physent-doctor-") as place:
            first = lock(Path(place) / "lock")
            try:
                lock(Path(place) / "lock").close()
                words = "files cannot be locked here: two processes could write to the same run"
                yield Finding(
                    "locking",
                    "note",
                    words,
                    "run each run folder in one process only, or use another file system",
                )
            except Locked:
                yield Finding(
                    "locking", "good", "run folders are protected against a second process"
                )
            finally:
                first.close()
    except OSError as error:
        words = f"{folder.resolve()} cannot be written: {error.strerror}"
        yield Finding("folder", "bad", words, "change to another folder, or use --output")
