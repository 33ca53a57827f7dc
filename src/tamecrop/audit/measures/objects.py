"""Whether views still show the objects of an image, by their boxes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamecrop.audit.measures.view_pairs import Pairs, Shapes, ViewPair, count_draws, draw_pairs
from tamecrop.data.images import ImageSet
from tamecrop.geometry import Boxes, Policy, boxes as box, rules

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

THRESHOLD = 0.5


@dataclass(frozen=True)
class ObjectShares:
    """How often views show objects. A view shows an object when it covers at least `threshold`.

    Args:
        threshold: share of an object's area that a view must cover to show it.
        images: with at least one object, to which all shares refer.
        images_without: that have no object and were left out.
        objects: on those images.
        pairs: drawn.
        object_share: share of views that show an object.
        any_share: share of pairs in which both views show an object, perhaps different ones.
        pair_share: share of pairs in which both views show one and the same object.
        largest_share: share of pairs in which both views show the largest object of the image.
        false_positive_share: share of pairs that show no common object: the two shares below.
        different_share: share of pairs in which each view shows an object, but none in common.
        none_share: share of pairs in which a view shows no object.
    """

    threshold: float
    images: int
    images_without: int
    objects: int
    pairs: int
    object_share: float
    any_share: float
    pair_share: float
    largest_share: float
    false_positive_share: float
    different_share: float
    none_share: float


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects of many images in one array.

    Args:
        boxes: int64 `(M, 4)`, image by image.
        counts: `(N,)` objects of each image.
    """

    boxes: Boxes
    counts: Ints

    @classmethod
    def of(cls, boxes: Sequence[Boxes]) -> "Objects":
        """The objects of images whose boxes are `(k, 4)` each."""
        counts = np.array([len(each) for each in boxes], dtype=np.int64)
        every = np.concatenate([np.empty((0, 4), dtype=np.int64), *boxes])
        return cls(every, counts)

    @property
    def largest(self) -> Ints:
        """`(N,)` place of the largest object among those of its image; images have some."""
        row, place = self.rows(np.arange(len(self.counts)))
        order = np.lexsort((place, -box.area(self.boxes[place]), row))
        first = np.flatnonzero(np.diff(row[order], prepend=-1))
        starts = self.counts.cumsum() - self.counts
        return np.asarray(place[order][first] - starts)

    def rows(self, image: Ints) -> tuple[Ints, Ints]:
        """Every object of each of some images: the row in `image`, and the place in `boxes`."""
        counts = self.counts[image]
        row = np.repeat(np.arange(len(image)), counts)
        within = np.arange(len(row)) - np.repeat(counts.cumsum() - counts, counts)
        starts = self.counts.cumsum() - self.counts
        return row, starts[image][row] + within


def measure_objects(
    views: ViewPair,
    shapes: Shapes,
    *,
    threshold: float = THRESHOLD,
    draws: int | None = None,
    seed: int = 0,
) -> ObjectShares | None:
    """How often pairs of views show the objects of images.

    Args:
        views: which two views of which plan.
        shapes: of the images; the same boxes are judged as by `measure_geometry`.
        threshold: share of an object that counts as shown, in (0, 1].
        draws: of each image; by default as many as make 40,000 pairs.
        seed: key of the draws.

    Returns:
        The shares, or None when no image has a box.
    """
    rules.fraction("threshold", threshold)
    if shapes.object_boxes is None:
        return None
    kept = np.array([len(each) > 0 for each in shapes.object_boxes], dtype=bool).nonzero()[0]
    if not kept.size:
        return None
    draws = count_draws(len(kept)) if draws is None else draws
    boxed = shapes.take(kept)
    objects = Objects.of(boxed.object_boxes or ())
    drawn = draw_pairs(views, boxed, draws=draws, seed=seed)
    parts = [_find_shown(batch, objects, boxed.sizes, threshold) for batch in drawn]
    shows, common, largest = (np.concatenate(part) for part in zip(*parts, strict=True))
    shares = _share_shown(shows, common, largest)
    without = len(shapes.sizes) - len(kept)
    return ObjectShares(threshold, len(kept), without, len(objects.boxes), len(common), **shares)


def _share_shown(shows: Flags, common: Flags, largest: Flags) -> dict[str, float]:
    """From what each view `(P, 2)` and both views of a pair `(P,)`, `(P,)` show."""
    both = shows.all(axis=1)
    return {
        "object_share": _mean(shows),
        "any_share": _mean(both),
        "pair_share": _mean(common),
        "largest_share": _mean(largest),
        "false_positive_share": _mean(~common),
        "different_share": _mean(both & ~common),
        "none_share": _mean(~both),
    }


def _find_shown(
    batch: Pairs, objects: Objects, sizes: Ints, threshold: float
) -> tuple[Flags, Flags, Flags]:
    """Whether each view shows an object `(P, 2)`, both the same `(P,)`, and both the largest."""
    row, covered = cover_objects(batch, objects, sizes)
    shown = covered >= threshold
    first = np.flatnonzero(np.diff(row, prepend=-1))
    return (
        np.logical_or.reduceat(shown, first, axis=0),
        np.logical_or.reduceat(shown.all(axis=1), first),
        shown[first + objects.largest[batch.image]].all(axis=1),
    )


def cover_objects(batch: Pairs, objects: Objects, sizes: Ints) -> tuple[Ints, NDArray[np.float64]]:
    """The share of every object that each view of a pair covers.

    Args:
        batch: `P` pairs.
        objects: of the images.
        sizes: `(N, 2)` of the images.

    Returns:
        The pair of each of the `Q` objects of these pairs, `(Q,)` sorted, and `(Q, 2)` shares.
    """
    contents = box.clip(batch.boxes, sizes[batch.image][:, None])
    row, place = objects.rows(batch.image)
    return row, box.coverage(contents[row], objects.boxes[place][:, None])


def _mean(flags: Any) -> float:
    return float(flags.mean())


COVERAGE_VIEWS = 50_000
"""At least so many views are drawn, always the same ones: a standard error near 0.001."""


class ObjectCoverage:
    """Mean over images of the coverage of the best-covered object by a view.

    Coverage is the share of the object's box that lies in the view's content; the best-covered
    object of an image is chosen for each view. Images without an object are left out.

    Args:
        images: a set with object boxes.

    Raises:
        ValueError: when no image has an object.
    """

    def __init__(self, images: ImageSet) -> None:
        if images.boxes is None:
            raise ValueError("`coverage` needs data with object boxes")
        objects = [
            box.clip(found, size) for found, size in zip(images.boxes, images.sizes, strict=True)
        ]
        objects = [found[box.area(found) > 0] for found in objects]
        kept = np.array([len(found) > 0 for found in objects], dtype=bool)
        if not kept.any():
            raise ValueError("`coverage` needs an image with an object, got none")
        self.images = int(kept.sum())
        rounds = math.ceil(COVERAGE_VIEWS / (2 * self.images))
        self._sizes: Ints = np.tile(images.sizes[kept], (rounds, 1))
        self._counts: Ints = np.tile([len(found) for found in objects if len(found)], rounds)
        self._objects: Boxes = np.tile(np.concatenate(objects), (rounds, 1))

    @property
    def smallest_side(self) -> int:
        """Of any image, in pixels."""
        return int(self._sizes.min())

    @staticmethod
    def require_known(policy: Policy) -> None:
        """Refuse a policy that needs the box of an object: which object that is, is not defined.

        Raises:
            ValueError: naming the policy.
        """
        if policy.needs_boxes:
            raise ValueError(f"`coverage` needs a policy without given boxes, got {policy}")

    def __call__(self, policy: Policy) -> float:
        """The mean for one policy, from keyed draws: two views of every image, in rounds.

        Raises:
            ValueError: as `require_known` does.
        """
        self.require_known(policy)
        views = box.clip(policy.draw(self._sizes), self._sizes[:, None])
        image = np.repeat(np.arange(len(self._sizes)), self._counts)
        covered = box.coverage(views[image], self._objects[:, None])
        first = np.cumsum(self._counts) - self._counts
        return float(np.maximum.reduceat(covered, first, axis=0).mean())
