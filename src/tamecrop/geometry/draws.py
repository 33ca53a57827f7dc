"""The numbered draws of a crop law.

Each question a law asks of chance has its own draw number, so that changing one part of a policy
leaves the draws of the others as they were.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

from numpy.typing import NDArray

from tamecrop.geometry import keys
from tamecrop.geometry.boxes import Floats

_TRY = 16
_REDRAW = 10_000


class Draw(IntEnum):
    """What a number is drawn for."""

    AREA = 0
    RATIO = 1
    X = 2
    Y = 3
    X_OTHER = 4
    Y_OTHER = 5
    MEAN_X = 6
    MEAN_Y = 7
    JOINT_RATIO = 8
    JOINT_AREA = 9


@dataclass(frozen=True)
class Draws:
    """Uniform numbers for every view of a batch; states are `(N, V)` or any subset of them."""

    states: keys.State
    redraw: int = 0

    def __call__(self, draw: Draw, *, attempt: int = 0) -> Floats:
        """One uniform number in (0, 1) per view."""
        return keys.uniforms(self.states, draw + _TRY * attempt + _REDRAW * self.redraw)

    def of_image(self, draw: Draw) -> Floats:
        """One uniform number per image, `(N, 1)`: what the views of an image share."""
        return keys.uniforms(self.states[:, :1], draw + _REDRAW * self.redraw)

    def flat(self) -> Self:
        """The same draws with all views in one dimension."""
        return type(self)(self.states.ravel(), self.redraw)

    def __getitem__(self, where: NDArray[Any]) -> Self:
        """The same draws for a subset of the views."""
        return type(self)(self.states[where], self.redraw)
