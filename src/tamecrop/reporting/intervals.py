"""Spreads and paired intervals over seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean difference with the bounds of its 95 % interval.

    Attributes:
        mean: Mean of the paired differences, a fraction.
        low: Lower bound, or None where a single pair gives no spread.
        high: Upper bound, likewise.
        n: Number of pairs.
    """

    mean: float
    low: float | None
    high: float | None
    n: int


def spread(values: Sequence[float]) -> float | None:
    """Sample standard deviation (divisor n - 1), or None for a single value.

    >>> spread([1.0, 2.0, 3.0])
    1.0
    """
    return statistics.stdev(values) if len(values) > 1 else None


def paired_difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Interval | None:
    """Mean difference over the seeds that both hold, with its 95 % t-interval.

    Pairs share initial weights and order, so what a lucky seed gives to both cancels.

    Args:
        ours: Seed to accuracy of the policy in question.
        theirs: The same of the baseline.

    Returns:
        The interval; its bounds are None for one pair; None without a common seed.

    >>> found = paired_difference({0: 0.5, 1: 0.6, 2: 0.7}, {0: 0.4, 1: 0.5, 2: 0.5})
    >>> round(found.mean, 4), round(found.low, 4), round(found.high, 4)
    (0.1333, -0.0101, 0.2768)
    """
    gaps = [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
    if not gaps:
        return None
    middle, deviation = statistics.fmean(gaps), spread(gaps)
    if deviation is None:
        return Interval(mean=middle, low=None, high=None, n=1)
    quantile = float(stdtrit(len(gaps) - 1, (1 + CONFIDENCE) / 2))
    half = quantile * deviation / math.sqrt(len(gaps))
    return Interval(mean=middle, low=middle - half, high=middle + half, n=len(gaps))


def percent(fraction: float, decimals: int = 1) -> str:
    """A fraction as a percentage, without the sign.

    >>> percent(0.5714), percent(0.5714, 2)
    ('57.1', '57.14')
    """
    return f"{100 * fraction:.{decimals}f}"


def points(gap: float) -> str:
    """A difference of fractions as signed percentage points.

    >>> points(0.02)
    '+2.0'
    """
    return f"{100 * gap:+.1f}".replace("-", "\N{MINUS SIGN}")


def interval_words(gap: Interval) -> str:
    """A paired difference in points, with its interval where there is one.

    >>> interval_words(Interval(0.02, 0.01, 0.03, 3)), interval_words(Interval(0.02, None, None, 1))
    ('+2.0 (+1.0 to +3.0)', '+2.0 (one seed)')
    """
    if gap.low is None or gap.high is None:
        return f"{points(gap.mean)} (one seed)"
    return f"{points(gap.mean)} ({points(gap.low)} to {points(gap.high)})"
