"""What a crop policy does on the real sizes of a set of images."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamecrop.audit.measures.closed_forms import compute_exactly, count_placements
from tamecrop.audit.measures.view_pairs import (
    LEAST_PAIRS,
    Measures,
    Shapes,
    ViewPair,
    count_draws,
    draw_pairs,
    measure_pairs,
)
from tamecrop.geometry import (
    Boxes,
    Draws,
    FixedArea,
    Floats,
    IouBand,
    Policy,
    RandomArea,
    boxes as box,
    keys,
)

Ints = NDArray[np.int64]

GRID = 32
"""Cells along each axis of the map of what is seen."""


@dataclass(frozen=True)
class Quantiles:
    """Five quantiles over the draws."""

    p05: float
    p25: float
    p50: float
    p75: float
    p95: float

    @classmethod
    def of(cls, values: Floats) -> "Quantiles":
        """The quantiles of some numbers."""
        return cls(*np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist())


@dataclass(frozen=True)
class Geometry:
    """The geometry of pairs of views on real image sizes. IoU is that of the two contents.

    Figures of a view are means over both views of the pairs.

    Args:
        images: whose sizes were used.
        pairs: drawn, over all images.
        closed_form: names of the figures that are exact; the others are means over the draws.
        stated_area: mean area that the policy's text states, as a share of the image; None where it
            states none (joint areas), and for views of different groups.
        stated_ratio: width / height that the text states; None for the image's own.
        realized_area_mean: mean area of the boxes, as a share of the image.
        realized_area: its quantiles.
        realized_ratio: quantiles of width / height of the boxes.
        fallback_share: share of views for which a random extent fell back to its legal box.
        pair_iou_mean: mean IoU of the contents of the two views.
        pair_iou_spread: its standard deviation over pairs.
        pair_iou: its quantiles.
        pair_iou_zero_share: share of pairs whose contents share no pixel.
        center_distance_mean: mean distance of the two boxes' centers, x by the image's width and
            y by its height.
        log_area_ratio_mean: mean |ln(a / b)| of the areas a, b of the two contents, over pairs in
            which neither is empty; None where there is no such pair.
        content_share_mean: mean share of a view that is image; the rest is fill.
        content_area_mean: mean area of the content, as a share of the image.
        empty_share: share of views that show nothing of the image.
        edge_share: share of boxes that reach or cross an edge of the image.
        placements: effective number of distinct boxes on images of the commonest size; None for
            views of different groups, and where they were not counted.
        coverage_map: share of views that show each cell of a grid over the image, rows from the
            top; None where it was not asked for.
        missed_band_share: share of pairs whose IoU lies outside the band that the policy asks for,
            since none of its tries reached it; None without a band.
    """

    images: int
    pairs: int
    closed_form: tuple[str, ...]
    stated_area: float | None
    stated_ratio: tuple[float, ...] | None
    realized_area_mean: float
    realized_area: Quantiles
    realized_ratio: Quantiles
    fallback_share: float
    pair_iou_mean: float
    pair_iou_spread: float
    pair_iou: Quantiles
    pair_iou_zero_share: float
    center_distance_mean: float
    log_area_ratio_mean: float | None
    content_share_mean: float
    content_area_mean: float
    empty_share: float
    edge_share: float
    placements: float | None
    coverage_map: tuple[tuple[float, ...], ...] | None
    missed_band_share: float | None = None


def measure_geometry(
    views: ViewPair,
    shapes: Shapes,
    *,
    draws: int | None = None,
    seed: int = 0,
    placements: bool = True,
) -> Geometry:
    """The geometry of a pair of views, exact where that costs little and drawn elsewhere.

    Args:
        views: which two views of which plan.
        shapes: of the images, at least one.
        draws: of each image; by default as many as make 40,000 pairs.
        seed: key of the draws.
        placements: whether they are counted, which takes seconds for a random extent on large
            images.

    Raises:
        ValueError: when a policy cannot be drawn on a size.

    >>> from tamecrop.audit.measures.view_pairs import pair_views
    >>> views = pair_views("rc:scale=0.8,rounding=faithful")
    >>> found = measure_geometry(views, Shapes(np.array([[32, 32]])))
    >>> round(found.placements), round(found.pair_iou_mean, 2)
    (25, 0.8)
    """
    found = measure_drawn(views, shapes, draws=draws, seed=seed, placements=placements)
    exact = compute_exactly(views, shapes)
    changed: dict[str, Any] = {**exact, "closed_form": tuple(sorted(exact))}
    return replace(found, **changed)


def measure_drawn(
    views: ViewPair,
    shapes: Shapes,
    *,
    draws: int | None = None,
    seed: int = 0,
    placements: bool = True,
) -> Geometry:
    """As `measure_geometry`, every mean from the draws."""
    draws = count_draws(len(shapes.sizes)) if draws is None else draws
    found, seen = _measure_all(views, shapes, draws=draws, seed=seed)
    both = found.log_area_ratio[np.isfinite(found.log_area_ratio)]
    return Geometry(
        images=len(shapes.sizes),
        pairs=len(found.iou),
        closed_form=(),
        stated_area=_state_area(views.policy),
        stated_ratio=None if views.policy is None else getattr(views.policy.extent, "ratio", None),
        realized_area_mean=_mean(found.area),
        realized_area=Quantiles.of(found.area),
        realized_ratio=Quantiles.of(found.ratio),
        fallback_share=_share_fallbacks(views, shapes.sizes, seed=seed),
        pair_iou_mean=_mean(found.iou),
        pair_iou_spread=float(found.iou.std()),
        pair_iou=Quantiles.of(found.iou),
        pair_iou_zero_share=_mean(found.iou == 0),
        center_distance_mean=_mean(found.distance),
        log_area_ratio_mean=_mean(both) if both.size else None,
        content_share_mean=_mean(found.content_share),
        content_area_mean=_mean(found.content_area),
        empty_share=_mean(found.content_share == 0),
        edge_share=_mean(found.at_edge),
        placements=count_placements(views, shapes) if placements else None,
        coverage_map=tuple(map(tuple, (seen / found.area.size).round(4).tolist())),
        missed_band_share=_share_missed(views.policy, found.iou),
    )


def _measure_all(
    views: ViewPair, shapes: Shapes, *, draws: int, seed: int
) -> tuple[Measures, Ints]:
    """The figures of all batches, and how often each place was seen."""
    parts, seen = [], np.zeros((GRID, GRID), dtype=np.int64)
    for image, boxes in draw_pairs(views, shapes, draws=draws, seed=seed):
        size = shapes.sizes[image]
        parts.append(measure_pairs(boxes, size))
        contents = box.clip(boxes, size[:, None])
        seen += count_seen(contents.reshape(-1, 4), np.repeat(size, 2, axis=0))
    return Measures.joined(parts), seen


def _state_area(policy: Policy | None) -> float | None:
    if policy is not None and isinstance(policy.extent, FixedArea):
        return policy.extent.scale
    if policy is not None and isinstance(policy.extent, RandomArea):
        return sum(policy.extent.scale) / 2
    return None


def _share_fallbacks(views: ViewPair, sizes: Ints, *, seed: int) -> float:
    """Share of fallbacks among the sizes of boxes, drawn as the policies draw them first."""
    count = -(-LEAST_PAIRS // len(sizes)) * len(sizes)
    states = keys.state(seed, 0, np.arange(count)[:, None], np.arange(2))
    tall, broad = np.tile(sizes.T, count // len(sizes))[..., None]
    shares = [
        _mean(policy.extent.draw(tall, broad, Draws(states), policy.rounding).fallback)
        for policy in dict.fromkeys(views.policies)
    ]
    return float(np.mean(shares))


def _share_missed(policy: Policy | None, iou: Floats) -> float | None:
    """Share of pairs outside the band of IoU that a policy asks for."""
    if policy is None or not isinstance(policy.pair, IouBand):
        return None
    low, high = policy.pair.iou
    return _mean((iou < low - 1e-9) | (iou > high + 1e-9))


def _mean(values: NDArray[Any]) -> float:
    return float(np.mean(values))


def count_seen(contents: Boxes, sizes: Ints, *, grid: int = GRID) -> Ints:
    """How many boxes hold the middle of each cell of a grid laid over their own image.

    Boxes are added up as differences at their four corners and summed once over both axes.

    Args:
        contents: int64 `(M, 4)` boxes inside their images.
        sizes: `(M, 2)`, (height, width) of the image of each.
        grid: cells along each axis, whatever the aspect of the image.

    Returns:
        int64 `(grid, grid)`, rows from the top.

    >>> count_seen(np.array([[0, 0, 4, 2], [2, 0, 4, 4]]), np.array([[4, 4], [4, 4]]), grid=2)
    array([[1, 2],
           [0, 1]])
    """
    x1, y1, x2, y2 = (
        _first_cell(contents[:, edge], sizes[:, 1 - edge % 2], grid) for edge in range(4)
    )
    wide = grid + 1
    near, far = ((y1, x1), (y2, x2)), ((y1, x2), (y2, x1))
    change = np.zeros(wide * wide, dtype=np.int64)
    for corners, sign in ((near, 1), (far, -1)):
        for row, column in corners:
            change += sign * np.bincount(row * wide + column, minlength=wide * wide)
    counts: Ints = change.reshape(wide, wide).cumsum(axis=0).cumsum(axis=1)[:grid, :grid]
    return counts


def _first_cell(edge: Ints, side: Ints, grid: int) -> Ints:
    """The first cell whose middle, `(cell + 1/2) * side / grid`, is not before the edge.

    An empty content may lie outside; held to the grid, both its edges fall together.
    """
    return np.asarray(np.clip(-((side - 2 * edge * grid) // (2 * side)), 0, grid))
