"""Data checked on purpose: every file decoded again, every label file read, all that is wrong told.

The memory of a checked folder is written into the folder.
"""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tamecrop.data import (
    annotations,
    arrow,
    folders,
    layouts,
    listing,
    lists,
    quarantine,
    shards,
    sources,
    tar_index,
)
from tamecrop.data.account import Found
from tamecrop.data.box_records import Problems
from tamecrop.data.first_look import kept_at, refuse_unreadable, sizes_of
from tamecrop.data.images import ImageSet
from tamecrop.data.opening import RAISED_BY_PILLOW, open_image
from tamecrop.data.quarantine import Memory, Told

_EDGE = 4096
_OF_FRAMES = (".tif", ".tiff", ".gif", ".webp", ".png", ".apng", ".avif")


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Args:
        root: the folder, or that of a source's files.
        memory: an entry for each of its files.
        place: the file in which a load finds that memory.
        seconds: that decoding took.
        problems: what is wrong beside unreadable files: its layout, its label files.
        account: what a load will read, and its notes; nothing where it will refuse.
        source: what was typed, where it is no folder.
    """

    root: Path
    memory: Memory
    place: Path
    seconds: float
    problems: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    source: str | None = None

    @property
    def name(self) -> str:
        """What was checked."""
        return self.source or str(self.root)

    @property
    def things(self) -> str:
        """What its images are."""
        return "files" if self.source is None else "images"

    @property
    def lines(self) -> list[str]:
        """A line for each unreadable file: path, stage, what the decoder said; then the rest."""
        bad = [f"{entry.path}: {entry.stage}: {entry.reason}" for entry in self.memory.bad]
        return [*bad, *self.problems]

    @property
    def summary(self) -> str:
        """Counts, speed, and where the memory is."""
        bad, total = len(self.memory.bad), len(self.memory.entries)
        wrong = f", {len(self.problems):,} other problems" if self.problems else ""
        return (
            f"{self.name}: {total:,} {self.things}, {bad:,} unreadable "
            f"({100 * bad / total:.2f} %){wrong}, "
            f"{total / max(self.seconds, 1e-9):,.0f} {self.things}/s; remembered in {self.place}"
        )

    def require_few(self) -> None:
        """Raise `ValueError` when more files are unreadable than was accepted, or labels wrong."""
        refuse_unreadable(self.root, self.name, self.memory, self.things)
        if self.problems:
            raise ValueError(
                f"{self.name}: {len(self.problems)} problems, the first: {self.problems[0]}"
            )


def list_files(root: Path) -> list[Path]:
    """The image files of a folder.

    Raises:
        ValueError: when it is no folder, or holds no image file.
        OSError: naming a folder inside it that cannot be listed.
    """
    if not root.is_dir():
        raise ValueError(f"`data` must be a folder of image files, got {root}")
    found = listing.list_folder(root)
    paths = sorted(found.folder.files())
    if not paths:
        folders.require_readable(root, Memory({}), found)
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
    most_pixels: int | None = None,
    told: Told = lambda _, __: None,
) -> Checked:
    """Decode every file, whatever is remembered, and read every label file; remember what came out.

    A load finds the memory and decodes nothing again; it accepts the same share of unreadable
    files, and leaves them out, and images of as many pixels.

    Args:
        root: a folder.
        paths: its files, as `list_files` gives them.
        bad_share: of unreadable files to accept, in [0, 1].
        most_pixels: of an image; None is Pillow's limit.
        told: is told how far it is.

    Raises:
        OSError: when the memory cannot be written.
    """
    started = time.perf_counter()
    entries = quarantine.look(root, paths, known={}, most_pixels=most_pixels, told=told)
    seconds = time.perf_counter() - started
    memory, place = Memory(entries, bad_share, most_pixels), place_for(root)
    quarantine.remember(place, memory)
    if place == quarantine.inside(root):
        quarantine.apart(root).unlink(missing_ok=True)
    problems, account = _beyond_pixels(root, memory)
    return Checked(root, memory, place, seconds, problems, account)


def is_source(spec: str) -> bool:
    """Whether images lie in shards or tables."""
    prefix, colon, tail = spec.partition(":")
    return bool(colon and tail) and prefix in (tar_index.PREFIX, arrow.PREFIX)


def check_source(
    spec: str,
    *,
    bad_share: float = quarantine.BAD_SHARE,
    most_pixels: int | None = None,
    told: Told = lambda _, __: None,
) -> Checked:
    """Decode every image of shards or tables, and read all that they say of objects; as `check`.

    Args:
        spec: `wds:PATTERN` or `hf:PATH`.
        bad_share: of unreadable images to accept, in [0, 1].
        most_pixels: of an image; None is Pillow's limit.
        told: is told how far it is.

    Raises:
        ValueError: naming what is missing or damaged, such as every shard that is cut off.
    """
    prefix, _, tail = spec.partition(":")
    lists = shards.list_images if prefix == tar_index.PREFIX else arrow.list_images
    root, paths = lists(tail)
    if not paths:
        raise ValueError(f"{spec} must hold images, got none")
    started = time.perf_counter()
    entries = quarantine.look(root, paths, known={}, most_pixels=most_pixels, told=told)
    seconds = time.perf_counter() - started
    memory, place = Memory(entries, bad_share, most_pixels), quarantine.apart(kept_at(root, spec))
    quarantine.remember(place, memory)
    checked = Checked(root, memory, place, seconds, source=spec)
    if len(memory.bad) > bad_share * len(entries):
        return checked
    try:
        found = sources.find(spec)
    except Problems as error:
        return replace(checked, problems=error.each)
    except ValueError as error:
        return replace(checked, problems=(str(error),))
    return replace(checked, account=(found.account, *found.notes))


def _beyond_pixels(root: Path, memory: Memory) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is wrong with layout, channels and label files, and what a load reads of the rest."""
    there = listing.list_folder(root)
    try:
        layout = lists.divide(root, layouts.read(there.folder), there.others)
        memory.decoding(root)
    except ValueError as error:
        return (str(error),), ()
    parts = {split: folders.readable(root, part, memory) for split, part in layout.parts.items()}
    source = annotations.find(root, there, parts)
    if source is not None:
        sizes = {split: sizes_of(root, part.paths, memory) for split, part in parts.items()}
        read = source.read({split: part.paths for split, part in parts.items()}, sizes)
        if read.problems:
            return tuple(read.problems), ()
    if len(memory.bad) > memory.bad_share * len(memory.entries):
        return (), ()
    found = folders.read(root)
    paths = [path for part in parts.values() for path in part.paths]
    return (), (found.account, *found.notes, *tell_doubles(found), *tell_frames(paths))


def tell_doubles(found: Found) -> Iterator[str]:
    """A sentence on the images whose very bytes two splits have, and one on two classes.

    Args:
        found: images in memory or in files.
    """
    sets = {"train": found.train, "val": found.validation, "test": found.test}
    images = {split: each for split, each in sets.items() if each is not None}
    told: dict[str, list[str]] = {}
    for group in _alike(images):
        (split, place), *others = group
        for other, there in others:
            names = f"{_name(images, split, place)} and {_name(images, other, there)}"
            if other != split:
                told.setdefault(f"{other} images are also in {split}", []).append(names)
            elif _label(images, split, place) != _label(images, other, there):
                told.setdefault(f"{split} images are in another class too", []).append(names)
    for fate, pairs in told.items():
        yield f"{len(pairs)} {fate}, such as {pairs[0]}"


def _alike(images: Mapping[str, ImageSet]) -> Iterator[list[tuple[str, int]]]:
    """Splits and places of images with the same bytes; files of other ends are not read whole."""
    groups: dict[object, list[tuple[str, int]]] = {}
    for split, each in images.items():
        for place in range(len(each)):
            groups.setdefault(_digest(each, place, _EDGE), []).append((split, place))
    for group in groups.values():
        same: dict[object, list[tuple[str, int]]] = {}
        for split, place in group if len(group) > 1 else ():
            same.setdefault(_digest(images[split], place, None), []).append((split, place))
        yield from (alike for alike in same.values() if len(alike) > 1)


def _digest(images: ImageSet, place: int, edge: int | None) -> object:
    """What tells an image by its bytes: all, or of a file its length and so many at its end."""
    if images.paths is None:
        assert images.pixels is not None, "an image set has one of both"
        return hashlib.sha256(images.pixels[place].numpy().tobytes()).digest()
    with images.paths[place].open("rb") as file:
        if edge is None:
            return hashlib.file_digest(file, "sha256").digest()
        length = file.seek(0, os.SEEK_END)
        file.seek(max(length - edge, 0))
        return length, file.read()


def _name(images: Mapping[str, ImageSet], split: str, place: int) -> str:
    paths = images[split].paths
    return f"{split}_images[{place}]" if paths is None else str(paths[place])


def _label(images: Mapping[str, ImageSet], split: str, place: int) -> int | None:
    labels = images[split].labels
    return None if labels is None else int(labels[place])


def tell_frames(paths: Sequence[Path]) -> Iterator[str]:
    """A sentence on the files that hold several frames or pages."""
    several = []
    for path in paths:
        if path.suffix.lower() in _OF_FRAMES:
            with suppress(*RAISED_BY_PILLOW), open_image(path) as image:
                frames = getattr(image, "n_frames", 1)
                several += [f"{path}, of {frames}"] if frames > 1 else []
    if several:
        one = f"{len(several)} files hold several frames or pages, of which the first is read"
        yield f"{one}, such as {several[0]}"
