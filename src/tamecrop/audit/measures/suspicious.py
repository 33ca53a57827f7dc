"""The pairs that least deserve to be called the same thing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamecrop.audit.measures.objects import Objects, coverages
from tamecrop.audit.measures.pairs import Pairs, pairs
from tamecrop.audit.reference.looks import Seen, pair_cosines
from tamecrop.data.images import ImageSet
from tamecrop.geometry import boxes as box
from tamecrop.geometry.boxes import Boxes
from tamecrop.geometry.policy import Policy

Ints = NDArray[np.int64]

SHOWN = 6


@dataclass(frozen=True, eq=False)
class Suspect:
    """One suspicious pair.

    Args:
        image: place of the image in the set.
        boxes: `(2, 4)` of its views.
        why: what makes it suspicious, for a caption.
    """

    image: int
    boxes: Boxes
    why: str


def by_objects(
    policy: Policy, images: ImageSet, *, index: Ints, seed: int = 0
) -> tuple[Suspect, ...]:
    """Pairs of the first draw whose best common object is covered least, then of least IoU."""
    assert images.boxes is not None, "asked of images with boxes"
    every = Objects.of(images.boxes)
    kept = np.flatnonzero(every.counts)
    sizes = images.sizes[kept]
    drawn = next(pairs(policy, sizes, index=index[kept], draws=1, seed=seed))
    row, covered = coverages(drawn, Objects(every.boxes, every.counts[kept]), sizes)
    first = np.flatnonzero(np.diff(row, prepend=-1))
    common = np.maximum.reduceat(covered.min(axis=1), first)
    iou = _content_iou(drawn, sizes)
    worst = np.lexsort((iou, common))[:SHOWN]
    return tuple(
        Suspect(int(kept[drawn.image[at]]), drawn.boxes[at], f"both show {100 * common[at]:.0f} %")
        for at in worst
    )


def by_features(seen: Seen, places: Ints) -> tuple[Suspect, ...]:
    """Pairs whose views look least alike to a reference, one an image.

    Args:
        seen: the views of a law.
        places: of the images asked about, in the set that the suspects name.
    """
    cosines = pair_cosines(seen).numpy()
    order = cosines.argsort(kind="stable")
    _, first = np.unique(seen.image[order], return_index=True)
    worst = order[np.sort(first)[:SHOWN]]
    return tuple(
        Suspect(int(places[seen.image[at]]), seen.boxes[at], f"cosine {cosines[at]:.2f}")
        for at in worst
    )


def by_overlap(
    policy: Policy, images: ImageSet, *, index: Ints, seed: int = 0
) -> tuple[Suspect, ...]:
    """Pairs of the first draw that share least: all that geometry alone can tell."""
    drawn = next(pairs(policy, images.sizes, index=index, draws=1, seed=seed))
    iou = _content_iou(drawn, images.sizes)
    worst = iou.argsort(kind="stable")[:SHOWN]
    return tuple(
        Suspect(int(drawn.image[at]), drawn.boxes[at], f"IoU {iou[at]:.2f}") for at in worst
    )


def _content_iou(drawn: Pairs, sizes: Ints) -> NDArray[np.float64]:
    contents = box.clip(drawn.boxes, sizes[drawn.image][:, None])
    return box.iou(contents[:, 0], contents[:, 1])
