"""Images that are no files of their own, as paths: whatever opens a path opens them."""

import io
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PosixPath
from typing import Any


class Member(PosixPath):
    """An image inside something else, named as if that were a folder: `train-000.tar/cat.jpg`.

    It opens to its bytes, read when it is opened. Its name sorts, prints and goes into fingerprints
    as a path does; paths made of it are plain.

    Args:
        path: its name.
        read: gives its bytes; is pickled for workers that are spawned.
        length: in bytes.
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
        with self.file.open("rb") as file:
            file.seek(self.offset)
            found = file.read(self.length)
        if len(found) < self.length:
            raise EOFError(f"{self.file} ends early, at byte {self.offset + len(found)}")
        return found
