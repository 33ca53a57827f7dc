"""The first look at images, of a folder, in shards or in tables: decoded once, and remembered."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tamecrop.data import quarantine
from tamecrop.data.quarantine import Entry, Memory, Sizing, decoded_size


def look_once(
    root: Path,
    paths: Sequence[Path],
    *,
    source: str | None = None,
    sizing: Sizing,
    most_pixels: int | None,
) -> tuple[Memory, list[str]]:
    """An entry for every image, remembered where it was decoded; and what a person should know.

    Args:
        root: below which their paths are.
        paths: of the images.
        source: of images that are no files, as it was typed.
        sizing: how sizes are found.
        most_pixels: of an image; by default what a check accepted.

    Raises:
        ValueError: for more unreadable images than the memory accepts.
    """
    kept = root if source is None else kept_at(root, source)
    before = quarantine.recall(kept) or Memory({})
    limit = before.most_pixels if most_pixels is None else most_pixels
    entries = quarantine.look(root, paths, known=before.entries, sizing=sizing, most_pixels=limit)
    memory = Memory(entries, before.bad_share, limit)
    name = source or str(root)
    notes = _changes(name, before.entries, entries)
    if sizing is decoded_size and entries != before.entries:
        notes += _remembered(name, kept, memory)
    things = "files" if source is None else "images"
    refuse_unreadable(root, name, memory, things)
    if memory.bad:
        left_out = f"{len(memory.bad)} of {len(entries)} {things} cannot be read and are left out"
        notes.append(f"{name}: {left_out}; the first: {memory.bad[0].error(root)}")
    return memory, notes


def kept_at(root: Path, source: str) -> Path:
    """A path of no folder, which tells the memory of a source from that of the folder it is in."""
    return root / source.replace("/", "_")


def refuse_unreadable(root: Path, name: str, memory: Memory, things: str = "files") -> None:
    """Refuse more unreadable images than a memory accepts.

    Raises:
        ValueError: naming the counts and the first unreadable one.
    """
    bad, total = memory.bad, len(memory.entries)
    if len(bad) > memory.bad_share * total:
        raise ValueError(
            f"{name}: {len(bad)} of {total} {things} cannot be read, more than "
            f"{100 * memory.bad_share:g} %; the first: {bad[0].error(root)}"
        )


def _changes(name: str, before: Mapping[str, Entry], now: Mapping[str, Entry]) -> list[str]:
    """A line on what is new, changed or gone since the images were looked at, if they were."""
    new = [path for path in now if path not in before]
    other = [path for path in now if path in before and not now[path].same_file(before[path])]
    gone = [path for path in before if path not in now]
    told = [
        f"{len(paths)} {fate}, such as {paths[0]}"
        for paths, fate in ((new, "new"), (other, "changed"), (gone, "gone"))
        if paths
    ]
    if not before or not told:
        return []
    return [f"{name} is not what it was when its files were last read: {'; '.join(told)}"]


def _remembered(name: str, kept: Path, memory: Memory) -> list[str]:
    """Remember; a disk that cannot is no reason not to go on, but a person should know."""
    try:
        quarantine.remember(quarantine.apart(kept), memory)
    except OSError as error:
        return [f"{name}: its files will be decoded again next time: {error}"]
    return []


def size_of(root: Path, image: Path, memory: Memory) -> tuple[int, int] | None:
    """(height, width) of an image; None when it cannot be read."""
    return memory.entries[image.relative_to(root).as_posix()].size


def sizes_of(root: Path, images: Sequence[Path], memory: Memory) -> NDArray[np.int64]:
    """(height, width) of each of some readable images, `(N, 2)`."""
    sizes = [size_of(root, image, memory) for image in images]
    return np.array(sizes, dtype=np.int64).reshape(-1, 2)
