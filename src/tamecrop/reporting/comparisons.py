"""Several arms against one, seed by seed: intervals that are corrected for the number of rivals.

Accuracies are taken as `mean of the arm + effect of the seed + rest`, the rest normal with one
deviation for all arms. Fitted by least squares, differences to the baseline are those of pairs
that share a seed, and the deviation is pooled over all arms: with three seeds and three rivals it
has 6 degrees of freedom where a single pair has 2. Critical values are Dunnett's (1955), so that
all intervals of a study hold at once; for two arms all of it is the paired t-test.

That all arms vary alike is an assumption. Simulated without a true difference at 3 seeds (1,000
studies), some rival of 3 or of 9 is called different in 5 and 5 %; with a baseline that varies 3
times as much as its rivals in 12 and 24 %, with one that varies a third as much in 4 and 2 %.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaincinv, ndtr, stdtrit

from tamecrop.reporting.intervals import CONFIDENCE, Interval

POWER = 0.8
"""Share of studies in which a difference of the size called detectable would be shown."""

MARGIN = 0.005
"""Arms are called equal when the whole interval of their difference lies within this, a fraction:
two one-sided tests, at the same corrected level as everything else."""

Name = TypeVar("Name")

_NODES = 128


@dataclass(frozen=True)
class Lead:
    """How the best mean of a comparison stands against the others.

    Attributes:
        gap: Best less second, a fraction.
        least: What the gap is at least, with 95 % confidence that holds for every arm that might
            be the best (Hsu 1984): above 0 the best is told from all others. None without spread.
        candidates: Places of the arms that cannot be told from the best, the best first.
    """

    gap: float
    least: float | None
    candidates: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """What the intervals of a study rest on.

    Attributes:
        rivals: Arms that are compared with the baseline.
        freedom: Degrees of freedom of the deviation.
        deviation: Of one accuracy around arm and seed, a fraction; None without freedom.
        pairing: Correlation of the accuracies of two arms with the same seed; pairing narrows
            intervals by the root of 1 less this. None with fewer than 2 seeds common to all.
        detectable: True difference, a fraction, that this many seeds would show in `POWER` of all
            studies, if the deviation is what it was here.
        lead: How the best stands.
        level: Of the critical values; above 0.95 where the number of seeds followed from the
            deviation, so that the intervals still hold in 95 % of studies.
    """

    rivals: int
    freedom: int
    deviation: float | None
    pairing: float | None
    detectable: float | None
    lead: Lead | None
    level: float = CONFIDENCE


def compare_arms(
    found: Mapping[Name, Mapping[int, float]], baseline: Name | None, *, level: float = CONFIDENCE
) -> tuple[dict[Name, Interval], Comparison | None]:
    """Differences of some arms to a baseline with 95 % intervals that hold for all at once.

    Args:
        found: accuracy by seed of each arm, the baseline among them.
        baseline: what the others are compared with; None compares nothing.
        level: of the critical values.

    Returns:
        The difference of each arm that shares a seed with the baseline, its bounds None where no
        spread is known; and what they rest on, None without such an arm.

    >>> gaps, _ = compare_arms({"a": {0: 0.4, 1: 0.5, 2: 0.5}, "b": {0: 0.5, 1: 0.6, 2: 0.7}}, "a")
    >>> round(gaps["b"].mean, 4), round(gaps["b"].low, 4), round(gaps["b"].high, 4)
    (0.1333, -0.0101, 0.2768)
    """
    if baseline is None or baseline not in found:
        return {}, None
    shared = {
        name: len(found[name].keys() & found[baseline].keys()) for name in found if name != baseline
    }
    rivals = [name for name, seeds in shared.items() if seeds]
    if not rivals:
        return {}, None
    arms = [found[name] for name in (baseline, *rivals)]
    fit = _fit(arms)
    gaps, half, detectable = fit.means[1:], [None] * len(rivals), None
    if fit.deviation is not None:
        critical = critical_value(len(rivals), fit.freedom, level, least=fit.correlation)
        errors = fit.deviation * np.sqrt(np.diag(fit.covariance)[1:])
        half = (critical * errors).tolist()
        detectable = noncentrality(critical, fit.freedom) * float(errors.max())
    intervals = {
        name: Interval(
            gap,
            None if reach is None else gap - reach,
            None if reach is None else gap + reach,
            shared[name],
        )
        for name, gap, reach in zip(rivals, gaps, half, strict=True)
    }
    kept = Comparison(
        rivals=len(rivals),
        freedom=fit.freedom,
        deviation=fit.deviation,
        pairing=seed_correlation(arms),
        detectable=detectable,
        lead=_lead(fit, level),
        level=level,
    )
    return intervals, kept


def find_deviation(arms: list[Mapping[int, float]]) -> tuple[float | None, int]:
    """Deviation of one accuracy around arm and seed, and its degrees of freedom.

    Args:
        arms: accuracies by seed; all share a seed with the first.
    """
    fit = _fit(arms)
    return fit.deviation, fit.freedom


@dataclass(frozen=True)
class _Fit:
    """Means of arms less that of the first, and their covariance for a deviation of 1."""

    means: list[float]
    covariance: Any
    freedom: int
    deviation: float | None
    correlation: float


def _fit(arms: list[Mapping[int, float]]) -> _Fit:
    """Effects of arms and seeds by least squares; all arms share a seed with the first."""
    seeds = sorted({seed for arm in arms for seed in arm})
    cells = [(row, seed) for row, arm in enumerate(arms) for seed in sorted(arm)]
    design = np.zeros((len(cells), len(arms) - 1 + len(seeds)))
    for place, (row, seed) in enumerate(cells):
        design[place, len(arms) - 1 + seeds.index(seed)] = 1
        if row:
            design[place, row - 1] = 1
    values = np.array([arms[row][seed] for row, seed in cells])
    inverse = np.linalg.pinv(design.T @ design)
    effects = inverse @ design.T @ values
    freedom = len(cells) - int(np.linalg.matrix_rank(design))
    rest = values - design @ effects
    covariance = np.zeros((len(arms), len(arms)))
    covariance[1:, 1:] = inverse[: len(arms) - 1, : len(arms) - 1]
    own = np.sqrt(np.diag(covariance)[1:])
    return _Fit(
        means=[0.0, *effects[: len(arms) - 1].tolist()],
        covariance=covariance,
        freedom=freedom,
        deviation=math.sqrt(float(rest @ rest) / freedom) if freedom else None,
        correlation=float((covariance[1:, 1:] / np.outer(own, own)).min()),
    )


def _lead(fit: _Fit, level: float) -> Lead:
    """The best arm against each other one, by one-sided bounds that hold whichever is the best."""
    order = sorted(range(len(fit.means)), key=lambda place: -fit.means[place])
    best = order[0]
    gap = fit.means[best] - fit.means[order[1]]
    if fit.deviation is None:
        return Lead(gap, None, tuple(order))
    critical = critical_value(len(fit.means) - 1, fit.freedom, level, sides=1)
    spread = np.diag(fit.covariance)
    errors = np.sqrt(spread + spread[best] - 2 * fit.covariance[best])
    least = [
        fit.means[best] - fit.means[place] - critical * fit.deviation * float(errors[place])
        for place in order[1:]
    ]
    tied = [place for place, low in zip(order[1:], least, strict=True) if low <= 0]
    return Lead(gap, min(least), (best, *tied))


@functools.cache
def critical_value(
    rivals: int, freedom: int, confidence: float, *, sides: int = 2, least: float = 0.5
) -> float:
    """Dunnett's critical value: that the largest of some t values stays below it.

    Args:
        rivals: how many t values, those of differences to one baseline.
        freedom: degrees of freedom of the deviation that they share.
        confidence: with which all stay below.
        sides: 2 for absolute values, else 1.
        least: correlation of two of them, 0.5 where all arms have the same seeds; where they
            differ the smallest, with which the value errs on the safe side.

    >>> round(critical_value(1, 10, 0.95), 3), round(critical_value(3, 6, 0.95), 2)
    (2.228, 3.1)
    """
    if rivals == 1:
        return float(stdtrit(freedom, 1 - (1 - confidence) / sides))
    rho = min(max(least, 0.0), 0.999)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    scale = _deviations(nodes, freedom)[:, None]
    z, density = np.polynomial.hermite_e.hermegauss(_NODES)
    common, own = math.sqrt(rho) * z, math.sqrt(1 - rho)

    def excess(value: float) -> float:
        inside = ndtr((value * scale + common) / own)
        if sides == 2:
            inside -= ndtr((common - value * scale) / own)
        share = (inside**rivals) @ density / math.sqrt(2 * math.pi)
        return float(share @ weights) / 2 - confidence

    return float(brentq(excess, 1e-3, 1e5, xtol=1e-9))


@functools.cache
def noncentrality(critical: float, freedom: int, power: float = POWER) -> float:
    """True difference, in standard errors, that exceeds a critical value with a probability.

    >>> round(noncentrality(1.96, 10**6), 2)
    2.8
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    scale = _deviations(nodes, freedom)

    def excess(shift: float) -> float:
        return float(ndtr(shift - critical * scale) @ weights) / 2 - power

    return float(brentq(excess, 0.0, 1e6))


def _deviations(nodes: Any, freedom: int) -> Any:
    """Quantiles of an estimated deviation whose true value is 1, at nodes in (-1, 1)."""
    return np.sqrt(2 * gammaincinv(freedom / 2, (nodes + 1) / 2) / freedom)


def seed_correlation(arms: list[Mapping[int, float]]) -> float | None:
    """Correlation of the accuracies of two arms with the same seed, over seeds common to all.

    From the mean squares of seeds and rest; between -1 / (arms - 1) and 1.

    Returns:
        None with fewer than 2 common seeds or arms, or without any spread.
    """
    seeds = sorted(set.intersection(*(set(arm) for arm in arms)))
    if len(seeds) < 2 or len(arms) < 2:
        return None
    values = np.array([[arm[seed] for seed in seeds] for arm in arms])
    values -= values.mean(1, keepdims=True)
    by_seed = values.mean(0)
    n, m = len(seeds), len(arms)
    between = m * float(by_seed @ by_seed) / (n - 1)
    rest = float(((values - by_seed) ** 2).sum()) / ((n - 1) * (m - 1))
    whole = between + (m - 1) * rest
    return (between - rest) / whole if whole > 0 else None


def is_equal(gap: Interval, margin: float = MARGIN) -> bool:
    """Whether a whole interval lies within a margin around 0."""
    return gap.low is not None and gap.high is not None and -margin < gap.low <= gap.high < margin


def is_different(gap: Interval) -> bool:
    """Whether an interval leaves out 0."""
    return gap.low is not None and gap.high is not None and not gap.low <= 0 <= gap.high
