"""`.npz` archives: `{train,val,test}_{images,labels,boxes}` as MedMNIST has them, and the like."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tamecrop.data import annotations, bands, names, splits
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
    bits by the range of the whole archive, see `ranges`. Labels are one integer or text an image,
    or one-hot rows; `classes`, where given, names the integers from 0 on. `_boxes` are `(N, 4)`
    or `(N, k, 4)` pixels, XYXY, half-open; rows of NaN are no boxes.

    Args:
        path: of the archive.
        needs: what is asked of the data: labels or boxes that nobody needs may be of any kind.

    Raises:
        ValueError: naming the archive and the key that is missing or of the wrong kind.
    """
    arrays = bands.read_archive(path)
    found = _Archive(path, arrays, _keys(path, arrays), needs)
    images = {split: _images(found, split) for split in names.SPLITS}
    if images[names.TRAIN] is None:
        raise ValueError(f"{path} must have the key `train_images`, got {', '.join(arrays)}")
    deep = [array for array in images.values() if array is not None and array.dtype != np.uint8]
    depth = depth_of(measure(array) for array in deep) if deep else Depth()
    there = {split: array for split, array in images.items() if array is not None}
    classes, labels = None, dict[str, torch.Tensor | None].fromkeys(there)
    with _tolerated(found, "labels"):
        given = {split: _labels(found, split, len(array)) for split, array in there.items()}
        classes, labels = splits.number_labels(given, _own_names(found), name=str(path))
    sets = {
        split: _set(found, split, array, depth, labels[split]) for split, array in there.items()
    }
    used = {*found.keys.values(), *CLASSES}
    return Found(
        train=sets[names.TRAIN],
        validation=sets.get(names.VALIDATION),
        test=sets.get(names.TEST),
        classes=classes,
        notes=tuple(found.notes),
        depth=depth.account,
        unread=tuple(f"`{key}` {arrays[key].shape}" for key in arrays if key not in used),
        lacking=_lacking(found, sets),
    )


def check(path: Path) -> list[str]:
    """Everything that is wrong in an archive, a sentence each."""
    try:
        arrays = bands.read_archive(path)
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
    is_empty = len(images.shape) > 0 and len(images) == 0
    if is_empty and split != names.TRAIN:
        archive.notes.append(f"`{key}` holds no image and is left out")
        return None
    if images.dtype.kind not in "buif" or images.ndim not in (3, 4) or 0 in images.shape:
        rule = "uint8, uint16 or float (N, H, W[, C])"
        raise ValueError(f"{archive.path}: `{key}` must be {rule}, got {_kind(images)}")
    if images.dtype == np.bool_:
        images = images * np.uint8(255)
    if images.ndim == 3:
        return images[:, None]
    first = images.shape[-1] not in (1, 3) and bands.channels_are_first(images.shape[1:])
    return images if first else np.moveaxis(images, -1, 1)


def _kind(array: NDArray[Any]) -> str:
    objects = ": Python objects are not unpickled" if array.dtype.hasobject else ""
    return f"{array.dtype} {array.shape}{objects}"


def _set(
    archive: _Archive,
    split: str,
    images: NDArray[Any],
    depth: Depth,
    labels: torch.Tensor | None,
) -> ImageSet:
    scale = depth.scale("real" if images.dtype.kind == "f" else "whole")
    pixels = images if images.dtype == np.uint8 or scale is None else scale(images)
    pixels = np.repeat(pixels, 3, axis=1) if pixels.shape[1] == 1 else pixels
    return ImageSet.in_memory(
        torch.from_numpy(np.ascontiguousarray(pixels)),
        labels=labels,
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


def _labels(archive: _Archive, split: str, count: int) -> NDArray[Any] | None:
    there = archive.get(split, "labels")
    if there is None:
        return None
    with _tolerated(archive, "labels"):
        return _one_each(archive, *there, count)
    return None


def _one_each(archive: _Archive, key: str, labels: NDArray[Any], count: int) -> NDArray[Any]:
    """A whole number or a text for each image, `(N,)`; rows with a single one are its place."""
    _require_one_each(archive, key, labels, count)
    rows = labels.reshape(count, -1)
    is_hot = rows.shape[1] > 1 and labels.dtype.kind in "buif" and np.isin(rows, (0, 1)).all()
    if is_hot and (rows.sum(axis=1) == 1).all():
        archive.notes.append(f"`{key}` is one-hot: the place of the one is the class")
        return np.asarray(rows.argmax(axis=1))
    if rows.shape[1] == 1 and labels.dtype.kind == "f" and (rows == np.rint(rows)).all():
        rows = rows.astype(np.int64)
    if rows.dtype.kind not in "buiUS" or rows.shape[1] != 1:
        raise ValueError(
            f"{archive.path}: `{key}` must be one integer an image, got {_kind(labels)}"
        )
    column: NDArray[Any] = rows[:, 0].astype(np.str_ if rows.dtype.kind in "US" else rows.dtype)
    if column.dtype.kind == "i" and column.min(initial=0) < 0:
        rule = "integers from 0 on (leave images of no class out)"
        raise ValueError(f"{archive.path}: `{key}` must be {rule}, got {column.min()}")
    return column


def _require_one_each(archive: _Archive, key: str, array: NDArray[Any], count: int) -> None:
    if array.shape[:1] != (count,):
        got = len(array) if array.ndim else 1
        rule = "one entry per image"
        raise ValueError(f"{archive.path}: `{key}` must have {rule}, got {got} for {count}")


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
        rule = "pixels (N, 4) or (N, k, 4)"
        raise ValueError(f"{archive.path}: `{key}` must be {rule}, got {_kind(boxes)}")
    _require_one_each(archive, key, boxes, count)
    known = boxes[np.isfinite(boxes)]
    if known.size and 0 < known.max() <= 1 and (known != np.rint(known)).any():
        raise ValueError(f"{archive.path}: `{key}` must be pixels, got fractions from 0 to 1")
    per_image = boxes.reshape(len(boxes), -1, 4).astype(np.float64)
    return [each[np.isfinite(each).all(axis=1)] for each in per_image]


def _own_names(archive: _Archive) -> list[str] | None:
    """The names of the classes that an archive brings."""
    for key in (key for key in CLASSES if key in archive.arrays):
        own = archive.arrays[key]
        if own.dtype.hasobject:
            raise ValueError(f"{archive.path}: `{key}` must be texts, got {_kind(own)}")
        return [str(name) for name in own.reshape(-1)]
    return None


def _lacking(archive: _Archive, sets: Mapping[str, ImageSet]) -> dict[Need, tuple[str, ...]]:
    """Why labels or boxes are not there, by key."""
    why: dict[Need, tuple[str, ...]] = {}
    if any(images.labels is None for images in sets.values()):
        others = [key for key in archive.arrays if key not in archive.keys.values()]
        rest = f", and {', '.join(others)} are not read" if others else ""
        why["labels"] = tuple(
            f"{archive.path} has no usable `{_NAMES[split]}_labels`{rest}"
            for split, images in sets.items()
            if images.labels is None
        )
    if sets[names.TRAIN].boxes is None:
        why["boxes"] = (f"{archive.path} has no usable `train_boxes`",)
    return why
