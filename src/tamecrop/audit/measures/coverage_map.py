"""How often each place of the image is seen."""

import numpy as np
from numpy.typing import NDArray

from tamecrop.geometry.boxes import Boxes

Ints = NDArray[np.int64]

GRID = 32


def seen_counts(contents: Boxes, sizes: Ints, *, grid: int = GRID) -> Ints:
    """How many boxes hold the middle of each cell of a grid laid over their own image.

    Boxes are added up as differences at their four corners and summed once over both axes.

    Args:
        contents: int64 `(M, 4)` boxes inside their images.
        sizes: `(M, 2)`, (height, width) of the image of each.
        grid: cells along each axis, whatever the aspect of the image.

    Returns:
        int64 `(grid, grid)`, rows from the top.

    >>> seen_counts(np.array([[0, 0, 4, 2], [2, 0, 4, 4]]), np.array([[4, 4], [4, 4]]), grid=2)
    array([[1, 2],
           [0, 1]])
    """
    x1, y1, x2, y2 = (
        _first_cell(contents[:, edge], sizes[:, 1 - edge % 2], grid) for edge in range(4)
    )
    wide = grid + 1
    near, far = ((y1, x1), (y2, x2)), ((y1, x2), (y2, x1))
    change = np.zeros(wide * wide, dtype=np.int64)
    for corners, sign in ((near, 1), (far, -1)):
        for row, column in corners:
            change += sign * np.bincount(row * wide + column, minlength=wide * wide)
    counts: Ints = change.reshape(wide, wide).cumsum(axis=0).cumsum(axis=1)[:grid, :grid]
    return counts


def _first_cell(edge: Ints, side: Ints, grid: int) -> Ints:
    """The first cell whose middle, `(cell + 1/2) * side / grid`, is not before the edge.

    An empty content may lie outside; held to the grid, both its edges fall together.
    """
    return np.asarray(np.clip(-((side - 2 * edge * grid) // (2 * side)), 0, grid))
