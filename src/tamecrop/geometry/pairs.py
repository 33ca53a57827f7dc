"""How the boxes of the views of one image relate."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from tamecrop.geometry import boxes as box, elementwise as of, rules
from tamecrop.geometry.boxes import Boxes
from tamecrop.geometry.draws import Draws
from tamecrop.geometry.elementwise import Reals, Truths, Wholes
from tamecrop.geometry.extents import RATIO, Extent
from tamecrop.geometry.object_masks import Masks, find_shown
from tamecrop.geometry.roundings import Ints

DrawRows = Callable[[Draws, Ints], Boxes]
"""Boxes `(M, V, 4)` of the images whose row numbers `(M,)` are given, from their draws."""
DrawAgain = Callable[[int], list[tuple[int, ...]]]
"""The boxes of one image's views, drawn for the n-th time."""


class Pair(Protocol):
    """How the boxes of the views of one image relate."""

    kind: ClassVar[str]
    shares_mean: ClassVar[bool]
    is_redrawn: ClassVar[bool]

    def draw(self, draw_views: DrawRows, draws: Draws, sizes: Ints, aim: "Aim") -> Boxes:
        """Boxes `(N, V, 4)` from what draws the views of an image one by one."""

    def draw_one(
        self, draw_again: DrawAgain, height: int, width: int, aim: "Aim"
    ) -> list[tuple[int, ...]]:
        """The same for one image: V boxes, of Python's ints."""


class Aim(NamedTuple):
    """What a rule may look at beside boxes.

    Args:
        objects: object boxes `(N, 4)`, NaN where an image has none, or the four edges of one; or
            None.
        extent: of the policy.
        masks: of the objects, or None where they are boxes.
    """

    objects: Any
    extent: Extent
    masks: Masks | None = None


@dataclass(frozen=True)
class Independent:
    """Every view is drawn by itself."""

    kind: ClassVar[str] = "independent"
    shares_mean: ClassVar[bool] = False
    is_redrawn: ClassVar[bool] = False

    def draw(self, draw_views: DrawRows, draws: Draws, sizes: Ints, aim: Aim) -> Boxes:  # noqa: ARG002
        """The first draw of each view."""
        return draw_views(draws, np.arange(len(sizes)))

    def draw_one(
        self,
        draw_again: DrawAgain,
        height: int,  # noqa: ARG002
        width: int,  # noqa: ARG002
        aim: Aim,  # noqa: ARG002
    ) -> list[tuple[int, ...]]:
        """The first draw of each view."""
        return draw_again(0)


@dataclass(frozen=True)
class SharedMean(Independent):
    """The views of an image share the drawn mean of their Gaussian: MGCC's pair."""

    kind: ClassVar[str] = "shared"
    shares_mean: ClassVar[bool] = True


@dataclass(frozen=True)
class Covers(Independent):
    """Each view is redrawn by itself until it shows enough of the object.

    Enough is a share of the area of the object, its mask where that is known, else its box; or less
    where the smallest crop is smaller than that. When no try succeeds the view is the smallest box
    of legal ratio and area around the object. An image without object keeps its first draws.

    Args:
        cover: share of the object's area, in (0, 1].
        tries: number of draws of a view, at least 1.

    Source: Selvaraju et al., CAST, CVPR 2021.
    """

    cover: float = 0.2
    tries: int = 10
    kind: ClassVar[str] = "covers"

    def __post_init__(self) -> None:
        rules.fraction("cover", self.cover)
        rules.count("tries", self.tries)

    def draw(self, draw_views: DrawRows, draws: Draws, sizes: Ints, aim: Aim) -> Boxes:
        """Redraw the views that show too little."""
        kept = draw_views(draws, np.arange(len(sizes)))
        if aim.objects is None:
            return kept
        size, ends = sizes.T[:, :, None], aim.objects.T[:, :, None]
        shown = find_shown(kept, aim.masks)
        lacking = ~self.holds(np.moveaxis(kept, -1, 0), ends, size, aim.extent, shown)
        for attempt in range(1, self.tries):
            rows = np.flatnonzero(lacking.any(axis=1))
            if not rows.size:
                break
            tried = draw_views(Draws(draws.states[rows], attempt), rows)
            shown = find_shown(tried, None if aim.masks is None else aim.masks.take(rows))
            more = (ends[:, rows], size[:, rows], aim.extent, shown)
            good = self.holds(np.moveaxis(tried, -1, 0), *more) & lacking[rows]
            kept[rows] = np.where(good[..., None], tried, kept[rows])
            lacking[rows] &= ~good
        around = np.stack(_around(ends, size, aim.extent), axis=-1)
        return np.where(lacking[..., None], around, kept)

    def draw_one(
        self, draw_again: DrawAgain, height: int, width: int, aim: Aim
    ) -> list[tuple[int, ...]]:
        """The same for one image."""
        kept = draw_again(0)
        if aim.objects is None:
            return kept
        more = (aim.objects, (height, width), aim.extent)

        def holds(edges: tuple[int, ...]) -> bool:
            shown = find_shown(np.array([[edges]]), aim.masks)
            pixels: Any = shown and tuple(each.item() for each in shown)
            return bool(self.holds(edges, *more, pixels))

        lacking = [view for view, edges in enumerate(kept) if not holds(edges)]
        for attempt in range(1, self.tries):
            if not lacking:
                break
            tried = draw_again(attempt)
            for view in [view for view in lacking if holds(tried[view])]:
                kept[view] = tried[view]
                lacking.remove(view)
        for view in lacking:
            kept[view] = _around(*more)
        return kept

    def holds(
        self,
        edges: Any,
        ends: Any,
        size: Any,
        extent: Extent,
        shown: tuple[Reals, Reals] | None = None,
    ) -> Truths:
        """Whether boxes show enough of their objects, or there is none; elementwise.

        Args:
            edges: of the boxes.
            ends: edges of the object boxes.
            size: height and width of the images.
            extent: of the policy.
            shown: of masks, as `find_shown` gives them.
        """
        area = (ends[2] - ends[0]) * (ends[3] - ends[1])
        sides = [
            of.maximum(of.minimum(edges[k + 2], ends[k + 2]) - of.maximum(edges[k], ends[k]), 0)
            for k in (0, 1)
        ]
        seen = sides[0] * sides[1]
        if shown is not None:
            is_known = shown[1] > 0
            area = of.where(is_known, shown[1], area)
            seen = of.where(is_known, shown[0], seen)
        smallest = _least_scale(extent) * size[0] * size[1]
        enough = of.minimum(self.cover * area, smallest)
        return of.is_nan(area) | (area <= 0) | (seen >= enough)


def _around(ends: Any, size: Any, extent: Extent) -> tuple[Wholes, ...]:
    """The smallest box of legal ratio and area around an object, pushed inside; elementwise."""
    height, width = size
    low, high = getattr(extent, "ratio", RATIO)
    x1, y1, x2, y2 = (of.where(of.is_nan(end), 0.0, end) for end in ends)
    wide, tall = of.maximum(x2 - x1, (y2 - y1) * low), of.maximum(y2 - y1, (x2 - x1) / high)
    wide, tall = of.maximum(wide, 1.0), of.maximum(tall, 1.0)
    smallest = _least_scale(extent) * height * width
    grown = of.sqrt(of.maximum(smallest / (wide * tall), 1.0))
    wide, tall = (
        of.minimum(-of.floor(-side * grown), most) for side, most in ((wide, width), (tall, height))
    )
    left = of.clip(of.floor((x1 + x2 - wide) / 2 + 0.5), 0, width - wide)
    top = of.clip(of.floor((y1 + y2 - tall) / 2 + 0.5), 0, height - tall)
    return left, top, left + wide, top + tall


def _least_scale(extent: Extent) -> float:
    scale = getattr(extent, "scale", 1.0)
    return float(scale[0] if isinstance(scale, tuple) else scale)


@dataclass(frozen=True)
class IouBand:
    """Pairs are redrawn until the IoU of their contents falls in a band.

    When no try succeeds, the try nearest to the band is kept; the boxes themselves show it.

    Args:
        iou: range of the IoU of the contents, within [0, 1]; `(0, 0)` asks for disjoint views.
        tries: number of draws per image, at least 1.

    Relation: the diagnostic behind the U-curves of InfoMin and later work.
    """

    iou: rules.Range = (0.2, 0.6)
    tries: int = 50
    kind: ClassVar[str] = "iou"
    shares_mean: ClassVar[bool] = False
    is_redrawn: ClassVar[bool] = True

    def __post_init__(self) -> None:
        rules.ordered("iou", self.iou, low=0, high=1)
        rules.count("tries", self.tries)

    def draw(self, draw_views: DrawRows, draws: Draws, sizes: Ints, aim: Aim) -> Boxes:  # noqa: ARG002
        """Redraw both boxes of the pairs that are out of the band; exactly two views."""
        _require_two(draws.views)
        height, width = sizes.T
        best = draw_views(draws, np.arange(len(sizes)))
        miss = self.miss(_edges(best), height, width)
        for attempt in range(1, self.tries):
            pending = np.flatnonzero(miss)
            if not pending.size:
                break
            tried = draw_views(Draws(draws.states[pending], attempt), pending)
            missed = self.miss(_edges(tried), height[pending], width[pending])
            nearer = missed < miss[pending]
            best[pending[nearer]], miss[pending[nearer]] = tried[nearer], missed[nearer]
        return best

    def draw_one(
        self,
        draw_again: DrawAgain,
        height: int,
        width: int,
        aim: Aim,  # noqa: ARG002
    ) -> list[tuple[int, ...]]:
        """The same for one image."""
        best = draw_again(0)
        _require_two(len(best))
        least = self.miss(best, height, width)
        for attempt in range(1, self.tries):
            if least == 0:
                break
            tried = draw_again(attempt)
            miss = self.miss(tried, height, width)
            if miss < least:
                best, least = tried, miss
        return best

    def miss(self, pair: list[Any], height: Wholes, width: Wholes) -> Reals:
        """Distance of a pair's content IoU from the band, 0 inside it; elementwise.

        Args:
            pair: two boxes, each as its four edges.
            height: of the image.
            width: of the image.
        """
        iou = box.content_iou_of_edges(pair[0], pair[1], height, width)
        return of.maximum(of.maximum(self.iou[0] - iou, iou - self.iou[1]), 0)


@dataclass(frozen=True)
class SharedIouBand(IouBand):
    """Both: a shared mean, which is drawn anew with every try for the band of IoU."""

    kind: ClassVar[str] = "shared+iou"
    shares_mean: ClassVar[bool] = True


def _edges(pairs: Boxes) -> list[Any]:
    """Boxes `(N, V, 4)` as a list of views, each four arrays `(N,)`."""
    return [view.T for view in pairs.swapaxes(0, 1)]


def _require_two(views: int) -> None:
    if views != 2:
        raise ValueError(f"`views` must be 2 with a band of IoU, got {views}")


PAIRS: dict[str, type[Independent | IouBand]] = {
    part.kind: part for part in (Independent, SharedMean, Covers, IouBand, SharedIouBand)
}
