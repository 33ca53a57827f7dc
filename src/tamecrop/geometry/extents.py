"""How large the boxes are."""

import math
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from tamecrop.geometry import elementwise as of, rules
from tamecrop.geometry.draws import AnyDraws
from tamecrop.geometry.elementwise import Reals, Truths, Wholes
from tamecrop.geometry.keys import Draw
from tamecrop.geometry.roundings import Rounding

TRIES = 10
RATIO: rules.Range = (3 / 4, 4 / 3)


class Sides(NamedTuple):
    """Whole sides of the boxes, one a view, and where the extent fell back to a legal box."""

    height: Wholes
    width: Wholes
    fallback: Truths


class Extent(Protocol):
    """How large a view's box is."""

    kind: ClassVar[str]

    def draw(self, height: Wholes, width: Wholes, draws: AnyDraws, rounding: Rounding) -> Sides:
        """Sides `(N, V)` of the boxes for images whose sides are `(N, 1)`; or of one view."""


@dataclass(frozen=True)
class FixedArea:
    """The image's own aspect, `scale` of its area: sides times `sqrt(scale)`.

    Args:
        scale: share of the image's area, in (0, 1].

    Source: RC and GCC of arXiv:2504.19824.
    """

    scale: float = 0.4
    kind: ClassVar[str] = "fixed"

    def __post_init__(self) -> None:
        rules.fraction("scale", self.scale)

    def draw(self, height: Wholes, width: Wholes, draws: AnyDraws, rounding: Rounding) -> Sides:
        """The same sides for every view; nothing is drawn."""
        high, wide = self.sides(height, width, rounding)
        return Sides(*(draws.spread(each) for each in (high, wide, False)))

    def sides(self, height: Wholes, width: Wholes, rounding: Rounding) -> tuple[Wholes, Wholes]:
        """Height and width of the boxes of images."""
        root = math.sqrt(self.scale)
        high, wide = rounding.extent(height * root), rounding.extent(width * root)
        self._require_a_pixel(height, width, high, wide)
        return high, wide

    def _require_a_pixel(self, height: Wholes, width: Wholes, high: Wholes, wide: Wholes) -> None:
        """An image one pixel thin keeps its thin side; a box without pixels is an error."""
        below = (self.scale * height * width < 0.5) & (of.minimum(height, width) > 1)
        empty = (of.minimum(high, wide) < 1) | below
        if of.is_any(empty):
            at = int(np.argmax(empty))
            tall, broad = np.ravel(height)[at], np.ravel(width)[at]
            raise ValueError(
                f"`scale` must leave a box of at least one pixel, got {self.scale!r} "
                f"of a {tall}x{broad} image"
            )


@dataclass(frozen=True)
class RandomArea:
    """RandomResizedCrop's extent: area uniform in `scale`, log ratio uniform in `ratio`.

    Ten tries; when none fits the image, the largest centered box of legal ratio. The realized law
    is therefore not the stated one.

    Args:
        scale: range of the share of the image's area, 0 < low <= high <= 1.
        ratio: range of width / height, 0 < low <= high.

    Source: torchvision's `RandomResizedCrop.make_params`, to which it is equal in law.
    """

    scale: rules.Range = (0.2, 1.0)
    ratio: rules.Range = RATIO
    kind: ClassVar[str] = "random"

    def __post_init__(self) -> None:
        rules.positive_range("scale", self.scale, high=1)
        rules.positive_range("ratio", self.ratio)

    def draw(self, height: Wholes, width: Wholes, draws: AnyDraws, rounding: Rounding) -> Sides:
        """Redraw area and ratio until the box fits."""
        low, high = self.scale

        def trial(draws: AnyDraws, attempt: int, height: Wholes, width: Wholes) -> _Tried:
            area = low + (high - low) * draws(Draw.AREA, attempt=attempt)
            aspect = log_uniform(draws(Draw.RATIO, attempt=attempt), self.ratio)
            return _try_box(height, width, area, aspect, rounding)

        start = partial(largest_legal, height, width, self.ratio)
        return _sides(*draws.retry(trial, (height, width), start, range(TRIES)))


@dataclass(frozen=True)
class JointAreas:
    """JointCrop's extent: one draw decides the areas of both views, so that they differ more.

    With `L = log(s1 / s0 - 0.1)`: `log r ~ U(-L, L)`, `A1 ~ U(max(s0, s0 / r), min(s1, s1 / r))`,
    `A2 = r A1`. Ratios are drawn as RandomResizedCrop's; a try that does not fit redraws the
    ratio alone, so the joint law of the areas holds whenever no fallback was needed. The fallback
    is RandomResizedCrop's, the largest centered box of legal ratio, where the authors' code takes
    the whole image; on images whose own ratio is legal both are the same.

    Args:
        scale: range of the areas, 0 < low, high <= 1, high / low > 1.1.
        ratio: range of width / height, 0 < low <= high.

    Source: JointCrop(0), AAAI 2025.
    """

    scale: rules.Range = (0.2, 1.0)
    ratio: rules.Range = RATIO
    kind: ClassVar[str] = "joint"

    def __post_init__(self) -> None:
        rules.positive_range("scale", self.scale, high=1)
        rules.positive_range("ratio", self.ratio)
        low, high = self.scale
        rules.require("scale", "high / low > 1.1", self.scale, holds=high / low > 1.1)

    def draw(self, height: Wholes, width: Wholes, draws: AnyDraws, rounding: Rounding) -> Sides:
        """Areas of both views in one draw; exactly two views."""
        if draws.views != 2:
            raise ValueError(f"`views` must be 2 with extent=joint, got {draws.views}")
        area = self.area(draws)

        def trial(
            draws: AnyDraws, attempt: int, height: Wholes, width: Wholes, area: Reals
        ) -> _Tried:
            aspect = log_uniform(draws(Draw.RATIO, attempt=attempt), self.ratio)
            return _try_box(height, width, area, aspect, rounding)

        start = partial(largest_legal, height, width, self.ratio)
        return _sides(*draws.retry(trial, (height, width, area), start, range(TRIES)))

    def area(self, draws: AnyDraws) -> Reals:
        """Area of each view as a share of the image, from two numbers that its image draws."""
        low, high = self.scale
        bound = math.log(high / low - 0.1)
        r = of.exp(bound * (2 * draws.of_image(Draw.JOINT_RATIO) - 1))
        least, most = of.maximum(low, low / r), of.minimum(high, high / r)
        first = least + (most - least) * draws.of_image(Draw.JOINT_AREA)
        return of.where(draws.is_second, r * first, first)


_Tried = tuple[Wholes, Wholes, Truths]
"""Height and width of a box, and whether it fits its image."""


def _try_box(
    height: Wholes, width: Wholes, area: Reals, aspect: Reals, rounding: Rounding
) -> _Tried:
    high, wide = box_sides(area * height * width, aspect, rounding)
    return high, wide, (of.minimum(high, wide) > 0) & (high <= height) & (wide <= width)


def _sides(sides: list[Wholes], fallback: Truths) -> Sides:
    return Sides(sides[0], sides[1], fallback)


def box_sides(pixels: Reals, aspect: Reals, rounding: Rounding) -> tuple[Wholes, Wholes]:
    """Height and width of boxes of given area and ratio; 0 where a side is under half a pixel."""
    tall, broad = of.sqrt(pixels / aspect), of.sqrt(pixels * aspect)
    return (
        of.where(tall < 0.5, 0, rounding.extent(tall)),
        of.where(broad < 0.5, 0, rounding.extent(broad)),
    )


def log_uniform(u: Reals, ratio: rules.Range) -> Reals:
    """Numbers whose logarithm is uniform in the range, from uniform numbers."""
    low, high = math.log(ratio[0]), math.log(ratio[1])
    return of.exp(low + (high - low) * u)


def largest_legal(height: Wholes, width: Wholes, ratio: rules.Range) -> tuple[Wholes, Wholes]:
    """Sides of the largest box of legal ratio, torchvision's fallback, never below one pixel."""
    aspect = width / height
    high = of.where(aspect < ratio[0], of.nearest(width / ratio[0]), height)
    wide = of.where(aspect > ratio[1], of.nearest(height * ratio[1]), width)
    return of.maximum(high, 1), of.maximum(wide, 1)


EXTENTS: dict[str, type[FixedArea | RandomArea | JointAreas]] = {
    part.kind: part for part in (FixedArea, RandomArea, JointAreas)
}
