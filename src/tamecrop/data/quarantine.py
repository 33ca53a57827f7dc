"""What of a folder can be read: every file is decoded once, and remembered until it changes.

The memory is a JSON file. `tamecrop data check` writes it into the folder that it checked; a load
never writes into anybody's data, it keeps its own under `$TAMECROP_DATA` or `~/.cache/tamecrop`. A
line of either holds for a file as long as its size in bytes and its time of change are the same,
so a new, a changed or a lost file is noticed by its name, and only those are decoded. An unreadable
file is looked at again every time, and what the system failed to read is not remembered: it says
nothing about the file.
"""

import hashlib
import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import PIL

from tamecrop.data.decode import Decoding, decode, values_of
from tamecrop.data.downloads import default_root
from tamecrop.data.opening import DecodeError, Stage, pixel_limit
from tamecrop.files import write_atomic
from tamecrop.views.ranges import Depth, Values, depth_of

NAME = ".tamecrop-check.json"
"""Of the memory inside a folder."""

BAD_SHARE = 0.01
"""A folder with a larger share of unreadable files is refused, unless it was checked otherwise."""

FORMAT = 3

Sizing = Callable[..., tuple[int, int]]
"""How the size (height, width) of a file is found; raises `DecodeError` for an unreadable one.

It takes the path, and `most_pixels` where one was asked for."""

Told = Callable[[int, int], None]
"""Gets the number of files that were looked at, and of all that will be."""

_CHUNK = 64
_SHALLOW = (".jpg", ".jpeg", ".webp", ".gif", ".bmp")  # of formats without deep images


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
        channels: of a readable image.
        values: the range of its values where they have more than 8 bits.
        is_passing: whether the system failed to read it.
    """

    path: str
    bytes: int
    modified: int
    size: tuple[int, int] | None
    stage: Stage | None = None
    reason: str | None = None
    channels: int = 3
    values: Values | None = None
    is_passing: bool = False

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
        most_pixels: of an image, when it was checked; None is Pillow's limit.
    """

    entries: Mapping[str, Entry]
    bad_share: float = BAD_SHARE
    most_pixels: int | None = None

    @property
    def bad(self) -> list[Entry]:
        """The unreadable files."""
        return [entry for entry in self.entries.values() if entry.size is None]

    def decoding(self, root: Path) -> Decoding:
        """How all files of the folder are decoded: one range, one number of channels.

        Raises:
            ValueError: naming two files whose channels differ.
        """
        good = [entry for entry in self.entries.values() if entry.size is not None]
        first = {entry.channels: entry.path for entry in reversed(good)}
        if len(first) > 1:
            told = ", ".join(f"{path} has {channels}" for channels, path in first.items())
            raise ValueError(f"{root}: all images must have as many channels: {told}")
        values = [entry.values for entry in good if entry.values is not None]
        depth: Depth | None = depth_of(values) if values else None
        return Decoding(self.most_pixels, depth, next(iter(first), 3))


def decoded_size(path: Path, most_pixels: int | None = None) -> tuple[int, int]:
    """Size (height, width) of a file, found by decoding it: its pixels are sound."""
    pixels = decode(path) if most_pixels is None else decode(path, Decoding(most_pixels))
    _, height, width = pixels.shape
    return height, width


def look(
    root: Path,
    paths: Sequence[Path],
    *,
    known: Mapping[str, Entry],
    sizing: Sizing = decoded_size,
    most_pixels: int | None = None,
    told: Told = lambda _, __: None,
) -> dict[str, Entry]:
    """An entry for every file, with several threads; those known to be readable are not read again.

    Args:
        root: the folder.
        paths: of files below it.
        known: entries that hold while their file stays the same.
        sizing: how the size of any other file is found.
        most_pixels: of an image; None is Pillow's limit.
        told: is told how far it is.
    """

    def entries(chunk: Sequence[Path]) -> list[Entry]:
        return [_entry(root, path, known, sizing, most_pixels) for path in chunk]

    found: dict[str, Entry] = {}
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    with ThreadPoolExecutor() as pool:
        for chunk in pool.map(entries, chunks):
            found |= {entry.path: entry for entry in chunk}
            told(len(found), len(paths))
    return found


def _entry(
    root: Path, path: Path, known: Mapping[str, Entry], sizing: Sizing, most_pixels: int | None
) -> Entry:
    name = path.relative_to(root).as_posix()
    try:
        status = path.stat()
    except OSError as error:
        return Entry(name, 0, 0, None, "open", error.strerror or str(error), is_passing=True)
    now = Entry(name, status.st_size, status.st_mtime_ns, None, "open", "not a regular file")
    if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for, for ever
        return now
    if status.st_size == 0:
        return replace(now, reason="the file is empty")
    there = known.get(name)
    if there is not None and now.same_file(there) and _holds(there, most_pixels):
        return there
    seen = _seen(path, now, sizing, most_pixels)
    return _seen(path, now, sizing, most_pixels) if seen.is_passing else seen


def _holds(there: Entry, most_pixels: int | None) -> bool:
    """Whether what is remembered of an unchanged file is right under a limit of pixels."""
    limit = pixel_limit() if most_pixels is None else most_pixels
    return there.size is not None and (limit is None or math.prod(there.size) <= limit)


def _seen(path: Path, now: Entry, sizing: Sizing, most_pixels: int | None) -> Entry:
    """What a look at a file finds."""
    options = {} if most_pixels is None else {"most_pixels": most_pixels}
    try:
        size = sizing(path, **options)
        shallow = path.suffix.lower() in _SHALLOW
        channels, values = (3, None) if shallow else values_of(path, Decoding(most_pixels))
    except DecodeError as error:
        return replace(now, stage=error.stage, reason=error.reason, is_passing=error.is_passing)
    return Entry(now.path, now.bytes, now.modified, size, channels=channels, values=values)


def inside(root: Path) -> Path:
    """Where the memory of a folder lies in the folder itself."""
    return root / NAME


def apart(root: Path) -> Path:
    """Where the memory of a folder lies when it may not be written into."""
    whole = root.resolve()
    key = hashlib.sha256(os.fsencode(whole)).hexdigest()[:16]
    return default_root() / "checked" / f"{whole.name}-{key}.json"


def recall(root: Path) -> Memory | None:
    """What is known of a folder from both places, or None when nothing is.

    What lies apart was written later: a check of the folder itself removes it.
    """
    here, away = _read(inside(root)), _read(apart(root))
    if here is None or away is None:
        return here or away
    return Memory({**here.entries, **away.entries}, away.bad_share, away.most_pixels)


def remember(place: Path, memory: Memory) -> None:
    """Write a memory; a file a line, the unreadable ones first.

    Raises:
        OSError: when it cannot be written; names the file.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[str]] = {"unreadable": [], "readable": []}
    for entry in memory.entries.values():
        if entry.is_passing:
            continue
        kind = "unreadable" if entry.size is None else "readable"
        rest = (entry.stage, entry.reason) if entry.size is None else (*entry.size, *_deep(entry))
        rows[kind].append(json.dumps([entry.path, entry.bytes, entry.modified, *rest]))
    head = {
        "format": FORMAT,
        "pillow": PIL.__version__,
        "bad_share": memory.bad_share,
        "most_pixels": memory.most_pixels,
    }
    parts = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for kind, lines in rows.items():
        parts.append(f"{json.dumps(kind)}: [\n" + ",\n".join(lines) + "\n]")
    write_atomic(place, ("{\n" + ",\n".join(parts) + "\n}\n").encode())


def _deep(entry: Entry) -> tuple[Any, ...]:
    """What is remembered of an image that is not three channels of 8 bits."""
    values = entry.values
    if values is None:
        return () if entry.channels == 3 else (entry.channels,)
    low, high = (values.low, values.high) if values.low <= values.high else (None, None)
    return (entry.channels, values.kind, low, high, list(values.nodata))


def _values(kind: Any, low: Any, high: Any, nodata: Any) -> Values:
    ends = (math.inf, -math.inf) if low is None else (float(low), float(high))
    if kind not in ("whole", "real") or any(math.isnan(end) for end in ends):
        raise ValueError(f"values must be whole or real with a range, got {kind!r} {ends}")
    return Values(kind, *ends, tuple(float(mark) for mark in nodata))


def _read(place: Path) -> Memory | None:
    """A memory, or None for what is missing, damaged, or of another decoder or format."""
    try:
        stored = json.loads(place.read_bytes())
        if (stored["format"], stored["pillow"]) != (FORMAT, PIL.__version__):
            return None
        entries = {entry.path: entry for entry in _entries(stored)}
        return Memory(entries, _share(stored["bad_share"]), _limit(stored["most_pixels"]))
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None


def _entries(stored: Mapping[str, Any]) -> Iterator[Entry]:
    for path, length, modified, height, width, *deep in stored["readable"]:
        channels = deep[0] if deep else 3
        numbers = (length, modified, height, width, channels)
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError(f"sizes and times must be whole numbers from 0 on, got {numbers}")
        values = _values(*deep[1:]) if deep[1:] else None
        yield Entry(path, length, modified, (height, width), channels=channels, values=values)
    for path, length, modified, stage, reason in stored["unreadable"]:
        yield Entry(path, length, modified, None, stage, reason)


def _limit(value: object) -> int | None:
    if value is not None and (type(value) is not int or value < 1):
        raise ValueError(f"`most_pixels` must be a whole number from 1 on, got {value!r}")
    return value


def _share(value: object) -> float:
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"`bad_share` must satisfy 0 <= bad_share <= 1, got {value!r}")
    return float(value)
