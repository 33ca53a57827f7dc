"""A sheet of real views: the same images under several policies, boxes drawn on the source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tamecrop.geometry import (
    Boxes,
    Content,
    Policy,
    ViewPlan,
    choose_objects,
    clip,
    content_iou,
    content_share,
    coverage,
    plan,
)
from tamecrop.reporting.theme import (
    FIRST_VIEW,
    MUTED,
    SECOND_VIEW,
    bare,
    color,
    new_figure,
    use_theme,
)
from tamecrop.views.cut import cut
from tamecrop.views.photometric import Photometric

Picture = NDArray[np.uint8]
_INKS = (FIRST_VIEW, SECOND_VIEW)
_NO_OBJECTS = np.empty((0, 4), dtype=np.int64)
_MARGIN = 0.25
_TILE = 1 + 2 * _MARGIN


@dataclass(frozen=True)
class Look:
    """How the views of a sheet are made.

    Attributes:
        size: Side or (height, width) of views of a group that states none; None cuts exactly.
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
    """One image under one view plan.

    Attributes:
        source: `(H, W, 3)` the whole image.
        boxes: `(V, 4)` the boxes of its views.
        views: The views, each `(h, w, 3)`.
        objects: `(k, 4)` boxes of the objects on the image; none where they are not known.
        note: What a caption says after the IoU; by default what the views show of the object that
            all show most of, and without objects their content.
    """

    source: Picture
    boxes: Boxes
    views: tuple[Picture, ...]
    objects: Boxes = field(default_factory=lambda: _NO_OBJECTS)
    note: str = ""

    @property
    def caption(self) -> str:
        """Mean IoU of the contents of every two views, and what they show, in words."""
        height, width, _ = self.source.shape
        first, second = np.triu_indices(len(self.boxes), 1)
        pairs = np.stack([self.boxes[first], self.boxes[second]], axis=1)
        overlap = f"IoU {content_iou(pairs, (height, width)).mean():.2f}" if len(pairs) else ""
        return " · ".join(filter(None, (overlap, self.note or self._describe_views())))

    def _describe_views(self) -> str:
        height, width, _ = self.source.shape
        if not len(self.objects):
            shares = content_share(self.boxes, (height, width))
            return f"content {_write_shares(shares)}"
        covered = coverage(clip(self.boxes, (height, width))[:, None], self.objects)
        return f"object {_write_shares(covered[:, covered.min(axis=0).argmax()])}"


def _write_shares(shares: NDArray[np.float64]) -> str:
    """Both shares of two views, the mean of more."""
    if len(shares) > 2:
        return f"{100 * shares.mean():.0f} % on average"
    return ", ".join(f"{100 * share:.0f} %" for share in shares)


def draw_tile(
    image: torch.Tensor,
    views: Policy | ViewPlan,
    look: Look,
    *,
    index: int,
    objects: Boxes = _NO_OBJECTS,
) -> Tile:
    """Draw, cut and color the views of one image, as training would.

    Args:
        image: `(C, H, W)` uint8.
        views: The crop policy, or a view plan.
        look: Size, photometric step and key.
        index: Sample index, part of the key.
        objects: `(k, 4)` boxes of the objects on the image.
    """
    whole = plan(views)
    key: dict[str, Any] = {"seed": look.seed, "epoch": look.epoch, "index": [index]}
    chosen = choose_objects([objects], **key) if whole.needs_boxes else None
    drawn = whole.draw((image.shape[-2], image.shape[-1]), object_boxes=chosen, **key)
    tiles = [
        cut_tile(
            image,
            boxes[0],
            [group.policy.content] * group.views,
            replace(look, size=group.size or look.size),
            index=index,
            first_view=first,
        )
        for group, boxes, first in zip(whole.groups, drawn, whole.first_views, strict=True)
    ]
    pictures = tuple(view for tile in tiles for view in tile.views)
    return Tile(tiles[0].source, np.concatenate([each[0] for each in drawn]), pictures, objects)


def cut_tile(
    image: torch.Tensor,
    boxes: Boxes,
    contents: Sequence[Content],
    look: Look,
    *,
    index: int,
    first_view: int = 0,
) -> Tile:
    """Cut and color views of one image whose boxes are known.

    Args:
        image: `(C, H, W)` uint8.
        boxes: `(V, 4)`.
        contents: For each view where its policy puts what survives inside the image.
        look: Size and photometric step.
        index: Sample index, part of the key of the photometric step.
        first_view: Number of the first view, likewise.
    """
    views = [
        _color(cut(image[None], box[None, None], size=look.size, content=content), look, key)
        for box, content, key in zip(
            boxes, contents, ((index, first_view + view) for view in range(len(boxes))), strict=True
        )
    ]
    return Tile(_picture(image), boxes, tuple(views))


def _color(view: torch.Tensor, look: Look, key: tuple[int, int]) -> Picture:
    """The picture of a view `(1, 1, C, h, w)` of a key (sample index, view number)."""
    if look.photometric is None:
        return _picture(view[0, 0])
    index, number = key
    repeated = view.expand(-1, number + 1, -1, -1, -1)  # a step numbers the views that it gets
    colored = look.photometric.apply(
        repeated, seed=look.seed, epoch=look.epoch, index=np.array([index])
    )
    return _picture((255 * colored[0, number]).round().to(torch.uint8))


def _picture(image: torch.Tensor) -> Picture:
    picture = image[:1].expand(3, -1, -1) if len(image) < 3 else image[:3]
    return np.asarray(picture.permute(1, 2, 0).contiguous().cpu().numpy(), dtype=np.uint8)


def sheet_figure(
    images: Sequence[torch.Tensor],
    policies: Sequence[Policy | ViewPlan],
    *,
    look: Look | None = None,
    objects: Sequence[Boxes] | None = None,
) -> Figure:
    """The same images under each policy: sources with all boxes, and the views they give.

    Args:
        images: Each `(C, H, W)` uint8; their place is their sample index.
        policies: Policies or view plans, one row of tiles each.
        look: How the views are made; by default exact cuts without photometric step.
        objects: `(k, 4)` boxes of the objects on each image, where they are known.

    Returns:
        The figure; of a pair the first view's box is red, the second's blue; of a plan of several
        groups each group has a color; objects are dashed.
    """
    look = look or Look()
    known = objects or [_NO_OBJECTS] * len(images)
    rows = {
        str(policy): [
            draw_tile(image, policy, look, index=place, objects=known[place])
            for place, image in enumerate(images)
        ]
        for policy in policies
    }
    inks = {str(policy): _list_inks(plan(policy)) for policy in policies}
    return tiles_figure(rows, inks=inks)


def _list_inks(views: ViewPlan) -> tuple[str, ...]:
    """A color for each view: two for the views of a pair, one for each group of a plan."""
    if len(views.groups) == 1:
        return tuple(_INKS[view % 2] for view in range(views.views))
    groups = (color(place) for place in range(len(views.groups)))
    return tuple(
        ink for ink, group in zip(groups, views.groups, strict=True) for _ in range(group.views)
    )


def tiles_figure(
    rows: Mapping[str, Sequence[Tile]], *, inks: Mapping[str, Sequence[str]] | None = None
) -> Figure:
    """Rows of tiles under their titles, at least one tile in all.

    Args:
        rows: title to tiles; the place of a row gives the color of its title.
        inks: title to the color of each view; red and blue by default.
    """
    longest = max(len(tiles) for tiles in rows.values())
    columns = max(-(-len(tile.views) // 2) for tiles in rows.values() for tile in tiles)
    step = _TILE + 0.75 * columns
    with use_theme():
        figure = new_figure(2.9 * longest * step / (_TILE + 0.75), 2.25 * len(rows))
        every = figure.subplots(len(rows), 1, squeeze=False).ravel()
        for place, (axes, (title, tiles)) in enumerate(zip(every, rows.items(), strict=True)):
            bare(axes)
            for column, tile in enumerate(tiles):
                _draw_tile(axes, tile, _INKS if inks is None else inks[title], left=step * column)
            axes.set_xlim(-0.05, step * longest - 0.05)
            axes.set_ylim(_TILE + 0.2, -0.03)
            axes.set_aspect("equal")
            axes.set_title(title, color=color(place))
    return figure


def _draw_tile(axes: Axes, tile: Tile, inks: Sequence[str], *, left: float) -> None:
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
        (box, {"edgecolor": ink, "lw": 1.8}) for box, ink in zip(tile.boxes, inks, strict=True)
    ]
    for box, style in outlines:
        x1, y1, x2, y2 = (float(edge) * unit for edge in box)
        outline = Rectangle((x + x1, y + y1), x2 - x1, y2 - y1, fill=False, **style)
        axes.add_patch(outline)
        outline.set_clip_path(frame)
    for view, (picture, ink) in enumerate(zip(tile.views, inks, strict=True)):
        column, row = divmod(view, 2)
        corner = (left + _TILE + 0.06 + 0.74 * column, 0.06 + 0.74 * row)
        _draw_view(axes, picture, ink, corner=corner)
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
