"""Laws of the near edge of a box along one axis, written from the definitions: tables of floats.

A law is `(probability, first)`: the probabilities of the whole places `first, first + 1, ...`.
"""

import numpy as np
from scipy import stats

Law = tuple[np.ndarray, int]


def gaussian(side: int, crop: int, sigma: float) -> Law:
    """A Gaussian center over `-crop .. side`, the tails counted at the ends."""
    places = np.arange(-crop, side + 1)
    upper = stats.norm.cdf(places + 0.5, loc=(side - crop) / 2, scale=sigma * side)
    upper[-1] = 1
    return np.diff(upper, prepend=0.0), -crop


def clamped(law: Law, side: int, crop: int) -> Law:
    """What lies outside is moved to the nearest place inside."""
    probability, first = law
    inside = np.clip(np.arange(len(probability)) + first, 0, side - crop)
    return np.bincount(inside, weights=probability), 0


def truncated(law: Law, side: int, crop: int) -> Law:
    """What lies outside is cut off, the rest rescaled."""
    probability, first = law
    kept = probability[-first : -first + side - crop + 1]
    return kept / kept.sum(), 0


def uniform(low: int, high: int) -> Law:
    """Every whole place is equally likely."""
    places = high - low + 1
    return np.full(places, 1 / places), low
