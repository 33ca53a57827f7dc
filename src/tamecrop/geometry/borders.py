"""What happens to a box that would leave the image."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np

from tamecrop.geometry import elementwise as of
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.centers import Center
from tamecrop.geometry.draws import AnyDraws, Axis
from tamecrop.geometry.elementwise import Wholes

Content = Literal["in_place", "centered"]


class Border(Protocol):
    """What happens to a box that would leave the image."""

    kind: ClassVar[str]
    inside: ClassVar[bool]
    content: ClassVar[Content]

    def edge(self, center: Center, axis: Axis, draws: AnyDraws) -> Wholes:
        """Near edges `(N, V)` of a center under this rule."""

    def masses(self, center: Center, axis: Axis) -> tuple[int, Floats]:
        """First near edge and the probabilities of it and those after it, for one `Axis`.

        Edges whose box shows nothing of the image are counted at the nearest such edge.
        """


@dataclass(frozen=True)
class Pad:
    """The box stays where it is; what lies outside is filled."""

    kind: ClassVar[str] = "pad"
    inside: ClassVar[bool] = False
    content: ClassVar[Content] = "in_place"

    def edge(self, center: Center, axis: Axis, draws: AnyDraws) -> Wholes:
        """The edges as they are."""
        return center.edge(axis, draws)

    def masses(self, center: Center, axis: Axis) -> tuple[int, Floats]:
        """From wholly outside on one side to wholly outside on the other."""
        first = -axis.crop.item()
        return first, _masses(center, axis, first, axis.side.item())


@dataclass(frozen=True)
class Recenter(Pad):
    """As `pad`, but the surviving content moves to the middle of the fill when it is cut.

    The rule that produced the published GCC numbers; an odd pixel of fill goes right or down.
    """

    kind: ClassVar[str] = "recenter"
    content: ClassVar[Content] = "centered"


@dataclass(frozen=True)
class Clamp:
    """The box is pushed inside: an atom of probability on each edge. CGCC's rule."""

    kind: ClassVar[str] = "clamp"
    inside: ClassVar[bool] = True
    content: ClassVar[Content] = "in_place"

    def edge(self, center: Center, axis: Axis, draws: AnyDraws) -> Wholes:
        """The nearest edge inside."""
        return of.clip(center.edge(axis, draws), 0, axis.last)

    def masses(self, center: Center, axis: Axis) -> tuple[int, Floats]:
        """The tails become atoms at the first and the last place inside."""
        return 0, _masses(center, axis, 0, axis.last.item())


@dataclass(frozen=True)
class Truncate:
    """The distribution conditioned on the box being inside, exactly: no atoms, nothing redrawn."""

    kind: ClassVar[str] = "truncate"
    inside: ClassVar[bool] = True
    content: ClassVar[Content] = "in_place"

    def edge(self, center: Center, axis: Axis, draws: AnyDraws) -> Wholes:
        """Edges of the conditional distribution."""
        return center.edge_inside(axis, draws)

    def masses(self, center: Center, axis: Axis) -> tuple[int, Floats]:
        """The tails are cut off and the rest rescaled."""
        inside = np.arange(-1, axis.last.item() + 1)
        masses = np.diff(center.at_or_before(inside, axis).ravel())
        if masses.sum() <= 0:
            raise ValueError("border=truncate leaves no probability inside the image")
        return 0, masses / masses.sum()


@dataclass(frozen=True)
class Reflect:
    """The box bounces off the edges: its near edge folds about the first and last place inside."""

    kind: ClassVar[str] = "reflect"
    inside: ClassVar[bool] = True
    content: ClassVar[Content] = "in_place"

    def edge(self, center: Center, axis: Axis, draws: AnyDraws) -> Wholes:
        """Folded edges."""
        return fold(center.edge(axis, draws), axis.last)

    def masses(self, center: Center, axis: Axis) -> tuple[int, Floats]:
        """The tails are folded in, out to where less than 1e-12 is left."""
        reach = axis.side.item()
        while 1 - np.ptp(center.at_or_before(np.array([-reach, reach]), axis)) > 1e-12:
            reach *= 2
        places = fold(np.arange(-reach, reach + 1), axis.last.ravel())
        masses = np.bincount(places, weights=_masses(center, axis, -reach, reach))
        return 0, masses.astype(np.float64)


def fold(edge: Wholes, last: Wholes) -> Wholes:
    """Reflect whole numbers into `0 .. last`, as often as needed; the ends are not repeated.

    >>> fold(np.array([-2, 1, 5]), np.array([3]))
    array([2, 1, 1])
    """
    return last - abs(edge % of.maximum(2 * last, 1) - last)


def _masses(center: Center, axis: Axis, first: int, last: int) -> Floats:
    """Probabilities of the near edges `first .. last`; each end holds the tail beyond it."""
    below = center.at_or_before(np.arange(first, last), axis).ravel()
    return np.diff(below, prepend=0.0, append=1.0)


BORDERS: dict[str, type[Pad | Clamp | Truncate | Reflect]] = {
    part.kind: part for part in (Pad, Recenter, Clamp, Truncate, Reflect)
}
