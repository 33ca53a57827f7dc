"""`.npz` archives in the key layout of MedMNIST: `{train,val,test}_{images,labels,boxes}`."""

import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tamecrop.data import objects
from tamecrop.data.found import Found
from tamecrop.data.images import ImageSet

Arrays = Mapping[str, NDArray[Any]]

_FARTHEST = 2**31
_PARTS = ("train", "val", "test")


def read(path: Path) -> Found:
    """Read an archive; gray images `(N, H, W)` become RGB.

    `classes`, where given, names the labels. `_boxes` are `(N, 4)` or `(N, k, 4)` pixels, XYXY,
    half-open; rows of NaN are no boxes.

    Raises:
        ValueError: naming the archive and the key that is missing or of the wrong kind.
    """
    arrays = _arrays(path)
    notes: list[str] = []
    train, validation, test = (_split(path, arrays, part, notes) for part in _PARTS)
    if train is None:
        raise ValueError(f"{path} must have the key `train_images`, got {', '.join(arrays)}")
    return Found(
        train=train,
        validation=validation,
        test=test,
        classes=_classes(arrays, train),
        notes=tuple(notes),
    )


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
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _split(path: Path, arrays: Arrays, name: str, notes: list[str]) -> ImageSet | None:
    images = arrays.get(f"{name}_images")
    if images is None:
        return None
    right = images.dtype == np.uint8 and (images.ndim == 3 or images.shape[-1:] == (3,))
    if not right or images.ndim not in (3, 4):
        got = f"{images.dtype} {images.shape}"
        raise ValueError(f"{path}: `{name}_images` must be uint8 (N, H, W[, 3]), got {got}")
    rgb = images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=-1)
    whole = ImageSet.in_memory(
        torch.from_numpy(np.ascontiguousarray(rgb.transpose(0, 3, 1, 2))),
        labels=_labels(path, arrays, name),
        boxes=_boxes(path, arrays, name),
    )
    if whole.boxes is None:
        return whole
    boxes, changes = objects.inside(whole.boxes, whole.sizes)
    notes += changes
    return replace(whole, boxes=boxes)


def _labels(path: Path, arrays: Arrays, name: str) -> torch.Tensor | None:
    labels = arrays.get(f"{name}_labels")
    if labels is None:
        return None
    if not np.issubdtype(labels.dtype, np.integer) or labels.size != len(labels):
        got = f"{labels.dtype} {labels.shape}"
        raise ValueError(f"{path}: `{name}_labels` must be one integer an image, got {got}")
    return torch.from_numpy(labels.reshape(-1).astype(np.int64))


def _boxes(path: Path, arrays: Arrays, name: str) -> tuple[NDArray[np.int64], ...] | None:
    """Whole pixels that hold each box: near edges down, far edges up."""
    boxes = arrays.get(f"{name}_boxes")
    if boxes is None:
        return None
    right = np.issubdtype(boxes.dtype, np.number) and boxes.ndim in (2, 3) and boxes.shape[-1] == 4
    if not right or (np.abs(boxes[np.isfinite(boxes)]) > _FARTHEST).any():
        got = f"{boxes.dtype} {boxes.shape}"
        raise ValueError(f"{path}: `{name}_boxes` must be pixels (N, 4) or (N, k, 4), got {got}")
    per_image = boxes.reshape(len(boxes), -1, 4).astype(np.float64)
    kept = [each[np.isfinite(each).all(axis=1)] for each in per_image]
    return tuple(
        np.concatenate([np.floor(each[:, :2]), np.ceil(each[:, 2:])], axis=1).astype(np.int64)
        for each in kept
    )


def _classes(arrays: Arrays, train: ImageSet) -> tuple[str, ...] | None:
    """The archive's own `classes` where it has them, else the numbers of the labels."""
    if train.labels is None:
        return None
    if "classes" in arrays:
        return tuple(str(name) for name in arrays["classes"])
    return tuple(str(label) for label in range(int(train.labels.max()) + 1))
