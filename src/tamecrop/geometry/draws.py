"""How a crop policy asks for its numbered draws, for every view of a batch or once an image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamecrop.geometry import keys
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.keys import Draw

_TRY = 16
_REDRAW = 10_000


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


def choose_objects(
    object_boxes: Sequence[ArrayLike], *, seed: int = 0, epoch: int = 0, index: ArrayLike
) -> Floats:
    """One object box of each image, chosen by key: another one, perhaps, in each epoch.

    Args:
        object_boxes: for each image its boxes `(k, 4)`, k >= 0.
        seed: key of the run.
        epoch: key of the pass over the data.
        index: `(N,)` sample indices, the keys of the images.

    Returns:
        float64 `(N, 4)`, a row of NaN for an image without a box: what `Policy.draw` takes.

    >>> choose_objects([np.array([[1, 2, 3, 4]]), np.empty((0, 4))], index=[0, 1])
    array([[ 1.,  2.,  3.,  4.],
           [nan, nan, nan, nan]])
    """
    u = keys.uniform(seed, epoch, index, 0, Draw.OBJECT)
    chosen = np.full((len(object_boxes), 4), np.nan)
    for row, boxes in enumerate(object_boxes):
        if len(candidates := np.asarray(boxes, dtype=np.float64)):
            chosen[row] = candidates[int(u[row] * len(candidates))]
    return chosen
