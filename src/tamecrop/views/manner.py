"""How pixels are cut, in the words of the hosts: size, fill, interpolation, content; NumPy only."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamecrop.geometry import Content, Floats, known, require, rules
from tamecrop.views.sampling import MODES, NEAREST

if TYPE_CHECKING:
    from torch import Tensor

Size = int | Sequence[int] | None
Fill = float | Sequence[float]
Interpolation: TypeAlias = str | int | Enum
Boxes: TypeAlias = "NDArray[np.int64] | Tensor"

_OF_PILLOW = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
"""Pillow's numbers of its filters, 0 to 5."""


@dataclass(frozen=True)
class Manner:
    """How to cut; see `tamecrop.cut`."""

    size: tuple[int, int] | None
    fill: Fill
    content: Content
    interpolation: str

    @property
    def averages(self) -> bool:
        """Whether a pixel of a view is a weighted sum of pixels."""
        return self.size is not None and self.interpolation in MODES

    def color(self, channels: int, limits: tuple[int, int] | None, *, is_bool: bool) -> Floats:
        """Fill `(C,)`: the nearest value that a pixel can have.

        Args:
            channels: of the images.
            limits: lowest and highest pixel of integers, or None for floats.
            is_bool: whether the images are.
        """
        color = np.asarray(self.fill, dtype=np.float64).reshape(-1)
        if color.size not in (1, channels):
            raise ValueError(f"`fill` must be one number or {channels}, got {color.size}")
        if self.averages or limits or is_bool:
            holds = bool(np.isfinite(color).all())
            require("fill", "finite numbers for this cut", self.fill, holds=holds)
        if self.averages and is_bool:
            raise ValueError(
                f"`interpolation` must be {' or '.join(NEAREST)} for bool images, "
                f"got {self.interpolation!r}"
            )
        if is_bool:
            color = (color != 0).astype(np.float64)
        elif limits:
            color = color.round().clip(float(limits[0]), float(limits[1]))
        return np.broadcast_to(color, channels).copy()


def read_manner(size: Size, fill: Fill, content: Content, interpolation: Interpolation) -> Manner:
    """How to cut, checked."""
    known("content", content, ("in_place", "centered"))
    name = interpolation_name(interpolation)
    known("interpolation", name, (*MODES, *NEAREST))
    return Manner(read_size(size), fill, content, name)


def read_edges(boxes: Boxes, images: int) -> NDArray[np.int64]:
    """Boxes `(N, V, 4)` as int64 on the CPU, checked."""
    array: NDArray[Any]
    if isinstance(boxes, np.ndarray) or not hasattr(boxes, "cpu"):
        array = np.asarray(boxes)
    else:
        array = boxes.cpu().numpy()
    if array.ndim != 3 or array.shape[0] != images or array.shape[2] != 4:
        raise ValueError(f"`boxes` must have shape ({images}, V, 4), got {array.shape}")
    if images and not array.shape[1]:
        raise ValueError(f"`boxes` must have at least one view an image, got {array.shape}")
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"`boxes` must be integers, got {array.dtype}")
    if (array[..., 2:] <= array[..., :2]).any():
        raise ValueError("`boxes` must satisfy x1 < x2 and y1 < y2, got an empty box")
    return array.astype(np.int64, copy=False)


def shown_part(
    sides: Sequence[int], boxes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What boxes `(V, 4)` show of an image (height, width): a box, and the boxes in its pixels.

    It has one pixel at least.
    """
    last = np.array((sides[1], sides[0]))
    near = np.clip(boxes[:, :2].min(axis=0), 0, last - 1)
    far = np.clip(boxes[:, 2:].max(axis=0), near + 1, last)
    return np.concatenate([near, far]), boxes - np.tile(near, 2)


def read_size(size: Size) -> tuple[int, int] | None:
    """(height, width) of a size as torchvision takes it: one number or a list of one is a square.

    Raises:
        ValueError: for sides below 1, or more than two.
        TypeError: for what is no number.

    >>> read_size(32), read_size([32]), read_size((24, 32)), read_size(None)
    ((32, 32), (32, 32), (24, 32), None)
    """
    if size is None:
        return None
    several = isinstance(size, Sequence | np.ndarray) and not isinstance(size, str)
    sides: list[Any] = [*size] if several else [size]  # type: ignore[misc]
    rules.require("size", "one side or (height, width)", size, holds=len(sides) in (1, 2))
    whole = [read_count("size", side) for side in sides]
    return whole[0], whole[-1]


def read_count(name: str, value: Any) -> int:
    """A whole number of at least 1: an int or a NumPy integer."""
    if hasattr(value, "__index__") and not isinstance(value, bool):
        value = operator.index(value)
    rules.count(name, value)
    count: int = value
    return count


def interpolation_name(interpolation: Interpolation) -> str:
    """The name that torchvision's enum, the name itself or Pillow's number stands for.

    >>> interpolation_name("bicubic") == interpolation_name(3)
    True
    """
    if isinstance(interpolation, int) and not isinstance(interpolation, bool):
        holds = 0 <= interpolation < len(_OF_PILLOW)
        rules.require("interpolation", "a number of Pillow, 0 to 5", interpolation, holds=holds)
        return _OF_PILLOW[interpolation]
    name = interpolation.value if isinstance(interpolation, Enum) else interpolation
    if not isinstance(name, str):
        raise TypeError(f"`interpolation` must be a text, enum or int, got {interpolation!r}")
    rules.known("interpolation", name, [*_OF_PILLOW, "nearest-exact"])
    return name
