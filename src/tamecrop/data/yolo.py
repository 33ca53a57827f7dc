"""Lines of YOLO's label files: boxes, and the other things that tools write into them.

A line is a class and numbers, which are fractions of the image's width and height:

- 4: center and size of a box; a 5th is a confidence, an angle or a track;
- 4, and then those of the key points of a pose, which `kpt_shape` in the data set's YAML file
  announces, or of which every third is a visibility: the box is the first four;
- 6 or more in pairs: the points of a polygon, or the corners of an oriented box; an odd one more
  is a confidence. The box is the one around the points, and the mask the pixels whose middle is in
  the polygon.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tamecrop.geometry.object_masks import MaskedBoxes, Masks, polygon_runs

Floats = NDArray[np.float64]
_Box = tuple[float, float, float, float]

FARTHEST = 1e6
"""No fraction of an image is larger; and no pixel of one then is too large for an integer."""

_POSE = re.compile(r"^kpt_shape:\s*\[\s*(\d+)\s*,\s*([23])", re.MULTILINE)
_BEYOND = 2
"""No object reaches further out of its image: numbers above are pixels, and no fractions."""

_SLACK = 0.05
"""Key points may be set a little outside of the box."""


def boxes(
    path: Path, size: tuple[int, int], *, pose: int | None = None
) -> tuple[Floats, list[str]]:
    """The boxes of a file in pixels, `(k, 4)`, and a sentence for each line that breaks a rule.

    With masks where any line is a polygon.

    Args:
        path: of the file; a missing one has no boxes.
        size: (height, width) of its image.
        pose: numbers of a line that is a pose, see `pose_numbers`.
    """
    rows, outlines, problems = [], [], []
    for number, line in lines(path):
        row = _row(line, pose)
        if row is None:
            problems.append(
                f"{path}, line {number}: must be `class x y width height` or points, "
                f"as fractions, got {_short(line)!r}"
            )
        else:
            rows.append(row[0])
            outlines.append(np.reshape(row[1], (-1, 2)) * size[::-1])
    found = np.array(rows, dtype=np.float64).reshape(-1, 4) * (*size[::-1], *size[::-1])
    if any(map(len, outlines)):
        masks = Masks.of_runs([polygon_runs(points, size) for points in outlines])
        return MaskedBoxes(found, masks), problems
    return found, problems


def pose_numbers(root: Path) -> int | None:
    """How many numbers the line of a pose has, by `kpt_shape: [17, 3]` in a YAML file of a set."""
    for path in sorted(root.glob("*.y*ml")):
        found = _POSE.search(path.read_text(errors="replace"))
        if found is not None:
            return 4 + int(found[1]) * int(found[2])
    return None


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not empty, with their numbers from 1."""
    text = read_text(path).splitlines()
    yield from ((n, line) for n, line in enumerate(text, 1) if line.strip())


def read_text(path: Path) -> str:
    """A text in UTF-8, or in UTF-16 with its mark, as PowerShell writes it."""
    content = path.read_bytes()
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_utf16 else "utf-8-sig", errors="replace")


def is_row(line: str) -> bool:
    """Whether a line is one of the kinds above.

    >>> is_row("0 0.5 0.5 0.2 0.4"), is_row("a photo of a cat")
    (True, False)
    """
    return _row(line, None) is not None


def _row(line: str, pose: int | None) -> tuple[_Box, list[float]] | None:
    """The box of a line as fractions, XYXY, and the points of its polygon, none of a box."""
    try:
        _, *words = line.split()
        numbers = [float(word) for word in words]
    except ValueError:
        return None
    if len(numbers) < 4 or not (np.abs(numbers) <= FARTHEST).all():
        return None
    points: list[float] = []
    if len(numbers) == pose or _is_boxed(numbers):
        x, y, width, height = numbers[:4]
        box = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    else:
        points = numbers[: len(numbers) // 2 * 2]
        box = around(points)
    return (box, points) if max(map(abs, box)) <= _BEYOND else None


def _is_boxed(numbers: list[float]) -> bool:
    """Whether the first four numbers are a box: alone, with a score or track, or with key points.

    Key points are told from a polygon by their visibility, 0, 1 or 2, and by lying in the box.
    """
    rest = numbers[4:]
    if len(rest) < 2 or (len(rest) == 2 and rest[1] > 1 and rest[1].is_integer()):
        return True
    if len(rest) % 3:
        return False
    points = np.reshape(rest, (-1, 3))
    if not np.isin(points[:, 2], (0, 1, 2)).all():
        return False
    x, y, width, height = numbers[:4]
    seen = points[points[:, 2] > 0, :2]
    return bool((np.abs(seen - (x, y)) <= np.array([width, height]) / 2 + _SLACK).all())


def _short(line: str) -> str:
    return line if len(line) <= 60 else f"{line[:60]}..."


def around(points: Sequence[float]) -> tuple[float, float, float, float]:
    """The box around points that are given as x, y, x, y, ..."""
    return min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])


def require_finite(values: list[float]) -> list[float]:
    """Coordinates that are pixels.

    Raises:
        ValueError: for those that are not finite, or larger than any image.
    """
    if not np.isfinite(values).all() or max(map(abs, values)) > FARTHEST:
        raise ValueError(f"coordinates must be finite, got {values}")
    return values
