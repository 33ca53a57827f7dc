"""How large the boxes are."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tamecrop.geometry import rules
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.draws import Draws
from tamecrop.geometry.keys import Draw
from tamecrop.geometry.roundings import Ints, Rounding

TRIES = 10
RATIO: rules.Range = (3 / 4, 4 / 3)


class Sides(NamedTuple):
    """Whole sides of the boxes, each `(N, V)`, and where the law fell back to a legal box."""

    height: Ints
    width: Ints
    fallback: NDArray[np.bool_]


class Extent(Protocol):
    """How large a view's box is."""

    kind: ClassVar[str]

    def draw(self, height: Ints, width: Ints, draws: Draws, rounding: Rounding) -> Sides:
        """Sides `(N, V)` of the boxes for images whose sides are `(N, 1)`."""


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

    def draw(self, height: Ints, width: Ints, draws: Draws, rounding: Rounding) -> Sides:
        """The same sides for every view; nothing is drawn."""
        sides = [
            rounding.extent(np.asarray(side * math.sqrt(self.scale))) for side in (height, width)
        ]
        self._require_a_pixel(height, width, *sides)
        shape = draws.states.shape
        high, wide = (np.broadcast_to(side, shape) for side in sides)
        return Sides(high, wide, np.zeros(shape, dtype=bool))

    def one(self, height: int, width: int, rounding: Rounding) -> tuple[int, int]:
        """Sides (height, width) of the box of one image."""
        draws = Draws(np.zeros((1, 1), dtype=np.uint64))
        sides = self.draw(np.array([[height]]), np.array([[width]]), draws, rounding)
        return sides.height.item(), sides.width.item()

    def _require_a_pixel(self, height: Ints, width: Ints, high: Ints, wide: Ints) -> None:
        """An image one pixel thin keeps its thin side; a box without pixels is an error."""
        below = (self.scale * height * width < 0.5) & (np.minimum(height, width) > 1)
        empty = (np.minimum(high, wide) < 1) | below
        if empty.any():
            at = int(np.argmax(empty))
            raise ValueError(
                f"`scale` must leave a box of at least one pixel, got {self.scale!r} "
                f"of a {height.flat[at]}x{width.flat[at]} image"
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

    def draw(self, height: Ints, width: Ints, draws: Draws, rounding: Rounding) -> Sides:
        """Redraw area and ratio until the box fits."""
        low, high = self.scale

        def area(tried: Draws, attempt: int, _: Ints) -> Floats:
            return low + (high - low) * tried(Draw.AREA, attempt=attempt)

        return _fit(height, width, draws, _Trial(area, self.ratio, rounding))


@dataclass(frozen=True)
class JointAreas:
    """JointCrop's extent: one draw decides the areas of both views, so that they differ more.

    With `L = log(s1 / s0 - 0.1)`: `log r ~ U(-L, L)`, `A1 ~ U(max(s0, s0 / r), min(s1, s1 / r))`,
    `A2 = r A1`. Ratios are drawn as RandomResizedCrop's; a try that does not fit redraws the
    ratio alone, so the joint law of the areas holds whenever no fallback was needed.

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

    def draw(self, height: Ints, width: Ints, draws: Draws, rounding: Rounding) -> Sides:
        """Areas of both views in one draw; exactly two views."""
        if draws.states.shape[1] != 2:
            raise ValueError(f"`views` must be 2 with extent=joint, got {draws.states.shape[1]}")
        areas = self.areas(draws.of_image(Draw.JOINT_RATIO), draws.of_image(Draw.JOINT_AREA))

        def area(_: Draws, __: int, pending: Ints) -> Floats:
            return areas.ravel()[pending]

        return _fit(height, width, draws, _Trial(area, self.ratio, rounding))

    def areas(self, for_ratio: Floats, for_area: Floats) -> Floats:
        """Both areas `(N, 2)` from two uniform numbers `(N, 1)`."""
        low, high = self.scale
        bound = math.log(high / low - 0.1)
        r = np.exp(bound * (2 * for_ratio - 1))
        least, most = np.maximum(low, low / r), np.minimum(high, high / r)
        first = least + (most - least) * for_area
        return np.concatenate([first, r * first], axis=1)


class _Trial(NamedTuple):
    """How one try of a random extent is made."""

    area: Callable[[Draws, int, Ints], Floats]
    ratio: rules.Range
    rounding: Rounding


def _fit(height: Ints, width: Ints, draws: Draws, trial: _Trial) -> Sides:
    """Redraw until a box fits its image, ten tries; only what does not fit yet is redrawn."""
    shape = draws.states.shape
    tall, broad = (np.broadcast_to(side, shape).ravel() for side in (height, width))
    high, wide = largest_legal(tall, broad, trial.ratio)
    every = draws.flat()
    pending = np.arange(tall.size)
    for attempt in range(TRIES):
        tried = every[pending]
        pixels = trial.area(tried, attempt, pending) * tall[pending] * broad[pending]
        aspect = log_uniform(tried(Draw.RATIO, attempt=attempt), trial.ratio)
        h, w = box_sides(pixels, aspect, trial.rounding)
        fits = (np.minimum(h, w) > 0) & (h <= tall[pending]) & (w <= broad[pending])
        high[pending[fits]], wide[pending[fits]] = h[fits], w[fits]
        pending = pending[~fits]
    fallback = np.zeros(tall.size, dtype=bool)
    fallback[pending] = True
    return Sides(high.reshape(shape), wide.reshape(shape), fallback.reshape(shape))


def box_sides(pixels: Floats, aspect: Floats, rounding: Rounding) -> tuple[Ints, Ints]:
    """Height and width of boxes of given area and ratio; 0 where a side is under half a pixel."""
    real = np.sqrt([pixels / aspect, pixels * aspect])
    height, width = np.where(real < 0.5, 0, rounding.extent(real))
    return height, width


def log_uniform(u: Floats, ratio: rules.Range) -> Floats:
    """Numbers whose logarithm is uniform in the range, from uniform numbers."""
    low, high = math.log(ratio[0]), math.log(ratio[1])
    return np.exp(low + (high - low) * u)


def largest_legal(tall: Ints, broad: Ints, ratio: rules.Range) -> tuple[Ints, Ints]:
    """Sides of the largest box of legal ratio, torchvision's fallback, never below one pixel."""
    aspect = broad / tall
    high = np.where(aspect < ratio[0], np.rint(broad / ratio[0]), tall)
    wide = np.where(aspect > ratio[1], np.rint(tall * ratio[1]), broad)
    return np.maximum(high, 1).astype(np.int64), np.maximum(wide, 1).astype(np.int64)


EXTENTS: dict[str, type[FixedArea | RandomArea | JointAreas]] = {
    part.kind: part for part in (FixedArea, RandomArea, JointAreas)
}
