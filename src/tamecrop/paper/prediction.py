"""What the paper's probe would say of a crop law, from its geometry alone.

A quadratic surface (`surface`) in four figures, fitted to the published sweep of rc, gcc and cgcc
(`published`): CIFAR-10 at 32 px, ResNet-18, 200 epochs, no resize, no color jitter. It is fitted
when first asked for, in about a second, so that no coefficient can go stale. docs/predict.md shows
the figures against the accuracy, and how well the surface does on what it has not seen.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tamecrop.geometry import expectations
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.centers import Gaussian
from tamecrop.geometry.extents import FixedArea
from tamecrop.geometry.policy import Policy, policy
from tamecrop.paper import published, surface

LEVEL = 0.9
"""Share of unseen cells that an interval should hold."""

_FEW_OVERLAP = 0.03
_LESS_CONTENT = 0.8


@dataclass(frozen=True)
class Figures:
    """The four figures of a law on a 32-px image that the prediction rests on.

    Args:
        iou: mean IoU of the contents of the two views: how much they have in common.
        overlap: probability that they have anything in common.
        content_share: mean share of a view that is image, not fill.
        offset_entropy: how many ways one view can be displaced from the other, in nats.
    """

    iou: float
    overlap: float
    content_share: float
    offset_entropy: float


LABELS: Mapping[str, str] = MappingProxyType(
    {
        "iou": "mean content IoU of the two views",
        "overlap": "probability that the views overlap",
        "content_share": "share of a view that is image",
        "offset_entropy": "entropy of the displacement, nats",
    }
)


@dataclass(frozen=True)
class Prediction:
    """The probe accuracy of a law, predicted.

    Args:
        policy: text form of the law.
        accuracy: a fraction, or None out of the regime.
        low: end of the interval that should hold `LEVEL` of unseen cells.
        high: its other end.
        in_regime: whether the law is one that the published cells speak about.
        reason: why not; None in the regime.
    """

    policy: str
    accuracy: float | None
    low: float | None
    high: float | None
    in_regime: bool
    reason: str | None


@dataclass(frozen=True, eq=False)
class Model:
    """The fitted surface, and how far it was off where it had not looked.

    Args:
        surface: through all published cells.
        of_a_known_rule: half the interval of a law like the published ones: from the residuals
            with a whole crop size left out.
        of_another_rule: half the interval of any other law: from the residuals with a whole
            border rule left out, where these are larger.
        least_content: the smallest content share that is still predicted.
    """

    surface: surface.Surface
    of_a_known_rule: float
    of_another_rule: float
    least_content: float


def predict(law: str | Policy, *, side: int = published.SIDE) -> Prediction:
    """Predict the accuracy of the paper's probe (CIFAR-10, 200 epochs) for a crop law.

    Args:
        law: the crop law.
        side: of the images in pixels that the law is meant for. A law stated by `sigma` means the
            same at any side and is read at 32 px; one stated by `alpha` is out of the regime at
            another side.

    Returns:
        The prediction; without numbers, and with the reason, for a law out of the regime.

    >>> predict("rrc").reason
    'views of random area are resized; no published cell is'
    """
    law = policy(law)
    reason = _unpublished(law, side) or _beyond(law)
    if reason:
        return Prediction(str(law), None, None, None, in_regime=False, reason=reason)
    model = fitted()
    figures = figures_of(law)
    if figures.content_share < model.least_content:
        reason = f"views show {figures.content_share:.1%} of image, less than any published cell's"
        return Prediction(str(law), None, None, None, in_regime=False, reason=reason)
    accuracy = model.surface(scaled([figures])).item()
    half = model.of_a_known_rule if _known_rule(law) else model.of_another_rule
    low, high = max(accuracy - half, 0.0), min(accuracy + half, 1.0)
    return Prediction(str(law), accuracy, low, high, in_regime=True, reason=None)


def figures_of(law: Policy) -> Figures:
    """The four figures of a law of fixed extent, exactly, on a 32-px image."""
    size = (published.SIDE, published.SIDE)
    pair = expectations.pair_law(law, size)
    return Figures(
        iou=pair.iou,
        overlap=1 - pair.iou_zero,
        content_share=expectations.view_law(law, size).content_share,
        offset_entropy=expectations.offset_entropy(law, size),
    )


def scaled(figures: list[Figures]) -> Floats:
    """Figures as `(N, 4)` numbers within about 1 of 0; the overlap on a logarithmic scale."""
    few = _FEW_OVERLAP
    return np.array(
        [
            [
                2 * each.iou - 1,
                math.log((each.overlap + few) / (1 + few)),
                2 * each.content_share - 1,
                each.offset_entropy / 4 - 1,
            ]
            for each in figures
        ]
    )


@functools.cache
def sweep_figures() -> tuple[Figures, ...]:
    """Figures of every cell of `published.sweep()`, in its order."""
    cells = published.sweep()
    return tuple(figures_of(published.faithful(c.law, c.scale, c.alpha)) for c in cells)


@functools.cache
def fitted() -> Model:
    """The model through all cells of `published.sweep()`."""
    cells, figures = published.sweep(), sweep_figures()
    table, accuracy = scaled([*figures]), np.array([cell.accuracy for cell in cells])
    by_scale, by_rule = (
        half_width(surface.left_out(table, accuracy, np.array(groups)) - accuracy)
        for groups in ([cell.scale for cell in cells], [cell.law for cell in cells])
    )
    return Model(
        surface=surface.fit(table, accuracy),
        of_a_known_rule=by_scale,
        of_another_rule=max(by_scale, by_rule),
        least_content=_LESS_CONTENT * min(each.content_share for each in figures),
    )


def half_width(residuals: Floats) -> float:
    """Half of the interval: the `LEVEL` quantile of the absolute residuals, split-conformal."""
    n = len(residuals)
    rank = min(math.ceil((n + 1) * LEVEL), n)
    return float(np.sort(np.abs(residuals))[rank - 1])


def _unpublished(law: Policy, side: int) -> str | None:
    """What in the kind of the law no published cell has."""
    by_alpha = isinstance(law.center, Gaussian) and law.center.alpha is not None
    if law.extent.kind != "fixed":
        return f"views of {law.extent.kind} area are resized; no published cell is"
    if law.pair.is_redrawn:
        return "pairs redrawn for their IoU were never published"
    if "given" in (getattr(law.center, "mean", None), getattr(law.center, "box", None)):
        return "the law depends on boxes of the images"
    if side != published.SIDE and by_alpha:
        sigma = math.sqrt(law.center.alpha / side)  # type: ignore[attr-defined]
        return f"alpha does not carry over to {side} px; state sigma={sigma:.4g}"
    return None


def _beyond(law: Policy) -> str | None:
    """Which number of the law lies outside the published ones."""
    cells = published.sweep()
    scale = law.extent.scale if isinstance(law.extent, FixedArea) else math.nan
    areas = [cell.scale for cell in cells]
    if not min(areas) <= scale <= max(areas):
        return f"scale {scale:g} is outside {min(areas):g}..{max(areas):g}, the published range"
    if isinstance(law.center, Gaussian):
        spread = float(law.center.spread(np.array(published.SIDE))) / published.SIDE
        published_ = [math.sqrt(cell.alpha / published.SIDE) for cell in cells if cell.alpha]
        if not 0.99 * min(published_) <= spread <= 1.01 * max(published_):
            ends = f"{min(published_):.3g}..{max(published_):.3g}"
            return f"sigma {spread:.3g} is outside {ends}, the published range"
    return None


def _known_rule(law: Policy) -> bool:
    """Whether the law is the published rc, gcc or cgcc but for its numbers and its rounding.

    `border=pad` is not: it has the figures of `recenter`, whose content sits elsewhere in the view.
    """
    if isinstance(law.center, Gaussian):
        return law.center.mean == "center" and law.border.kind in ("recenter", "clamp")
    return law.center.kind == "uniform"
