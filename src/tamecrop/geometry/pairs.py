"""How the boxes of the views of one image relate."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from tamecrop.geometry import boxes as box, elementwise as of, rules
from tamecrop.geometry.boxes import Boxes
from tamecrop.geometry.draws import Draws
from tamecrop.geometry.elementwise import Reals, Wholes
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

    def draw(self, draw_views: DrawRows, draws: Draws, sizes: Ints) -> Boxes:
        """Boxes `(N, V, 4)` from what draws the views of an image one by one."""

    def draw_one(self, draw_again: DrawAgain, height: int, width: int) -> list[tuple[int, ...]]:
        """The same for one image: V boxes, of Python's ints."""


@dataclass(frozen=True)
class Independent:
    """Every view is drawn by itself."""

    kind: ClassVar[str] = "independent"
    shares_mean: ClassVar[bool] = False
    is_redrawn: ClassVar[bool] = False

    def draw(self, draw_views: DrawRows, draws: Draws, sizes: Ints) -> Boxes:
        """The first draw of each view."""
        return draw_views(draws, np.arange(len(sizes)))

    def draw_one(self, draw_again: DrawAgain, *size: int) -> list[tuple[int, ...]]:  # noqa: ARG002
        """The first draw of each view."""
        return draw_again(0)


@dataclass(frozen=True)
class SharedMean(Independent):
    """The views of an image share the drawn mean of their Gaussian: MGCC's pair."""

    kind: ClassVar[str] = "shared"
    shares_mean: ClassVar[bool] = True


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

    def draw(self, draw_views: DrawRows, draws: Draws, sizes: Ints) -> Boxes:
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

    def draw_one(self, draw_again: DrawAgain, height: int, width: int) -> list[tuple[int, ...]]:
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
    part.kind: part for part in (Independent, SharedMean, IouBand, SharedIouBand)
}
