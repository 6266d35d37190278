"""The folder `source` of a run: copies of the code that its experiment names, so that it is
complete without the machine it was made on.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from physent.errors import FolderError, RegistryError
from physent.io import checkpoint
from physent.io.digests import SUM
from physent.io.overwriting import CHECKPOINT, RUN, SOURCE
from physent.io.replacing import replacing
from physent.protocol import registry
from physent.protocol.sources import (
    Recorded,
    Source,
    digest_of_copy,
    is_recorded,
    permit,
    recorded,
)


def sources_in(data: Any) -> dict[str, Source]:
    """The sources that the kinds and functions of an experiment's data name, by their places."""
    named = code_in(data)
    return {place: source for place, source in named.items() if isinstance(source, Source)}


def code_in(data: Any) -> dict[str, Source | str]:
    """The same, with the names of installed modules."""
    found: dict[str, Source | str] = {}
    for place in dict.fromkeys(_places(data)):
        with contextlib.suppress(RegistryError):  # what is nowhere cannot be kept
            found[place] = registry.source_run(place)
    return found


def _places(data: Any) -> Iterator[str]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key in ("kind", "function") and isinstance(value, str) and ":" in value:
                yield value.rpartition(":")[0]
            else:
                yield from _places(value)
    elif isinstance(data, list):
        for value in data:
            yield from _places(value)


def write_sources(folder: Path, sources: Mapping[str, Source]) -> dict[str, Any]:
    """Copy sources into a run folder, and return what its checkpoint notes of them: the digest of
    each and its copy, by its place.
    """
    for source in sources.values():
        place = folder / SOURCE / source.label
        if place.exists():
            continue
        place.parent.mkdir(exist_ok=True)
        with replacing(place) as beside:
            for name, content in source.files.items():
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                (beside / name).write_bytes(content)
    return {
        place: {
            "digest": source.digest,
            "copy": (Path(SOURCE) / source.label / source.path.relative_to(source.root)).as_posix(),
        }
        | ({"data": dict(source.data)} if source.data else {})
        for place, source in sources.items()
    }


def recorded_in(folder: Path, header: Mapping[str, Any], trust: bool = False) -> Recorded:
    """The sources of a run folder, as the header of its checkpoint notes them. Raises FolderError
    for notes that no run makes.
    """
    noted = header.get("sources", {})
    if not isinstance(noted, dict) or not all(map(_is_note, noted.values())):
        raise FolderError(f"{folder / CHECKPOINT}: what it says of its sources is not readable")
    return Recorded(folder.resolve(), noted, trust)


@contextlib.contextmanager
def named_by(experiment: Path, trust: bool = False) -> Iterator[None]:
    """A context manager in which code is named by a run folder, if the file of an experiment lies
    in one, or is a link that leads to or through one; where another has said so already, it is as
    it said.
    """
    folder = next(
        (
            folder
            for folder in _folders(experiment)
            if any((folder / name).exists() for name in (RUN, CHECKPOINT, SUM, SOURCE))
        ),
        None,
    )
    if is_recorded() or folder is None:
        yield
        return
    with named_in(folder, trust):
        yield


@contextlib.contextmanager
def named_in(folder: Path, trust: bool = False) -> Iterator[None]:
    """A context manager in which code is named by a folder, whatever is in it; where another has
    said so already, it is as it said.
    """
    if is_recorded():
        yield
        return
    try:
        header = checkpoint.read_header(folder / CHECKPOINT)
    except (OSError, ValueError):  # whoever reads more of it says so
        header = {}
    with recorded(recorded_in(folder, header, trust)):
        yield


def check_code(folder: Path, data: Any, trust: bool) -> None:
    """Raise RegistryError where code that the experiment of a run folder names may not run, before
    anything else is done.
    """
    with named_in(folder, trust):
        for place in dict.fromkeys(_places(data)):
            if place != "__main__":
                permit(registry.source_at(place))


def _folders(file: Path) -> Iterator[Path]:
    """The folders that a file lies in: by its name, by each link that it is, and in the end."""
    path = Path(os.path.abspath(file))
    for _ in range(40):  # as many as systems follow
        yield path.parent
        if not path.is_symlink():
            break
        path = Path(os.path.abspath(path.parent / os.readlink(path)))
    yield file.resolve().parent


def data_of(sources: Mapping[str, Source]) -> list[str]:
    """A sentence for each source that names data files, which are not kept with a run."""
    return [
        f"{source.path.name} names {', '.join(sorted(source.data))}, which the run does not keep: "
        "it notes their digests, and resume says where they differ (values of a parameter that are "
        'given as { file = "...", variable = "..." } are kept)'
        for source in sources.values()
        if source.data
    ]


def _is_note(noted: Any) -> bool:
    """Whether it is a digest and a file in the folder of copies."""
    if not isinstance(noted, dict) or not isinstance(noted.get("digest"), str):
        return False
    copy = str(noted.get("copy"))
    data = noted.get("data", {})
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        return False
    within = re.fullmatch(rf"{SOURCE}/[^/]+-[0-9a-f]{{8}}/[^\0]+", copy) is not None
    return within and ".." not in Path(copy).parts


def changed_copies(folder: Path, header: Mapping[str, Any]) -> Iterator[str]:
    """What of a folder's copies is not as it was written, a sentence for each; copies of what was
    trusted before are known by the digest in their names.
    """
    known = {
        folder.joinpath(*Path(noted["copy"]).parts[:2]): noted["digest"]
        for noted in recorded_in(folder, header).sources.values()
    }
    yield from (f"{place} is missing" for place in known if not place.exists())
    there = folder / SOURCE
    for place in sorted(there.iterdir()) if there.is_dir() else []:
        digest = digest_of_copy(place)
        if place not in known and (digest is None or not place.name.endswith(f"-{digest[:8]}")):
            yield f"{place} is of no run"
        elif place in known and digest != known[place]:
            yield f"{place} is not as it was written: its digest is another"
