"""Tests of distributions: each returns the probability of data at least as far from the law.

Reject below `LEVEL`. Kolmogorov-Smirnov judges a continuous marginal; it is nearly blind to the
mass of an atom, which `binomial` judges; `chi_square` judges whole tables of integers.
"""

import numpy as np
from scipy import stats

LEVEL = 1e-6


def binomial(hits: int, n: int, p: float) -> float:
    """Two-sided exact test that `hits` of `n` have probability `p`."""
    return stats.binomtest(int(hits), n, min(max(p, 0.0), 1.0)).pvalue


def chi_square(counts: np.ndarray, probability: np.ndarray, *, least: float = 20) -> float:
    """Counts against a finite law; neighbors are pooled until `least` are expected in a cell."""
    expected = probability * counts.sum()
    if counts[expected < 1e-9].any():
        return 0.0
    cells = _pool(expected, least)
    observed, expected = (np.bincount(cells, weights=row) for row in (counts, expected))
    if len(observed) == 1:
        return 1.0
    return stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue


def chi_square_two(first: np.ndarray, second: np.ndarray, *, least: float = 20) -> float:
    """Two samples of integers against each other."""
    low = min(first.min(), second.min())
    length = int(max(first.max(), second.max()) - low + 1)
    table = np.stack([np.bincount(x - low, minlength=length) for x in (first, second)])
    cells = _pool(table.sum(axis=0).astype(float), 2 * least)
    pooled = np.stack([np.bincount(cells, weights=row) for row in table])
    return 1.0 if pooled.shape[1] == 1 else stats.chi2_contingency(pooled).pvalue


def ks(sample: np.ndarray, cdf) -> float:
    """A continuous marginal against its distribution function."""
    return stats.kstest(sample, cdf).pvalue


def ks_two(first: np.ndarray, second: np.ndarray) -> float:
    """Two continuous samples against each other."""
    return stats.ks_2samp(first, second, method="asymp").pvalue


def _pool(expected: np.ndarray, least: float) -> np.ndarray:
    """Number of the pooled cell of each entry; the last, short one joins its neighbor."""
    cells = np.floor(np.cumsum(expected) / least - 1e-12).astype(int)
    cells = np.unique(np.minimum(cells, max(int(expected.sum() // least) - 1, 0)), return_inverse=1)
    return cells[1]
