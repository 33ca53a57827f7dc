"""`.npz` archives: `{train,val,test}_{images,labels,boxes}` as MedMNIST has them, and the like."""

import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tamecrop.data import annotations, bands, names
from tamecrop.data.account import Found, Needs, reads_boxes
from tamecrop.data.images import ImageSet, Need
from tamecrop.data.ranges import Depth, depth_of, measure

Arrays = Mapping[str, NDArray[Any]]

KEYS: Mapping[str, tuple[str, ...]] = {
    "images": ("images", "image", "imgs", "img", "x", "data", "pixels", "inputs"),
    "labels": ("labels", "label", "y", "targets", "target"),
    "boxes": ("boxes", "box", "bboxes", "bbox"),
}
"""Words for what an array holds, beside a word for the split; without one it is train."""

CLASSES = ("classes", "class_names", "label_names", "categories")

_FARTHEST = 2**31
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NAMES = {names.TRAIN: "train", names.VALIDATION: "val", names.TEST: "test"}


def slot(key: str) -> tuple[str, str] | None:
    """The split and the kind that a key stands for.

    >>> slot("train_images"), slot("X_test"), slot("y_valid"), slot("images"), slot("trainX")
    (('train', 'images'), ('test', 'images'), ('validation', 'labels'), ('train', 'images'), \
('train', 'images'))
    >>> slot("train_masks")
    """
    words = [word.lower() for word in _WORDS.findall(key)]
    if len(words) == 1 and words[0][:1] in "xy" and names.split_word(words[0][1:]):
        words = [words[0][0], words[0][1:]]
    kinds = [kind for kind, known in KEYS.items() for word in words if word in known]
    rest = [word for word in words if not any(word in known for known in KEYS.values())]
    split = names.split_word(" ".join(rest)) if rest else (names.TRAIN, 0)
    if split is None or len(kinds) != 1:
        return None
    return split[0], kinds[0]


@dataclass
class _Archive:
    """An archive with a key for each kind of array of each split."""

    path: Path
    arrays: Arrays
    keys: Mapping[tuple[str, str], str]
    needs: Needs
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def get(self, split: str, kind: str) -> tuple[str, NDArray[Any]] | None:
        """Key and array, where there is one."""
        key = self.keys.get((split, kind))
        return None if key is None else (key, self.arrays[key])

    def wants(self, need: Need) -> bool:
        """Whether something must be right: it is needed, or nothing is said of needs."""
        if need == "boxes":
            return reads_boxes(self.needs)
        return self.needs is None or need in self.needs


def read(path: Path, *, needs: Needs = None) -> Found:
    """Read an archive; gray images `(N, H, W)` become RGB.

    Images are `(N, H, W)`, `(N, H, W, C)` or `(N, C, H, W)`; values of more than 8 bits become 8
    bits by the range of the whole archive, see `ranges`. Labels are one integer an image, or
    one-hot rows. `classes`, where given, names them. `_boxes` are `(N, 4)` or `(N, k, 4)` pixels,
    XYXY, half-open; rows of NaN are no boxes.

    Args:
        path: of the archive.
        needs: what is asked of the data: labels or boxes that nobody needs may be of any kind.

    Raises:
        ValueError: naming the archive and the key that is missing or of the wrong kind.
    """
    arrays = _arrays(path)
    found = _Archive(path, arrays, _keys(path, arrays), needs)
    images = {split: _images(found, split) for split in names.SPLITS}
    if images[names.TRAIN] is None:
        raise ValueError(f"{path} must have the key `train_images`, got {', '.join(arrays)}")
    deep = [array for array in images.values() if array is not None and array.dtype != np.uint8]
    depth = depth_of(measure(array) for array in deep) if deep else Depth()
    sets = {
        split: _set(found, split, array, depth)
        for split, array in images.items()
        if array is not None
    }
    used = {*found.keys.values(), *CLASSES}
    return Found(
        train=sets[names.TRAIN],
        validation=sets.get(names.VALIDATION),
        test=sets.get(names.TEST),
        classes=_classes(found, sets),
        notes=tuple(found.notes),
        depth=depth.account,
        unread=tuple(f"`{key}` {arrays[key].shape}" for key in arrays if key not in used),
        lacking=_lacking(found, sets),
    )


def check(path: Path) -> list[str]:
    """Everything that is wrong in an archive, a sentence each."""
    try:
        arrays = _arrays(path)
        found = _Archive(path, arrays, _keys(path, arrays), ("pixels",))
    except ValueError as error:
        return [str(error)]
    for split in names.SPLITS:
        try:
            images = _images(found, split)
            if images is not None:
                _labels(found, split, len(images))
                _boxes(found, split, images.shape)
        except ValueError as error:
            found.problems.append(str(error))
    if (names.TRAIN, "images") not in found.keys:
        found.problems.append(f"{path} must have the key `train_images`, got {', '.join(arrays)}")
    return found.problems


def _arrays(path: Path) -> Arrays:
    try:
        _require_room(path)
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} must be an .npz archive of plain arrays: {error}") from error


def _require_room(path: Path) -> None:
    """Refuse what would unpack to more than memory holds twice: images are copied once."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    room = _memory() // 2
    if unpacked > room:
        raise ValueError(f"it unpacks to {unpacked:,} bytes, and there is room for {room:,}")


def _memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _keys(path: Path, arrays: Arrays) -> dict[tuple[str, str], str]:
    """The key of each kind of array of each split."""
    found: dict[tuple[str, str], str] = {}
    for key in arrays:
        place = slot(key)
        if place is None or key in CLASSES:
            continue
        if place in found:
            raise ValueError(f"{path}: `{found[place]}` and `{key}` are both {' '.join(place)}")
        found[place] = key
    return found


def _images(archive: _Archive, split: str) -> NDArray[Any] | None:
    """Images `(N, C, H, W)` of a split as they are stored."""
    there = archive.get(split, "images")
    if there is None:
        return None
    key, images = there
    if images.dtype.kind not in "buif" or images.ndim not in (3, 4) or 0 in images.shape[1:]:
        got = f"{images.dtype} {images.shape}"
        raise ValueError(
            f"{archive.path}: `{key}` must be uint8, uint16 or float (N, H, W[, C]), got {got}"
        )
    if images.dtype == np.bool_:
        images = images * np.uint8(255)
    if images.ndim == 3:
        return images[:, None]
    first = images.shape[-1] not in (1, 3) and bands.channels_are_first(images.shape[1:])
    return images if first else np.moveaxis(images, -1, 1)


def _set(archive: _Archive, split: str, images: NDArray[Any], depth: Depth) -> ImageSet:
    scale = depth.scale("real" if images.dtype.kind == "f" else "whole")
    pixels = images if images.dtype == np.uint8 or scale is None else scale(images)
    pixels = np.repeat(pixels, 3, axis=1) if pixels.shape[1] == 1 else pixels
    return ImageSet.in_memory(
        torch.from_numpy(np.ascontiguousarray(pixels)),
        labels=_labels(archive, split, len(images)),
        boxes=_boxes(archive, split, images.shape),
    )


@contextmanager
def _tolerated(archive: _Archive, need: Need) -> Iterator[None]:
    """Let what nobody needs be wrong: it is noted, and left out."""
    try:
        yield
    except ValueError as error:
        if archive.wants(need):
            raise
        archive.problems.append(str(error))
        archive.notes.append(f"{error}; the {need} are not needed and were left out")


def _labels(archive: _Archive, split: str, count: int) -> torch.Tensor | None:
    there = archive.get(split, "labels")
    if there is None:
        return None
    with _tolerated(archive, "labels"):
        return _numbered(archive, *there, count)
    return None


def _numbered(archive: _Archive, key: str, labels: NDArray[Any], count: int) -> torch.Tensor:
    """One class an image, from integers or from rows with a single one."""
    if len(labels) != count:
        raise ValueError(
            f"{archive.path}: `{key}` must have one entry per image, got {len(labels)} for {count}"
        )
    rows = labels.reshape(count, -1)
    is_hot = rows.shape[1] > 1 and labels.dtype.kind in "buif" and np.isin(rows, (0, 1)).all()
    if is_hot and (rows.sum(axis=1) == 1).all():
        archive.notes.append(f"`{key}` is one-hot: the place of the one is the class")
        return torch.from_numpy(rows.argmax(axis=1).astype(np.int64))
    if rows.shape[1] == 1 and labels.dtype.kind == "f" and (rows == np.rint(rows)).all():
        rows = rows.astype(np.int64)
    if rows.dtype.kind not in "bui" or rows.shape[1] != 1:
        got = f"{labels.dtype} {labels.shape}"
        raise ValueError(f"{archive.path}: `{key}` must be one integer an image, got {got}")
    return torch.from_numpy(rows[:, 0].astype(np.int64))


def _boxes(
    archive: _Archive, split: str, shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], ...] | None:
    there = archive.get(split, "boxes")
    if there is None:
        return None
    with _tolerated(archive, "boxes"):
        boxes = _pixels(archive, *there, shape[0])
        sizes = np.tile(np.array(shape[-2:], dtype=np.int64), (shape[0], 1))
        fitted, changes = annotations.inside(boxes, sizes)
        archive.notes += changes
        return fitted
    return None


def _pixels(
    archive: _Archive, key: str, boxes: NDArray[Any], count: int
) -> list[NDArray[np.float64]]:
    right = boxes.dtype.kind in "uif" and boxes.ndim in (2, 3) and boxes.shape[-1] == 4
    if not right or (np.abs(boxes[np.isfinite(boxes)]) > _FARTHEST).any():
        got = f"{boxes.dtype} {boxes.shape}"
        raise ValueError(f"{archive.path}: `{key}` must be pixels (N, 4) or (N, k, 4), got {got}")
    if len(boxes) != count:
        raise ValueError(
            f"{archive.path}: `{key}` must have one entry per image, got {len(boxes)} for {count}"
        )
    per_image = boxes.reshape(len(boxes), -1, 4).astype(np.float64)
    return [each[np.isfinite(each).all(axis=1)] for each in per_image]


def _classes(archive: _Archive, sets: Mapping[str, ImageSet]) -> tuple[str, ...] | None:
    """The archive's own names where it has them, else the numbers of the labels of train."""
    labels = sets[names.TRAIN].labels
    if labels is None:
        return None
    for key in CLASSES:
        if key in archive.arrays:
            return tuple(str(name) for name in archive.arrays[key].reshape(-1))
    return tuple(str(label) for label in range(int(labels.max()) + 1))


def _lacking(archive: _Archive, sets: Mapping[str, ImageSet]) -> dict[Need, tuple[str, ...]]:
    """Why labels or boxes are not there, by key."""
    why: dict[Need, tuple[str, ...]] = {}
    if any(images.labels is None for images in sets.values()):
        why["labels"] = tuple(
            f"{archive.path} has no usable `{_NAMES[split]}_labels`"
            for split, images in sets.items()
            if images.labels is None
        )
    if sets[names.TRAIN].boxes is None:
        why["boxes"] = (f"{archive.path} has no usable `train_boxes`",)
    return why
