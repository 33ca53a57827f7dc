"""From real sizes and centers to whole pixels: two named rules.

A rule also says which real centers end in a given place (`center_below`), so that the law of the
integer boxes is known exactly: conditioning on the inside and the closed forms need that.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from tamecrop.geometry import elementwise as of
from tamecrop.geometry.elementwise import Reals, Wholes

Ints = NDArray[np.int64]


class Rounding(Protocol):
    """How sizes and centers become whole pixels; elementwise, as all parts of a policy."""

    kind: ClassVar[str]

    def extent(self, side: Reals) -> Wholes:
        """Whole side of a box whose real side is `side`."""

    def middle(self, side: Wholes) -> Reals:
        """Middle of an image side, the default mean of a Gaussian center."""

    def near_edge(self, center: Reals, crop: Wholes) -> Wholes:
        """Left or top edge of a box of side `crop` around a real `center`."""

    def center_below(self, edge: Wholes, crop: Wholes) -> Reals:
        """Supremum of the centers whose box has its near edge at `edge` or before."""


@dataclass(frozen=True)
class Nearest:
    """One unbiased rounding: the nearest whole side, at least 1, and the nearest whole edge."""

    kind: ClassVar[str] = "nearest"

    def extent(self, side: Reals) -> Wholes:
        """Nearest whole number, at least 1."""
        return of.maximum(of.floor(side + 0.5), 1)

    def middle(self, side: Wholes) -> Reals:
        """Half the side."""
        return side / 2

    def near_edge(self, center: Reals, crop: Wholes) -> Wholes:
        """Nearest whole number to `center - crop / 2`."""
        return of.floor(center - crop / 2 + 0.5)

    def center_below(self, edge: Wholes, crop: Wholes) -> Reals:
        """`edge + 1/2 + crop / 2`."""
        return edge + 0.5 + crop / 2


@dataclass(frozen=True)
class Faithful:
    """The paper's rule: sides floored, centers truncated toward zero, mean at `side // 2`.

    Truncation toward zero makes the center 0 twice as likely as its neighbors and pulls every
    center half a pixel toward the origin. Source: arXiv:2504.19824.
    """

    kind: ClassVar[str] = "faithful"

    def extent(self, side: Reals) -> Wholes:
        """Floor; 0 when the real side is below one pixel."""
        return of.floor(side)

    def middle(self, side: Wholes) -> Reals:
        """Half the side, floored."""
        return side // 2 * 1.0

    def near_edge(self, center: Reals, crop: Wholes) -> Wholes:
        """Truncated center minus `crop // 2`."""
        return of.trunc(center) - crop // 2

    def center_below(self, edge: Wholes, crop: Wholes) -> Reals:
        """The next whole center above zero, the center itself below."""
        center = edge + crop // 2
        return of.where(center >= 0, center + 1, center) * 1.0


ROUNDINGS: dict[str, Rounding] = {rule.kind: rule for rule in (Nearest(), Faithful())}
