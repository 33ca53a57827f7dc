"""What a crop policy does on average, without drawing: finite sums over its integer boxes.

The law of a near edge is known exactly from the distribution function of its center and its border
rule (`axis_law`). Given their sizes the axes are independent, so every figure here is a
sum of products of one-axis laws; a drawn mean or a random extent is a mixture, by quadrature.
The content of a view is its part inside the image; IoU is that of the contents of two views.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from tamecrop.geometry import extents
from tamecrop.geometry.axis_law import AxisLaw, axis_law, certain
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.plans import ViewPlan, only_policy
from tamecrop.geometry.policy import Policy

Size = tuple[int, int]
AnyPolicy = str | Policy | ViewPlan
"""A policy or its text; a plan of one group."""

_GRID = 500
_CELLS = 1500


@dataclass(frozen=True)
class ViewLaw:
    """What one view shows on average.

    Args:
        area: mean area of the box as a share of the image: the realized `scale`.
        content_share: mean share of the view that is image; the rest is fill.
        content_area: mean area of the content as a share of the image.
        empty_share: probability that the view shows nothing of the image.
        edge_share: probability that the box reaches or crosses an edge of the image.
        fallback_share: probability that a random extent fell back to its legal box.
        placements: effective number of distinct boxes, the exponential of their entropy: the
            count where all are equally likely. Boxes that show nothing count by where they are
            off the image, not by how far.
    """

    area: float
    content_share: float
    content_area: float
    empty_share: float
    edge_share: float
    fallback_share: float
    placements: float


class PairLaw(NamedTuple):
    """Mean IoU of the contents of two views, and the probability that it is 0."""

    iou: float
    iou_zero: float


def view_law(policy: AnyPolicy, size: Size) -> ViewLaw:
    """What one view of a policy shows on average, on images of one size.

    Args:
        policy: fixed or random extent; any center and border; any pair but `iou`. Also its text,
            or a plan of one group.
        size: image size (height, width) in pixels.

    Raises:
        ValueError: for policies without a closed form (extent=joint, pair=iou) and for a plan of
            several groups.

    >>> from tamecrop.geometry.policy import policy
    >>> view_law(policy("rc:scale=0.8"), (28, 28)).placements
    16.0
    """
    policy = _require_closed_form(policy)
    sides, weights, fallback = _sides(policy, size)
    laws = _Laws(policy, size)
    rows = [laws.row(*side) for side in sides]
    if fallback:
        rows.append(_fallback_row(policy, size))
        weights = np.append(weights * (1 - fallback), fallback)
    means = weights @ np.array(rows)
    entropy = means[-1] - float(weights @ np.log(weights))
    area, content_share, content_area, empty, edge = means[:-1].tolist()
    placements = round(float(np.exp(entropy)), 9)
    return ViewLaw(area, content_share, content_area, empty, edge, fallback, placements)


def pair_law(policy: AnyPolicy, size: Size) -> PairLaw:
    """How the two views of an image overlap on average, on images of one size.

    Args:
        policy: fixed extent; any center and border; independent views or a shared mean. Also its
            text, or a plan of one group.
        size: image size (height, width) in pixels.

    Raises:
        ValueError: for policies without a closed form (a random extent, pair=iou) and for a plan
            of several groups.

    >>> from tamecrop.geometry.policy import policy
    >>> round(pair_law(policy("rc:scale=0.8,rounding=faithful"), (32, 32)).iou, 2)
    0.8
    """
    policy = _require_closed_form(policy)
    vertical, horizontal = axis_laws(policy, size)
    shared = policy.pair.shares_mean
    across, down = (_overlaps(law, law.joint(shared=shared)) for law in (horizontal, vertical))
    apart = [float(table.weight[table.shared == 0].sum()) for table in (across, down)]
    zero = 1 - (1 - apart[0]) * (1 - apart[1])
    return PairLaw(_mean_iou(_coarser(across), _coarser(down)), zero)


def offset_entropy(policy: AnyPolicy, size: Size) -> float:
    """How many ways one view can be displaced from the other: the entropy of it, in nats.

    Both the range of the displacement and its fineness count: views that jump between four
    corners have few, views that never move have none. Boxes that show nothing count by where they
    are off the image, not by how far.

    Args:
        policy: fixed extent; any center and border; independent views or a shared mean. Also its
            text, or a plan of one group.
        size: image size (height, width) in pixels.

    Raises:
        ValueError: for policies without a closed form (a random extent, pair=iou) and for a plan
            of several groups.

    >>> from tamecrop.geometry.policy import policy
    >>> round(offset_entropy(policy("gcc:scale=0.4,alpha=1.5"), (32, 32)), 1)
    7.4
    """
    policy = _require_closed_form(policy)
    shared = policy.pair.shares_mean
    return sum(law.offset_entropy(shared=shared) for law in axis_laws(policy, size))


def axis_laws(policy: AnyPolicy, size: Size) -> tuple[AxisLaw, AxisLaw]:
    """The laws of the top and of the left edge: the center with its edge atoms.

    Raises:
        ValueError: for a random extent, whose edges have one law for each size.

    >>> from tamecrop.geometry.policy import policy
    >>> [round(p, 3) for p in axis_laws(policy("cgcc:scale=0.8,alpha=2"), (32, 32))[1].atoms]
    [0.45, 0.45]
    """
    policy = only_policy(policy, "a closed form")
    if policy.extent.kind != "fixed":
        raise ValueError(f"no closed form with extent={policy.extent.kind}: draw instead")
    (side,), _, _ = _sides(policy, size)
    vertical, horizontal = (
        axis_law(policy, length, crop) for length, crop in zip(size, side, strict=True)
    )
    return vertical, horizontal


def _require_closed_form(policy: AnyPolicy) -> Policy:
    policy = only_policy(policy, "a closed form")
    if not policy.has_closed_form:
        why = "whose views depend on each other"
        raise ValueError(f"no closed form for {policy}, {why}: draw instead")
    return policy


def _sides(policy: Policy, size: Size) -> tuple[list[tuple[int, int]], Floats, float]:
    """Box sides (height, width), their probabilities if drawn, and that of the fallback."""
    extent = policy.extent
    if isinstance(extent, extents.FixedArea):
        return [extent.sides(*size, policy.rounding)], np.ones(1), 0.0
    if not isinstance(extent, extents.RandomArea):
        raise TypeError(f"extent must be fixed or random, got {extent!r}")
    low, high = extent.scale
    cells = (np.arange(_GRID) + 0.5) / _GRID
    area, aspect = low + (high - low) * cells, extents.log_uniform(cells, extent.ratio)
    pixels = size[0] * size[1] * np.repeat(area, _GRID)
    sides = np.stack(extents.box_sides(pixels, np.tile(aspect, _GRID), policy.rounding), axis=1)
    legal = sides[((sides > 0) & (sides <= size)).all(axis=1)]
    places, counts = np.unique(legal @ [size[1] + 1, 1], return_counts=True)
    found = np.stack(np.divmod(places, size[1] + 1), axis=1)
    fallback = (1 - len(legal) / len(sides)) ** extents.TRIES
    return [(h, w) for h, w in found.tolist()], counts / max(len(legal), 1), fallback


class _Laws:
    """One-axis laws of one policy on one image size, each made once."""

    def __init__(self, policy: Policy, size: Size) -> None:
        self.policy, self.size = policy, size
        self.of = cache(lambda side, crop: axis_law(policy, side, crop))

    def row(self, height: int, width: int) -> list[float]:
        """Area, content share, content area, empty and edge share, entropy, of one box size."""
        return _row(self.of(self.size[0], height), self.of(self.size[1], width))


def _fallback_row(policy: Policy, size: Size) -> list[float]:
    """The same of the fallback's box, which always sits in the middle."""
    if not isinstance(policy.extent, extents.RandomArea):
        raise TypeError(f"only a random extent falls back, got {policy.extent!r}")
    height, width = np.array(size)[:, None]
    high, wide = extents.largest_legal(height, width, policy.extent.ratio)
    return _row(certain(size[0], high.item()), certain(size[1], wide.item()))


def _row(down: AxisLaw, across: AxisLaw) -> list[float]:
    image, box = down.side * across.side, down.crop * across.crop
    content = down.mean_content * across.mean_content
    empty = 1 - (1 - down.empty) * (1 - across.empty)
    edge = 1 - down.strictly_inside * across.strictly_inside
    return [box / image, content / box, content / image, empty, edge, down.entropy + across.entropy]


class _Overlaps(NamedTuple):
    """Content lengths of two views along one axis, what they share, and how probable it is."""

    first: Floats
    second: Floats
    shared: Floats
    weight: Floats


def _overlaps(law: AxisLaw, joint: Floats) -> _Overlaps:
    near, far = law.content
    shared = np.maximum(np.minimum.outer(far, far) - np.maximum.outer(near, near), 0)
    first, second = np.broadcast_arrays((far - near)[:, None], (far - near)[None, :])
    flat = [table.ravel().astype(np.float64) for table in (first, second, shared)]
    return _merge(_Overlaps(flat[0], flat[1], flat[2], joint.ravel()), 1.0)


def _merge(table: _Overlaps, step: float) -> _Overlaps:
    """One row, of mean lengths, for all rows that agree when lengths are rounded to `step`."""
    # The three lengths of a row become one number, so that one `unique` finds the rows that agree.
    # Means of the true lengths are kept, not rounded ones: merging then moves the mean IoU by its
    # curvature within a step alone.
    rounded = np.rint(np.stack(table[:3]) / step)
    span = rounded.max() + 1
    key = (rounded[0] * span + rounded[1]) * span + rounded[2]
    _, cell = np.unique(key, return_inverse=True)
    weight = np.bincount(cell, weights=table.weight)
    kept = weight > 0
    first, second, shared = (
        np.bincount(cell, weights=length * table.weight)[kept] / weight[kept]
        for length in (table.first, table.second, table.shared)
    )
    return _Overlaps(first, second, shared, weight[kept].astype(np.float64))


def _coarser(table: _Overlaps) -> _Overlaps:
    """At most a fixed number of rows: on large images, lengths are merged in wider steps."""
    step, merged = 1.0, table
    while merged.weight.size > _CELLS:
        step *= 1.25
        merged = _merge(table, step)
    return merged


def _mean_iou(across: _Overlaps, down: _Overlaps) -> float:
    shared = np.outer(down.shared, across.shared)
    union = np.outer(down.first, across.first) + np.outer(down.second, across.second) - shared
    iou = shared / np.where(union > 0, union, 1)
    return float(down.weight @ iou @ across.weight)
