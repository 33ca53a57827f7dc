"""Which part of the image a box is drawn in: extent, center and border look at that part alone."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

from tamecrop.geometry import elementwise as of, rules
from tamecrop.geometry.draws import AnyDraws
from tamecrop.geometry.elementwise import Reals, Truths, Wholes
from tamecrop.geometry.keys import Draw

Ends = tuple[Reals, Reals, Reals] | None
"""Near and far edge of the object boxes along one axis, and the middle of the objects, NaN where an
image has none; or unknown."""


class Part(NamedTuple):
    """Along one axis: where a region begins, and how long it is, in pixels."""

    near: Wholes
    side: Wholes


class Region(Protocol):
    """Which part of the image a box is drawn in."""

    kind: ClassVar[str]
    needs_boxes: ClassVar[bool]
    needs_views: ClassVar[int | None]

    def draw(self, sides: tuple[Wholes, Wholes], ends: list[Any], draws: AnyDraws) -> list[Part]:
        """The region along both axes, from image sides and object boxes (horizontal first)."""


@dataclass(frozen=True)
class WholeImage:
    """The whole image, for every view."""

    kind: ClassVar[str] = "image"
    needs_boxes: ClassVar[bool] = False
    needs_views: ClassVar[int | None] = None

    def draw(self, sides: tuple[Wholes, Wholes], _: list[Any], __: AnyDraws) -> list[Part]:
        """All of it; nothing is drawn."""
        return [Part(0, sides[0]), Part(0, sides[1])]


@dataclass(frozen=True)
class ObjectBox:
    """Object-Aware Cropping: one view inside the object box, the other inside a wider one.

    Which of the two views gets the wider box is drawn with equal chances for each image. An image
    without an object box is its own region, for both views.

    Args:
        dilate: range from which the growth of the wider box is drawn, as a share of the sides of
            the object box, half of it on either side; 0 <= low <= high.

    Source: Mishra et al., "Object-Aware Cropping for Self-Supervised Learning", 2022. There the
    wider box is 10 to 20 % larger; how that is shared between its sides is not said.
    """

    dilate: rules.Range = (0.1, 0.2)
    kind: ClassVar[str] = "object"
    needs_boxes: ClassVar[bool] = True
    needs_views: ClassVar[int | None] = 2

    def __post_init__(self) -> None:
        rules.ordered("dilate", self.dilate, low=0)

    def draw(self, sides: tuple[Wholes, Wholes], ends: list[Any], draws: AnyDraws) -> list[Part]:
        """Whole pixels that hold the box, wider for one of the two views, inside the image."""
        if ends[0] is None:
            return WholeImage().draw(sides, ends, draws)
        low, high = self.dilate
        growth = low + (high - low) * draws.of_image(Draw.DILATION)
        is_wide = draws.is_second != (draws.of_image(Draw.WIDER_VIEW) < 0.5)
        half = of.where(is_wide, growth / 2, 0.0)
        return [_whole_pixels(side, end, half) for side, end in zip(sides, ends, strict=True)]


def _whole_pixels(side: Wholes, ends: tuple[Reals, ...], half: Reals) -> Part:
    near, far = _known_ends(side, ends)
    rim = half * (far - near)
    first = of.clip(of.floor(near - rim), 0, side - 1)
    stop = of.clip(-of.floor(-(far + rim)), first + 1, side)
    return Part(first, stop - first)


def _known_ends(side: Wholes, ends: tuple[Reals, ...]) -> tuple[Reals, Reals]:
    """Edges of the object box; those of the image where there is none."""
    none: Truths = of.is_nan(ends[0] + ends[1])
    return of.where(none, 0.0, ends[0]), of.where(none, side * 1.0, ends[1])


REGIONS: dict[str, type[WholeImage | ObjectBox]] = {
    part.kind: part for part in (WholeImage, ObjectBox)
}
