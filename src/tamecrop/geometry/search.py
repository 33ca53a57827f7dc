"""Where a curve of one positive parameter meets a target: a grid, then halving.

Nothing is assumed of the curve: it may turn back, be a staircase, or stay flat.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

Curve = Callable[[float], float]

TOLERANCE = 1e-3
"""A value within this of the target has reached it."""

_GRIDS = 3
_POINTS = 25
_CLOSE = TOLERANCE / 20
_NARROW = 1e-9
_DIGITS = range(1, 13)


class Point(NamedTuple):
    """A value of the parameter and the curve there."""

    x: float
    y: float


class Outcome(NamedTuple):
    """What a search found.

    Attributes:
        solution: where the curve reaches the target, or None.
        lowest: the lowest point seen.
        highest: the highest point seen.
        beside: both sides of the jump that skips the target, or None.
    """

    solution: Point | None
    lowest: Point
    highest: Point
    beside: tuple[Point, Point] | None


def search(curve: Curve, target: float, span: tuple[float, float]) -> Outcome:
    """The first crossing, from the low end, that reaches the target.

    A crossing is seen where two neighbors of a logarithmic grid lie on both sides of the target;
    when none do, the grid is made finer around its nearest point, twice. A crossing that jumps
    over the target is left for the next one. The curve is asked no farther than that.

    Args:
        curve: finite for every value in the span.
        target: of the curve.
        span: lowest and highest value of the parameter, both above 0.

    >>> round(search(lambda x: x * x, 0.25, (0.01, 1)).solution.x, 6)
    0.5
    """
    asked = _Asked(curve, span)
    beside = None
    places = _grid(*span)
    for _ in range(_GRIDS):
        for ends in _crossings(map(asked.at, places), target):
            left, right = _halved(asked.at, target, ends)
            nearest = min(left, right, key=lambda point: abs(point.y - target))
            miss = abs(nearest.y - target)
            if miss <= TOLERANCE:
                tidy = asked.short(nearest.x, target, max(miss, TOLERANCE / 10))
                return Outcome(tidy, *asked.reach(), None)
            beside = beside or (asked.short(left.x, left.y, 0), asked.short(right.x, right.y, 0))
        if beside:
            break
        places = _finer(places, [abs(asked.at(x).y - target) for x in places])
    return Outcome(None, *asked.reach(), beside)


class _Asked:
    """A curve that is asked for each value once."""

    def __init__(self, curve: Curve, span: tuple[float, float]) -> None:
        self._curve, self._span = curve, span
        self._seen: dict[float, Point] = {}

    def at(self, x: float) -> Point:
        if x not in self._seen:
            self._seen[x] = Point(x, self._curve(x))
        return self._seen[x]

    def short(self, value: float, y: float, miss: float) -> Point:
        """The point at a value in few digits whose y is within `miss` of another."""
        low, high = self._span
        return self.at(
            fewest_digits(value, lambda x: low <= x <= high and abs(self.at(x).y - y) <= miss)
        )

    def reach(self) -> tuple[Point, Point]:
        """The lowest and the highest point seen."""
        points = sorted(self._seen.values(), key=lambda point: point.y)
        return points[0], points[-1]


def fewest_digits(value: float, accepted: Callable[[float], bool]) -> float:
    """The value rounded to as few significant digits as are accepted; itself when none is.

    >>> fewest_digits(0.3906249999, lambda x: abs(x - 0.39) < 0.005)
    0.39
    """
    rounded = (float(f"{value:.{digits}g}") for digits in _DIGITS)
    return next((each for each in rounded if accepted(each)), value)


def _grid(low: float, high: float) -> list[float]:
    return [float(x) for x in np.geomspace(low, high, _POINTS)]


def _crossings(points: Iterable[Point], target: float) -> Iterator[tuple[Point, Point]]:
    for left, right in pairwise(points):
        # Closed at both ends: where a staircase rests exactly on the target, both neighbors of the
        # step are crossings, and the first of them is taken. A step that no grid point hits is
        # found by the finer grids.
        if min(left.y, right.y) <= target <= max(left.y, right.y):
            yield left, right


def _finer(places: list[float], misses: list[float]) -> list[float]:
    """The grid with more places about the one that misses least: a turn may hide there."""
    nearest = misses.index(min(misses))
    low, high = places[max(nearest - 1, 0)], places[min(nearest + 1, len(places) - 1)]
    return sorted({*places, *_grid(low, high)})


def _halved(
    at: Callable[[float], Point], target: float, ends: tuple[Point, Point]
) -> tuple[Point, Point]:
    """Halve, on the logarithmic scale, until an end is close or both are one number apart."""
    left, right = ends
    rising = left.y <= right.y
    while right.x / left.x - 1 > _NARROW and min(abs(e.y - target) for e in (left, right)) > _CLOSE:
        middle = at((left.x * right.x) ** 0.5)
        # A middle that is at the target counts as below it: on a staircase the search then goes
        # right on a rising curve, and ends at the far side of the step, always the same one. The
        # loop stops by width too, since a jump over the target never comes close to it.
        if (middle.y <= target) == rising:
            left = middle
        else:
            right = middle
    return left, right
