"""Images that are no files of their own, as paths: whatever opens a path opens them."""

import io
import os
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

Edges = tuple[bytes, bytes, bytes]
"""Length as text, first and last bytes: what a fingerprint knows of an image."""

HELD = 2**28
"""Bytes of images that a process holds, of a source that is read in groups."""


@dataclass(frozen=True)
class Group:
    """Images that can only be read together: a row group of a parquet file.

    Args:
        file: that holds them.
        number: in the file.
        length: in bytes.
        modified: when the file was changed, nanoseconds since 1970.
    """

    file: Path
    number: int
    length: int
    modified: int


class Member(PosixPath):
    """An image inside something else, named as if that were a folder: `train-000.tar/cat.jpg`.

    It opens to its bytes, read when it is opened. Its name sorts, prints and goes into fingerprints
    as a path does; paths made of it are plain.

    Args:
        path: its name.
        read: gives its bytes; is pickled for workers that are spawned. It may have `edges`, which
            gives some of them, and a `group`.
        length: in bytes; of an image in a group that of the group.
        modified: when what it lies in was changed, nanoseconds since 1970.
    """

    read: Callable[[], bytes]
    length: int
    modified: int

    def __new__(
        cls,
        path: Path,
        read: Callable[[], bytes],  # noqa: ARG004  Python's rule: the arguments of __init__
        length: int,  # noqa: ARG004
        modified: int,  # noqa: ARG004
    ) -> "Member":
        """Made by its name, as every path."""
        return super().__new__(cls, path)

    def __init__(self, path: Path, read: Callable[[], bytes], length: int, modified: int) -> None:
        if sys.version_info >= (3, 12):
            super().__init__(path)
        self.read, self.length, self.modified = read, length, modified

    def __reduce__(self) -> Any:
        return Member, (Path(str(self)), self.read, self.length, self.modified)

    def with_segments(self, *segments: str | os.PathLike[str]) -> Path:
        """A path made of this one, from Python 3.12 on."""
        return Path(*segments)

    if sys.version_info < (3, 12):

        @classmethod
        def _from_parsed_parts(cls, *parts: Any) -> Path:
            """The same before."""
            made: Path = PosixPath._from_parsed_parts(*parts)  # type: ignore[attr-defined]
            return made

    def open(self, mode: str = "r", *_: Any, **__: Any) -> Any:
        """Its bytes, to read."""
        if mode != "rb":
            raise ValueError(f"`mode` must be rb for a member of an archive, got {mode}")
        return io.BytesIO(self.read())

    def read_bytes(self) -> bytes:
        """Its bytes."""
        return self.read()

    def edges(self, count: int) -> Edges:
        """What tells it from another image of its name, by so many first and last bytes."""
        some = getattr(self.read, "edges", None)
        if some is not None:
            found: Edges = some(count)
            return found
        return edges_of(self.read(), count)

    @property
    def read_with(self) -> Group | None:
        """What it can only be read with."""
        return getattr(self.read, "group", None)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:  # noqa: ARG002
        """Length and time of change, as of a regular file."""
        seconds, kind = self.modified // 10**9, stat.S_IFREG | stat.S_IRUSR
        whole = (kind, 0, 0, 1, 0, 0, self.length, seconds, seconds, seconds)
        times = {f"st_{name}time_ns": self.modified for name in "amc"}
        return os.stat_result(whole, times)


@dataclass(frozen=True)
class Slice:
    """Some bytes of a file.

    Args:
        file: that holds them.
        offset: of the first.
        length: how many.
    """

    file: Path
    offset: int
    length: int

    def __call__(self) -> bytes:
        """Read them.

        Raises:
            EOFError: when the file has become too short.
        """
        return self._read(self.offset, self.length)

    def edges(self, count: int) -> Edges:
        """Its length, and its first and last bytes; no others are read.

        Raises:
            EOFError: when the file has become too short.
        """
        some = min(count, self.length)
        head = self._read(self.offset, some)
        tail = self._read(self.offset + self.length - some, some)
        return str(self.length).encode(), head, tail

    def _read(self, offset: int, length: int) -> bytes:
        with self.file.open("rb") as file:
            file.seek(offset)
            found = file.read(length)
        if len(found) < length:
            raise EOFError(f"{self.file} ends early, at byte {offset + len(found)}")
        return found


def edges_of(content: bytes | memoryview, count: int) -> Edges:
    """Length as text, first and last bytes.

    >>> edges_of(b"abcd", 3), edges_of(b"ab", 3)
    ((b'4', b'abc', b'bcd'), (b'2', b'ab', b'ab'))
    """
    return str(len(content)).encode(), bytes(content[:count]), bytes(content[-count:])


def groups_of(paths: Sequence[Path] | None) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """The group of each image, `(N,)`, and the bytes of each group; None where there are none."""
    found = [path.read_with for path in paths or () if isinstance(path, Member)]
    each = [group for group in found if group is not None]
    if not each or len(each) < len(paths or ()):
        return None
    numbers = {group: number for number, group in enumerate(dict.fromkeys(each))}
    return np.array([numbers[group] for group in each]), np.array([g.length for g in numbers])
