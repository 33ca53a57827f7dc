"""The accuracy of the paper's probe for a crop policy, predicted from its geometry alone.

A quadratic surface (`surface`) in four figures, fitted to the published sweep of rc, gcc and cgcc
(`published`): CIFAR-10 at 32 px, ResNet-18, 200 epochs, no resize, no color jitter; numbers are
given for that training alone. It is fitted when first needed, in about a second. docs/predict.md
shows the figures against the accuracy, and how well the surface does on what it has not seen.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tamecrop.geometry import FixedArea, Floats, Gaussian
from tamecrop.geometry.policy import Policy, policy
from tamecrop.paper import published, surface
from tamecrop.paper.surface import Figures, compute_figures, scale_figures

LEVEL = 0.9
"""Share of the cells left out whose error lies within the range that is given."""

NESTED_ERROR = 0.0321
"""The `LEVEL` quantile of errors on a crop size left out, the figures chosen without it too.

From results/predict/quality.json, since it takes seconds. Errors of the figures that are used here,
which were chosen with all cells in view, are half as large and say less of a new policy.
"""

EPOCHS = 200
"""Of pre-training, of every cell that is predicted."""

_NARROW = math.sqrt(0.5 / published.SIDE)
"""A shared mean with less spread than this around it was never published: alpha 0.5 at 32 px."""

_LESS_CONTENT = 0.8


@dataclass(frozen=True)
class Prediction:
    """The probe accuracy of a policy, predicted.

    Args:
        policy: text form.
        accuracy: a fraction, or None out of the regime.
        low: the accuracy less the error that `LEVEL` of the cells left out had: not a confidence
            interval, since published cells are no sample of policies.
        high: the accuracy and as much more.
        in_regime: whether the policy is one that the published cells inform.
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
        of_a_known_rule: error range of a policy like the published ones: `NESTED_ERROR`.
        of_another_rule: of any other policy: from the residuals with a whole border rule left out,
            where these are larger.
        of_a_narrow_mean: of views with little spread around a shared mean, of which no cell is
            published: the largest of those residuals.
        least_content: the smallest content share that is still predicted.
    """

    surface: Any
    of_a_known_rule: float
    of_another_rule: float
    of_a_narrow_mean: float
    least_content: float


@dataclass(frozen=True)
class Ranked:
    """The place of a policy among others.

    Args:
        policy: text form.
        place: 1 for the best predicted, or None out of the regime.
        reason: why there is no place; None where there is one.
    """

    policy: str
    place: int | None
    reason: str | None


def predict(views: str | Policy, *, side: int = published.SIDE, epochs: int = EPOCHS) -> Prediction:
    """Predict the accuracy of the paper's probe (CIFAR-10, 200 epochs) for a crop policy.

    Args:
        views: the crop policy.
        side: of the images in pixels. Only 32 px are predicted: at 64 px the error was 7 points.
        epochs: of pre-training. Only 200 are predicted.

    Returns:
        The prediction; without numbers, and with the reason, for a policy out of the regime.

    >>> predict("rrc").reason
    'views of random area are resized; no published cell is'
    """
    found = policy(views)
    reason = _other_training(side, epochs) or _explain(found)
    if reason:
        return Prediction(str(found), None, None, None, in_regime=False, reason=reason)
    model = fit_model()
    accuracy = model.surface.predict(scale_figures([compute_figures(found)])).item()
    half = _choose_range(model, found)
    low, high = max(accuracy - half, 0.0), min(accuracy + half, 1.0)
    return Prediction(str(found), accuracy, low, high, in_regime=True, reason=None)


def rank(policies: Sequence[str | Policy], *, side: int = published.SIDE) -> tuple[Ranked, ...]:
    """Order policies by the predicted accuracy, without numbers, for any training.

    Spreads are read relative to the side, so that `alpha` means another policy at another side.

    Args:
        policies: to be ordered.
        side: of the images in pixels.

    Returns:
        The best first; those out of the regime last, with the reason.

    >>> [each.place for each in rank(["rc:scale=0.8", "gcc:scale=0.4,alpha=1.5", "rrc"])]
    [1, 2, None]
    """
    found = [policy(each) for each in policies]
    relative = [_state_sigma(each, side) for each in found]
    reasons = [_explain(each) for each in relative]
    known = [place for place, reason in enumerate(reasons) if reason is None]
    figures = [compute_figures(relative[place]) for place in known]
    values = fit_model().surface.predict(scale_figures(figures)) if known else np.empty(0)
    order = [known[place] for place in np.argsort(-values, kind="stable").tolist()]
    best = [Ranked(str(found[place]), at, None) for at, place in enumerate(order, 1)]
    rest = [Ranked(str(found[i]), None, reason) for i, reason in enumerate(reasons) if reason]
    return (*best, *rest)


@functools.cache
def list_sweep_figures() -> tuple[Figures, ...]:
    """Figures of every cell of `published.sweep()`, in its order."""
    cells = published.sweep()
    return tuple(compute_figures(published.faithful(c.law, c.scale, c.alpha)) for c in cells)


@functools.cache
def fit_model() -> Model:
    """The model through all cells of `published.sweep()`."""
    cells, figures = published.sweep(), list_sweep_figures()
    table, accuracy = scale_figures([*figures]), np.array([cell.accuracy for cell in cells])
    rules = np.array([cell.law for cell in cells])
    by_rule = surface.predict_left_out(table, accuracy, rules) - accuracy
    return Model(
        surface=surface.make_surface().fit(table, accuracy),
        of_a_known_rule=NESTED_ERROR,
        of_another_rule=max(NESTED_ERROR, take_half_width(by_rule)),
        of_a_narrow_mean=float(np.abs(by_rule).max()),
        least_content=_LESS_CONTENT * min(each.content_share for each in figures),
    )


def take_half_width(residuals: Floats) -> float:
    """The `LEVEL` quantile of absolute residuals, as split-conformal prediction takes it."""
    n = len(residuals)
    rank = min(math.ceil((n + 1) * LEVEL), n)
    return float(np.sort(np.abs(residuals))[rank - 1])


def _other_training(side: int, epochs: int) -> str | None:
    """What of the training no published cell has."""
    if side == published.SIDE and epochs == EPOCHS:
        return None
    here = f"{side} px and {epochs} epochs"
    return (
        f"only {published.SIDE} px and {EPOCHS} epochs are predicted, not {here}; "
        "--rank orders policies without numbers"
    )


def _state_sigma(of: Policy, side: int) -> Policy:
    """The same policy with its spread relative to the side."""
    if not isinstance(of.center, Gaussian) or of.center.alpha is None:
        return of
    sigma = math.sqrt(of.center.alpha / side)
    return replace(of, center=replace(of.center, alpha=None, sigma=sigma))


def _explain(of: Policy) -> str | None:
    """Why a policy is out of the regime, or None in it."""
    reason = _unpublished(of) or _beyond(of)
    if reason:
        return reason
    content = compute_figures(of).content_share
    if content < fit_model().least_content:
        return f"views show {content:.1%} of image, less than any published cell's"
    return None


def _choose_range(model: Model, of: Policy) -> float:
    """The error range of a policy in the regime."""
    if of.pair.shares_mean and isinstance(of.center, Gaussian):
        spread = float(of.center.spread(np.array(published.SIDE))) / published.SIDE
        if spread < _NARROW:
            return model.of_a_narrow_mean
    return model.of_a_known_rule if _known_rule(of) else model.of_another_rule


def _unpublished(of: Policy) -> str | None:
    """What in the kind of the policy no published cell has."""
    if of.extent.kind != "fixed":
        return f"views of {of.extent.kind} area are resized; no published cell is"
    if of.pair.is_redrawn:
        return "pairs redrawn for their IoU were never published"
    if of.needs_boxes:
        return "the policy depends on boxes of the images"
    return None


def _beyond(of: Policy) -> str | None:
    """Which number of the policy lies outside the published ones."""
    cells = published.sweep()
    scale = of.extent.scale if isinstance(of.extent, FixedArea) else math.nan
    areas = [cell.scale for cell in cells]
    if not min(areas) <= scale <= max(areas):
        return f"scale {scale:g} is outside {min(areas):g}..{max(areas):g}, the published range"
    if isinstance(of.center, Gaussian):
        spread = float(of.center.spread(np.array(published.SIDE))) / published.SIDE
        published_ = [math.sqrt(cell.alpha / published.SIDE) for cell in cells if cell.alpha]
        if not 0.99 * min(published_) <= spread <= 1.01 * max(published_):
            ends = f"{min(published_):.3g}..{max(published_):.3g}"
            return f"sigma {spread:.3g} is outside {ends}, the published range"
    return None


def _known_rule(of: Policy) -> bool:
    """Whether the policy is the published rc, gcc or cgcc but for its numbers and its rounding.

    `border=pad` is not: it has the figures of `recenter`, whose content sits elsewhere in the view.
    """
    if isinstance(of.center, Gaussian):
        return of.center.mean == "center" and of.border.kind in ("recenter", "clamp")
    return of.center.kind == "uniform"
