"""Boxes in YOLO's layout: for `images/x.jpg` the lines of `labels/x.txt`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tamecrop.geometry.boxes import Boxes

_FARTHEST = 1e6
"""No fraction of an image is larger; and no pixel of one then is too large for an integer."""


def boxes(root: Path, paths: Sequence[Path], sizes: NDArray[np.int64]) -> tuple[Boxes, ...]:
    """The boxes of each image, in the whole pixels that hold them, as the file has them.

    An image without a text file, or with an empty one, has none.

    Args:
        root: the folder with `images/` and `labels/`.
        paths: of the images.
        sizes: `(N, 2)`, (height, width).

    Returns:
        int64 `(k, 4)` for each image; they may leave it, see `objects.inside`.

    Raises:
        ValueError: naming the file and the line that is not `class x y width height`.
    """
    return tuple(
        _of(_text(root, path), (int(height), int(width)))
        for path, (height, width) in zip(paths, sizes, strict=True)
    )


def _text(root: Path, image: Path) -> Path:
    return (root / "labels" / image.relative_to(root / "images")).with_suffix(".txt")


def _of(path: Path, size: tuple[int, int]) -> Boxes:
    if not path.is_file():
        return np.empty((0, 4), dtype=np.int64)
    lines = path.read_text(errors="replace").splitlines()
    rows = [_numbers(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    x, y, width, height = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    near = np.stack([x - width / 2, y - height / 2], axis=1) * size[::-1]
    far = np.stack([x + width / 2, y + height / 2], axis=1) * size[::-1]
    return np.concatenate([np.floor(near + 1e-6), np.ceil(far - 1e-6)], axis=1).astype(np.int64)


def _numbers(path: Path, number: int, line: str) -> list[float]:
    try:
        _, *numbers = (float(word) for word in line.split())
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not (np.abs(numbers) <= _FARTHEST).all():
        raise ValueError(
            f"{path}, line {number}: must be `class x y width height` as fractions, got {line!r}"
        )
    return numbers
