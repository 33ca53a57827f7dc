"""Views cut from an image that was decoded at a fraction of its size, see `data.scaled`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tamecrop.geometry import Boxes, ViewPlan
from tamecrop.views.tensors import cut_one

_SHRINKS = (8, 4, 2)
_SPARE, _LEAST = 1.5, 8
"""Pixels a side of a box that are left for each of its view, and at all.

With 1.5 the antialiased resize still does most of the smoothing: a view stays within 2 gray levels
of one from the whole image (R34). With 1 it can be 4 levels away on sharp pictures.
"""


@dataclass(frozen=True, eq=False)
class Scaled:
    """An upright image at a fraction of its size.

    Args:
        pixels: uint8 `(C, h, w)`.
        shrink: pixels of the image a side of each of these.
        over: what of the border row and column lies beyond the image, in [0, 1).
        mirrored: whether the border row and column are the first instead of the last.
        below: rows of the image under these, which were left out.
    """

    pixels: Tensor
    shrink: int = 1
    over: tuple[float, float] = (0, 0)
    mirrored: tuple[bool, bool] = (False, False)
    below: int = 0

    def bordered(self, fill: float) -> Tensor:
        """The pixels `(h, w, C)`, fill in what lies beyond the image."""
        rows = self.pixels.permute(1, 2, 0)
        if not any(self.over):
            return rows
        mixed = rows.clone()
        for axis, (over, mirrored) in enumerate(zip(self.over, self.mirrored, strict=True)):
            border = mixed.select(axis, 0 if mirrored else -1)
            border.copy_((border * (1 - over) + fill * over).round())
        return mixed


def shrink_for(plan: ViewPlan, boxes: Sequence[Boxes]) -> int:
    """The largest of 1, 2, 4 and 8 by which an image may be shrunk for all of its views.

    An exact cut needs every pixel, and so does a policy that moves what is left of a box: its
    content ends at edges that a shrunk image does not have.

    Args:
        plan: of the views.
        boxes: of one image, `(V, 4)` a group.
    """
    most = float(_SHRINKS[0])
    for group, part in zip(plan.groups, boxes, strict=True):
        if group.size is None or group.policy.content != "in_place":
            return 1
        tall, wide = (max(_SPARE * side, _LEAST) for side in group.size)
        for x1, y1, x2, y2 in part.tolist():
            most = min(most, (x2 - x1) / wide, (y2 - y1) / tall)
    return next((shrink for shrink in _SHRINKS if shrink <= most), 1)


def rows_for(plan: ViewPlan, boxes: Sequence[Boxes]) -> int | None:
    """How many of the upper rows of an image its views need; None: all, where content is moved."""
    if any(group.policy.content != "in_place" for group in plan.groups):
        return None
    return max(int(part[:, 3].max()) for part in boxes)


def cut_scaled(
    image: Scaled,
    plan: ViewPlan,
    boxes: Sequence[Boxes],
    *,
    fill: float,
    out: Sequence[Tensor] = (),
) -> list[Tensor]:
    """The views of each group `(V, C, h, w)` that boxes in pixels of the whole image name.

    Relation: of an image that was not shrunk, `tamecrop.views.cut_one`, bit for bit.

    Args:
        image: as `shrink_for` and `rows_for` allow.
        plan: of the views.
        boxes: of one image, `(V, 4)` a group.
        fill: gray level of what lies outside the image.
        out: where the views of each group go; by default into memory of their own.
    """
    views = []
    for place, (group, part) in enumerate(zip(plan.groups, boxes, strict=True)):
        into = out[place] if out else None
        if group.size is not None and group.policy.content == "in_place":
            views.append(_views(image, part, group.size, fill, into))
            continue
        made = cut_one(image.pixels, part, size=group.size, fill=fill, content=group.policy.content)
        views.append(made if into is None else into.copy_(made))
    return views


def _views(
    image: Scaled, boxes: Boxes, size: tuple[int, int], fill: float, out: Tensor | None
) -> Tensor:
    # Python's numbers: for the few boxes of one image, each call of NumPy costs more than its work.
    rows, shrink = image.pixels.permute(1, 2, 0), image.shrink
    tall, wide = (side - over for side, over in zip(rows.shape, image.over, strict=False))
    down, right = (
        over if mirrored else 0 for over, mirrored in zip(image.over, image.mirrored, strict=True)
    )
    views = image.pixels.new_empty((len(boxes), rows.shape[2], *size)) if out is None else out
    bordered = None
    for view, box in zip(views, boxes.tolist(), strict=True):
        x1, y1, x2, y2 = (edge / shrink for edge in box)
        source = rows
        if x1 < 0 or y1 < 0 or x2 > wide or y2 > tall:
            source = bordered = image.bordered(fill) if bordered is None else bordered
        x1, y1, x2, y2 = x1 + right, y1 + down, x2 + right, y2 + down
        along, across = _grid(y1, y2, size[0]), _grid(x1, x2, size[1])
        part = _part(source, along, across, fill)
        view.copy_(_resized(part, (x1, y1, x2, y2), along, across, size))
    return views


class _Grid(NamedTuple):
    """Along one axis: which pixels are resized, and how, so that a view's pixels are among them.

    The kernel begins at a whole pixel, and a box in a shrunk image seldom does. So the grid of the
    view's pixels is continued outwards, by `before` of them, to where it meets a whole pixel; no
    zoom is needed where sides are whole. `leaves`: what comes before the image is fill.
    """

    first: int
    stop: int
    before: int
    zoom: float | None
    leaves: bool
    meets: bool


def _grid(near: float, far: float, out: int) -> _Grid:
    if near.is_integer() and far.is_integer():
        return _Grid(int(near), int(far), 0, None, near < 0, meets=True)
    step = (far - near) / out
    places = [near - step * more for more in range(_CONTINUED)]
    offs = [abs(place - round(place)) for place in places]
    before = min(range(_USUALLY), key=offs.__getitem__)
    if offs[before] > _NEAR * step:
        before = min(range(_CONTINUED), key=offs.__getitem__)
    if offs[before] > _NEAR * step:
        return _Grid(math.floor(near), math.ceil(far), 0, None, near < 0, meets=False)
    return _Grid(round(places[before]), math.ceil(far), before, 1 / step, near < 0, meets=True)


_USUALLY, _CONTINUED, _NEAR = 9, 33, 1 / 24
"""How many pixels a grid is continued, where that brings it near enough, and at most; and how near
it must come, in pixels of the view."""

_native: Any = torch.ops.aten._upsample_bilinear2d_aa
"""What torchvision resizes uint8 tensors by; it takes the zoom too, so sides need not be whole."""


def _resized(
    part: Tensor, box: Sequence[float], along: _Grid, across: _Grid, size: tuple[int, int]
) -> Tensor:
    """A view `(C, h, w)`: by torchvision's kernel, or by Pillow where the grids do not meet.

    Pillow takes any box, and three times as long.
    """
    if along.meets and across.meets:
        extended = [size[0] + along.before, size[1] + across.before]
        # Not `part.permute(2, 0, 1)[None]`: of its strides torch concludes that channels come
        # first, and a view takes a third longer.
        pixels = part[None].permute(0, 3, 1, 2)
        resized: Tensor = _native(pixels, extended, False, along.zoom, across.zoom)
        return resized[0, :, along.before :, across.before :]
    (x1, x2), (y1, y2) = (
        (near - grid.first, min(far - grid.first, side))
        for near, far, grid, side in zip(
            box[:2], box[2:], (across, along), part.shape[1::-1], strict=True
        )
    )
    image = Image.fromarray(part.numpy())
    made = image.resize(size[::-1], Image.Resampling.BILINEAR, box=(x1, y1, x2, y2))
    return torch.from_numpy(np.array(made)).permute(2, 0, 1)


def _part(rows: Tensor, along: _Grid, across: _Grid, fill: float) -> Tensor:
    """The pixels `(h, w, C)` to resize, in memory of their own: fill, or the border repeated."""
    kept = (slice(max(grid.first, 0), max(grid.stop, 0)) for grid in (along, across))
    inside = rows[tuple(kept)]
    sides = along.stop - along.first, across.stop - across.first
    if inside.shape[:2] == sides:
        return inside.contiguous()
    part = rows.new_full((*sides, rows.shape[2]), round(fill))
    near = max(-along.first, 0), max(-across.first, 0)
    height, width = inside.shape[:2]
    part[near[0] : near[0] + height, near[1] : near[1] + width] = inside
    for axis, grid in enumerate((along, across)):
        before, moved = near[axis], part.movedim(axis, 0)
        if before and not grid.leaves:
            moved[:before] = moved[before : before + 1]
    return part
