"""Folders of image files: class folders or flat, with or without splits, with or without boxes.

Every file is looked at once before anything else happens: decoded whole, or, for what needs no
pixels, only its header read. What cannot be read is quarantined, by name and reason, and the list
of what is left never changes afterwards.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from tamecrop.data import objects, yolo
from tamecrop.data.decode import DecodeError, decode
from tamecrop.data.found import Found
from tamecrop.data.images import ImageSet
from tamecrop.geometry.boxes import Boxes

BAD_SHARE = 0.01
"""A folder with a larger share of unreadable files is refused."""

Sizing = Callable[[Path], tuple[int, int]]
"""How the size (height, width) of a file is found; raises `DecodeError` for an unreadable one."""

_SPLITS = {"train": ("train",), "validation": ("val", "validation", "valid"), "test": ("test",)}


@dataclass(frozen=True, eq=False)
class Scan:
    """The files of a folder after each was looked at once.

    Args:
        paths: of the readable files, sorted.
        sizes: int64 `(N, 2)`, (height, width).
        bad: what was wrong with the others.
    """

    paths: tuple[Path, ...]
    sizes: NDArray[np.int64]
    bad: tuple[DecodeError, ...]


def decoded_size(path: Path) -> tuple[int, int]:
    """Size (height, width) of a file, found by decoding it: its pixels are sound."""
    _, height, width = decode(path).shape
    return height, width


def read(root: Path, *, bad_share: float = BAD_SHARE, sizing: Sizing = decoded_size) -> Found:
    """Read a folder of images.

    With `images/` and `labels/` inside it is in YOLO layout: a text file of boxes for each image.
    Else its images lie in class folders, or flat and without labels. In either layout there may
    be `train/`, `val/` and `test/`. Names that begin with a dot and linked folders are passed
    over.

    Args:
        root: the folder.
        bad_share: largest share of unreadable files that is quarantined, not refused.
        sizing: how sizes are found: `decoded_size`, or `headers.header_size`, which reads no
            pixels and so finds no damaged ones.

    Raises:
        ValueError: naming the folder that holds no image, or too many unreadable ones.
    """
    has_boxes = (root / "images").is_dir() and (root / "labels").is_dir()
    base = root / "images" if has_boxes else root
    folders = {part: _first(base, names) for part, names in _SPLITS.items()}
    if folders["train"] is None:
        folders = {"train": base, "validation": None, "test": None}
    scans = {part: scan(folder, sizing) for part, folder in folders.items() if folder is not None}
    bad = tuple(error for each in scans.values() for error in each.bad)
    _require_readable(root, scans, bad, bad_share)
    classes = None if has_boxes else _classes(scans["train"].paths, folders["train"] or base)
    notes: list[str] = []
    sets = {
        part: ImageSet(
            paths=each.paths,
            sizes=each.sizes,
            labels=_labels(each.paths, folders[part] or base, classes),
            boxes=_boxes(root, each, notes) if has_boxes else None,
        )
        for part, each in scans.items()
    }
    return Found(
        train=sets["train"],
        validation=sets.get("validation"),
        test=sets.get("test"),
        classes=classes,
        root=root,
        quarantined=bad,
        notes=tuple(notes),
    )


def scan(folder: Path, sizing: Sizing = decoded_size) -> Scan:
    """Look at every image file below a folder once, with several threads."""
    paths = files(folder)
    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(lambda path: _size(path, sizing), paths))
    good = [
        (path, size)
        for path, size in zip(paths, outcomes, strict=True)
        if not isinstance(size, DecodeError)
    ]
    sizes = np.array([size for _, size in good], dtype=np.int64).reshape(-1, 2)
    bad = tuple(outcome for outcome in outcomes if isinstance(outcome, DecodeError))
    return Scan(tuple(path for path, _ in good), sizes, bad)


def files(folder: Path) -> list[Path]:
    """The image files below a folder by their suffixes, sorted; hidden ones are passed over."""
    known = Image.registered_extensions()
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(place, name)
            for name in names
            if not name.startswith(".") and Path(name).suffix.lower() in known
        ]
    return sorted(found)


def _size(path: Path, sizing: Sizing) -> tuple[int, int] | DecodeError:
    try:
        return sizing(path)
    except DecodeError as error:
        return error


def _boxes(root: Path, scan: Scan, notes: list[str]) -> tuple[Boxes, ...]:
    """Boxes of a scan inside their images; what had to be changed is added to the notes."""
    boxes, changes = objects.inside(yolo.boxes(root, scan.paths, scan.sizes), scan.sizes)
    notes += changes
    return boxes


def _first(base: Path, names: Sequence[str]) -> Path | None:
    return next((base / name for name in names if (base / name).is_dir()), None)


def _require_readable(
    root: Path, scans: dict[str, Scan], bad: Sequence[DecodeError], bad_share: float
) -> None:
    total = sum(len(each.paths) for each in scans.values()) + len(bad)
    if total == 0:
        raise ValueError(f"{root} must hold image files, got none")
    if len(bad) > bad_share * total:
        raise ValueError(
            f"{root}: {len(bad)} of {total} files cannot be read, more than "
            f"{100 * bad_share:g} %; the first: {bad[0]}"
        )
    empty = [part for part, each in scans.items() if not each.paths]
    if empty:
        raise ValueError(f"{root}: the {empty[0]} split must hold images, got none")


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
