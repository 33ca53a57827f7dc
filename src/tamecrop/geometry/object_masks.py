"""Masks of objects: which pixels belong to each, and object boxes that know their masks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamecrop.geometry.boxes import Boxes, Floats

Ints = NDArray[np.int64]

_NO_RUNS = np.empty((0, 3), dtype=np.int64)
_BLOCK = 2**20
"""Runs that are looked at together, so that an epoch of many images takes little memory."""


@dataclass(frozen=True, eq=False)
class Masks:
    """Masks as runs of pixels within a row: exact, and small where a mask is one piece.

    Args:
        runs: `(M, 3)`: row, first column, and column behind the last.
        spans: `(N, 2)`: for each object where its runs begin and end in `runs`; an object whose
            mask is not known has none.
    """

    runs: Ints
    spans: Ints

    @classmethod
    def of(cls, masks: Sequence[ArrayLike]) -> "Masks":
        """Those of arrays `(H, W)` that are not 0 on the object.

        >>> Masks.of([[[0, 1, 1], [0, 0, 1]]]).runs.tolist()
        [[0, 1, 3], [1, 2, 3]]
        """
        return cls.of_runs([_find_runs(np.asarray(mask)) for mask in masks])

    @classmethod
    def of_runs(cls, runs: Sequence[Ints]) -> "Masks":
        """Those of objects whose runs are given, `(m, 3)` each."""
        ends = np.cumsum([0, *map(len, runs)], dtype=np.int64)
        every = np.concatenate([_NO_RUNS, *runs])
        return cls(every, np.stack([ends[:-1], ends[1:]], axis=1))

    @classmethod
    def joined(cls, parts: "Sequence[Masks]") -> "Masks":
        """The masks of several, one after the other."""
        offsets = np.cumsum([0, *(len(part.runs) for part in parts)])
        return cls(
            np.concatenate([_NO_RUNS, *(part.runs for part in parts)]),
            np.concatenate(
                [
                    np.empty((0, 2), np.int64),
                    *(part.spans + at for part, at in zip(parts, offsets, strict=False)),
                ]
            ),
        )

    def __len__(self) -> int:
        return len(self.spans)

    def take(self, places: ArrayLike) -> "Masks":
        """Those at some places, or where a truth is true."""
        return Masks(self.runs, self.spans[np.asarray(places)])

    @property
    def areas(self) -> Floats:
        """`(N,)` pixels, 0 where the mask is not known."""
        return self._sum(lambda runs, _: runs[2] - runs[1])

    @property
    def centroids(self) -> Floats:
        """`(N, 2)`, x and y in pixels, NaN where the mask is not known."""
        weighted = (
            self._sum(lambda runs, _: (runs[2] - runs[1]) * (runs[1] + runs[2]) / 2),
            self._sum(lambda runs, _: (runs[2] - runs[1]) * (runs[0] + 0.5)),
        )
        with np.errstate(invalid="ignore"):
            return np.stack(weighted, axis=1) / self.areas[:, None]

    def count_inside(self, boxes: Boxes) -> Floats:
        """Pixels of each mask inside boxes `(N, V, 4)`, `(N, V)`."""

        def count(view: int) -> Floats:
            x, top, end, bottom = boxes[:, view].T

            def inside(runs: Ints, of: Ints) -> Any:
                y, x1, x2 = runs
                width = np.minimum(x2, end[of]) - np.maximum(x1, x[of])
                return width.clip(0) * ((y >= top[of]) & (y < bottom[of]))

            return self._sum(inside)

        return np.stack([count(view) for view in range(boxes.shape[1])], axis=1)

    def boxes_around(self) -> Floats:
        """`(N, 4)`: the box around the pixels of each mask, NaN where it is not known."""
        found = np.full((len(self), 4), np.nan)
        for place, (start, stop) in enumerate(self.spans.tolist()):
            if stop > start:
                y, x1, x2 = self.runs[start:stop].T
                found[place] = x1.min(), y.min(), x2.max(), y.max() + 1
        return found

    def scaled(self, before: tuple[int, ...], after: tuple[int, int]) -> "Masks":
        """The masks of an image that is resized: of each pixel the nearest one before."""
        rows, columns = (
            (np.arange(new) * 2 + 1) * old // (2 * new)
            for old, new in zip(before, after, strict=True)
        )
        return Masks.of(list(self.draw(before)[:, rows][:, :, columns]))

    def draw(self, size: tuple[int, ...]) -> NDArray[np.bool_]:
        """Arrays `(N, H, W)` of images of a size (height, width)."""
        drawn = np.zeros((len(self), *size), dtype=bool)
        for place, (start, stop) in enumerate(self.spans.tolist()):
            for y, x1, x2 in self.runs[start:stop].tolist():
                drawn[place, y, x1:x2] = True
        return drawn

    def _sum(self, value: Callable[..., Any]) -> Floats:
        """The sum of a value of each run over the runs of each object, `(N,)`.

        Args:
            value: of runs, `(3, m)`, and of the objects that they belong to.
        """
        counts = self.spans[:, 1] - self.spans[:, 0]
        total = np.zeros(len(self))
        blocks = np.array_split(np.arange(len(self)), max(int(counts.sum()) // _BLOCK, 1))
        for block in blocks:
            of = np.repeat(block, counts[block])
            firsts = counts[block].cumsum() - counts[block]
            within = np.arange(len(of)) - np.repeat(firsts, counts[block])
            runs = self.runs[self.spans[of, 0] + within].T
            total += np.bincount(of, value(runs, of), len(self))
        return total


def _find_runs(mask: NDArray[Any]) -> Ints:
    """Where a row begins and stops to be marked."""
    if mask.ndim != 2:
        raise ValueError(f"`masks` must be arrays (H, W), one an object, got a shape {mask.shape}")
    marked = np.pad(mask != 0, ((0, 0), (1, 1))).astype(np.int8)
    steps = np.diff(marked, axis=1)
    (rows, first), (_, last) = np.nonzero(steps == 1), np.nonzero(steps == -1)
    return np.stack([rows, first, last], axis=1).astype(np.int64)


def polygon_runs(points: ArrayLike, size: tuple[int, int]) -> Ints:
    """The runs of pixels whose middle lies in a polygon, `(m, 3)`: the even-odd rule.

    Args:
        points: `(n, 2)` x and y in pixels; the last is joined to the first.
        size: (height, width) of the image.

    >>> polygon_runs([(0, 0), (3, 0), (3, 2), (0, 2)], (5, 5)).tolist()
    [[0, 0, 3], [1, 0, 3]]
    """
    height, width = size
    here = np.asarray(points, dtype=np.float64)
    there = np.roll(here, -1, axis=0)
    rows = np.arange(height)[:, None] + 0.5
    crosses = (here[:, 1] <= rows) != (there[:, 1] <= rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (rows - here[:, 1]) / (there[:, 1] - here[:, 1])
        places = np.where(crosses, here[:, 0] + share * (there[:, 0] - here[:, 0]), np.inf)
    places = np.sort(places, axis=1)
    places = places[:, : places.shape[1] // 2 * 2]
    edges = np.ceil(np.minimum(places, width) - 0.5).clip(0, width).astype(np.int64)
    y, pair = np.nonzero(edges[:, ::2] < edges[:, 1::2])
    return np.stack([y, edges[y, 2 * pair], edges[y, 2 * pair + 1]], axis=1)


class MaskedBoxes(np.ndarray[Any, np.dtype[np.float64]]):
    """Object boxes `(k, 4)` that know the masks of their objects.

    An array in everything: what looks at boxes alone needs no other code. Whatever is computed from
    it has no masks, and neither has a part of it.

    Args:
        boxes: `(k, 4)`.
        masks: of as many objects.
    """

    masks: Masks | None

    def __new__(cls, boxes: ArrayLike, masks: Masks) -> "MaskedBoxes":  # noqa: D102
        made = np.array(boxes, dtype=np.float64).reshape(-1, 4).view(cls)
        if len(made) != len(masks):
            raise ValueError(f"`masks` must be one a box, got {len(masks)} for {len(made)} boxes")
        made.masks = masks
        return made

    @classmethod
    def of(cls, masks: Sequence[ArrayLike]) -> "MaskedBoxes":
        """The boxes around masks `(H, W)` that are not 0 on the object, each with a pixel of it.

        >>> MaskedBoxes.of([[[0, 1, 1], [0, 0, 1]]]).tolist()
        [[1.0, 0.0, 3.0, 2.0]]
        """
        found = Masks.of(masks)
        boxes = found.boxes_around()
        if np.isnan(boxes).any():
            raise ValueError("`masks` must have a pixel each that is not 0, got one without")
        return cls(boxes, found)

    def __array_finalize__(self, of: Any) -> None:
        self.masks = None

    def __reduce__(self) -> Any:
        plain = np.array(self)
        return (np.array, (plain,)) if self.masks is None else (MaskedBoxes, (plain, self.masks))


def masks_of(boxes: Any) -> Masks | None:
    """The masks that object boxes know, or None."""
    return getattr(boxes, "masks", None)


def keep_masks(boxes: Floats, source: Any, kept: ArrayLike | None = None) -> Floats:
    """Boxes with the masks of those that they were made from, one for one, or of the kept ones."""
    masks = masks_of(source)
    if masks is None:
        return boxes
    return MaskedBoxes(boxes, masks if kept is None else masks.take(kept))


def scale_boxes(
    boxes: Floats, factor: Floats, before: tuple[int, ...], after: tuple[int, int]
) -> Floats:
    """Boxes of an image that is resized, with their masks where they know them.

    Args:
        boxes: `(k, 4)`.
        factor: `(4,)`, of x, y, x, y.
        before: (height, width) of the image.
        after: the same once it is resized.
    """
    scaled, masks = np.asarray(boxes) * factor, masks_of(boxes)
    return scaled if masks is None else MaskedBoxes(scaled, masks.scaled(before, after))


def join_boxes(parts: Sequence[Floats]) -> Floats:
    """Boxes `(k, 4)` one after the other, with the masks that any of them know."""
    every = np.concatenate([np.empty((0, 4)), *map(np.asarray, parts)])
    if all(masks_of(part) is None for part in parts):
        return every
    known = [masks_of(part) or Masks.of_runs([_NO_RUNS] * len(part)) for part in parts]
    return MaskedBoxes(every, Masks.joined(known))


def choose_masks(boxes: Sequence[Any], places: Ints) -> Masks | None:
    """The mask of one object of each image; None where no image knows any.

    Args:
        boxes: of each image; an image of plain boxes has no known masks.
        places: `(N,)` which of its objects.
    """
    known = {id(masks): masks for each in boxes if (masks := masks_of(each)) is not None}
    if not known:
        return None
    firsts = dict(zip(known, np.cumsum([0, *map(len, known.values())]).tolist(), strict=False))
    every = Masks.joined(list(known.values()))
    spans = np.zeros((len(boxes), 2), dtype=np.int64)
    for row, each in enumerate(boxes):
        if (masks := masks_of(each)) is not None and len(masks):
            spans[row] = every.spans[firsts[id(masks)] + places[row]]
    return Masks(every.runs, spans)


def add_middles(boxes: Floats, masks: Masks | None) -> Floats:
    """Objects `(N, 6)`: boxes, and x and y of the mask's centroid, or of the box's without one."""
    middles: Floats = (boxes[:, :2] + boxes[:, 2:]) / 2
    if masks is not None:
        centroids = masks.centroids
        middles = np.where(np.isnan(centroids), middles, centroids)
    return np.concatenate([boxes, middles], axis=1)


def add_middle(box: Any, masks: Masks | None) -> tuple[float, ...]:
    """The same for one object, of Python's floats: its four edges, or `MaskedBoxes` of one."""
    if masks is not None:
        return tuple(add_middles(np.asarray(box), masks)[0].tolist())
    x1, y1, x2, y2 = map(float, box)
    return x1, y1, x2, y2, (x1 + x2) / 2, (y1 + y2) / 2


def find_shown(boxes: Boxes, masks: Masks | None) -> tuple[Floats, Floats] | None:
    """Pixels of masks in boxes `(N, V, 4)`, and of whole masks, `(N, V)` and `(N, 1)`; or None."""
    return None if masks is None else (masks.count_inside(boxes), masks.areas[:, None])


def by_axis(objects: Any) -> list[Any]:
    """Near and far edge and middle along both axes, horizontal first, of edges and middles."""
    return [None, None] if objects is None else [objects[0::2], objects[1::2]]
