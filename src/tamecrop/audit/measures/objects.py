"""Whether views still show the objects that an image's label stands for, by their boxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamecrop.audit.measures.pairs import Pairs, draws_for, pairs
from tamecrop.data.images import ImageSet
from tamecrop.geometry import boxes as box
from tamecrop.geometry import rules
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.policy import Policy

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
        pair_share: share of pairs in which both views show one and the same object.
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
    pair_share: float
    false_positive_share: float
    different_share: float
    none_share: float


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects of many images in one array.

    Args:
        boxes: float64 `(M, 4)`, image by image.
        counts: `(N,)` objects of each image.
    """

    boxes: Floats
    counts: Ints

    @classmethod
    def of(cls, boxes: Sequence[Floats]) -> "Objects":
        """The objects of images whose boxes are `(k, 4)` each."""
        counts = np.array([len(each) for each in boxes], dtype=np.int64)
        every = np.concatenate([np.empty((0, 4)), *boxes])
        return cls(every, counts)

    def rows(self, image: Ints) -> tuple[Ints, Ints]:
        """Every object of each of some images: the row in `image`, and the place in `boxes`."""
        counts = self.counts[image]
        row = np.repeat(np.arange(len(image)), counts)
        within = np.arange(len(row)) - np.repeat(counts.cumsum() - counts, counts)
        starts = self.counts.cumsum() - self.counts
        return row, starts[image][row] + within


def object_shares(
    policy: Policy,
    images: ImageSet,
    *,
    index: Ints | None = None,
    threshold: float = THRESHOLD,
    draws: int | None = None,
    seed: int = 0,
) -> ObjectShares | None:
    """How often the views of a law show the objects of images.

    Args:
        policy: the crop law.
        images: whose boxes are known.
        index: `(N,)` keys of the images, as for `geometry`: the same boxes are judged.
        threshold: share of an object that counts as shown, in (0, 1].
        draws: of each image; by default 16, more for few images.
        seed: key of the draws.

    Returns:
        The shares, or None when no image has a box.
    """
    rules.fraction("threshold", threshold)
    if images.boxes is None:
        return None
    every = Objects.of(images.boxes)
    kept = np.flatnonzero(every.counts)
    if not kept.size:
        return None
    index = np.arange(len(images)) if index is None else index
    draws = draws_for(len(kept)) if draws is None else draws
    sizes, objects = images.sizes[kept], Objects(every.boxes, every.counts[kept])
    drawn = pairs(policy, sizes, index=index[kept], draws=draws, seed=seed)
    told = [_told(batch, objects, sizes, threshold) for batch in drawn]
    shows, common = (np.concatenate(part) for part in zip(*told, strict=True))
    shares = _shares(shows, common)
    without = len(images) - len(kept)
    return ObjectShares(threshold, len(kept), without, len(objects.boxes), len(common), **shares)


def _shares(shows: Flags, common: Flags) -> dict[str, float]:
    """From what each view `(P, 2)` and both views of a pair `(P,)` show."""
    both = shows.all(axis=1)
    return {
        "object_share": _mean(shows),
        "pair_share": _mean(common),
        "false_positive_share": _mean(~common),
        "different_share": _mean(both & ~common),
        "none_share": _mean(~both),
    }


def _told(batch: Pairs, objects: Objects, sizes: Ints, threshold: float) -> tuple[Flags, Flags]:
    """Whether each view shows an object `(P, 2)`, and whether both show the same `(P,)`."""
    row, covered = coverages(batch, objects, sizes)
    shown = covered >= threshold
    first = np.flatnonzero(np.diff(row, prepend=-1))
    return (
        np.logical_or.reduceat(shown, first, axis=0),
        np.logical_or.reduceat(shown.all(axis=1), first),
    )


def coverages(batch: Pairs, objects: Objects, sizes: Ints) -> tuple[Ints, NDArray[np.float64]]:
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
