"""A sheet of real views: the same images under several laws, boxes drawn on the source."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tamecrop.geometry.boxes import Boxes, content_share, iou
from tamecrop.geometry.policy import Policy
from tamecrop.studies.theme import (
    FIRST_VIEW,
    MUTED,
    SECOND_VIEW,
    bare,
    colour,
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
    """

    source: Picture
    boxes: Boxes
    views: tuple[Picture, Picture]

    @property
    def caption(self) -> str:
        """IoU of the boxes and the content of each view, in words."""
        height, width, _ = self.source.shape
        first, second = 100 * content_share(self.boxes, (height, width))
        overlap = iou(self.boxes[0], self.boxes[1])
        return f"IoU {overlap:.2f} · content {first:.0f} %, {second:.0f} %"


def tile(image: torch.Tensor, policy: Policy, look: Look, *, index: int) -> Tile:
    """Draw, cut and colour the two views of one image, as training would.

    Args:
        image: `(C, H, W)` uint8.
        policy: The crop law.
        look: Size, photometric step and key.
        index: Sample index, part of the key.
    """
    size = (image.shape[-2], image.shape[-1])
    boxes = policy.draw(size, index=[index], seed=look.seed, epoch=look.epoch)
    first, second = (_view(image, boxes[:, [view]], policy, look, index=index) for view in (0, 1))
    return Tile(_picture(image), boxes[0], (first, second))


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
    images: Sequence[torch.Tensor], policies: Sequence[Policy], *, look: Look | None = None
) -> Figure:
    """The same images under each law: sources with both boxes, and the views they give.

    Args:
        images: Each `(C, H, W)` uint8; their place is their sample index.
        policies: One row of tiles each.
        look: How the views are made; by default exact cuts without photometric step.

    Returns:
        The figure; the first view's box is red, the second's blue.
    """
    look = look or Look()
    with themed():
        figure = new_figure(2.9 * len(images), 2.25 * len(policies))
        rows = figure.subplots(len(policies), 1, squeeze=False).ravel()
        for place, (axes, policy) in enumerate(zip(rows, policies, strict=True)):
            tiles = [tile(image, policy, look, index=i) for i, image in enumerate(images)]
            _draw_row(axes, tiles)
            axes.set_title(str(policy), color=colour(place))
    return figure


def _draw_row(axes: Axes, tiles: Sequence[Tile]) -> None:
    bare(axes)
    step = _TILE + 0.75
    for place, each in enumerate(tiles):
        _draw_tile(axes, each, left=step * place)
    axes.set_xlim(-0.05, step * len(tiles) - 0.05)
    axes.set_ylim(_TILE + 0.2, -0.03)
    axes.set_aspect("equal")


def _draw_tile(axes: Axes, tile: Tile, *, left: float) -> None:
    height, width, _ = tile.source.shape
    unit = 1 / max(height, width)
    x, y = left + _TILE / 2 - width * unit / 2, _TILE / 2 - height * unit / 2
    frame = Rectangle((left, 0), _TILE, _TILE, facecolor="#f2f4f7", edgecolor="none", zorder=0)
    axes.add_patch(frame)
    _picture_at(axes, tile.source, (x, y, width * unit, height * unit))
    for box, ink in zip(tile.boxes, _INKS, strict=True):
        x1, y1, x2, y2 = (float(edge) * unit for edge in box)
        outline = Rectangle((x + x1, y + y1), x2 - x1, y2 - y1, fill=False, edgecolor=ink, lw=1.8)
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
