"""Swept laws as curves, read at a common diversity."""

from typing import NamedTuple

import numpy as np

from tamecrop.audit.records import Audit, Audited


class Curve(NamedTuple):
    """A law and the parameter that was swept."""

    law: str
    swept: str


def curves(audit: Audit) -> dict[Curve, tuple[Audited, ...]]:
    """The points of every sweep, in its order."""
    found: dict[Curve, tuple[Audited, ...]] = {}
    for law in audit.policies:
        if law.curve is not None and law.swept is not None:
            curve = Curve(law.curve, law.swept)
            found[curve] = (*found.get(curve, ()), law)
    return found


def at_iou(audit: Audit, iou: float, measure: str) -> dict[Curve, float]:
    """A measure of preservation where each curve has a mean IoU: laws at equal diversity.

    Interpolated linearly between the two neighboring points; where a curve passes the IoU more
    than once, the best of the places.

    Args:
        audit: with swept laws.
        iou: mean IoU of the two views.
        measure: a field of `Preservation`.

    Returns:
        The value of each curve that reaches the IoU; the others are left out.
    """
    found = {}
    for curve, laws in curves(audit).items():
        x = np.array([law.geometry.pair_iou_mean for law in laws])
        y = np.array([getattr(law.preservation, measure) for law in laws], dtype=np.float64)
        values = _crossings(x, y, iou)
        if values:
            found[curve] = max(values)
    return found


def _crossings(x: np.ndarray, y: np.ndarray, at: float) -> list[float]:
    """Values of a broken line `y(x)` at every place where `x` passes `at`."""
    values = []
    for left, right in zip(range(len(x) - 1), range(1, len(x)), strict=True):
        low, high = sorted((x[left], x[right]))
        if low <= at <= high:
            share = 0.0 if high == low else (at - x[left]) / (x[right] - x[left])
            values.append(float(y[left] + share * (y[right] - y[left])))
    return values
