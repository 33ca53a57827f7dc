"""The pairs of views that training calls the same although they share least."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamecrop.audit.measures.objects import Objects, cover_objects
from tamecrop.audit.measures.view_pairs import Shapes, ViewPair, draw_pairs
from tamecrop.audit.reference.judge import ViewFeatures, compute_cosines
from tamecrop.geometry.boxes import Boxes, content_iou

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


def find_by_objects(views: ViewPair, shapes: Shapes, *, seed: int = 0) -> tuple[Suspect, ...]:
    """Pairs of the first draw whose best common object is covered least, then of least IoU."""
    assert shapes.object_boxes is not None, "called for images with boxes"
    kept = np.flatnonzero([len(each) for each in shapes.object_boxes])
    boxed = shapes.take(kept)
    drawn = next(draw_pairs(views, boxed, draws=1, seed=seed))
    row, covered = cover_objects(drawn, Objects.of(boxed.object_boxes or ()), boxed.sizes)
    first = np.flatnonzero(np.diff(row, prepend=-1))
    common = np.maximum.reduceat(covered.min(axis=1), first)
    iou = content_iou(drawn.boxes, boxed.sizes[drawn.image])
    worst = np.lexsort((iou, common))[:SHOWN]
    return tuple(
        Suspect(int(kept[drawn.image[at]]), drawn.boxes[at], f"both show {100 * common[at]:.0f} %")
        for at in worst
    )


def find_by_features(features: ViewFeatures, places: Ints) -> tuple[Suspect, ...]:
    """Pairs whose views look least alike to a reference, one an image.

    Args:
        features: of the views.
        places: of the images that the reference looks at, in the set that the suspects name.
    """
    cosines = compute_cosines(features).numpy()
    order = cosines.argsort(kind="stable")
    _, first = np.unique(features.image[order], return_index=True)
    worst = order[np.sort(first)[:SHOWN]]
    return tuple(
        Suspect(int(places[features.image[at]]), features.boxes[at], f"cosine {cosines[at]:.2f}")
        for at in worst
    )


def find_by_overlap(views: ViewPair, shapes: Shapes, *, seed: int = 0) -> tuple[Suspect, ...]:
    """Pairs of the first draw that share least: all that geometry alone can tell."""
    drawn = next(draw_pairs(views, shapes, draws=1, seed=seed))
    iou = content_iou(drawn.boxes, shapes.sizes[drawn.image])
    worst = iou.argsort(kind="stable")[:SHOWN]
    return tuple(
        Suspect(int(drawn.image[at]), drawn.boxes[at], f"IoU {iou[at]:.2f}") for at in worst
    )
