"""From real sizes and centers to whole pixels: two named rules.

A rule also says which real centers end in a given place (`center_below`), so that the law of the
integer boxes is known exactly: conditioning on the inside and the closed forms need that.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamecrop.geometry.boxes import Floats

Ints = NDArray[np.int64]


class Rounding(Protocol):
    """How sizes and centers become whole pixels."""

    kind: ClassVar[str]

    def extent(self, side: Floats) -> Ints:
        """Whole side of a box whose real side is `side`."""

    def middle(self, side: Ints) -> Floats:
        """Middle of an image side, the default mean of a Gaussian center."""

    def near_edge(self, center: Floats, crop: Ints) -> Ints:
        """Left or top edge of a box of side `crop` around a real `center`."""

    def center_below(self, edge: ArrayLike, crop: ArrayLike) -> Floats:
        """Supremum of the centers whose box has its near edge at `edge` or before."""


@dataclass(frozen=True)
class Nearest:
    """One unbiased rounding: the nearest whole side, at least 1, and the nearest whole edge."""

    kind: ClassVar[str] = "nearest"

    def extent(self, side: Floats) -> Ints:
        """Nearest whole number, at least 1."""
        return np.maximum(np.floor(side + 0.5), 1).astype(np.int64)

    def middle(self, side: Ints) -> Floats:
        """Half the side."""
        return np.asarray(side / 2)

    def near_edge(self, center: Floats, crop: Ints) -> Ints:
        """Nearest whole number to `center - crop / 2`."""
        return np.floor(center - crop / 2 + 0.5).astype(np.int64)

    def center_below(self, edge: ArrayLike, crop: ArrayLike) -> Floats:
        """`edge + 1/2 + crop / 2`."""
        return np.asarray(edge) + 0.5 + np.asarray(crop) / 2


@dataclass(frozen=True)
class Faithful:
    """The paper's rule: sides floored, centers truncated toward zero, mean at `side // 2`.

    Truncation toward zero makes the center 0 twice as likely as its neighbors and pulls every
    center half a pixel toward the origin. Source: arXiv:2504.19824.
    """

    kind: ClassVar[str] = "faithful"

    def extent(self, side: Floats) -> Ints:
        """Floor; 0 when the real side is below one pixel."""
        return np.floor(side).astype(np.int64)

    def middle(self, side: Ints) -> Floats:
        """Half the side, floored."""
        return np.asarray(side // 2, dtype=np.float64)

    def near_edge(self, center: Floats, crop: Ints) -> Ints:
        """Truncated center minus `crop // 2`."""
        return np.trunc(center).astype(np.int64) - crop // 2

    def center_below(self, edge: ArrayLike, crop: ArrayLike) -> Floats:
        """The next whole center above zero, the center itself below."""
        center = np.asarray(edge) + np.asarray(crop) // 2
        return np.asarray(np.where(center >= 0, center + 1, center), dtype=np.float64)


ROUNDINGS: dict[str, Rounding] = {rule.kind: rule for rule in (Nearest(), Faithful())}
