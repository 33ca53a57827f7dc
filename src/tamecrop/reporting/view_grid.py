"""A sheet of real views: the same images under several laws, boxes drawn on the source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tamecrop.geometry.boxes import Boxes, Floats, clip, content_share, coverage, iou
from tamecrop.geometry.policy import Policy
from tamecrop.reporting.theme import (
    FIRST_VIEW,
    MUTED,
    SECOND_VIEW,
    bare,
    color,
    new_figure,
    themed,
)
from tamecrop.views.cut import cut
from tamecrop.views.photometric import Photometric

Picture = NDArray[np.uint8]
_INKS = (FIRST_VIEW, SECOND_VIEW)
_MARGIN = 0.25
_TILE = 1 + 2 * _MARGIN


@dataclass(frozen=True)
class Look:
    """How the views of a sheet are made.

    Attributes:
        size: Side or (height, width) that views are resized to; None cuts exactly.
        photometric: Applied to the views after the cut, or None for the bare crops.
        seed: Key of the draws.
        epoch: Key of the pass over the data.
    """

    size: int | tuple[int, int] | None = None
    photometric: Photometric | None = None
    seed: int = 0
    epoch: int = 0


@dataclass(frozen=True)
class Tile:
    """One image under one law.

    Attributes:
        source: `(H, W, 3)` the whole image.
        boxes: `(2, 4)` the boxes of its two views.
        views: The two views, each `(h, w, 3)`.
        objects: `(k, 4)` boxes of the objects on the image; none where they are not known.
        note: What a caption says after the IoU; by default what the views show of the object that
            both show most of, and without objects their content.
    """

    source: Picture
    boxes: Boxes
    views: tuple[Picture, Picture]
    objects: Floats = field(default_factory=lambda: np.empty((0, 4)))
    note: str = ""

    @property
    def caption(self) -> str:
        """IoU of the contents of the views, and what they show, in words."""
        height, width, _ = self.source.shape
        contents = clip(self.boxes, (height, width))
        overlap = f"IoU {iou(contents[0], contents[1]):.2f}"
        if self.note:
            return f"{overlap} · {self.note}"
        if not len(self.objects):
            first, second = 100 * content_share(self.boxes, (height, width))
            return f"{overlap} · content {first:.0f} %, {second:.0f} %"
        covered = coverage(contents[:, None], self.objects)
        first, second = 100 * covered[:, covered.min(axis=0).argmax()]
        return f"{overlap} · object {first:.0f} %, {second:.0f} %"


def tile(image: torch.Tensor, policy: Policy, look: Look, *, index: int) -> Tile:
    """Draw, cut and color the two views of one image, as training would.

    Args:
        image: `(C, H, W)` uint8.
        policy: The crop law.
        look: Size, photometric step and key.
        index: Sample index, part of the key.
    """
    size = (image.shape[-2], image.shape[-1])
    boxes = policy.draw(size, index=[index], seed=look.seed, epoch=look.epoch)
    return tile_of(image, boxes[0], policy, look, index=index)


def tile_of(image: torch.Tensor, boxes: Boxes, policy: Policy, look: Look, *, index: int) -> Tile:
    """Cut and color the two views of one image whose boxes are known.

    Args:
        image: `(C, H, W)` uint8.
        boxes: `(2, 4)`.
        policy: The crop law, which says where content is put.
        look: Size and photometric step.
        index: Sample index, part of the key of the photometric step.
    """
    first, second = (
        _view(image, boxes[None, [view]], policy, look, index=index) for view in (0, 1)
    )
    return Tile(_picture(image), boxes, (first, second))


def _view(image: torch.Tensor, box: Boxes, policy: Policy, look: Look, *, index: int) -> Picture:
    views = cut(image[None], box, size=look.size, content=policy.content)
    if look.photometric is not None:
        views = look.photometric.apply(
            views, seed=look.seed, epoch=look.epoch, index=np.array([index])
        )
        views = (255 * views).round().to(torch.uint8)
    return _picture(views[0, 0])


def _picture(image: torch.Tensor) -> Picture:
    picture = image.expand(3, -1, -1) if image.shape[0] == 1 else image[:3]
    return np.asarray(picture.permute(1, 2, 0).contiguous().cpu().numpy(), dtype=np.uint8)


def sheet_figure(
    images: Sequence[torch.Tensor],
    policies: Sequence[Policy],
    *,
    look: Look | None = None,
    objects: Sequence[Floats] | None = None,
) -> Figure:
    """The same images under each law: sources with both boxes, and the views they give.

    Args:
        images: Each `(C, H, W)` uint8; their place is their sample index.
        policies: One row of tiles each.
        look: How the views are made; by default exact cuts without photometric step.
        objects: `(k, 4)` boxes of the objects on each image, where they are known.

    Returns:
        The figure; the first view's box is red, the second's blue, objects are dashed.
    """
    look = look or Look()
    known = objects or [np.empty((0, 4))] * len(images)
    rows = [
        [
            replace(tile(image, policy, look, index=i), objects=known[i])
            for i, image in enumerate(images)
        ]
        for policy in policies
    ]
    return tiles_figure({str(policy): row for policy, row in zip(policies, rows, strict=True)})


def tiles_figure(rows: Mapping[str, Sequence[Tile]]) -> Figure:
    """Rows of tiles under their titles, at least one tile in all.

    Args:
        rows: title to tiles; the place of a row gives the color of its title.
    """
    longest = max(len(tiles) for tiles in rows.values())
    with themed():
        figure = new_figure(2.9 * longest, 2.25 * len(rows))
        every = figure.subplots(len(rows), 1, squeeze=False).ravel()
        for place, (axes, (title, tiles)) in enumerate(zip(every, rows.items(), strict=True)):
            _draw_row(axes, tiles, longest=longest)
            axes.set_title(title, color=color(place))
    return figure


def _draw_row(axes: Axes, tiles: Sequence[Tile], *, longest: int) -> None:
    bare(axes)
    step = _TILE + 0.75
    for place, each in enumerate(tiles):
        _draw_tile(axes, each, left=step * place)
    axes.set_xlim(-0.05, step * longest - 0.05)
    axes.set_ylim(_TILE + 0.2, -0.03)
    axes.set_aspect("equal")


def _draw_tile(axes: Axes, tile: Tile, *, left: float) -> None:
    height, width, _ = tile.source.shape
    unit = 1 / max(height, width)
    x, y = left + _TILE / 2 - width * unit / 2, _TILE / 2 - height * unit / 2
    frame = Rectangle((left, 0), _TILE, _TILE, facecolor="#f2f4f7", edgecolor="none", zorder=0)
    axes.add_patch(frame)
    _picture_at(axes, tile.source, (x, y, width * unit, height * unit))
    outlines: list[tuple[Boxes, dict[str, Any]]] = [
        (box, {"edgecolor": "white", "lw": 1.2, "ls": "--"}) for box in tile.objects
    ]
    outlines += [
        (box, {"edgecolor": ink, "lw": 1.8}) for box, ink in zip(tile.boxes, _INKS, strict=True)
    ]
    for box, style in outlines:
        x1, y1, x2, y2 = (float(edge) * unit for edge in box)
        outline = Rectangle((x + x1, y + y1), x2 - x1, y2 - y1, fill=False, **style)
        axes.add_patch(outline)
        outline.set_clip_path(frame)
    for view, (picture, ink) in enumerate(zip(tile.views, _INKS, strict=True)):
        _draw_view(axes, picture, ink, corner=(left + _TILE + 0.06, 0.06 + 0.74 * view))
    axes.text(left, _TILE + 0.15, tile.caption, fontsize=8, color=MUTED)


def _draw_view(
    axes: Axes, picture: Picture, ink: str, *, corner: tuple[float, float], side: float = 0.62
) -> None:
    height, width, _ = picture.shape
    unit = side / max(height, width)
    x, y = corner
    _picture_at(axes, picture, (x, y, width * unit, height * unit))
    frame = Rectangle((x, y), width * unit, height * unit, fill=False, edgecolor=ink, lw=1.8)
    axes.add_patch(frame)


def _picture_at(axes: Axes, picture: Picture, place: tuple[float, float, float, float]) -> None:
    x, y, width, height = place
    axes.imshow(picture, extent=(x, x + width, y + height, y), interpolation="nearest", zorder=1)
