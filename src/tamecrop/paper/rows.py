"""The paper's table, ours beside the published one, as plain rows."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tamecrop.paper import published
from tamecrop.paper.cells import PaperCell, by_seed
from tamecrop.paper.plans import TableCell
from tamecrop.paper.protocols import Size, sized
from tamecrop.reporting.intervals import spread

TOLERANCE = 0.01
"""A mean farther than this from the published one, a fraction, is flagged."""


@dataclass(frozen=True)
class Row:
    """One place of the table.

    Attributes:
        law: Name of the law.
        scale: Area fraction.
        alpha: The paper's spread, or None.
        n: Number of seeds.
        mean: Our mean accuracy, a fraction; None while there is none.
        spread: Sample standard deviation over seeds; None below two.
        published: The published accuracy; None where none was published.
        difference: Ours less the published one; None where either is missing.
        outside: Whether the difference is larger than one point.
    """

    law: str
    scale: float
    alpha: float | None
    n: int
    mean: float | None
    spread: float | None
    published: float | None
    difference: float | None
    outside: bool


def rows(cells: Sequence[PaperCell], places: Sequence[TableCell], size: Size) -> tuple[Row, ...]:
    """A row for every place of the table, finished or not."""
    return tuple(_row(place, _accuracies(cells, place, size)) for place in places)


def _accuracies(cells: Sequence[PaperCell], place: TableCell, size: Size) -> list[float]:
    return [*by_seed(cells, str(place.policy), sized("paper", size)).values()]


def _row(place: TableCell, accuracies: Sequence[float]) -> Row:
    theirs = _published(place)
    mean = statistics.fmean(accuracies) if accuracies else None
    gap = None if mean is None or theirs is None else mean - theirs
    return Row(
        law=place.law,
        scale=place.scale,
        alpha=place.alpha,
        n=len(accuracies),
        mean=mean,
        spread=spread(accuracies) if accuracies else None,
        published=theirs,
        difference=gap,
        outside=gap is not None and abs(gap) > TOLERANCE,
    )


def _published(place: TableCell) -> float | None:
    """The published cell of these settings; for mgcc and cmgcc the best one, whatever its alpha."""
    found = published.find(place.law, place.scale, place.alpha)
    if found is None and place.law in ("mgcc", "cmgcc"):
        found = published.best(place.law, place.scale)
    return None if found is None else found.accuracy
