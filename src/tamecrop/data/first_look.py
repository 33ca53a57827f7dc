"""The first look at images that lie in shards or tables: decoded once, and remembered."""

from collections.abc import Sequence
from pathlib import Path

from tamecrop.data import quarantine
from tamecrop.data.quarantine import Memory, Sizing, decoded_size


def look_once(
    root: Path,
    paths: Sequence[Path],
    source: str,
    *,
    sizing: Sizing,
    most_pixels: int | None,
) -> tuple[Memory, list[str]]:
    """An entry for every image, remembered where it was decoded; and what a person should know.

    Args:
        root: below which their paths are.
        paths: of the images.
        source: as it was typed.
        sizing: how sizes are found.
        most_pixels: of an image.

    Raises:
        ValueError: for more unreadable images than a hundredth.
    """
    kept = root / source.replace("/", "_")  # there is no such folder: a name for the memory
    before = quarantine.recall(kept) or Memory({})
    limit = before.most_pixels if most_pixels is None else most_pixels
    known = before.entries
    entries = quarantine.look(root, paths, known=known, sizing=sizing, most_pixels=limit)
    memory = Memory(entries, before.bad_share, limit)
    if sizing is decoded_size and entries != known:
        quarantine.remember(quarantine.apart(kept), memory)
    bad = memory.bad
    if len(bad) > memory.bad_share * len(entries):
        raise ValueError(
            f"{source}: {len(bad)} of {len(entries)} images cannot be read, more than "
            f"{100 * memory.bad_share:g} %; the first: {bad[0].error(root)}"
        )
    if not bad:
        return memory, []
    told = f"{source}: {len(bad)} of {len(entries)} images cannot be read and are left out"
    return memory, [f"{told}; the first: {bad[0].error(root)}"]


def size_of(root: Path, image: Path, memory: Memory) -> tuple[int, int] | None:
    """(height, width) of an image; None when it cannot be read."""
    return memory.entries[image.relative_to(root).as_posix()].size
