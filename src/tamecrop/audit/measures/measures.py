"""What is measured of each drawn view and of each drawn pair."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tamecrop.geometry import boxes as box
from tamecrop.geometry.boxes import Boxes, Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Measures:
    """Figures of `P` drawn pairs, `(P, 2)` for the views and `(P,)` for the pairs.

    Args:
        area: of the box, as a share of the image.
        ratio: width / height of the box.
        content_share: share of the view that is image.
        content_area: of the content, as a share of the image.
        at_edge: whether the box reaches or crosses an edge of the image.
        iou: of the contents of the two views.
        distance: of the boxes' centers, x by the image's width and y by its height.
        log_area_ratio: |ln(a / b)| of the contents' areas; not finite where one is empty.
    """

    area: Floats
    ratio: Floats
    content_share: Floats
    content_area: Floats
    at_edge: NDArray[np.bool_]
    iou: Floats
    distance: Floats
    log_area_ratio: Floats

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """The figures of several batches, one after the other."""
        rows = list(parts)
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(row, name) for row in rows]) for name in names))


def measures(boxes: Boxes, sizes: Ints) -> Measures:
    """Measure drawn pairs.

    Args:
        boxes: int64 `(P, 2, 4)`.
        sizes: `(P, 2)`, (height, width) of the image of each.
    """
    contents = box.clip(boxes, sizes[:, None])
    area, content = box.area(boxes), box.area(contents)
    image = (sizes[:, :1] * sizes[:, 1:]).astype(np.float64)
    width, height = np.moveaxis(boxes[..., 2:] - boxes[..., :2], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_area_ratio = np.abs(np.log(content[:, 0] / content[:, 1]))
    return Measures(
        area=area / image,
        ratio=width / height,
        content_share=content / area,
        content_area=content / image,
        at_edge=_at_edge(boxes, sizes),
        iou=box.iou(contents[:, 0], contents[:, 1]),
        distance=_distance(boxes, sizes),
        log_area_ratio=log_area_ratio,
    )


def _at_edge(boxes: Boxes, sizes: Ints) -> NDArray[np.bool_]:
    return np.asarray(
        (boxes[..., :2] <= 0).any(axis=-1) | (boxes[..., 2:] >= sizes[:, None, ::-1]).any(axis=-1)
    )


def _distance(boxes: Boxes, sizes: Ints) -> Floats:
    centers = (boxes[..., :2] + boxes[..., 2:]) / (2 * sizes[:, None, ::-1])
    return np.asarray(np.hypot(*np.moveaxis(centers[:, 0] - centers[:, 1], -1, 0)))
