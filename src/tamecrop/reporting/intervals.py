"""Spreads over seeds, and numbers in words: accuracies, their differences, times, counts."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95

_ROUNDING = 1e-9
"""Differences of fractions below it come from rounding of their sums."""


@dataclass(frozen=True)
class Interval:
    """A mean difference by seeds with the bounds of its 95 % interval.

    Attributes:
        mean: Difference, a fraction.
        low: Lower bound, or None where a single seed gives no spread.
        high: Upper bound, likewise.
        n: Seeds that both sides have.
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


def percent(fraction: float, decimals: int = 1) -> str:
    """A fraction as a percentage, without the sign.

    >>> percent(0.5714), percent(0.5714, 2)
    ('57.1', '57.14')
    """
    return f"{100 * fraction:.{decimals}f}"


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "crop policy"), counted(1200, "crop policy")
    ('1 crop policy', '1,200 crop policies')
    """
    several = noun[:-1] + "ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else several}"


def points(gap: float) -> str:
    """A difference of fractions as signed percentage points.

    >>> points(0.02), points(-1e-17)
    ('+2.0', '+0.0')
    """
    gap = gap if abs(gap) > _ROUNDING else 0.0
    return f"{100 * gap:+.1f}".replace("-", "\N{MINUS SIGN}")


def interval_words(gap: Interval) -> str:
    """A paired difference in points, with its interval where there is one.

    >>> interval_words(Interval(0.02, 0.01, 0.03, 3)), interval_words(Interval(0.02, None, None, 1))
    ('+2.0 (+1.0 to +3.0)', '+2.0 (one seed)')
    """
    if gap.low is None or gap.high is None:
        return f"{points(gap.mean)} (one seed)"
    return f"{points(gap.mean)} ({points(gap.low)} to {points(gap.high)})"


def spell_time(seconds: float) -> str:
    """A time in its two largest units.

    >>> spell_time(48), spell_time(252), spell_time(15_000)
    ('48 s', '4 min', '4 h 10 min')
    """
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
