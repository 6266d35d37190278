"""The command that looks whether a run is as it was written, and whether it comes out again."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np

from physent.app.speaking import command, precision
from physent.app.terminal import say
from physent.errors import FolderError, OptionError
from physent.experiment.building import load_experiment
from physent.experiment.parsing import parse, precision_of
from physent.io.folder import EXPERIMENT, open_run, read_header
from physent.io.integrity import differences, has_digests
from physent.io.sources import named_by
from physent.protocol.variables import rows_between
from physent.runs import execute


@command
def verify(folder: Path, rows: str | None, trust: bool) -> int:
    """Check the files of a run; 1 where something differs."""
    span = None if rows is None else _span(rows)
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a run: there is no such folder")
    found = differences(folder)
    if span is not None and not found:
        with named_by(folder / EXPERIMENT, trust):
            found = list(_computed_again(folder, *span))
    for words in found:
        say(words)
    if not found:
        held = "every file is as it was written"
        if not has_digests(folder):
            held = "it was written by an earlier version, without digests; what it has can be read"
        again = f", and rows {rows} come out again bit for bit" if rows else ""
        say(f"{folder}: {held}{again}")
    return 1 if found else 0


def _span(rows: str) -> tuple[int, int]:
    ends = re.fullmatch(r"(\d{1,15}):(\d{1,15})", rows)
    if ends is None or int(ends[1]) >= int(ends[2]):
        raise OptionError(f"given --rows {rows}, allowed: A:B with A < B, as in --rows 100:120")
    return int(ends[1]), int(ends[2])


def _computed_again(folder: Path, first: int, end: int) -> Iterator[str]:
    """What of the rows from `first` to before `end` is other when the run is computed again from
    its beginning, a sentence for each variable.
    """
    header = read_header(folder)
    done = 1 + header["rows"]
    if end > done:
        raise OptionError(f"given --rows {first}:{end}, but {folder} has the rows 0:{done}")
    if header["jaxlib"] != version("jaxlib"):
        say(
            f"note: the run is of jaxlib {header['jaxlib']}, this is {version('jaxlib')}: bits may "
            "differ"
        )
    data, _ = parse(folder / EXPERIMENT)
    with precision(precision_of(data)), open_run(folder) as there:
        run, each = data["run"], int(there.attrs.get("rows_per_snapshot", 1))
        last = -(-(end - 1) // each) * each or each
        if "save_at" in run:
            times = there["t"].values[1 : 1 + last].tolist()
            shorter = [f"run.save_at={times}", f"run.t_end={times[-1]!r}"]
        else:
            shorter = [f"run.t_end={min(last * run['save_every'], run['t_end'])!r}"]
        experiment = load_experiment(folder / EXPERIMENT, shorter)
        again = execute(experiment, None).dataset()
        for name, array in there.data_vars.items():
            time = str(array.dims[0]) if array.dims else ""
            step = rows_between(time, each)
            if step is None or name not in again:
                continue
            part = slice(-(-first // step), -(-end // step))
            old, new = array[part].values, again[name][part].values
            if old.tobytes() != new.astype(old.dtype).tobytes():
                row = int(
                    np.argmax([a.tobytes() != b.tobytes() for a, b in zip(old, new, strict=True)])
                )
                apart = float(np.nanmax(np.abs(old - new)))
                yield (
                    f"{folder}: {name} is other when it is computed again, first in row "
                    f"{(part.start + row) * step}, by {apart:.3g} at most"
                )
