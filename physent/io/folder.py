"""A run folder: `run.nc`, `experiment.toml`, `checkpoint.eqx` and `run.log`; either absent or
valid.
"""

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import xarray as xr

from physent.engine import devices
from physent.engine.cadence import Cadence
from physent.engine.rows import Block, Instant, Rows
from physent.errors import FolderError, Locked, RunError, path_of, warn_user
from physent.io import checkpoint
from physent.io.complex_fields import join_complex
from physent.io.digests import SEAL, Values, structure_of, write_sums
from physent.io.fingerprint import fingerprint
from physent.io.layout import Layout
from physent.io.lock import lock
from physent.io.netcdf import NetCDFWriter
from physent.io.overwriting import CHECKPOINT, EXPERIMENT, LOG, RUN, check_run
from physent.io.replacing import reason, remove, to_disk, writing
from physent.io.sources import code_in, sources_in, write_sources
from physent.io.still_open import rescued
from physent.protocol import hdf5
from physent.protocol.given import GIVEN, arrays_given
from physent.protocol.imports import edited_since
from physent.protocol.parameters import settings
from physent.protocol.sources import Source, keep, permit
from physent.protocol.variables import rows_between

try:
    import resource
except ImportError:  # not a POSIX system
    resource = None


class RunFolder:
    """The sink of a run on disk: rows go to `run.nc`, and a checkpoint confirms them.

    It is locked for as long as it is open. Raises FolderError where another process has it, or it
    cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        cadence: Cadence,
        experiment: Any,
        locked: IO | None = None,
        writer: NetCDFWriter | None = None,
        values: Values | None = None,
        rows: int = 0,
        sources: dict[str, Any] | None = None,
    ):
        self.path = path
        self.cadence = cadence
        self.experiment = experiment
        self._sources = sources or {}
        self._lock = locked or _locked(path)
        try:
            self.writer = writer or NetCDFWriter(path / RUN, cadence, values)
        except OSError as error:
            self._lock.close()
            raise FolderError(
                f"{path / RUN}: cannot be opened for writing ({reason(error)}); if it is open in "
                "this program, close it"
            ) from None
        self._sums = {"rows": rows} | self.writer.digests()
        # not one of getLogger's, which are kept for ever
        self.log = logging.Logger(f"physent.run.{path}", logging.INFO)
        handler = logging.FileHandler(path / LOG)
        # a log that cannot be written is no reason for anything
        handler.handleError = lambda record: None
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
        )
        self.log.addHandler(handler)

    @classmethod
    def create(
        cls,
        path: Path,
        experiment: Any,
        layout: Layout,
        cadence: Cadence,
        block: Block,
        instant: Instant,
        overwrite: bool,
    ) -> "RunFolder":
        """Create a folder with the row at t = 0, and return the instant of the run (on the
        host).
        """
        try:
            with contextlib.ExitStack() as failing:
                with writing(path) as beside:
                    beside.mkdir(parents=True)
                    # locked and open from its first moment on: nobody takes the folder for free,
                    # and a thread that reads the file at once does not keep us from writing it
                    locked = failing.enter_context(_locked(beside))
                    check_room(beside, _bytes(block.rows))
                    _write_experiment(beside, experiment)
                    writer = NetCDFWriter.create(beside / RUN, layout, cadence, experiment.output)
                    failing.callback(writer.close)
                    writer.append(block)
                    sums, values = writer.digests(), writer.values
                    for source in (code := code_in(experiment.resolved)).values():
                        permit(source)  # a class given in Python is named by its place
                    keep(code.values())
                    named = sources_in(experiment.resolved)
                    sources = write_sources(beside, named)
                    _say_of_edited(named)
                    _save(beside / CHECKPOINT, experiment, instant, 0, sums, sources)
                    write_sums(beside, {"rows": 0} | sums, writer.attributes())
                    check_free(path, overwrite)
                    remove(path)
                    writer.path = path / RUN
                    if os.name != "posix":  # what is open cannot be renamed
                        failing.close()
                        locked = writer = None
                failing.pop_all()
        except FolderError:
            check_free(path, overwrite)  # somebody took it meanwhile
            raise
        return cls(path, cadence, experiment, locked, writer, values, sources=sources)

    def append(self, block: Block) -> None:
        """Write the rows of a chunk and sync the file. Raises RunError if there is no room, and
        then writes nothing.
        """
        with self._writing():
            if self.writer.is_there:  # what was removed takes the rows, and `commit` saves it
                check_room(self.path, _bytes(block.rows))
            self.writer.append(block)

    def commit(self, instant: Instant, rows: int) -> None:
        """Replace the checkpoint by the instant after these rows. Raises RunError if it cannot be
        written, or the file was removed or moved meanwhile; then all is saved elsewhere.
        """
        now = Instant(instant.solver, *devices.fetch((instant.state, instant.carries)))
        sums = self.writer.digests()

        def save(place: Path) -> None:
            _save(place / CHECKPOINT, self.experiment, now, rows, sums, self._sources)
            if place != self.path:
                _write_experiment(place, self.experiment)
                write_sources(place, sources_in(self.experiment.resolved))
                write_sums(place, {"rows": rows} | sums, self.writer.attributes())

        with self._writing(save):
            if not self.writer.is_there:
                raise RunError(f"{self.path / RUN} is not there any more")
            to_disk(self.path / RUN)
            save(self.path)
        self._sums = {"rows": rows} | sums

    def annotate(self, **attributes: Any) -> None:
        """Set attributes of the file, None removes one; `run.sum` knows those before and those
        after, until they are there.
        """
        before, after = self.writer.attributes(), self.writer.attributes(**attributes)
        write_sums(self.path, self._sums, before, after)
        self.writer.annotate(**attributes)
        write_sums(self.path, self._sums, self.writer.attributes())

    def describe(self, **attributes: Any) -> None:
        """Like `annotate`, with the experiment as it is now, in the file and beside it."""
        text = self.experiment.toml()
        self.annotate(experiment=text, **attributes)
        with writing(self.path / EXPERIMENT) as beside:
            beside.write_text(text, encoding="utf-8")

    @contextlib.contextmanager
    def _writing(self, save: Callable[[Path], None] | None = None) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError, RunError) as error:
            if self.writer.is_there:
                raise RunError(
                    f"{self.path} cannot be written: {reason(error)}; when that is fixed, physent "
                    f"resume {self.path}"
                ) from None
            gone = f"{self.path / RUN} is not there any more"
            place = save and rescued(self.writer.opened, self.path, save)
            if place is None:
                raise RunError(f"{gone}, nor what was saved: run it again") from None
            raise RunError(
                f"{gone}; all that it had is in {place}: physent resume {place}"
            ) from None

    def close(self, **attributes: Any) -> None:
        """Write the closing attributes and close the file; what can no longer be written is
        logged.
        """
        for ending in (lambda: self.annotate(**attributes), self.writer.close):
            try:
                ending()
            except (OSError, RuntimeError, FolderError) as error:
                self.log.error("%s: %s", self.path / RUN, error)
        for handler in list(self.log.handlers):
            handler.close()
            self.log.removeHandler(handler)
        self._lock.close()


def _say_of_edited(sources: Mapping[str, Source]) -> None:
    """Warn of files that are not what runs any more: a copy of them says nothing of the run."""
    files = {path: content for each in sources.values() for path, content in each.places.items()}
    for path in edited_since(files):
        warn_user(
            f"{path} was edited after this Python had imported it: the run is of the old one, its "
            "copy and a resumed run of the new one; start Python again to be sure"
        )


def _write_experiment(folder: Path, experiment: Any) -> None:
    """Write the experiment, and the arrays that it was given."""
    (folder / EXPERIMENT).write_text(experiment.toml(), encoding="utf-8")
    if arrays := arrays_given(experiment.solver):
        write_dataset(xr.Dataset(arrays), folder / GIVEN, seal=True)


def _bytes(rows: Rows) -> int:
    """An upper bound of the growth of a file by these rows: all values, and a block of a series for
    each variable.
    """
    arrays = [*rows.series.values(), *rows.fields.values()]
    return sum(array.nbytes for array in arrays) + 2**14 * len(arrays)


def check_room(folder: Path, needed: int) -> None:
    """Raise RunError if a folder has no room for `size` bytes and the checkpoint that follows them.

    A file that HDF5 was writing when the disk was full may be lost, so that is not left to chance.
    """
    checkpoint_bytes = (
        (folder / CHECKPOINT).stat().st_size if (folder / CHECKPOINT).is_file() else 0
    )
    wanted, usage = needed + checkpoint_bytes + 2**17, shutil.disk_usage(folder)
    if usage.total and usage.free < wanted:
        raise RunError(
            f"the disk is full ({usage.free / 1e6:.3g} MB free, {wanted / 1e6:.3g} MB needed)"
        )
    limit = _file_limit()
    size = (folder / RUN).stat().st_size if (folder / RUN).is_file() else 0
    if limit is not None and size + wanted > limit:
        raise RunError(f"files cannot be larger than {limit / 1e6:.3g} MB here (ulimit -f)")


def _file_limit() -> int | None:
    """The file size limit of this process, if there is one."""
    if resource is None:
        return None
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def check_free(path: Path, overwrite: bool) -> None:
    """Raise FolderError if `path` exists, unless it is a run that may be overwritten and is not
    running.
    """
    if not path.exists():
        return
    if not overwrite:
        raise FolderError(
            f"{path} exists: choose another --output, or --overwrite it, or 'physent resume {path}'"
        )
    check_run(path)
    if (path / LOG).exists():
        check_idle(path)


def check_idle(path: Path) -> None:
    """Raise FolderError if another process runs a folder, or it cannot be written."""
    _locked(path).close()


def _locked(path: Path) -> IO:
    """The lock of a run folder. Raises FolderError if another process holds it, or it cannot be
    acquired.
    """
    try:
        return lock(path / LOG)
    except Locked:
        raise FolderError(f"{path}: another process is running it") from None
    except OSError as error:
        raise FolderError(f"{path}: cannot be written: {error.strerror}") from None


def is_running(path: Path) -> bool:
    """Whether a process is writing the run in a folder now."""
    if not (path / LOG).is_file():
        return False
    try:
        lock(path / LOG).close()
    except Locked:
        return True
    except OSError:
        return False
    return False


def _save(
    path: Path,
    experiment: Any,
    instant: Instant,
    rows: int,
    sums: dict[str, Any],
    sources: dict[str, Any],
) -> None:
    solver, state, carries = instant
    header = {"rows": rows, "experiment": fingerprint(experiment), "jaxlib": version("jaxlib")}
    header |= sums | ({"sources": sources} if sources else {})
    if solver is not experiment.solver:  # it has grown since the experiment was written
        header["grown"] = json.loads(json.dumps(settings(solver), default=repr))
    checkpoint.save(path, header, (state, carries))


def read_header(path: Path) -> dict[str, Any]:
    """The header of a folder's checkpoint. Raises FolderError if it is damaged, or if its format is
    newer than this version of physent.
    """
    file = path / CHECKPOINT
    try:
        header = checkpoint.read_header(file)
        later = header.get("format", 0) > checkpoint.FORMAT
        if not later:
            _check_header(header)
    except (OSError, ValueError) as error:
        raise FolderError(
            f"{file} cannot be read ({reason(error)}): run the experiment again with --overwrite"
        ) from None
    if later:
        raise FolderError(
            f"{file} has format {header['format']}, and physent {version('physent')} reads formats "
            f"up to {checkpoint.FORMAT}: continue with the version that wrote it, or a later one"
        )
    return header


def _check_header(header: dict[str, Any]) -> None:
    """Raise ValueError for what no run writes."""
    wanted = {"rows": int, "experiment": str, "jaxlib": str}
    if "rows" not in header:
        raise ValueError("it is not a checkpoint of a run")
    for name, form in wanted.items():
        if type(header.get(name)) is not form or (name == "rows" and header[name] < 0):
            raise ValueError(f"its {name} is {str(header.get(name))[:80]!r}")
    if not isinstance(header.get("grown", {}), dict):
        raise ValueError("its grown solver is no table")


def open_run(path: str | Path) -> xr.Dataset:
    """Open a run folder, or its NetCDF file, as a Dataset with complex fields joined; data are
    loaded lazily.

    Rows after the last checkpoint of a run that is going on, or was killed, are left out: they may
    be incomplete.
    """
    path = path_of("path", path)
    folder = path if path.is_dir() else path.parent
    file = path / RUN if path.is_dir() else path
    if not file.is_file():
        raise FolderError(f"{path} is not a run: there is no {file}")
    stored = hdf5.open_dataset(file)
    dataset = join_complex(stored)
    if dataset.attrs.get("status") == "running" and (folder / CHECKPOINT).is_file():
        rows = read_header(folder)["rows"]
        for dim in map(str, dataset.dims):
            if each := rows_between(dim, int(dataset.attrs["rows_per_snapshot"])):
                dataset = dataset.isel({dim: slice(1 + rows // each)})
    if dataset is not stored:
        dataset.set_close(stored.close)
    return dataset


def write_dataset(dataset: xr.Dataset, file: Path, seal: bool = False) -> None:
    """Write a NetCDF file atomically, with the digest of its content as an attribute if `seal`.
    Raises FolderError if it cannot be written.
    """
    with writing(file) as beside:
        beside.touch()  # says why a file cannot be there better than HDF5 does
        hdf5.save_dataset(dataset, beside)
        if seal:
            with hdf5.opened(beside, "r+") as written:
                written.setncattr(SEAL, structure_of(written, of_run=False))
