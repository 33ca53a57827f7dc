"""Folders of image files: class folders or flat, with or without splits, with or without boxes.

Every file is looked at once before anything else happens: decoded whole, or, for what needs no
pixels, only its header read. What cannot be read is quarantined, by name and reason, and the list
of what is left never changes afterwards.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tamecrop.data import objects, quarantine, yolo
from tamecrop.data.decode import suffixes
from tamecrop.data.found import Found
from tamecrop.data.images import ImageSet
from tamecrop.data.quarantine import Entry, Memory, Sizing, decoded_size
from tamecrop.geometry.boxes import Boxes

_SPLITS = {"train": ("train",), "validation": ("val", "validation", "valid"), "test": ("test",)}


@dataclass(frozen=True)
class Layout:
    """How a folder is laid out.

    Args:
        base: the folder with the images: its own `images/` in YOLO's layout.
        parts: name of a split to its folder.
        has_boxes: whether it is in YOLO's layout.
    """

    base: Path
    parts: Mapping[str, Path]
    has_boxes: bool

    @classmethod
    def of(cls, root: Path) -> "Layout":
        """The layout of a folder, from the names in it."""
        has_boxes = (root / "images").is_dir() and (root / "labels").is_dir()
        base = root / "images" if has_boxes else root
        found = {part: _first(base, names) for part, names in _SPLITS.items()}
        parts = {part: folder for part, folder in found.items() if folder is not None}
        return cls(base, parts if "train" in parts else {"train": base}, has_boxes)


@dataclass(frozen=True, eq=False)
class Scan:
    """The readable files of a split.

    Args:
        paths: sorted.
        sizes: int64 `(N, 2)`, (height, width).
    """

    paths: tuple[Path, ...]
    sizes: NDArray[np.int64]


def read(root: Path, *, sizing: Sizing = decoded_size) -> Found:
    """Read a folder of images.

    With `images/` and `labels/` inside it is in YOLO layout: a text file of boxes for each image.
    Else its images lie in class folders, or flat and without labels. In either layout there may
    be `train/`, `val/` and `test/`. Names that begin with a dot are passed over; linked folders
    are followed, but not back into themselves.

    Files that were decoded before are not decoded again as long as they do not change, see
    `tamecrop.data.quarantine`.

    Args:
        root: the folder.
        sizing: how sizes are found: `decoded_size`, or `headers.header_size`, which reads no
            pixels and so finds no damaged ones.

    Raises:
        ValueError: naming the folder that holds no image, or too many unreadable ones.
        OSError: naming a folder inside it that cannot be listed.
    """
    layout = Layout.of(root)
    listed = {part: files(folder) for part, folder in layout.parts.items()}
    memory, notes = _looked_at(root, [path for paths in listed.values() for path in paths], sizing)
    require_readable(root, memory)
    scans = {part: _scan(root, part, paths, memory.entries) for part, paths in listed.items()}
    classes = None if layout.has_boxes else _classes(scans["train"].paths, layout.parts["train"])
    sets = {
        part: ImageSet(
            paths=each.paths,
            sizes=each.sizes,
            labels=_labels(each.paths, layout.parts[part], classes),
            boxes=_boxes(root, each, notes) if layout.has_boxes else None,
        )
        for part, each in scans.items()
    }
    return Found(
        train=sets["train"],
        validation=sets.get("validation"),
        test=sets.get("test"),
        classes=classes,
        root=root,
        quarantined=tuple(entry.error(root) for entry in memory.bad),
        notes=tuple(notes),
    )


def require_readable(root: Path, memory: Memory) -> None:
    """Refuse a folder without images, or with more unreadable ones than its memory accepts.

    Raises:
        ValueError: naming the folder, the counts and the first unreadable file.
    """
    bad, total = memory.bad, len(memory.entries)
    if total == 0:
        raise ValueError(f"{root} must hold image files, got none")
    if len(bad) > memory.bad_share * total:
        raise ValueError(
            f"{root}: {len(bad)} of {total} files cannot be read, more than "
            f"{100 * memory.bad_share:g} %; the first: {bad[0].error(root)}"
        )


def files(folder: Path) -> list[Path]:
    """The image files below a folder by their suffixes, sorted; hidden ones are passed over.

    Linked folders are followed, except back to a folder that they lie in.

    Raises:
        OSError: naming a folder that cannot be listed.
    """
    known = suffixes()
    return sorted(
        Path(place, name)
        for place, names in _visible(folder)
        for name in names
        if Path(name).suffix.lower() in known
    )


def _visible(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Each folder below one, and the names of its files."""
    for place, folders, names in os.walk(folder, onerror=_cannot_list, followlinks=True):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not _is_loop(Path(place, name))
        )
        yield place, [name for name in names if not name.startswith(".")]


def _cannot_list(error: OSError) -> None:
    raise error


def _is_loop(path: Path) -> bool:
    """Whether a link leads to a folder that it lies in, on the way it was reached or in truth."""
    if not path.is_symlink():
        return False
    target = path.resolve()
    return any(parent.resolve().is_relative_to(target) for parent in path.absolute().parents)


def _looked_at(root: Path, paths: Sequence[Path], sizing: Sizing) -> tuple[Memory, list[str]]:
    """An entry for every file, remembered if it was decoded, and what a person should know."""
    before = quarantine.remembered(root) or Memory({})
    entries = quarantine.look(root, paths, known=before.entries, sizing=sizing)
    memory = Memory(entries, before.bad_share)
    notes = _changes(root, before.entries, entries)
    if sizing is decoded_size and entries != before.entries:
        notes += _kept(root, memory)
    if memory.bad:
        left_out = f"{len(memory.bad)} of {len(entries)} files cannot be read and are left out"
        notes.append(f"{root}: {left_out}; the first: {memory.bad[0].error(root)}")
    return memory, notes


def _changes(root: Path, before: Mapping[str, Entry], now: Mapping[str, Entry]) -> list[str]:
    """A line on what is new, changed or gone since the folder was looked at, if it was."""
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
    return [f"{root} is not what it was when its files were last read: {'; '.join(told)}"]


def _kept(root: Path, memory: Memory) -> list[str]:
    """Remember; a disk that cannot is no reason not to go on, but a person should know."""
    place = quarantine.apart(root)
    try:
        quarantine.remember(place, memory)
    except OSError as error:
        return [f"{root}: its files will be decoded again next time: {error}"]
    return []


def _scan(root: Path, part: str, paths: Sequence[Path], entries: Mapping[str, Entry]) -> Scan:
    sized = [(path, entries[path.relative_to(root).as_posix()].size) for path in paths]
    good = [(path, size) for path, size in sized if size is not None]
    if not good:
        raise ValueError(f"{root}: the {part} split must hold images, got none")
    sizes = np.array([size for _, size in good], dtype=np.int64).reshape(-1, 2)
    return Scan(tuple(path for path, _ in good), sizes)


def _boxes(root: Path, scan: Scan, notes: list[str]) -> tuple[Boxes, ...]:
    """Boxes of a scan inside their images; what had to be changed is added to the notes."""
    boxes, changes = objects.inside(yolo.boxes(root, scan.paths, scan.sizes), scan.sizes)
    notes += changes
    return boxes


def _first(base: Path, names: Sequence[str]) -> Path | None:
    return next((base / name for name in names if (base / name).is_dir()), None)


def _classes(paths: Sequence[Path], folder: Path) -> tuple[str, ...] | None:
    """Names of the class folders, or None when any image lies outside one."""
    parts = [path.relative_to(folder).parts for path in paths]
    if any(len(part) < 2 for part in parts):
        return None
    return tuple(sorted({part[0] for part in parts}))


def _labels(
    paths: Sequence[Path], folder: Path, classes: tuple[str, ...] | None
) -> torch.Tensor | None:
    if classes is None:
        return None
    numbers = {name: number for number, name in enumerate(classes)}
    names = [path.relative_to(folder).parts[0] for path in paths]
    unknown = sorted(set(names) - set(classes))
    if unknown:
        raise ValueError(f"{folder}: no train image of class {unknown[0]!r}")
    return torch.tensor([numbers[name] for name in names], dtype=torch.int64)
