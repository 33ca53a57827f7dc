"""`.npz` archives: `{train,val,test}_{images,labels,boxes}` as MedMNIST has them, and the like."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tamecrop.data import annotations, bands, masks, names, splits
from tamecrop.data.account import Found, Needs
from tamecrop.data.archive_keys import NAMES, Archive, keys_of, tolerated
from tamecrop.data.archive_labels import (
    CLASSES,
    from_zero,
    kind_of,
    one_each,
    own_names,
    require_one_each,
)
from tamecrop.data.images import ImageSet, Need
from tamecrop.geometry import are_fractions
from tamecrop.views.ranges import Depth, depth_of, measure

_FARTHEST = 2**31


def read(path: Path, *, needs: Needs = None) -> Found:
    """Read an archive; gray images `(N, H, W)` become RGB.

    Images are `(N, H, W)`, `(N, H, W, C)` or `(N, C, H, W)`; values of more than 8 bits become 8
    bits by the range of the whole archive, see `ranges`. Labels are one integer or text an image,
    or one-hot rows; `classes`, where given, names the integers from 0 on. `_boxes` are `(N, 4)`
    or `(N, k, 4)` pixels, XYXY, half-open; rows of NaN are no boxes. Without them `_masks`
    `(N, H, W)` give a box around each value.

    Args:
        path: of the archive.
        needs: what is asked of the data: labels or boxes that nobody needs may be of any kind.

    Raises:
        ValueError: naming the archive and the key that is missing or of the wrong kind.
    """
    arrays = bands.read_archive(path)
    found = Archive(path, arrays, keys_of(path, arrays), needs)
    images = {split: _images(found, split) for split in names.SPLITS}
    if images[names.TRAIN] is None:
        raise ValueError(f"{path} must have the key `train_images`, got {', '.join(arrays)}")
    there = _alike(found, {split: array for split, array in images.items() if array is not None})
    deep = [array for array in there.values() if array.dtype != np.uint8]
    if not deep and max(array.max() for array in there.values()) == 1:
        deep = [*there.values()]  # pixels that are 0 or 1
    depth = depth_of(measure(array) for array in deep) if deep else Depth()
    classes, labels = None, dict[str, torch.Tensor | None].fromkeys(there)
    with tolerated(found, "labels"):
        stored = {split: _labels(found, split, len(array)) for split, array in there.items()}
        own = own_names(path, arrays)
        given, moved = from_zero(stored, own)
        found.notes += [moved] if moved else []
        classes, labels = splits.number_labels(given, own, name=str(path))
    sets = {
        split: _set(found, split, array, depth, labels[split]) for split, array in there.items()
    }
    unused = {found.keys.get((split, "masks")) for split in names.SPLITS} - found.marked
    used = {*found.keys.values(), *CLASSES} - unused
    return Found(
        train=sets[names.TRAIN],
        validation=sets.get(names.VALIDATION),
        test=sets.get(names.TEST),
        classes=classes,
        notes=tuple(found.notes),
        depth=depth.account,
        marked=masks.ACCOUNT if found.marked else "",
        unread=tuple(f"`{key}` {arrays[key].shape}" for key in arrays if key not in used),
        lacking=_lacking(found, sets),
    )


def check(path: Path) -> list[str]:
    """Everything that is wrong in an archive, a sentence each."""
    try:
        arrays = bands.read_archive(path)
        found = Archive(path, arrays, keys_of(path, arrays), ("pixels",))
    except ValueError as error:
        return [str(error)]
    there: dict[str, NDArray[Any]] = {}
    for split in names.SPLITS:
        try:
            images = _images(found, split)
            if images is not None:
                there[split] = images
                _labels(found, split, len(images))
                _boxes(found, split, images.shape)
        except ValueError as error:
            found.problems.append(str(error))
    try:
        own_names(path, arrays)
        _alike(replace(found, needs=None), there)
    except ValueError as error:
        found.problems.append(str(error))
    if (names.TRAIN, "images") not in found.keys:
        found.problems.append(f"{path} must have the key `train_images`, got {', '.join(arrays)}")
    return found.problems


def _images(archive: Archive, split: str) -> NDArray[Any] | None:
    """Images `(N, C, H, W)` of a split as they are stored."""
    there = archive.get(split, "images")
    if there is None:
        return None
    key, images = there
    is_empty = len(images.shape) > 0 and len(images) == 0
    if is_empty and split != names.TRAIN:
        archive.notes.append(f"`{key}` holds no image and is left out")
        return None
    if is_empty:
        raise ValueError(f"{archive.path}: `{key}` must hold images, got {kind_of(images)}")
    if images.dtype.kind not in "buif" or images.ndim not in (3, 4) or 0 in images.shape:
        rule = "uint8, uint16 or float (N, H, W[, C])"
        raise ValueError(f"{archive.path}: `{key}` must be {rule}, got {kind_of(images)}")
    if images.dtype == np.bool_:
        images = images * np.uint8(255)
    if images.ndim == 3 and images.shape[-1] in (3, 4):
        rule = "(N, H, W) or (N, H, W, C): is it one image?"
        raise ValueError(f"{archive.path}: `{key}` must be {rule}, got {kind_of(images)}")
    if images.ndim == 3:
        return images[:, None]
    first = images.shape[-1] not in (1, 3) and bands.channels_are_first(images.shape[1:])
    return images if first else np.moveaxis(images, -1, 1)


def _alike(archive: Archive, images: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The images of each split, `(N, C, H, W)`; those of other channels than train's are refused.

    Where nobody needs them, they are noted and left out. Gray, which becomes RGB, and images of
    another size are noted.
    """
    train, found = images.get(names.TRAIN), dict[str, NDArray[Any]]()
    if train is None:
        return found
    wide = {
        split: max(3, c) if (c := array.shape[1]) == 1 else c for split, array in images.items()
    }
    for split, array in images.items():
        key, first = archive.keys[split, "images"], archive.keys[names.TRAIN, "images"]
        if wide[split] != wide[names.TRAIN]:
            told = f"{wide[names.TRAIN]} channels of `{first}`, got {array.shape[1]}"
            said = f"{archive.path}: `{key}` must have the {told}"
            if archive.wants("labels"):
                raise ValueError(said)
            archive.notes.append(f"{said}; the {NAMES[split]} images were left out")
            continue
        if array.shape[1] != train.shape[1]:
            which = "gray" if array.shape[1] == 1 else "in colors"
            archive.notes.append(f"`{key}` is {which}, and `{first}` is not: gray becomes RGB")
        if array.shape[2:] != train.shape[2:]:
            sides = [f"{h} x {w}" for h, w in (array.shape[2:], train.shape[2:])]
            archive.notes.append(f"`{key}` has {sides[0]} pixels, and `{first}` {sides[1]}")
        found[split] = array
    return found


def _set(
    archive: Archive,
    split: str,
    images: NDArray[Any],
    depth: Depth,
    labels: torch.Tensor | None,
) -> ImageSet:
    scale = depth.scale("real" if images.dtype.kind == "f" else "whole")
    if images.dtype == np.uint8 and scale is not None and scale.high > 1:
        scale = None
    pixels = images if scale is None else scale(images)
    pixels = np.repeat(pixels, 3, axis=1) if pixels.shape[1] == 1 else pixels
    return ImageSet.in_memory(
        torch.from_numpy(np.ascontiguousarray(pixels)),
        labels=labels,
        boxes=_boxes(archive, split, images.shape),
    )


def _labels(archive: Archive, split: str, count: int) -> NDArray[Any] | None:
    there = archive.get(split, "labels")
    if there is None:
        return None
    with tolerated(archive, "labels"):
        labels, note = one_each(archive.path, *there, count)
        archive.notes += [note] if note else []
        return labels
    return None


def _boxes(
    archive: Archive, split: str, shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], ...] | None:
    there, marks = archive.get(split, "boxes"), archive.get(split, "masks")
    if there is None and marks is None:
        return None
    with tolerated(archive, "boxes"):
        if there is not None:
            boxes = _pixels(archive, *there, shape[0])
        elif marks is not None:
            boxes = _around_masks(archive, *marks, (shape[0], *shape[-2:]))
        sizes = np.tile(np.array(shape[-2:], dtype=np.int64), (shape[0], 1))
        fitted, changes = annotations.inside(boxes, sizes)
        archive.notes += changes
        return fitted
    return None


def _around_masks(
    archive: Archive, key: str, values: NDArray[Any], shape: tuple[int, ...]
) -> list[NDArray[np.float64]]:
    flat = values.reshape(shape) if values.size == np.prod(shape) else values
    if flat.shape != shape or values.dtype.kind not in "buif":
        rule = f"(N, H, W) masks of its images' size {shape}"
        raise ValueError(f"{archive.path}: `{key}` must be {rule}, got {kind_of(values)}")
    if archive.wants("boxes"):
        archive.marked.add(key)
        return [masks.boxes_in(each) for each in flat]
    return [np.empty((0, 4))] * len(flat)


def _pixels(
    archive: Archive, key: str, boxes: NDArray[Any], count: int
) -> list[NDArray[np.float64]]:
    right = boxes.dtype.kind in "uif" and boxes.ndim in (2, 3) and boxes.shape[-1] == 4
    if not right or (np.abs(boxes[np.isfinite(boxes)]) > _FARTHEST).any():
        rule = "pixels (N, 4) or (N, k, 4)"
        raise ValueError(f"{archive.path}: `{key}` must be {rule}, got {kind_of(boxes)}")
    require_one_each(archive.path, key, boxes, count)
    turned = boxes.reshape(-1, 4)[(boxes[..., 2:] < boxes[..., :2]).any(axis=-1).ravel()]
    if len(turned):
        raise ValueError(
            f"{archive.path}: `{key}` must be x1, y1, x2, y2, got {turned[0].tolist()}: are they "
            "x, y, width, height?"
        )
    if are_fractions(boxes):
        raise ValueError(f"{archive.path}: `{key}` must be pixels, got fractions from 0 to 1")
    per_image = boxes.reshape(len(boxes), -1, 4).astype(np.float64)
    return [each[np.isfinite(each).all(axis=1)] for each in per_image]


def _lacking(archive: Archive, sets: Mapping[str, ImageSet]) -> dict[Need, tuple[str, ...]]:
    """Why labels or boxes are not there, by key."""
    why: dict[Need, tuple[str, ...]] = {}
    if any(images.labels is None for images in sets.values()):
        others = [key for key in archive.arrays if key not in archive.keys.values()]
        rest = f", and {', '.join(others)} are not read" if others else ""
        why["labels"] = tuple(
            f"{archive.path} has no usable `{NAMES[split]}_labels`{rest}"
            for split, images in sets.items()
            if images.labels is None
        )
    if sets[names.TRAIN].boxes is None:
        why["boxes"] = (f"{archive.path} has no usable `train_boxes`",)
    return why
