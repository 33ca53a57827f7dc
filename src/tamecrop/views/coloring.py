"""How colors of views are changed: in chunks, by keyed numbers, and the longest step, the hue."""

import math
from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tamecrop.geometry import Floats, keys
from tamecrop.views.kernels import send

TURN = 2 * math.pi
"""Of the color wheel, in radians."""

_HUGE, _EPSILON = 1e37, 1e-8
"""What makes a number over 1 of any positive one, and what Kornia adds where it divides."""


def turn_hue(x: Tensor, angle: Tensor) -> None:
    """Turn the hue of `(N, 3, h, w)` in [0, 1] by `(N, 1, 1, 1)` radians, in place.

    Relation: Kornia's `adjust_hue`, the same steps through HSV bit for bit, without its choices
    between two tensors, one of which takes a CPU as long as thirty sums.
    """
    red, green, blue = x.unbind(1)
    top = torch.maximum(torch.maximum(red, green), blue)
    low = torch.minimum(torch.minimum(red, green), blue)
    span, no_red, no_green, no_blue = top - low, top - red, top - green, top - blue
    # `lerp` gives one of its ends exactly where its weight is 0 or 1, which these are: 0 for the
    # pixels whose largest channel is red, and green.
    not_red, not_green = (each.mul(_HUGE).clamp_(max=1) for each in (no_red, no_green))
    by_green = (no_red - no_blue).add_(span, alpha=2)
    by_blue = (no_green - no_red).add_(span, alpha=4)
    hue = torch.lerp(no_blue - no_green, torch.lerp(by_green, by_blue, not_green), not_red)
    hue.div_(span.clamp_min(1 / _HUGE)).div_(6)
    hue.sub_(hue.floor()).sub_(hue.floor())  # twice: less than nothing is rounded up to a turn
    hue.mul_(TURN).add_(angle[:, 0])
    hue.sub_((hue / TURN).floor_().mul_(TURN)).div_(TURN).mul_(6)
    sixth = hue.floor()
    over, saturation = hue.sub_(sixth), span / (top + _EPSILON)
    floor = (1 - saturation).mul_(top)
    falling = (over * saturation).neg_().add_(1).mul_(top)
    rising = (1 - over).mul_(saturation).neg_().add_(1).mul_(top)
    is_odd = sixth - (sixth / 2).floor_().mul_(2)
    between = torch.lerp(rising, falling, is_odd)
    # In two sixths a channel is the largest one, in two the smallest, and in two between. `level`
    # is at least 1, at most -1, and 0 there; all values lie in [0, 1].
    levels = (
        (sixth - 2.5).abs_().sub_(1.5),
        (sixth - 1.5).abs_().neg_().add_(1.5),
        (sixth - 3.5).abs_().neg_().add_(1.5),
    )
    for place, level in enumerate(levels):
        x[:, place] = torch.maximum(torch.minimum(level.add_(between), top), floor)


_CACHED = 2**18
"""Values of a chunk on a CPU, for each thread: what one step writes the next finds in the cache."""


def chunks(views: Tensor) -> list[slice]:
    """Parts of a flat batch of views; on other devices all of it."""
    each, count = max(views[:1].numel(), 1), len(views)
    most = _CACHED * torch.get_num_threads()
    step = max(most // each, 1) if views.device.type == "cpu" else max(count, 1)
    return [slice(start, start + step) for start in range(0, count, step)]


class Draws:
    """Keyed numbers of a flat batch of views, or of some of its rows, as tensors."""

    def __init__(self, states: keys.State, device: torch.device) -> None:
        self._states, self._device = states, device
        self._rows: Any = slice(None)
        self._drawn: dict[int, Floats] = {}

    def of(self, rows: Any) -> "Draws":
        """The same numbers for some of these rows."""
        part = copy(self)
        part._rows = np.arange(len(self._states))[self._rows][rows]
        return part

    def _uniform(self, number: int) -> Floats:
        """Drawn at once for all rows of the batch, when first asked for."""
        if number not in self._drawn:
            self._drawn[number] = keys.uniforms(self._states, number)
        uniform: Floats = self._drawn[number][self._rows]
        return uniform

    def on_some(
        self, x: Tensor, number: int, probability: float, change: "Callable[[Tensor, Draws], Any]"
    ) -> None:
        """`change(views, draws)` in place on those views that a draw picks."""
        rows = np.flatnonzero(self._uniform(number) < probability) if probability else ()
        if len(rows) == len(x) > 0:
            change(x, self)
        elif len(rows):
            at = send(np.asarray(rows), self._device)
            some = x[at]
            change(some, self.of(rows))
            x.index_copy_(0, at, some)

    def between(self, number: int, low: float, high: float) -> Tensor:
        """`(N, 1, 1, 1)`."""
        return send(self.on_host(number, low, high), self._device)[:, None, None, None]

    def on_host(self, number: int, low: float, high: float) -> Tensor:
        """`(N,)`, float32 on the CPU."""
        values = low + (high - low) * self._uniform(number)
        return torch.from_numpy(values.astype(np.float32))
