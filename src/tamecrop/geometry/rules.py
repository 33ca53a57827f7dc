"""The rules that parameters must satisfy, each stated once and in one sentence."""

import difflib
import math
import operator
from collections.abc import Iterable
from typing import TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamecrop.geometry.boxes import are_fractions

Ints = NDArray[np.int64]
Range = tuple[float, float]


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a finite int or float, and not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def require(name: str, rule: str, value: object, *, holds: bool) -> None:
    """Raise `ValueError` naming argument, rule and value unless the rule holds."""
    if not holds:
        raise ValueError(f"`{name}` must satisfy {rule}, got {value!r}")


def positive(name: str, value: object) -> None:
    """Require a finite number above 0."""
    require(name, f"0 < {name}, finite", value, holds=is_number(value) and value > 0)


def fraction(name: str, value: object) -> None:
    """Require a number in (0, 1]."""
    require(name, f"0 < {name} <= 1", value, holds=is_number(value) and 0 < value <= 1)


def count(name: str, value: object, *, least: int = 1) -> None:
    """Require a whole number of at least `least`: int or NumPy integer, not a bool."""
    try:
        holds = not isinstance(value, bool) and operator.index(value) >= least  # type: ignore[arg-type]
    except TypeError:
        holds = False
    require(name, f"{name} >= {least}, an integer", value, holds=holds)


def integer(name: str, value: object) -> None:
    """Require a whole number of 64 bits: int or NumPy integer, not a bool."""
    try:
        holds = not isinstance(value, bool) and -(2**63) <= operator.index(value) < 2**63  # type: ignore[arg-type]
    except TypeError:
        holds = False
    require(name, "an integer of 64 bits", value, holds=holds)


def ordered(name: str, value: object, *, low: float, high: float = math.inf) -> None:
    """Require a pair with low <= first <= second <= high."""
    pair = isinstance(value, tuple) and len(value) == 2 and all(map(is_number, value))
    holds = pair and low <= value[0] <= value[1] <= high  # type: ignore[index]
    require(name, f"{low:g} <= low <= high <= {high:g}", value, holds=holds)


def positive_range(name: str, value: object, *, high: float = math.inf) -> None:
    """Require a pair with 0 < first <= second <= high."""
    pair = isinstance(value, tuple) and len(value) == 2 and all(map(is_number, value))
    holds = pair and 0 < value[0] <= value[1] <= high  # type: ignore[index]
    bound = "" if math.isinf(high) else f" <= {high:g}"
    require(name, f"0 < low <= high{bound}", value, holds=holds)


def known(kind: str, name: str, names: Iterable[str]) -> None:
    """Raise `ValueError` for an unknown name, with the nearest known one."""
    names = sorted(names)
    if name not in names:
        alike = {each.lower(): each for each in reversed(names)}
        near = difflib.get_close_matches(name.strip().lower(), alike, n=1, cutoff=0.5)
        hint = f"did you mean {alike[near[0]]!r}? " if near else ""
        raise ValueError(f"unknown {kind} {name!r}: {hint}known are {', '.join(names)}")


def sizes_and_index(sizes: ArrayLike, index: ArrayLike | None) -> tuple[Ints, Ints]:
    """Image sizes `(N, 2)` and keys `(N,)` as int64, from sizes of all images or one for all."""
    sizes = _integers("sizes", sizes)
    if sizes.ndim not in (1, 2) or sizes.shape[-1] != 2:
        raise ValueError(f"`sizes` must have shape (N, 2) or (2,), got {sizes.shape}")
    if (sizes < 1).any():
        low = sizes[(sizes < 1).any(axis=-1)] if sizes.ndim == 2 else sizes
        raise ValueError(f"`sizes` must be at least one pixel a side, got {low.ravel()[:2]}")
    if index is None:
        index = np.arange(1 if sizes.ndim == 1 else len(sizes))
    index = _integers("index", index)
    if index.ndim != 1 or (sizes.ndim == 2 and len(index) != len(sizes)):
        raise ValueError(f"`index` must have shape ({len(sizes)},), got {index.shape}")
    return np.broadcast_to(sizes, (len(index), 2)), index


def _integers(name: str, values: ArrayLike) -> Ints:
    array = np.asarray(values)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"`{name}` must be integers, got {array.dtype}")
    return array.astype(np.int64)


def corners(name: str, boxes: object) -> None:
    """Refuse boxes that say of themselves that they are not corners, as torchvision's do."""
    form = getattr(getattr(boxes, "format", None), "value", "XYXY")
    require(name, "corners (x1, y1, x2, y2), XYXY", form, holds=form == "XYXY")


def object_boxes(boxes: ArrayLike | None, images: int) -> NDArray[np.float64] | None:
    """Object boxes `(N, 4)` as float64, each in order of its edges or a row of NaN.

    The box of one image may lie inside its first pixel; those of several do so as fractions only.
    """
    if boxes is None:
        return None
    corners("object_boxes", boxes)
    boxes = np.asarray(boxes, dtype=np.float64)
    if boxes.shape != (images, 4):
        raise ValueError(f"`object_boxes` must have shape ({images}, 4), got {boxes.shape}")
    if np.isinf(boxes).any():
        raise ValueError("`object_boxes` must be finite boxes or rows of NaN, got an infinite edge")
    reversed_ = (boxes[:, :2] > boxes[:, 2:]).any(axis=1)
    if reversed_.any():
        raise ValueError(
            f"`object_boxes` must satisfy x1 <= x2, y1 <= y2, got {boxes[reversed_][0]}"
        )
    if images > 1 and are_fractions(boxes):
        raise ValueError(f"`object_boxes` must be pixels, got fractions from 0 to 1: {boxes[0]}")
    return boxes
