"""What the page of `tamecrop explore` shows: what view plans do to some images."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from tamecrop.audit.measures.geometry import count_seen
from tamecrop.audit.measures.objects import measure_objects
from tamecrop.audit.measures.view_pairs import Shapes, draw_pairs, list_pairs, measure_pairs
from tamecrop.audit.subject import find_subject
from tamecrop.data import DecodeError
from tamecrop.geometry import PRESETS, Boxes, ViewPlan, boxes as box, choose_objects, plan
from tamecrop.reporting import FIRST_VIEW, SECOND_VIEW, Look, color, draw_tile, page

PUBLISHED = tuple(name for name in PRESETS if name != "crop")
"""Policies that are fixed points beside what a person tries."""

KEPT = "Pairs in which both views show the same object"
FILLED = "Share of a view that is image"

DRAWS = 24
"""Of one image, whose boxes are outlined."""

_PAIRS, _BINS = 2_000, 20
_SHAPES, _PICTURES, _SIDE = 500, 12, 480


@dataclass(frozen=True)
class Judged:
    """What a plan's first pair of views does on a set of images.

    Attributes:
        text: The plan.
        pairs: Drawn.
        iou: Mean over them.
        apart: Share whose contents share no pixel.
        content: Mean share of a view that is image.
        kept: Share of pairs in which both views show one and the same object; None without boxes.
        histogram: Pairs by IoU, in equal bins of [0, 1].
        seen: How often each cell of a grid over the image is seen, shares, rows from the top.
    """

    text: str
    pairs: int
    iou: float
    apart: float
    content: float
    kept: float | None
    histogram: tuple[int, ...]
    seen: tuple[tuple[float, ...], ...]

    @property
    def preserved(self) -> float:
        """What stands against diversity: objects kept, or the content where there are none."""
        return self.content if self.kept is None else self.kept


@lru_cache(maxsize=32)  # of two plans side by side only one moves at a time
def judge(shown: ViewPlan, shapes: Shapes) -> Judged:
    """Measure one pair of each image, the same draws as an audit's.

    Args:
        shown: its first pair is judged.
        shapes: of the images, each as often as it is to be drawn.

    Raises:
        ValueError: for a plan of one view, or a box that does not fit an image.
    """
    views = list_pairs(shown)[0]
    (drawn,) = draw_pairs(views, shapes, draws=1)
    sizes = shapes.sizes
    found = measure_pairs(drawn.boxes, sizes)
    contents = box.clip(drawn.boxes, sizes[:, None]).reshape(-1, 4)
    seen = count_seen(contents, np.repeat(sizes, 2, axis=0)) / len(contents)
    objects = measure_objects(views, shapes, draws=1)
    return Judged(
        text=str(shown),
        pairs=len(sizes),
        iou=float(found.iou.mean()),
        apart=float((found.iou == 0).mean()),
        content=float(found.content_share.mean()),
        kept=None if objects is None else objects.pair_share,
        histogram=tuple(np.histogram(found.iou, bins=_BINS, range=(0, 1))[0].tolist()),
        seen=tuple(map(tuple, seen.round(4).tolist())),
    )


@dataclass(frozen=True, eq=False)
class Album:
    """The images that a person looks at.

    Args:
        name: what was typed.
        images: decoded, `(C, H, W)`, the first of them.
        objects: `(k, 4)` for each of `images`; empty where none are known.
        shapes: of many images, as often as makes a measure steady.
        count: of the images whose shapes these are.
        notes: what was left out, in sentences.
    """

    name: str
    images: tuple[Tensor, ...]
    objects: tuple[Boxes, ...]
    shapes: Shapes
    count: int
    notes: tuple[str, ...] = ()

    @cached_property
    def points(self) -> dict[str, Judged]:
        """The published policies on these images, by name."""
        return {name: judge(plan(name), self.shapes) for name in PUBLISHED}

    @property
    def has_objects(self) -> bool:
        """Whether any image brings a box."""
        return self.shapes.object_boxes is not None and any(map(len, self.shapes.object_boxes))


def open_album(data: str | Path | Sequence[Path]) -> Album:
    """The images of a name or a path, or of some files.

    Raises:
        ValueError: for what is no data, or holds no readable image, with the reason.
    """
    if isinstance(data, (str, Path)) and Path(data).is_file() and Path(data).suffix != ".npz":
        data = [Path(data)]
    found = find_subject(data, most=_SHAPES)
    account = [f"data: {found.account}"] if found.account else []
    images, objects, notes = list[Tensor](), list[Boxes](), [*account, *found.notes]
    for place in range(len(found.images)):
        if len(images) == _PICTURES:
            break
        try:
            images.append(found.images.image(place))
        except DecodeError as error:
            notes.append(str(error))
            continue
        known = found.images.boxes
        objects.append(np.empty((0, 4), np.int64) if known is None else known[place])
    if not images:
        raise ValueError(f"no image of {found.name} can be read: {'; '.join(notes)}")
    times = -(-_PAIRS // len(found.images))
    shapes = Shapes.of(found.images).take(np.tile(np.arange(len(found.images)), times))
    shapes = replace(shapes, index=np.arange(len(shapes.sizes)))
    name = found.name if isinstance(data, (str, Path)) else ", ".join(each.name for each in data)
    return Album(name, tuple(images), tuple(objects), shapes, len(found.images), tuple(notes))


def render(album: Album, texts: Sequence[str], *, image: int = 0, draw: int = 0) -> str:
    """The page's pictures for some plans, side by side, as HTML that needs no other file.

    Args:
        album: the images.
        texts: of the plans.
        image: which of the album's images is shown.
        draw: which draw of it gives the views; the others are outlines.

    Raises:
        ValueError: for a text that names no plan, or one that cannot be drawn on these images.
    """
    plans = [plan(text) for text in texts]
    judged = [judge(each, album.shapes) for each in plans]
    height, width = album.images[image].shape[-2:]
    return page(
        "explore.html",
        panels=[
            _describe(album, *each, image=image, draw=draw, place=place)
            for place, each in enumerate(zip(plans, judged, strict=True))
        ],
        marks=_place_marks(album, judged),
        measure=KEPT if album.has_objects else FILLED,
        has_objects=album.has_objects,
        images=album.count,
        source=_embed(album.images[image]),
        objects=album.objects[image].tolist(),
        inks=(FIRST_VIEW, SECOND_VIEW),
        draws=DRAWS,
        width=width,
        height=height,
    )


def _describe(
    album: Album, shown: ViewPlan, judged: Judged, *, image: int, draw: int, place: int
) -> dict[str, Any]:
    """One panel of the page."""
    tile = draw_tile(album.images[image], shown, Look(), index=draw, objects=album.objects[image])
    several = len(shown.groups) > 1
    inks = [
        group % 2 if several else view % 2
        for group, each in enumerate(shown.groups)
        for view in range(each.views)
    ]
    return {
        "letter": "AB"[place],
        "color": color(place),
        "judged": judged,
        "boxes": tile.boxes.tolist(),
        "inks": inks,
        "views": [encode(view) for view in tile.views],
        "caption": tile.caption,
        "outlines": _outline(album, shown, image=image),
        "map": encode(_shade(judged.seen)),
    }


def _shade(seen: Sequence[Sequence[float]]) -> Any:
    """The map of what is seen as a picture: white where never, dark blue where always."""
    share = np.asarray(seen)[..., None]
    white, dark = np.array([255.0, 255.0, 255.0]), np.array([20.0, 50.0, 120.0])
    return (white + share * (dark - white)).round().astype(np.uint8)


def _place_marks(album: Album, judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Points of the chart, and labels that do not cover each other where there is room."""
    marks: list[dict[str, Any]] = []
    taken: list[tuple[float, float, float]] = []
    for name, each in sorted(album.points.items(), key=lambda item: item[1].preserved):
        x, y = _find_place(each)
        long = 6.2 * len(name)
        sides = [(x + 7, y + 4, "start", x + 7), (x - 7, y + 4, "end", x - 7 - long)]
        sides += [(x + 7, y + up, "start", x + 7) for up in (16, -8, 28, -20)]
        free = [
            side
            for side in sides
            if side[3] + long < 458
            and not any(
                abs(side[1] - other) < 11 and side[3] < right and left < side[3] + long
                for left, right, other in taken
            )
        ]
        label = (free or sides)[0]
        taken.append((label[3], label[3] + long, label[1]))
        marks.append(_mark(name, each) | {"label": label[:3]})
    return marks + [_mark("AB"[n], each) | {"color": color(n)} for n, each in enumerate(judged)]


def _mark(name: str, each: Judged) -> dict[str, Any]:
    x, y = _find_place(each)
    title = f"{each.text}: IoU {each.iou:.2f}, {100 * each.preserved:.0f} %"
    return {"x": x, "y": y, "name": name, "color": "", "title": title}


def _find_place(each: Judged) -> tuple[float, float]:
    """Where a point lies on the chart of 460 by 300."""
    return round(450 - 410 * each.iou, 1), round(260 - 240 * each.preserved, 1)


def _outline(album: Album, shown: ViewPlan, *, image: int) -> list[tuple[int, int, int, int, int]]:
    """Boxes of many draws of one image, x1, y1, x2, y2, and which ink."""
    objects, index = [album.objects[image]] * DRAWS, np.arange(DRAWS)
    chosen = choose_objects(objects, index=index) if shown.needs_boxes else None
    size = album.images[image].shape[-2:]
    drawn = shown.draw(tuple(size), index=index, object_boxes=chosen)
    several = len(shown.groups) > 1
    return [
        (*each, place if several else view % 2)
        for place, boxes in enumerate(drawn)
        for many in boxes.tolist()
        for view, each in enumerate(many)
    ]


@lru_cache(maxsize=32)
def _embed(image: Tensor) -> str:
    """An image for the page, small, as the text of an address that holds it."""
    picture = Image.fromarray(_as_rgb(image))
    picture.thumbnail((_SIDE, _SIDE))
    return encode(np.asarray(picture))


def _as_rgb(image: Tensor) -> Any:
    three = image[:1].expand(3, -1, -1) if len(image) < 3 else image[:3]
    return three.permute(1, 2, 0).contiguous().numpy()


def encode(picture: Any) -> str:
    """A picture `(h, w, 3)` as a `data:` address: JPEG, or PNG where it is small.

    >>> encode(np.zeros((2, 2, 3), np.uint8))[:22]
    'data:image/png;base64,'
    """
    buffer = io.BytesIO()
    kind = "png" if max(picture.shape[:2]) <= 96 else "jpeg"
    Image.fromarray(picture).save(buffer, kind)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
