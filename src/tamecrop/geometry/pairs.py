"""How the boxes of the views of one image relate."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from tamecrop.geometry import boxes as box
from tamecrop.geometry import rules
from tamecrop.geometry.boxes import Boxes, Floats
from tamecrop.geometry.draws import Draws
from tamecrop.geometry.roundings import Ints

Law = Callable[[Draws, Ints], Boxes]
"""Boxes `(M, V, 4)` of the images whose row numbers `(M,)` are given, from their draws."""


class Pair(Protocol):
    """How the boxes of the views of one image relate."""

    kind: ClassVar[str]
    shares_mean: ClassVar[bool]

    def draw(self, law: Law, draws: Draws, sizes: Boxes) -> Boxes:
        """Boxes `(N, V, 4)` from the law of one image's views."""


@dataclass(frozen=True)
class Independent:
    """Every view is drawn by itself."""

    kind: ClassVar[str] = "independent"
    shares_mean: ClassVar[bool] = False

    def draw(self, law: Law, draws: Draws, sizes: Boxes) -> Boxes:
        """The law as it is."""
        return law(draws, np.arange(len(sizes)))


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

    def __post_init__(self) -> None:
        rules.ordered("iou", self.iou, low=0, high=1)
        rules.count("tries", self.tries)

    def draw(self, law: Law, draws: Draws, sizes: Boxes) -> Boxes:
        """Redraw both boxes of the pairs that are out of the band; exactly two views."""
        if draws.states.shape[1] != 2:
            raise ValueError(f"`views` must be 2 with pair=iou, got {draws.states.shape[1]}")
        best = law(draws, np.arange(len(sizes)))
        miss = self.miss(best, sizes)
        for attempt in range(1, self.tries):
            pending = np.flatnonzero(miss)
            tried = law(Draws(draws.states[pending], attempt), pending)
            missed = self.miss(tried, sizes[pending])
            nearer = missed < miss[pending]
            best[pending[nearer]], miss[pending[nearer]] = tried[nearer], missed[nearer]
        return best

    def miss(self, pairs: Boxes, sizes: Boxes) -> Floats:
        """Distance `(N,)` of each pair's content IoU from the band; 0 inside it."""
        iou = box.content_iou(pairs, sizes)
        return np.maximum(np.maximum(self.iou[0] - iou, iou - self.iou[1]), 0)


PAIRS: dict[str, type[Independent | IouBand]] = {
    part.kind: part for part in (Independent, SharedMean, IouBand)
}
