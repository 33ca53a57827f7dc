"""Figures of the geometry of a policy that need no draws, where they cost little."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tamecrop.audit.measures.view_pairs import Shapes, ViewPair, draw_pairs
from tamecrop.geometry import FixedArea, Floats, Policy, pair_law, view_law

Ints = NDArray[np.int64]

MOST_SIDE = 96
"""Beyond this side the closed form of a pair, or of a random extent, takes seconds: draw."""

MOST_SIZES = 100

_DRAWN = 200_000


def compute_exactly(views: ViewPair, shapes: Shapes) -> Mapping[str, float]:
    """Exact means over images, by the name of the figure; empty where none is known.

    Args:
        views: the pair; of different groups, or where boxes of objects decide, none is known.
        shapes: of the images.
    """
    policy = views.policy
    if policy is None or shapes.needed_by(views):
        return {}
    found, counts = np.unique(shapes.sizes, axis=0, return_counts=True)
    small = len(found) == 1 and int(found.max()) <= MOST_SIDE
    exact: dict[str, float] = {}
    if has_view_law(policy) and (small or (_is_fixed(policy) and len(found) <= MOST_SIZES)):
        exact |= _average_views(policy, found, counts / counts.sum())
    if has_view_law(policy) and _is_fixed(policy) and small:
        overlap = pair_law(policy, _as_size(found[0]))
        exact |= {"pair_iou_mean": overlap.iou, "pair_iou_zero_share": overlap.iou_zero}
    return exact


def has_view_law(policy: Policy) -> bool:
    """Whether `view_law` knows the policy."""
    return policy.has_closed_form


def count_placements(views: ViewPair, shapes: Shapes) -> float | None:
    """Effective number of distinct boxes of a view on an image of the commonest size.

    The exponential of the entropy of the box. Where it has no closed form it is estimated from
    200,000 keyed draws with the correction of Miller and Madow; with more placements than draws
    that is a lower bound. Where boxes of objects decide, those of all images of this size do.

    Args:
        views: the pair; None is returned for views of different groups.
        shapes: of the images.
    """
    policy = views.policy
    if policy is None:
        return None
    found, counts = np.unique(shapes.sizes, axis=0, return_counts=True)
    size = found[counts.argmax()]
    if shapes.needed_by(views):
        alike = shapes.take(np.flatnonzero((shapes.sizes == size).all(axis=1)))
        draws = -(-_DRAWN // (2 * len(alike.sizes)))
        boxes = np.concatenate([batch.boxes for batch in draw_pairs(views, alike, draws=draws)])
    elif has_view_law(policy):
        return view_law(policy, _as_size(size)).placements
    else:
        boxes = policy.draw(_as_size(size), index=np.arange(_DRAWN // 2))
    return _exponentiate_entropy(boxes.reshape(-1, 4))


def _exponentiate_entropy(boxes: Ints) -> float:
    times = np.unique(_number_boxes(boxes), return_counts=True)[1]
    share = times / len(boxes)
    return float(np.exp(-(share * np.log(share)).sum() + (len(times) - 1) / (2 * len(boxes))))


def _number_boxes(boxes: Ints) -> Ints:
    """One number a box, equal for equal boxes alone; quicker to sort than rows of four."""
    code = np.zeros(len(boxes), dtype=np.int64)
    for edge in boxes.T:
        values, place = np.unique(edge, return_inverse=True)
        code = np.unique(code * len(values) + place, return_inverse=True)[1]
    return code


def _average_views(policy: Policy, sizes: Ints, weights: Floats) -> dict[str, float]:
    laws = [view_law(policy, _as_size(size)) for size in sizes]
    names = {
        "realized_area_mean": "area",
        "content_share_mean": "content_share",
        "content_area_mean": "content_area",
        "empty_share": "empty_share",
        "edge_share": "edge_share",
        "fallback_share": "fallback_share",
    }
    return {
        figure: float(weights @ [getattr(law, name) for law in laws])
        for figure, name in names.items()
    }


def _is_fixed(policy: Policy) -> bool:
    return isinstance(policy.extent, FixedArea)


def _as_size(size: Ints) -> tuple[int, int]:
    height, width = size.tolist()
    return height, width
