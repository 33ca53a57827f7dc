"""A disk whose operations are recorded, and that refuses when told to.

Names (open, mkdir, rename, remove) are seen by an audit hook of the interpreter, so whatever
library touches them is seen; bytes and fsync by standing in front of `io.open` and `os.fsync`.
"""

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_AUDITED = {
    "open": "open",
    "os.mkdir": "mkdir",
    "os.rename": "rename",
    "os.remove": "remove",
    "os.rmdir": "rmdir",
}


@dataclass
class Disk:
    """What happened below a folder, and what is still to happen.

    Args:
        folder: Everything else is ignored.
        before: Called before every operation with its number, kind and path; may raise or kill.
        wrote: Called before bytes are written with the file's path and how many there are.
    """

    folder: Path
    before: Callable[[int, str, str], None] = lambda *_: None
    wrote: Callable[[str, int], int] = lambda path, count: count
    events: list[tuple[str, str, str]] = field(default_factory=list)

    def happens(self, kind: str, path: str, other: str = "") -> None:
        if str(path).startswith(str(self.folder)):
            self.events.append((kind, str(path), str(other)))
            self.before(len(self.events) - 1, kind, str(path))


_active: list[Disk] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _active or event not in _AUDITED:
        return
    if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
        return
    path = arguments[0]
    if isinstance(path, str | os.PathLike):
        directory = arguments[-1] if event in ("os.remove", "os.rmdir") else -1
        if isinstance(directory, int) and directory >= 0:
            path = os.path.join(os.readlink(f"/proc/self/fd/{directory}"), path)
        other = str(arguments[1]) if event == "os.rename" else ""
        _active[-1].happens(_AUDITED[event], os.fspath(path), other)


class _Raw(io.FileIO):
    """An unbuffered file that tells the disk of its bytes."""

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        allowed = _active[-1].wrote(str(self.name), len(view))
        _active[-1].happens("write", str(self.name))
        return super().write(view[:allowed])


@contextmanager
def watched(disk: Disk) -> Iterator[Disk]:
    """Record, and let fail, what happens on a disk while inside."""
    if _hook not in _installed:
        sys.addaudithook(_hook)
        _installed.append(_hook)
    opened, synced = io.open, os.fsync

    def opening(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if mode == "wb" and str(file).startswith(str(disk.folder)):
            return io.BufferedWriter(_Raw(str(file), "w"))
        return opened(file, mode, *rest, **more)

    def syncing(handle: int) -> None:
        disk.happens("fsync", os.readlink(f"/proc/self/fd/{handle}"))
        synced(handle)

    _active.append(disk)
    io.open, os.fsync = opening, syncing
    try:
        yield disk
    finally:
        io.open, os.fsync = opened, synced
        _active.pop()


_installed: list[Any] = []


def full_after(offset: int, number: int = errno.ENOSPC) -> Callable[[str, int], int]:
    """Writing fails once so many bytes have been taken; what fits before is taken."""
    taken = 0

    def wrote(path: str, count: int) -> int:
        nonlocal taken
        if taken >= offset:
            raise OSError(number, os.strerror(number))
        taken += min(count, offset - taken)
        return min(count, taken)

    return wrote


def refusing(place: int, number: int) -> Callable[[int, str, str], None]:
    """One operation fails."""

    def before(count: int, kind: str, path: str) -> None:
        if count == place:
            name = () if kind in ("fsync", "write") else (path,)  # these calls get no name
            raise OSError(number, os.strerror(number), *name)

    return before
