"""What of a folder can be read: every file is decoded once, and remembered until it changes.

The memory is a JSON file. `tamecrop data check` writes it into the folder that it checked; a load
never writes into anybody's data, it keeps its own under `$TAMECROP_DATA` or `~/.cache/tamecrop`. A
line of either holds for a file as long as its size in bytes and its time of change are the same,
so a new, a changed or a lost file is noticed by its name, and only those are decoded.
"""

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import PIL

from tamecrop.data.decode import DecodeError, Stage, decode
from tamecrop.data.downloads import default_root
from tamecrop.data.files import write_atomic

NAME = ".tamecrop-check.json"
"""Of the memory inside a folder."""

BAD_SHARE = 0.01
"""A folder with a larger share of unreadable files is refused, unless it was checked otherwise."""

FORMAT = 1

Sizing = Callable[[Path], tuple[int, int]]
"""How the size (height, width) of a file is found; raises `DecodeError` for an unreadable one."""

Told = Callable[[int, int], None]
"""Gets the number of files that were looked at, and of all that will be."""

_CHUNK = 64


@dataclass(frozen=True)
class Entry:
    """One file when it was last looked at.

    Args:
        path: below the folder, with forward slashes.
        bytes: its length.
        modified: when it was changed, nanoseconds since 1970.
        size: (height, width) in pixels, upright; None when it cannot be read.
        stage: where reading failed, or None.
        reason: what the decoder said, or None.
    """

    path: str
    bytes: int
    modified: int
    size: tuple[int, int] | None
    stage: Stage | None = None
    reason: str | None = None

    def same_file(self, other: "Entry | None") -> bool:
        """Whether nothing tells that the file has changed between two looks."""
        return other is not None and (self.bytes, self.modified) == (other.bytes, other.modified)

    def error(self, root: Path) -> DecodeError:
        """What was wrong with an unreadable file."""
        return DecodeError(root / self.path, cast(Stage, self.stage), str(self.reason))


@dataclass(frozen=True)
class Memory:
    """What is remembered of a folder.

    Args:
        entries: of its files, by path.
        bad_share: share of unreadable files that was accepted when it was checked.
    """

    entries: Mapping[str, Entry]
    bad_share: float = BAD_SHARE

    @property
    def bad(self) -> list[Entry]:
        """The unreadable files."""
        return [entry for entry in self.entries.values() if entry.size is None]


def decoded_size(path: Path) -> tuple[int, int]:
    """Size (height, width) of a file, found by decoding it: its pixels are sound."""
    _, height, width = decode(path).shape
    return height, width


def look(
    root: Path,
    paths: Sequence[Path],
    *,
    known: Mapping[str, Entry],
    sizing: Sizing = decoded_size,
    told: Told = lambda _, __: None,
) -> dict[str, Entry]:
    """An entry for every file, with several threads; those that are known are not read again.

    Args:
        root: the folder.
        paths: of files below it.
        known: entries that hold while their file stays the same.
        sizing: how the size of any other file is found.
        told: is told how far it is.
    """

    def entries(chunk: Sequence[Path]) -> list[Entry]:
        return [_entry(root, path, known, sizing) for path in chunk]

    found: dict[str, Entry] = {}
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    with ThreadPoolExecutor() as pool:
        for chunk in pool.map(entries, chunks):
            found |= {entry.path: entry for entry in chunk}
            told(len(found), len(paths))
    return found


def _entry(root: Path, path: Path, known: Mapping[str, Entry], sizing: Sizing) -> Entry:
    name = path.relative_to(root).as_posix()
    try:
        status = path.stat()
    except OSError as error:
        return Entry(name, 0, 0, None, "open", error.strerror or str(error))
    now = Entry(name, status.st_size, status.st_mtime_ns, None, "open", "not a regular file")
    if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for, for ever
        return now
    there = known.get(name)
    if there is not None and now.same_file(there):
        return there
    try:
        return Entry(name, now.bytes, now.modified, sizing(path))
    except DecodeError as error:
        return Entry(name, now.bytes, now.modified, None, error.stage, error.reason)


def inside(root: Path) -> Path:
    """Where the memory of a folder lies in the folder itself."""
    return root / NAME


def apart(root: Path) -> Path:
    """Where the memory of a folder lies when it may not be written into."""
    whole = root.resolve()
    key = hashlib.sha256(os.fsencode(whole)).hexdigest()[:16]
    return default_root() / "checked" / f"{whole.name}-{key}.json"


def remembered(root: Path) -> Memory | None:
    """What is known of a folder from both places, or None when nothing is.

    What lies apart was written later: a check of the folder itself removes it.
    """
    here, away = _read(inside(root)), _read(apart(root))
    if here is None or away is None:
        return here or away
    return Memory({**here.entries, **away.entries}, away.bad_share)


def remember(place: Path, memory: Memory) -> None:
    """Write a memory; a file a line, the unreadable ones first.

    Raises:
        OSError: when it cannot be written; names the file.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[str]] = {"unreadable": [], "readable": []}
    for entry in memory.entries.values():
        kind = "unreadable" if entry.size is None else "readable"
        rest = (entry.stage, entry.reason) if entry.size is None else entry.size
        rows[kind].append(json.dumps([entry.path, entry.bytes, entry.modified, *rest]))
    head = {"format": FORMAT, "pillow": PIL.__version__, "bad_share": memory.bad_share}
    parts = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for kind, lines in rows.items():
        parts.append(f"{json.dumps(kind)}: [\n" + ",\n".join(lines) + "\n]")
    write_atomic(place, ("{\n" + ",\n".join(parts) + "\n}\n").encode())


def _read(place: Path) -> Memory | None:
    """A memory, or None for what is missing, damaged, or of another decoder or format."""
    try:
        stored = json.loads(place.read_bytes())
        if (stored["format"], stored["pillow"]) != (FORMAT, PIL.__version__):
            return None
        entries = {entry.path: entry for entry in _entries(stored)}
        return Memory(entries, _share(stored["bad_share"]))
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None


def _entries(stored: Mapping[str, Any]) -> Iterator[Entry]:
    for path, length, modified, height, width in stored["readable"]:
        numbers = (length, modified, height, width)
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError(f"sizes and times must be whole numbers from 0 on, got {numbers}")
        yield Entry(path, length, modified, (height, width))
    for path, length, modified, stage, reason in stored["unreadable"]:
        yield Entry(path, length, modified, None, stage, reason)


def _share(value: object) -> float:
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"`bad_share` must satisfy 0 <= bad_share <= 1, got {value!r}")
    return float(value)
