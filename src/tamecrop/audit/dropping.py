"""Which policies of a race may still be the best after another seed.

One-sided bounds of Dunnett's hold for all policies at once, at a level that every further look
makes stricter: all looks together spend `ERROR`. The probability that the best policy is dropped is
at most that, whatever the true accuracies (simulated in `benchmarks/power.py`).
"""

import math
import statistics
from collections.abc import Sequence
from functools import lru_cache

from tamecrop.reporting import critical_value, find_deviation

ERROR = 0.05
"""Probability, at most, that the best policy drops out."""

LEAST = 3
"""Seeds before a policy may drop out."""

Accuracies = tuple[tuple[str, Sequence[float]], ...]
"""Policies with their accuracies by seed."""


def spend(seeds: int) -> float:
    """The part of `ERROR` of the look after so many seeds; that of all looks is `ERROR`."""
    return ERROR * (LEAST - 1) / (seeds * (seeds - 1))


def find_reach(seeds: int, rivals: int, freedom: int) -> float:
    """How far below the best a mean may lie, in deviations of an accuracy around its seed."""
    critical = critical_value(rivals, freedom, 1 - spend(seeds), sides=1)
    return critical * math.sqrt(2 / seeds)


def find_spread(accuracy: Accuracies) -> tuple[float | None, int]:
    """Deviation over all policies, pairs by seed, and its degrees of freedom."""
    return find_deviation([dict(enumerate(values)) for _, values in accuracy])


def find_left(accuracy: Accuracies, left: tuple[str, ...]) -> tuple[str, ...]:
    """Policies that may be the best after a seed.

    Args:
        accuracy: of all policies by seed, fewer of those that dropped out before.
        left: those that were left until now.
    """
    return _find_left(tuple((name, tuple(values)) for name, values in accuracy), left)


@lru_cache(maxsize=256)
def _find_left(accuracy: Accuracies, left: tuple[str, ...]) -> tuple[str, ...]:
    every = dict(accuracy)
    seeds = len(every[left[0]])
    deviation, freedom = find_spread(accuracy)
    if deviation is None or seeds < LEAST:
        return left
    reach = deviation * find_reach(seeds, len(every) - 1, freedom)
    means = {policy: statistics.fmean(every[policy]) for policy in left}
    best = max(means.values())
    return tuple(policy for policy in left if best - means[policy] <= reach)
