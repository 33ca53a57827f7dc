"""Arithmetic on boxes `(x1, y1, x2, y2)`: pixels, origin top left, half-open.

Every function takes boxes of shape `(..., 4)`, broadcasts over the leading dimensions, keeps
integer boxes integer, and never changes its arguments. A box whose far edge is not beyond its
near edge is empty and has area 0.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Boxes = NDArray[np.int64]
Floats = NDArray[np.float64]


def area(boxes: ArrayLike) -> NDArray[np.int64] | Floats:
    """Area of each box in square pixels, in 64 bits whatever the boxes' own.

    >>> area([[0, 0, 4, 3], [2, 2, 2, 9]])
    array([12,  0])
    """
    boxes = np.asarray(boxes)
    boxes = boxes.astype(np.result_type(boxes, np.int64), copy=False)
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def intersection(first: ArrayLike, second: ArrayLike) -> Boxes:
    """The box that two boxes share; empty ones share a box of area 0.

    >>> intersection([0, 0, 4, 4], [2, 1, 9, 9])
    array([2, 1, 4, 4])
    """
    first, second = np.broadcast_arrays(first, second)
    near = np.maximum(first[..., :2], second[..., :2])
    far = np.minimum(first[..., 2:], second[..., 2:])
    return np.concatenate([near, np.maximum(near, far)], axis=-1)


def iou(first: ArrayLike, second: ArrayLike) -> Floats:
    """Intersection over union in [0, 1]; 0 where both boxes are empty.

    >>> iou([0, 0, 2, 2], [1, 0, 3, 2]).round(3)
    np.float64(0.333)
    """
    shared = area(intersection(first, second))
    union = area(first) + area(second) - shared
    return _share(shared, union)


def coverage(boxes: ArrayLike, reference: ArrayLike) -> Floats:
    """Share of the reference box that each box covers, in [0, 1]; 0 of an empty reference.

    >>> coverage([0, 0, 2, 2], [1, 0, 3, 2])
    np.float64(0.5)
    """
    return _share(area(intersection(boxes, reference)), area(reference))


def clip(boxes: ArrayLike, sizes: ArrayLike) -> Boxes:
    """The content of each box: its part inside an image of `sizes` `(..., 2)`, (height, width).

    >>> clip([-3, 2, 5, 9], (8, 8))
    array([0, 2, 5, 8])
    """
    sizes = np.asarray(sizes)
    image = np.concatenate([np.zeros_like(sizes), sizes[..., ::-1]], axis=-1)
    return intersection(boxes, image)


def content_share(boxes: ArrayLike, sizes: ArrayLike) -> Floats:
    """Share of each box that lies inside its image, in [0, 1]; the rest of the view is fill.

    >>> content_share([-2, 0, 2, 4], (8, 8))
    np.float64(0.5)
    """
    return _share(area(clip(boxes, sizes)), area(boxes))


def content_iou(boxes: ArrayLike, sizes: ArrayLike) -> Floats:
    """IoU of the contents of two views `(..., 2, 4)` of images of `sizes` `(..., 2)`: `(...,)`.

    The IoU that is shown and stored everywhere: fill, the part of a box outside the image, does
    not count.

    >>> content_iou([[-4, 0, 4, 4], [0, 0, 4, 4]], (8, 8))
    np.float64(1.0)
    """
    contents = clip(boxes, np.asarray(sizes)[..., None, :])
    return iou(contents[..., 0, :], contents[..., 1, :])


def flip(boxes: ArrayLike, width: ArrayLike) -> Boxes:
    """Boxes of the image mirrored left to right; `width` broadcasts against the leading shape.

    >>> flip([1, 0, 3, 2], 10)
    array([7, 0, 9, 2])
    """
    boxes = np.asarray(boxes)
    mirrored = boxes.copy()
    mirrored[..., 0] = width - boxes[..., 2]
    mirrored[..., 2] = width - boxes[..., 0]
    return mirrored


def _share(part: ArrayLike, whole: ArrayLike) -> Floats:
    """Part over whole, and 0 where there is no whole."""
    return np.asarray(part) / np.maximum(whole, np.finfo(np.float64).tiny)
