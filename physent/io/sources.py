"""The folder `source` of a run: copies of the code that its experiment names, so that it is
complete without the machine it was made on.
"""

import contextlib
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
from physent.protocol.sources import Recorded, Source, digest_of_files, is_recorded, recorded


def sources_in(data: Any) -> dict[str, Source]:
    """The sources that the kinds and functions of an experiment's data name, by their places."""
    found: dict[str, Source] = {}
    for place in dict.fromkeys(_places(data)):
        with contextlib.suppress(RegistryError):  # what is nowhere cannot be kept
            source = registry.source_run(place)
            if isinstance(source, Source):
                found[place] = source
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
    in one; where another has said so already, it is as it said.
    """
    folder = experiment.resolve().parent
    if is_recorded() or not any(
        (folder / name).exists() for name in (RUN, CHECKPOINT, SUM, SOURCE)
    ):
        yield
        return
    try:
        header = checkpoint.read_header(folder / CHECKPOINT)
    except (OSError, ValueError):  # whoever reads more of it says so
        header = {}
    with recorded(recorded_in(folder, header, trust)):
        yield


def _is_note(noted: Any) -> bool:
    """Whether it is a digest and a file in the folder of copies."""
    if not isinstance(noted, dict) or not isinstance(noted.get("digest"), str):
        return False
    copy = str(noted.get("copy"))
    within = re.fullmatch(rf"{SOURCE}/[^/]+-[0-9a-f]{{8}}/[^\0]+", copy) is not None
    return within and ".." not in Path(copy).parts


def changed_copies(folder: Path, header: Mapping[str, Any]) -> Iterator[str]:
    """What of a folder's copies is not as it was written, a sentence for each."""
    for noted in recorded_in(folder, header).sources.values():
        place = folder.joinpath(*Path(noted["copy"]).parts[:2])
        files = {
            path.relative_to(place).as_posix(): path.read_bytes()
            for path in sorted(place.rglob("*"))
            if path.is_file()
        }
        if not files:
            yield f"{place} is missing"
        elif digest_of_files(files) != noted["digest"]:
            yield f"{place} is not as it was written: its digest is another"
