"""Four figures of a policy, and a quadratic surface through them by ridge regression."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from tamecrop.geometry import Floats, Policy, expectations
from tamecrop.paper import published

RIDGE = 0.2
"""Weight of the squared coefficients against the squared residuals."""

_FEW_OVERLAP = 0.03


@dataclass(frozen=True)
class Figures:
    """The four figures of a policy on a 32-px image that the prediction rests on.

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


def compute_figures(of: Policy) -> Figures:
    """The four figures of a policy of fixed extent, exactly, on a 32-px image."""
    size = (published.SIDE, published.SIDE)
    pair = expectations.pair_law(of, size)
    return Figures(
        iou=pair.iou,
        overlap=1 - pair.iou_zero,
        content_share=expectations.view_law(of, size).content_share,
        offset_entropy=expectations.offset_entropy(of, size),
    )


def scale_figures(figures: list[Figures]) -> Floats:
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


def make_surface() -> Any:
    """An unfitted surface: each figure, each square and each product of two, and a mean.

    >>> x = np.linspace(-1, 1, 50)[:, None]
    >>> make_surface().fit(x, 3 + x[:, 0] ** 2).predict(np.array([[0.5]])).round(2)
    array([3.25])
    """
    return make_pipeline(PolynomialFeatures(2, include_bias=False), Ridge(RIDGE))


def predict_left_out(figures: Floats, values: Floats, groups: NDArray[np.generic]) -> Floats:
    """Value `(N,)` of each cell by a surface that saw no cell of its group.

    Args:
        figures: `(N, K)`, each within about 1 of 0.
        values: `(N,)`.
        groups: `(N,)` name of the group of each cell.
    """
    found = cross_val_predict(make_surface(), figures, values, groups=groups, cv=LeaveOneGroupOut())
    return np.asarray(found)
