"""The page of a folder: a table of the runs and sweeps below it, with links to their reports."""

from pathlib import Path
from typing import Any

from physent.data.catalogue import entries, rows_of
from physent.errors import FolderError
from physent.io.overwriting import REPORT
from physent.report.files import check_target, save, target_of
from physent.report.page import made, template

DIFFERS = "what differs"
COLUMNS = ("run", "state", "system", DIFFERS, "rows", "size", "age")


def write_index(folder: Path, output: str | Path | None = None) -> Path:
    """Write a page of all runs below a folder to `report.html` in it or to `output`, and return its
    path. Raises FolderError where there are none, or the page cannot be written.
    """
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a run: there is no such file or folder")
    target = target_of(folder, output)
    check_target(target)
    found, here = entries(folder), target.resolve().parent
    if not found:
        raise FolderError(f"{folder} is not a run, nor is there one below it")

    def row(cells: tuple[str, ...], path: Path) -> dict[str, Any]:
        page = path / REPORT
        inside = page.is_file() and page.resolve().is_relative_to(here)
        link = page.resolve().relative_to(here).as_posix() if inside else ""
        return {"cells": cells, "link": link}

    every = rows_of(found, folder)
    kept = [i for i, name in enumerate(COLUMNS) if name != DIFFERS or any(c[i] for c in every)]
    table = [
        row(tuple(cells[i] for i in kept), entry.path)
        for cells, entry in zip(every, found, strict=True)
    ]
    text = template("index.html").render(
        title=f"runs in {folder.resolve().name}",
        columns=[COLUMNS[i] for i in kept],
        rows=table,
        made=made(),
        refresh=None,
    )
    return save(target, text)
