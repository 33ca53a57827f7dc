"""Arithmetic on boxes `(x1, y1, x2, y2)`: pixels, origin top left, half-open.

Every function takes boxes of shape `(..., 4)`, broadcasts over the leading dimensions, keeps
integer boxes integer, and never changes its arguments. A box whose far edge is not beyond its
near edge is empty and has area 0.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamecrop.geometry import elementwise as of
from tamecrop.geometry.elementwise import Reals, Wholes

Boxes = NDArray[np.int64]
Floats = NDArray[np.float64]


def area(boxes: ArrayLike) -> NDArray[np.int64] | Floats:
    """Area `(...)` of boxes `(..., 4)` in square pixels, in 64 bits whatever the boxes' own.

    >>> area([[0, 0, 4, 3], [2, 2, 2, 9]])
    array([12,  0])
    """
    boxes = np.asarray(boxes)
    boxes = boxes.astype(np.result_type(boxes, np.int64), copy=False)
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def intersection(first: ArrayLike, second: ArrayLike) -> Boxes:
    """The boxes `(..., 4)` that two arrays of boxes share; empty ones share a box of area 0.

    >>> intersection([0, 0, 4, 4], [2, 1, 9, 9])
    array([2, 1, 4, 4])
    """
    first, second = np.broadcast_arrays(first, second)
    near = np.maximum(first[..., :2], second[..., :2])
    far = np.minimum(first[..., 2:], second[..., 2:])
    return np.concatenate([near, np.maximum(near, far)], axis=-1)


def iou(first: ArrayLike, second: ArrayLike) -> Floats:
    """Intersection over union of boxes `(..., 4)` in [0, 1]; 0 where both are empty.

    >>> iou([0, 0, 2, 2], [1, 0, 3, 2]).round(3)
    np.float64(0.333)
    """
    shared = area(intersection(first, second))
    found: Floats = _share(shared, area(first) + area(second) - shared)
    return found


def content_iou_of_edges(first: Any, second: Any, height: Wholes, width: Wholes) -> Reals:
    """`content_iou` of two boxes given by their edges: arrays of them, or numbers for one pair.

    Args:
        first: its edges x1, y1, x2, y2, each an array or an int.
        second: the same of the other box.
        height: of the image.
        width: of the image.

    >>> content_iou_of_edges((-2, 0, 2, 2), (0, 0, 2, 4), 4, 4)
    0.5
    """
    (a1, b1, a2, b2), (c1, d1, c2, d2) = (
        [of.clip(edge, 0, side) for edge, side in zip(edges, (width, height) * 2, strict=True)]
        for edges in (first, second)
    )
    across = of.maximum(of.minimum(a2, c2) - of.maximum(a1, c1), 0)
    down = of.maximum(of.minimum(b2, d2) - of.maximum(b1, d1), 0)
    shared = across * down
    return _share(shared, (a2 - a1) * (b2 - b1) + (c2 - c1) * (d2 - d1) - shared)


def coverage(boxes: ArrayLike, reference: ArrayLike) -> Floats:
    """Share of reference boxes `(..., 4)` that boxes cover, in [0, 1]; 0 of an empty reference.

    >>> coverage([0, 0, 2, 2], [1, 0, 3, 2])
    np.float64(0.5)
    """
    found: Floats = _share(area(intersection(boxes, reference)), area(reference))
    return found


def are_fractions(boxes: ArrayLike) -> bool:
    """Whether boxes that should be pixels are fractions of their images; NaN says nothing.

    >>> are_fractions([[0.1, 0.1, 0.5, 1]]), are_fractions([[0, 0, 1, 1]])
    (True, False)
    """
    stated = np.asarray(boxes, dtype=np.float64)
    known = stated[np.isfinite(stated)]
    is_small = known.size > 0 and known.min() > -1 and 0 < known.max() <= 1
    return bool(is_small and (known != np.rint(known)).any())


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
    found: Floats = _share(area(clip(boxes, sizes)), area(boxes))
    return found


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
    """Boxes `(..., 4)` of the image mirrored left to right; `width` broadcasts against `(...)`.

    >>> flip([1, 0, 3, 2], 10)
    array([7, 0, 9, 2])
    """
    boxes = np.asarray(boxes)
    mirrored = boxes.copy()
    mirrored[..., 0] = width - boxes[..., 2]
    mirrored[..., 2] = width - boxes[..., 0]
    return mirrored


def _share(part: Any, whole: Any) -> Any:
    """Part over whole, and 0 where there is no whole."""
    return part / of.maximum(whole, float(np.finfo(np.float64).tiny))
