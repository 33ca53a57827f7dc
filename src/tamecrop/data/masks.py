"""Objects of masks, boxes and pixels: images whose values say what belongs to which object."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tamecrop.data.opening import RAISED_BY_PILLOW, open_image, require_no_bomb
from tamecrop.geometry.object_masks import MaskedBoxes

Floats = NDArray[np.float64]

MOST_VALUES = 100
"""A mask of more values has soft edges: what is brighter than half of its maximum is one object."""

BORDER = 255
"""Beside other values it marks a border, as in VOC's masks."""

ACCOUNT = "around each value of their masks"

_LOSSY = ("JPEG", "MPO", "WEBP")


def boxes(path: Path, size: tuple[int, int]) -> tuple[Floats, list[str]]:
    """The box around the pixels of each value that is not 0, with them, and what is wrong.

    In a mask of two values this is one box around everything that is marked, in a mask that
    numbers its objects one box an object, in a mask of classes one box a class. Parts that lie
    apart and have one value are one object. Black is the background of a mask in colors.

    Args:
        path: of the mask.
        size: (height, width) of its image.
    """
    try:
        with open_image(path) as image:
            require_no_bomb(image)
            values = _values(image)
    except RAISED_BY_PILLOW as error:
        return np.empty((0, 4)), [f"{path}: must be a mask: {error}"]
    if values.shape != size:
        got = f"{values.shape[0]} x {values.shape[1]} pixels for {size[0]} x {size[1]}"
        return np.empty((0, 4)), [f"{path}: must be a mask of its image's size, got {got}"]
    return boxes_in(values, is_trimap="trimap" in path.parent.name.lower()), []


def boxes_in(mask: NDArray[Any], *, is_trimap: bool = False) -> Floats:
    """The box around the pixels of each object of a mask `(H, W)`, `(k, 4)`, with the pixels.

    Args:
        mask: a number a pixel; real ones that are not whole are cut at half of their maximum.
        is_trimap: whether 1 is the object, 2 the background and 3 a border, where there are no
            other values.
    """
    if mask.dtype.kind == "f" and not (mask == np.rint(mask)).all():
        mask = 2 * mask > np.nanmax(mask)
    values = mask.astype(np.int64)
    kept = _objects(values)
    if is_trimap and {*kept} <= {1, 2, 3}:
        kept = [value for value in kept if value == 1]
    return MaskedBoxes.of([values == value for value in kept])


def _values(image: Image.Image) -> NDArray[Any]:
    """A whole number for each pixel, 0 for the background."""
    if image.mode in ("1", "L", "P") or image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
    else:
        channels: NDArray[np.int64] = np.asarray(image.convert("RGB")).astype(np.int64)
        values = channels[..., 0] << 16 | channels[..., 1] << 8 | channels[..., 2]
    if image.format in _LOSSY or len(np.unique(values)) > MOST_VALUES:
        gray = np.asarray(image.convert("L"))
        bright: NDArray[np.bool_] = 2 * gray.astype(np.int64) > gray.max()
        return bright.astype(np.int64)
    return values


def _objects(values: NDArray[Any]) -> list[int]:
    found = [int(value) for value in np.unique(values) if value != 0]
    return [value for value in found if value != BORDER] if len(found) > 1 else found
