"""What views show of objects, pixel by pixel, from the words of the definition."""

import numpy as np


def mask(box: np.ndarray, height: int, width: int) -> np.ndarray:
    """The pixels of the image that a box holds."""
    rows, columns = np.mgrid[:height, :width]
    x1, y1, x2, y2 = box
    return (rows >= y1) & (rows < y2) & (columns >= x1) & (columns < x2)


def shares(pairs: list, objects: list, sizes: list, threshold: float) -> dict[str, float]:
    """Shares over pairs `(2, 4)` of boxes, each with the objects and the size of its image."""
    views, common, different, none, largest = [], [], [], [], []
    for pair, boxes, (height, width) in zip(pairs, objects, sizes, strict=True):
        shown = []
        for view in pair:
            seen = mask(view, height, width)
            whole = [mask(box, height, width) for box in boxes]
            shown.append(
                {i for i, each in enumerate(whole) if (each & seen).sum() >= threshold * each.sum()}
            )
        views += [bool(each) for each in shown]
        areas = [mask(box, height, width).sum() for box in boxes]
        largest.append(all(int(np.argmax(areas)) in each for each in shown))
        common.append(bool(shown[0] & shown[1]))
        none.append(not shown[0] or not shown[1])
        different.append(not none[-1] and not common[-1])
    return {
        "object_share": np.mean(views),
        "any_share": 1 - np.mean(none),
        "pair_share": np.mean(common),
        "largest_share": np.mean(largest),
        "false_positive_share": np.mean(np.logical_or(different, none)),
        "different_share": np.mean(different),
        "none_share": np.mean(none),
    }


def seen(contents: np.ndarray, sizes: np.ndarray, grid: int) -> np.ndarray:
    """How many boxes hold the middle of each cell of a grid over their own image."""
    counts = np.zeros((grid, grid), dtype=int)
    for (x1, y1, x2, y2), (height, width) in zip(contents, sizes, strict=True):
        for row in range(grid):
            for column in range(grid):
                y, x = (row + 0.5) * height / grid, (column + 0.5) * width / grid
                counts[row, column] += (y1 <= y < y2) and (x1 <= x < x2)
    return counts
