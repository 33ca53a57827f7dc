"""From real sizes and centres to whole pixels: two named rules.

A rule also says which real centres end in a given place (`centre_below`), so that the law of the
integer boxes is known exactly: conditioning on the inside and the closed forms need that.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamecrop.geometry.boxes import Floats

Ints = NDArray[np.int64]


class Rounding(Protocol):
    """How sizes and centres become whole pixels."""

    kind: ClassVar[str]

    def extent(self, side: Floats) -> Ints:
        """Whole side of a box whose real side is `side`."""

    def middle(self, side: Ints) -> Floats:
        """Middle of an image side, the default mean of a Gaussian centre."""

    def near_edge(self, centre: Floats, crop: Ints) -> Ints:
        """Left or top edge of a box of side `crop` around a real `centre`."""

    def centre_below(self, edge: ArrayLike, crop: ArrayLike) -> Floats:
        """Supremum of the centres whose box has its near edge at `edge` or before."""


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

    def near_edge(self, centre: Floats, crop: Ints) -> Ints:
        """Nearest whole number to `centre - crop / 2`."""
        return np.floor(centre - crop / 2 + 0.5).astype(np.int64)

    def centre_below(self, edge: ArrayLike, crop: ArrayLike) -> Floats:
        """`edge + 1/2 + crop / 2`."""
        return np.asarray(edge) + 0.5 + np.asarray(crop) / 2


@dataclass(frozen=True)
class Faithful:
    """The paper's rule: sides floored, centres truncated toward zero, mean at `side // 2`.

    Truncation toward zero makes the centre 0 twice as likely as its neighbours and pulls every
    centre half a pixel toward the origin. Source: arXiv:2504.19824.
    """

    kind: ClassVar[str] = "faithful"

    def extent(self, side: Floats) -> Ints:
        """Floor; 0 when the real side is below one pixel."""
        return np.floor(side).astype(np.int64)

    def middle(self, side: Ints) -> Floats:
        """Half the side, floored."""
        return np.asarray(side // 2, dtype=np.float64)

    def near_edge(self, centre: Floats, crop: Ints) -> Ints:
        """Truncated centre minus `crop // 2`."""
        return np.trunc(centre).astype(np.int64) - crop // 2

    def centre_below(self, edge: ArrayLike, crop: ArrayLike) -> Floats:
        """The next whole centre above zero, the centre itself below."""
        centre = np.asarray(edge) + np.asarray(crop) // 2
        return np.asarray(np.where(centre >= 0, centre + 1, centre), dtype=np.float64)


ROUNDINGS: dict[str, Rounding] = {rule.kind: rule for rule in (Nearest(), Faithful())}
