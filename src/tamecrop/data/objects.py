"""Object boxes made to fit their images, with an account of what had to be changed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tamecrop.geometry.boxes import Boxes
from tamecrop.geometry.boxes import clip as clipped

_ROUNDING = 1


def inside(
    boxes: Sequence[Boxes], sizes: NDArray[np.int64]
) -> tuple[tuple[Boxes, ...], tuple[str, ...]]:
    """The part of each object box inside its image; what leaves nothing is left out.

    Args:
        boxes: int64 `(k, 4)` for each image.
        sizes: `(N, 2)`, (height, width).

    Returns:
        The boxes, each with at least one pixel, and a sentence for each kind of change that is
        more than rounding: boxes that reach further than a pixel out, and boxes left out.

    >>> inside([np.array([[-5, 0, 4, 4], [9, 9, 12, 12]])], np.array([[8, 8]]))[1]
    ('1 object boxes reached out of their image and were clipped', '1 object boxes had no pixel \
inside their image and were left out')
    """
    kept: list[Boxes] = []
    reached = lost = 0
    for each, size in zip(boxes, sizes, strict=True):
        fitted = clipped(each.reshape(-1, 4), size)
        shows = (fitted[:, 2:] > fitted[:, :2]).all(axis=1)
        reached += int((np.abs(fitted - each).max(axis=1, initial=0)[shows] > _ROUNDING).sum())
        lost += int((~shows).sum())
        kept.append(fitted[shows])
    account = (
        (reached, "reached out of their image and were clipped"),
        (lost, "had no pixel inside their image and were left out"),
    )
    return tuple(kept), tuple(f"{n} object boxes {fate}" for n, fate in account if n)
