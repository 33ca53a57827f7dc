"""What a crop law does on the real sizes of a set of images."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamecrop.audit.measures.closed_forms import closed_forms, placements
from tamecrop.audit.measures.coverage_map import GRID, seen_counts
from tamecrop.audit.measures.measures import Measures, measures
from tamecrop.audit.measures.pairs import LEAST_PAIRS, Pairs, draws_for, pairs
from tamecrop.geometry import boxes as box
from tamecrop.geometry import keys
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.draws import Draws
from tamecrop.geometry.extents import FixedArea, RandomArea
from tamecrop.geometry.policy import Policy

Ints = NDArray[np.int64]


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
    """The geometry of a law on real image sizes. IoU is that of the contents of the two views.

    Args:
        images: whose sizes were used.
        pairs: drawn, over all images.
        closed_form: names of the figures that are exact; the others are means over the draws.
        stated_area: mean area that the law's text states, as a share of the image; None where it
            states none (joint areas).
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
        placements: effective number of distinct boxes on images of the commonest size.
        coverage_map: share of views that show each cell of a grid over the image, rows from the
            top; None where it was not asked for.
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
    placements: float
    coverage_map: tuple[tuple[float, ...], ...] | None


def geometry(
    policy: Policy,
    sizes: Ints,
    *,
    index: Ints | None = None,
    draws: int | None = None,
    seed: int = 0,
) -> Geometry:
    """The geometry of a law, exact where that costs little and drawn elsewhere.

    Args:
        policy: the crop law.
        sizes: `(N, 2)` image sizes (height, width) in pixels, N >= 1.
        index: `(N,)` keys of the images.
        draws: of each image; by default 16, more for few images.
        seed: key of the draws.

    Raises:
        ValueError: when the law cannot be drawn on a size.

    >>> from tamecrop.geometry.policy import policy
    >>> found = geometry(policy("rc:scale=0.8,rounding=faithful"), np.array([[32, 32]]))
    >>> round(found.placements), round(found.pair_iou_mean, 2)
    (25, 0.8)
    """
    found = drawn_geometry(policy, sizes, index=index, draws=draws, seed=seed)
    exact = closed_forms(policy, sizes)
    changed: dict[str, Any] = {**exact, "closed_form": tuple(sorted(exact))}
    return replace(found, **changed)


def drawn_geometry(
    policy: Policy,
    sizes: Ints,
    *,
    index: Ints | None = None,
    draws: int | None = None,
    seed: int = 0,
) -> Geometry:
    """As `geometry`, every mean from the draws."""
    draws = draws_for(len(sizes)) if draws is None else draws
    found, seen = _measured(pairs(policy, sizes, index=index, draws=draws, seed=seed), sizes)
    both = found.log_area_ratio[np.isfinite(found.log_area_ratio)]
    return Geometry(
        images=len(sizes),
        pairs=len(found.iou),
        closed_form=(),
        stated_area=_stated_area(policy),
        stated_ratio=getattr(policy.extent, "ratio", None),
        realized_area_mean=_mean(found.area),
        realized_area=Quantiles.of(found.area),
        realized_ratio=Quantiles.of(found.ratio),
        fallback_share=_fallback_share(policy, sizes, seed=seed),
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
        placements=placements(policy, sizes),
        coverage_map=tuple(map(tuple, (seen / found.area.size).round(4).tolist())),
    )


def _measured(drawn: Iterable[Pairs], sizes: Ints) -> tuple[Measures, Ints]:
    """The figures of all batches, and how often each place was seen."""
    parts, seen = [], np.zeros((GRID, GRID), dtype=np.int64)
    for image, boxes in drawn:
        size = sizes[image]
        parts.append(measures(boxes, size))
        contents = box.clip(boxes, size[:, None])
        seen += seen_counts(contents.reshape(-1, 4), np.repeat(size, 2, axis=0))
    return Measures.joined(parts), seen


def _stated_area(policy: Policy) -> float | None:
    if isinstance(policy.extent, FixedArea):
        return policy.extent.scale
    if isinstance(policy.extent, RandomArea):
        return sum(policy.extent.scale) / 2
    return None


def _fallback_share(policy: Policy, sizes: Ints, *, seed: int) -> float:
    """Share of fallbacks among the sizes of boxes, drawn as the law draws them first."""
    count = -(-LEAST_PAIRS // len(sizes)) * len(sizes)
    states = keys.state(seed, 0, np.arange(count)[:, None], np.arange(2))
    tall, broad = np.tile(sizes.T, count // len(sizes))[..., None]
    return _mean(policy.extent.draw(tall, broad, Draws(states), policy.rounding).fallback)


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean())
