"""Spreads and paired intervals over seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


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


def student_probability(t: float, freedom: int) -> float:
    """P(|T| <= t) of Student's law, by its finite series for whole degrees of freedom.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.

    >>> round(student_probability(12.706, 1), 4)
    0.95
    """
    angle = math.atan2(t, math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2 == 1
    total, term = 0.0, cosine if odd else 1.0
    for k in range(2 if odd else 1, freedom, 2):
        total += term
        term *= cosine**2 * k / (k + 1)
    if odd:
        return 2 / math.pi * (angle + sine * total)
    return sine * total


def student_quantile(freedom: int, *, confidence: float = 0.95) -> float:
    """The t with P(|T| <= t) = `confidence`, by bisection.

    >>> round(student_quantile(2), 3)
    4.303
    """
    low, high = 0.0, 1.0
    while student_probability(high, freedom) < confidence:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        below = student_probability(middle, freedom) < confidence
        low, high = (middle, high) if below else (low, middle)
    return high


def paired_difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Interval | None:
    """Mean difference over the seeds that both hold, with its 95 % t-interval.

    Pairs share initial weights and order, so what a lucky seed gives to both cancels.

    Args:
        ours: Seed to accuracy of the policy in question.
        theirs: The same of the reference policy.

    Returns:
        The interval; its bounds are None for one pair; None without a common seed.
    """
    gaps = [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
    if not gaps:
        return None
    middle, deviation = statistics.fmean(gaps), spread(gaps)
    if deviation is None:
        return Interval(mean=middle, low=None, high=None, n=1)
    half = student_quantile(len(gaps) - 1) * deviation / math.sqrt(len(gaps))
    return Interval(mean=middle, low=middle - half, high=middle + half, n=len(gaps))


def percent(fraction: float) -> str:
    """A fraction as a percentage with one decimal, without the sign.

    >>> percent(0.5714)
    '57.1'
    """
    return f"{100 * fraction:.1f}"


def points(gap: float) -> str:
    """A difference of fractions as signed percentage points.

    >>> points(0.02)
    '+2.0'
    """
    return f"{100 * gap:+.1f}".replace("-", "\N{MINUS SIGN}")
