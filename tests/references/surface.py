"""A quadratic surface by ridge regression in closed form, without scikit-learn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RIDGE = 0.2
"""Weight of the squared coefficients against the squared residuals."""


@dataclass(frozen=True, eq=False)
class Surface:
    """`intercept + sum of coefficient x term`; the terms are `terms(figures)`.

    Args:
        intercept: the value where every term is at its mean.
        means: `(T,)` means of the terms over the fitted cells.
        coefficients: `(T,)`, one for each term.
    """

    intercept: float
    means: Floats
    coefficients: Floats

    def __call__(self, figures: Floats) -> Floats:
        """Values `(N,)` at figures `(N, K)`."""
        return np.asarray(self.intercept + (terms(figures) - self.means) @ self.coefficients)


def fit(figures: Floats, values: Floats) -> Surface:
    """The surface through values `(N,)` at figures `(N, K)`, each figure within about 1 of 0.

    >>> x = np.linspace(-1, 1, 50)[:, None]
    >>> fit(x, 3 + x[:, 0] ** 2)(np.array([[0.5]])).round(2)
    array([3.25])
    """
    table = terms(figures)
    means, intercept = table.mean(axis=0), float(values.mean())
    centered = table - means
    normal = centered.T @ centered + RIDGE * np.eye(table.shape[1])
    coefficients = np.linalg.solve(normal, centered.T @ (values - intercept))
    return Surface(intercept, means, coefficients)


def left_out(figures: Floats, values: Floats, groups: NDArray[np.generic]) -> Floats:
    """Value `(N,)` of each cell by a surface that saw no cell of its group.

    Args:
        figures: `(N, K)`.
        values: `(N,)`.
        groups: `(N,)` name of the group of each cell.
    """
    predicted = np.empty_like(values)
    for group in np.unique(groups):
        out = groups == group
        predicted[out] = fit(figures[~out], values[~out])(figures[out])
    return predicted


def terms(figures: Floats) -> Floats:
    """Each figure, each square and each product of two: `(N, K)` to `(N, K (K + 3) / 2)`."""
    first, second = np.triu_indices(figures.shape[1])
    return np.concatenate([figures, figures[:, first] * figures[:, second]], axis=1)
