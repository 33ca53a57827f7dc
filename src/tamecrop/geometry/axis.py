"""One axis of a batch of boxes: what a center law and a border rule may look at."""

from dataclasses import dataclass
from typing import NamedTuple

from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.keys import Draw
from tamecrop.geometry.roundings import Ints, Rounding


class Stream(NamedTuple):
    """The draws that one axis asks for."""

    edge: Draw
    other: Draw
    mean: Draw


HORIZONTAL = Stream(Draw.X, Draw.X_OTHER, Draw.MEAN_X)
VERTICAL = Stream(Draw.Y, Draw.Y_OTHER, Draw.MEAN_Y)


@dataclass(frozen=True)
class Axis:
    """One axis of a batch of boxes: what a law may look at.

    Args:
        side: image sides, `(N, 1)`.
        crop: box sides, `(N, V)`.
        object: near and far edge of the object box, each `(N, 1)`, NaN where an image has none;
            `None` when no boxes are known.
        rounding: the rounding rule.
        mean_per_image: whether the views of an image share a drawn mean.
        stream: the draws of this axis.
    """

    side: Ints
    crop: Ints
    object: tuple[Floats, Floats] | None
    rounding: Rounding
    mean_per_image: bool
    stream: Stream

    @property
    def last(self) -> Ints:
        """The last near edge whose box is inside the image."""
        return self.side - self.crop
