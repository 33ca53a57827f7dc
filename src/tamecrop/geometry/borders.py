"""What happens to a box that would leave the image."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np

from tamecrop.geometry.axis import Axis
from tamecrop.geometry.centres import Centre
from tamecrop.geometry.draws import Draws
from tamecrop.geometry.roundings import Ints

Content = Literal["in_place", "centred"]


class Border(Protocol):
    """What happens to a box that would leave the image."""

    kind: ClassVar[str]
    inside: ClassVar[bool]
    content: ClassVar[Content]

    def edge(self, centre: Centre, axis: Axis, draws: Draws) -> Ints:
        """Near edges `(N, V)` of a centre law under this rule."""


@dataclass(frozen=True)
class Pad:
    """The box stays where it is; what lies outside is filled."""

    kind: ClassVar[str] = "pad"
    inside: ClassVar[bool] = False
    content: ClassVar[Content] = "in_place"

    def edge(self, centre: Centre, axis: Axis, draws: Draws) -> Ints:
        """The law's own edges."""
        return centre.edge(axis, draws)


@dataclass(frozen=True)
class Recentre(Pad):
    """As `pad`, but the surviving content moves to the middle of the fill when it is cut.

    The rule that produced the published GCC numbers; an odd pixel of fill goes right or down.
    """

    kind: ClassVar[str] = "recentre"
    content: ClassVar[Content] = "centred"


@dataclass(frozen=True)
class Clamp:
    """The box is pushed inside: an atom of probability on each edge. CGCC's rule."""

    kind: ClassVar[str] = "clamp"
    inside: ClassVar[bool] = True
    content: ClassVar[Content] = "in_place"

    def edge(self, centre: Centre, axis: Axis, draws: Draws) -> Ints:
        """The nearest edge inside."""
        return np.clip(centre.edge(axis, draws), 0, axis.last)


@dataclass(frozen=True)
class Truncate:
    """The law conditioned on the box being inside, exactly: no atoms, nothing redrawn."""

    kind: ClassVar[str] = "truncate"
    inside: ClassVar[bool] = True
    content: ClassVar[Content] = "in_place"

    def edge(self, centre: Centre, axis: Axis, draws: Draws) -> Ints:
        """Edges of the conditional law."""
        return centre.edge_inside(axis, draws)


@dataclass(frozen=True)
class Reflect:
    """The box bounces off the edges: its near edge folds about the first and last place inside."""

    kind: ClassVar[str] = "reflect"
    inside: ClassVar[bool] = True
    content: ClassVar[Content] = "in_place"

    def edge(self, centre: Centre, axis: Axis, draws: Draws) -> Ints:
        """Folded edges."""
        return fold(centre.edge(axis, draws), axis.last)


def fold(edge: Ints, last: Ints) -> Ints:
    """Reflect whole numbers into `0 .. last`, as often as needed; the ends are not repeated.

    >>> fold(np.array([-2, 1, 5]), np.array([3]))
    array([2, 1, 1])
    """
    return np.asarray(last - np.abs(edge % np.maximum(2 * last, 1) - last))


BORDERS: dict[str, type[Pad | Clamp | Truncate | Reflect]] = {
    part.kind: part for part in (Pad, Recentre, Clamp, Truncate, Reflect)
}
