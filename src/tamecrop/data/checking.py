"""A folder checked on purpose: every file decoded again, and the memory written into the folder."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tamecrop.data import folders, quarantine
from tamecrop.data.quarantine import Memory, Told


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Args:
        root: the folder.
        memory: an entry for each of its files.
        place: the file in which a load finds that memory.
        seconds: that decoding took.
    """

    root: Path
    memory: Memory
    place: Path
    seconds: float

    @property
    def lines(self) -> list[str]:
        """A line for each unreadable file: path, stage, what the decoder said."""
        return [f"{entry.path}: {entry.stage}: {entry.reason}" for entry in self.memory.bad]

    @property
    def summary(self) -> str:
        """Counts, speed, and where the memory is."""
        bad, total = len(self.memory.bad), len(self.memory.entries)
        return (
            f"{self.root}: {total:,} files, {bad:,} unreadable ({100 * bad / total:.2f} %), "
            f"{total / max(self.seconds, 1e-9):,.0f} files/s; remembered in {self.place}"
        )

    def require_few(self) -> None:
        """Raise `ValueError` when more files are unreadable than was accepted."""
        folders.require_readable(self.root, self.memory)


def listed(root: Path) -> list[Path]:
    """The files that a load of a folder would read.

    Raises:
        ValueError: when it is no folder, or holds no image file.
        OSError: naming a folder inside it that cannot be listed.
    """
    if not root.is_dir():
        raise ValueError(f"`data` must be a folder of image files, got {root}")
    layout = folders.Layout.of(root)
    paths = [path for folder in layout.parts.values() for path in folders.files(folder)]
    if not paths:
        raise ValueError(f"{root} must hold image files, got none")
    return paths


def place_for(root: Path) -> Path:
    """Where a check leaves its memory: in the folder, or apart from one that cannot be written."""
    writable = os.access(root, os.W_OK)
    return quarantine.inside(root) if writable else quarantine.apart(root)


def check(
    root: Path,
    paths: Sequence[Path],
    *,
    bad_share: float = quarantine.BAD_SHARE,
    told: Told = lambda _, __: None,
) -> Checked:
    """Decode every file, whatever is remembered, and remember what came out.

    A load finds the memory and decodes nothing again; it accepts the same share of unreadable
    files, and leaves them out.

    Args:
        root: a folder.
        paths: its files, as `listed` gives them.
        bad_share: of unreadable files to accept, in [0, 1].
        told: is told how far it is.

    Raises:
        OSError: when the memory cannot be written.
    """
    started = time.perf_counter()
    entries = quarantine.look(root, paths, known={}, told=told)
    seconds = time.perf_counter() - started
    memory, place = Memory(entries, bad_share), place_for(root)
    quarantine.remember(place, memory)
    if place == quarantine.inside(root):
        quarantine.apart(root).unlink(missing_ok=True)
    return Checked(root, memory, place, seconds)
