"""What the parts of a crop policy look at: numbered draws, and one axis of the boxes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamecrop.geometry import keys
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.elementwise import Reals, Wholes
from tamecrop.geometry.keys import Draw
from tamecrop.geometry.object_masks import MaskedBoxes, choose_masks
from tamecrop.geometry.roundings import Rounding

_TRY = 16
_REDRAW = 10_000

Trial = Callable[..., tuple[Any, ...]]
"""Draws, the number of the attempt and inputs in; values out, last whether they are accepted."""
Start = Callable[[], tuple[Any, ...]]


@dataclass(frozen=True)
class Draws:
    """Uniform numbers for every view of a batch; states are `(N, V)` or any subset of them."""

    states: keys.State
    redraw: int = 0

    def __call__(self, draw: Draw, *, attempt: int = 0) -> Floats:
        """One uniform number in (0, 1) per view, of the shape of the states."""
        return keys.uniforms(self.states, draw + _TRY * attempt + _REDRAW * self.redraw)

    def of_image(self, draw: Draw) -> Floats:
        """One uniform number per image, `(N, 1)`."""
        return keys.uniforms(self.states[:, :1], draw + _REDRAW * self.redraw)

    @property
    def is_second(self) -> NDArray[np.bool_]:
        """`(V,)`: false, true, false, ..."""
        return np.asarray(np.arange(self.views) == 1)

    @property
    def views(self) -> int:
        """The second dimension of the states."""
        return int(self.states.shape[1])

    def spread(self, of_image: Any) -> Any:
        """What an image has, for each of its views."""
        return np.broadcast_to(of_image, self.states.shape)

    def retry(
        self, trial: Trial, inputs: tuple[Any, ...], start: Start, attempts: Iterable[int]
    ) -> tuple[list[Any], NDArray[np.bool_]]:
        """Repeat a trial for the views whose values were not accepted, all of them at once.

        Args:
            trial: one attempt, in one dimension.
            inputs: what it is given beside draws and attempt; they broadcast to the states.
            start: asked for the values of a view none of whose attempts is accepted.
            attempts: numbers of the attempts.

        Returns:
            The values, and which views are left with those of `start`, of the shape of the states.
        """
        shape = self.states.shape
        flat = [np.broadcast_to(each, shape).ravel() for each in inputs]
        kept = [np.broadcast_to(each, shape).flatten() for each in start()]
        every, pending = self.states.ravel(), np.arange(self.states.size)
        for attempt in attempts:
            if not pending.size:
                break
            tried = type(self)(every[pending], self.redraw)
            *found, accepted = trial(tried, attempt, *(each[pending] for each in flat))
            for values, new in zip(kept, found, strict=True):
                values[pending[accepted]] = new[accepted]
            pending = pending[~accepted]
        left = np.zeros(every.size, dtype=bool)
        left[pending] = True
        return [values.reshape(shape) for values in kept], left.reshape(shape)

    def __getitem__(self, where: NDArray[Any]) -> Self:
        """The same draws for a subset of the images or views."""
        return type(self)(self.states[where], self.redraw)


@dataclass(frozen=True, slots=True)
class ViewDraws:
    """The same numbers for one view of one image, as Python's floats.

    Args:
        state: of the view.
        of_first: state of the first view of the image.
        number: of the view, counted from the first.
        views: how many views of the image are drawn.
        redraw: how often the views of the image were drawn before.
    """

    state: int
    of_first: int
    number: int
    views: int
    redraw: int = 0

    def __call__(self, draw: Draw, *, attempt: int = 0) -> float:
        """One uniform number in (0, 1)."""
        return keys.uniform_one(self.state, int(draw) + _TRY * attempt + _REDRAW * self.redraw)

    def of_image(self, draw: Draw) -> float:
        """The uniform number that all views of the image get."""
        return keys.uniform_one(self.of_first, int(draw) + _REDRAW * self.redraw)

    @property
    def is_second(self) -> bool:
        """Whether this view is the second of its image."""
        return self.number == 1

    def spread(self, of_image: Any) -> Any:
        """What the image has."""
        return of_image

    def retry(
        self, trial: Trial, inputs: tuple[Any, ...], start: Start, attempts: Iterable[int]
    ) -> tuple[list[Any], bool]:
        """Attempt after attempt, until one is accepted."""
        for attempt in attempts:
            *found, accepted = trial(self, attempt, *inputs)
            if accepted:
                return found, False
        return list(start()), True


AnyDraws = Draws | ViewDraws


class Stream(NamedTuple):
    """The draws that one axis asks for."""

    edge: Draw
    other: Draw
    mean: Draw


HORIZONTAL = Stream(Draw.X, Draw.X_OTHER, Draw.MEAN_X)
VERTICAL = Stream(Draw.Y, Draw.Y_OTHER, Draw.MEAN_Y)


class Axis(NamedTuple):
    """One axis of the boxes: what a center and a border rule may look at.

    Args:
        side: image sides, `(N, 1)` or one int.
        crop: box sides, `(N, V)` or one int.
        object: near and far edge of the object box and the middle of the object, each `(N, 1)` or
            one float, NaN where an image has none; `None` when no boxes are known.
        rounding: the rounding rule.
        mean_per_image: whether the views of an image share a drawn mean.
        stream: the draws of this axis.
    """

    side: Wholes
    crop: Wholes
    object: tuple[Reals, Reals, Reals] | None
    rounding: Rounding
    mean_per_image: bool
    stream: Stream

    @property
    def last(self) -> Wholes:
        """The last near edge whose box is inside the image."""
        return self.side - self.crop


def choose_objects(
    object_boxes: Sequence[ArrayLike], *, seed: int = 0, epoch: ArrayLike = 0, index: ArrayLike
) -> Floats:
    """One object box of each image, chosen by key: another one, perhaps, in each epoch.

    Args:
        object_boxes: for each image its boxes `(k, 4)`, k >= 0; of some perhaps `MaskedBoxes`.
        seed: key of the run.
        epoch: key of the pass over the data, or `(N,)` of them.
        index: `(N,)` sample indices, the keys of the images.

    Returns:
        float64 `(N, 4)`, a row of NaN for an image without a box: what `Policy.draw` takes; with
        the masks of the chosen objects where any image knows some.

    >>> choose_objects([np.array([[1, 2, 3, 4]]), np.empty((0, 4))], index=[0, 1])
    array([[ 1.,  2.,  3.,  4.],
           [nan, nan, nan, nan]])
    """
    u = keys.uniform(seed, epoch, index, 0, Draw.OBJECT)
    chosen = np.full((len(object_boxes), 4), np.nan)
    places = np.zeros(len(object_boxes), dtype=np.int64)
    for row, boxes in enumerate(object_boxes):
        if len(candidates := np.asarray(boxes, dtype=np.float64)):
            places[row] = u[row] * len(candidates)
            chosen[row] = candidates[places[row]]
    masks = choose_masks(object_boxes, places)
    return chosen if masks is None else MaskedBoxes(chosen, masks)
