"""A run folder: `run.nc`, `experiment.toml`, `checkpoint.eqx` and `run.log`; either absent or a valid run."""

import hashlib
import json
import logging
import os
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xarray as xr

from physent.engine import Cadence, Rows
from physent.io import checkpoint
from physent.io.layout import Layout
from physent.io.netcdf import NetCDFWriter, holds, join_complex
from physent.parameters import settings

RUN, EXPERIMENT, CHECKPOINT, LOG = "run.nc", "experiment.toml", "checkpoint.eqx", "run.log"


class FolderError(Exception):
    """A folder that cannot be written, or is not a run."""


class RunFolder:
    """The sink of a run on disk: rows go to `run.nc`, and a checkpoint vouches for them."""

    def __init__(self, path: Path, cadence: Cadence):
        self.path = path
        self.cadence = cadence
        self.writer = NetCDFWriter(path / RUN, cadence)
        self.config_hash = config_hash(path)
        self.log = logging.getLogger(f"physent.run.{path}")
        self.log.setLevel(logging.INFO)
        self.log.propagate = False
        handler = logging.FileHandler(path / LOG)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self.log.addHandler(handler)

    @classmethod
    def create(
        cls, path: Path, experiment: Any, layout: Layout, cadence: Cadence, rows: Rows, state: Any, carries: tuple,
        overwrite: bool,
    ) -> "RunFolder":  # fmt: skip
        """A new folder with the row at t = 0. It is built beside and renamed, so that half a folder is never seen."""
        check_free(path, overwrite)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            (beside / EXPERIMENT).write_text(experiment.toml(), encoding="utf-8")
            writer = NetCDFWriter.create(beside / RUN, layout, cadence, experiment.output)
            writer.append(rows, 0, 0)
            writer.close()
            header = _header(experiment.solver, 0, config_hash(beside))
            checkpoint.save(beside / CHECKPOINT, header, (state, carries))
            if path.exists():
                shutil.rmtree(path)
            beside.rename(path)
        except OSError as error:
            shutil.rmtree(beside, ignore_errors=True)
            raise FolderError(f"{path}: cannot be written: {error.strerror or error}") from None
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
        return cls(path, cadence)

    def append(self, rows: Rows, first_row: int, first_snapshot: int) -> None:
        """Write the rows of a chunk and sync the file."""
        self.writer.append(rows, first_row, first_snapshot)

    def commit(self, solver: Any, state: Any, carries: tuple, snapshots: int) -> None:
        """Replace the checkpoint by the state after these rows."""
        checkpoint.save(self.path / CHECKPOINT, _header(solver, snapshots, self.config_hash), (state, carries))

    def close(self, **attributes: Any) -> None:
        """Write the closing attributes and let go of the file."""
        self.writer.annotate(**attributes)
        self.writer.close()
        for handler in list(self.log.handlers):
            handler.close()
            self.log.removeHandler(handler)


def config_hash(path: Path) -> str:
    """The hash of the resolved experiment in a folder."""
    return hashlib.sha256((path / EXPERIMENT).read_bytes()).hexdigest()


def check_free(path: Path, overwrite: bool) -> None:
    """Raises FolderError if `path` is taken, unless it is a run that may be overwritten."""
    if not path.exists():
        return
    if not overwrite:
        raise FolderError(f"{path} exists: choose another --output, or --overwrite it, or 'physent resume {path}'")
    if not path.is_dir() or (any(path.iterdir()) and not (path / EXPERIMENT).exists()):
        raise FolderError(f"{path} is not a run folder; it is not overwritten")


def _header(solver: Any, snapshots: int, config: str) -> dict[str, Any]:
    # the solver's own settings, because it may have grown since the experiment was written
    grown = json.loads(json.dumps(settings(solver), default=repr))
    return {"snapshots": snapshots, "config": config, "jaxlib": version("jaxlib"), "solver": grown}


def vouched_snapshots(path: Path, cadence: Cadence) -> int | None:
    """Snapshots that the checkpoint of a folder vouches for; None if its file does not hold them all."""
    snapshots = checkpoint.read_header(path / CHECKPOINT)["snapshots"]
    whole = holds(path / RUN, 1 + snapshots * cadence.rows_per_snapshot, cadence)
    return snapshots if whole else None


def open_run(path: str | Path) -> xr.Dataset:
    """Open a run folder, or its NetCDF file, as a Dataset with complex fields joined; rows are read when used.

    Rows after the last checkpoint of a run that was killed are left out: they may be incomplete.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    file = path / RUN if path.is_dir() else path
    if not file.is_file():
        raise FolderError(f"{path} is not a run: there is no {file}")
    stored = xr.open_dataset(file)
    dataset = join_complex(stored)
    if dataset.attrs.get("status") == "running" and (folder / CHECKPOINT).is_file():
        snapshots = checkpoint.read_header(folder / CHECKPOINT)["snapshots"]
        per = int(dataset.attrs["rows_per_snapshot"])
        dataset = dataset.isel(t=slice(1 + snapshots * per))
        if "t_snapshot" in dataset.dims:
            dataset = dataset.isel(t_snapshot=slice(1 + snapshots))
    if dataset is not stored:  # joining nothing and leaving out nothing gives the same object, which closes itself
        dataset.set_close(stored.close)
    return dataset
