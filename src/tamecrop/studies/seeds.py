"""How many seeds a comparison has: a number, or as many as it takes to tell a difference.

`auto:0.5` adds seeds, all arms with each, until a true difference of half a point is detectable at
the deviation seen so far. It looks at the deviation alone, never at a difference, so that no
difference is favored by when it stops. A deviation that comes out small by chance stops it early,
though: intervals of 95 % would hold in as few as 91 % of such studies. `LEVEL` and `LEAST` are set
so that they hold in at least 95 % (simulated in `benchmarks/power.py`).
"""

import bisect
import math
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tamecrop.geometry import rules
from tamecrop.reporting import Comparison, compare_arms, critical_value, noncentrality, spell_time
from tamecrop.studies.arms import Arm, Wanted, cross
from tamecrop.studies.cells import Cell, accuracies

LEVEL = 0.975
"""Of the critical values of a comparison whose number of seeds follows from its deviation."""

LEAST = 4
"""Seeds before the deviation is looked at."""

MOST = 50
"""Seeds at most unless stated."""


@dataclass(frozen=True)
class Auto:
    """As many seeds as it takes.

    Args:
        gap: the difference to be told, in points.
        most: seeds at most.
    """

    gap: float
    most: int = MOST

    def __post_init__(self) -> None:
        rules.positive("seeds auto", self.gap)
        if self.most < LEAST:
            raise ValueError(f"`most` must satisfy most >= {LEAST}, got {self.most}")


def read_seeds(text: str | int | Auto) -> range | Auto:
    """The seeds that a text asks for: a number, or `auto` with the difference to be told.

    >>> read_seeds("3"), read_seeds("auto:0.5,most=20")
    (range(0, 3), Auto(gap=0.5, most=20))
    """
    if isinstance(text, Auto):
        return text
    found = re.fullmatch(r"(?:(\d+)|auto:([0-9.]+)(?:,most=(\d+))?)", str(text))
    if found is None:
        raise ValueError(
            "`seeds` must be a number, or the points to be told and a limit, such as auto:0.5 or "
            f"auto:0.5,most=20, got {str(text)!r}"
        )
    number, gap, most = found.groups()
    if number is None:
        return Auto(float(gap), MOST if most is None else int(most))
    rules.count("seeds", int(number))
    return range(int(number))


@dataclass(frozen=True)
class UntilTold:
    """The rule of `Auto`: one more seed for all arms until the difference is detectable.

    It follows from the cells alone, so that a stopped study goes on where it was.

    Args:
        arms: compared with the first; at least 2.
        auto: what is to be told.
        jobs: cells side by side, for the time that is told.
    """

    arms: tuple[Arm, ...]
    auto: Auto
    jobs: int = 1

    def __post_init__(self) -> None:
        if len(self.arms) < 2:
            raise ValueError("`seeds` auto must have two policies to tell apart, got one")

    def __call__(self, cells: Sequence[Cell]) -> Sequence[Wanted]:
        """Every arm with each of the seeds that are wanted so far."""
        done = self._count(cells)
        more = done < LEAST or (done < self.auto.most and not self._is_told(cells))
        return cross(self.arms, range(max(LEAST, done + 1) if more else done))

    def outlook(self, cells: Sequence[Cell]) -> str:
        """What the seeds so far can tell, and how many more it takes."""
        done, gap = self._count(cells), f"{self.auto.gap:g} points"
        if done < LEAST:
            return f"{LEAST} seeds first: their spread says how many it takes to tell {gap}"
        found = self._compare(cells)
        shown = f"{done} seeds tell a difference of {100 * (found.detectable or 0):.2f} points"
        if self._is_told(cells):
            return f"{shown}: enough, {gap} were asked for"
        needed = count_seeds(found, self.auto.gap / 100)
        takes = f"{gap} take about {needed} seeds, {self._time(cells, needed - done)} more"
        if done >= self.auto.most:
            return f"{shown}, and no more were allowed; {takes}"
        limit = f" (at most {self.auto.most} are run)" * (needed > self.auto.most)
        return f"{shown}; {takes}{limit}"

    def _count(self, cells: Sequence[Cell]) -> int:
        """Seeds from 0 on that all arms have."""
        done = {cell.key for cell in cells}
        missing = (each.seed for each in self._all if each.key not in done)
        return next(missing, self.auto.most)

    @cached_property
    def _all(self) -> tuple[Wanted, ...]:
        return cross(self.arms, range(self.auto.most))

    def _is_told(self, cells: Sequence[Cell]) -> bool:
        detectable = self._compare(cells).detectable
        return detectable is not None and 100 * detectable <= self.auto.gap

    def _compare(self, cells: Sequence[Cell]) -> Comparison:
        """Of the seeds that all arms have."""
        whole = [cell for cell in cells if cell.seed < self._count(cells)]
        found = {arm.key: accuracies(whole, *arm.key) for arm in self.arms}
        _, comparison = compare_arms(found, self.arms[0].key, level=LEVEL)
        assert comparison is not None, "all arms have the same seeds"
        return comparison

    def _time(self, cells: Sequence[Cell], rounds: int) -> str:
        """Of some more seeds, at the mean time of the cells so far."""
        keys = {arm.key for arm in self.arms}
        mine = [each.seconds for each in cells if (each.policy, each.protocol) in keys]
        turns = math.ceil(len(self.arms) / self.jobs)
        return spell_time(rounds * turns * statistics.fmean(mine))


def count_seeds(found: Comparison, gap: float) -> int:
    """Seeds of all arms that make a difference detectable, at the deviation of a comparison.

    Args:
        found: with a deviation, of at least one rival.
        gap: the difference, a fraction.

    Returns:
        The least number, at least 2.

    >>> count_seeds(Comparison(3, 9, 0.01, None, 0.02, None), 0.01)
    22
    """
    ratio = gap / max(found.deviation or 0.0, 1e-12)

    def is_enough(number: int) -> bool:
        freedom = found.rivals * (number - 1)
        critical = critical_value(found.rivals, freedom, found.level)
        return noncentrality(critical, freedom) * math.sqrt(2 / number) <= ratio

    return count_until(is_enough)


def count_until(is_enough: Callable[[int], bool]) -> int:
    """The least number of seeds, at least 2, from which on there are enough."""
    least = 2
    while not is_enough(2 * least):
        least *= 2
    return least + bisect.bisect_left(range(least, 2 * least), True, key=is_enough)
