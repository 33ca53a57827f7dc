"""What a study says, as table rows and sentences that a newcomer can read."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tamecrop.learning.curves import COLLAPSED, WAITED
from tamecrop.reporting import (
    CONFIDENCE,
    MARGIN,
    Comparison,
    Interval,
    counted,
    is_different,
    is_equal,
    percent,
    points,
)
from tamecrop.studies.cells import ArmRecord, Summary
from tamecrop.studies.equal_time import epoch_ratio

_NOISE = 0.2  # of the time of an epoch


@dataclass(frozen=True)
class Table:
    """A table for people, on a page and as Markdown.

    Attributes:
        title: Above it; empty for none.
        head: Names of the columns.
        rows: Texts, as many as there are columns.
        notes: Sentences below it.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def markdown(self) -> list[str]:
        """Lines with aligned columns, which are Markdown too.

        >>> Table("", ("policy", "n"), (("rc", "3"),)).markdown()
        ['| policy | n |', '|--------|---|', '| rc     | 3 |']
        """
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        lines = [
            "| " + " | ".join(word.ljust(w) for word, w in zip(row, widths, strict=True)) + " |"
            for row in (self.head, *self.rows)
        ]
        rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        title = [f"### {self.title}", ""] if self.title else []
        return [*title, lines[0], rule, *lines[1:], *(["", *self.notes] if self.notes else [])]


@dataclass(frozen=True)
class Row:
    """One line of the table, as text: percentages, spreads, and the paired difference."""

    policy: str
    color: str
    best: bool
    linear: str
    linear_spread: str
    difference: str
    interval: str
    verdict: str
    knn: str
    knn_spread: str
    n: int
    seconds: str


def table_rows(summary: Summary) -> tuple[Row, ...]:
    """The table of a study, one row an arm, the best linear accuracy marked."""
    from tamecrop.reporting.theme import color  # with matplotlib, which a terminal does without

    best = max((record.mean for record in summary.arms), default=0.0)
    return tuple(
        _row(summary, record, color(place), best=record.mean == best)
        for place, record in enumerate(summary.arms)
    )


def _row(summary: Summary, record: ArmRecord, ink: str, *, best: bool) -> Row:
    gap = record.difference
    seconds = statistics.fmean(cell.seconds for cell in summary.of(record))
    ratio = epoch_ratio(summary, record)
    return Row(
        policy=summary.name(record),
        color=ink,
        best=best,
        linear=percent(record.mean),
        linear_spread=_plus_minus(record.spread),
        difference=points(gap.mean) if gap else "",
        interval=_bounds(gap) if gap else "",
        verdict=_direction(gap) if gap else "",
        knn=percent(record.knn_mean),
        knn_spread=_plus_minus(record.knn_spread),
        n=record.n,
        seconds=f"{seconds:.0f}" + ("" if abs(ratio - 1) < _NOISE else f" ({ratio:.1f} x)"),
    )


def _plus_minus(spread: float | None) -> str:
    return "" if spread is None else f"± {percent(spread)}"


def _bounds(gap: Interval) -> str:
    if gap.low is None or gap.high is None:
        return "(one seed)"
    return f"({points(gap.low)} to {points(gap.high)})"


def _direction(gap: Interval) -> str:
    if not is_different(gap):
        return "even"
    return "up" if gap.mean > 0 else "down"


def lead(summary: Summary) -> str:
    """One sentence on what was trained, and how far the study is."""
    cell, epochs = summary.cells[0], {each.epochs for each in summary.cells}
    policies = {record.policy for record in summary.arms}
    words = (
        f"{counted(len(policies), 'crop policy')}, {counted(len(summary.seeds), 'seed')} each: "
        f"pre-trained without labels on {cell.train_images:,} images for {_range(epochs)}, then "
        "judged by how well a linear classifier on the frozen features names "
        f"{cell.test_images:,} test images. Guessing gives {percent(1 / cell.classes)} %."
    )
    if summary.complete:
        return words
    return f"{words} The study is unfinished: {counted(len(summary.cells), 'cell')} so far."


def _range(epochs: set[int]) -> str:
    few, many = min(epochs), max(epochs)
    return counted(many, "epoch") if few == many else f"{few} to {many} epochs"


def verdict(summary: Summary) -> tuple[str, ...]:
    """What came out: the best policy against the second, and each one against the baseline."""
    first = summary.name(summary.arms[0])
    return (
        _opening(summary),
        *(
            _against(summary.name(record), first, record.difference)
            for record in summary.arms
            if record.difference is not None
        ),
        *describe_watch(summary),
    )


def _opening(summary: Summary) -> str:
    """The best mean, and whether it is told from the second."""
    order = sorted(summary.arms, key=lambda record: -record.mean)
    best = order[0]
    words = f"{summary.name(best)} has the highest mean: {percent(best.mean)} % linear accuracy"
    found = summary.comparison
    if len(order) < 2:
        return f"{words}."
    words += f", {100 * (best.mean - order[1].mean):.1f} points above {summary.name(order[1])}"
    if found is None or found.lead is None:
        return f"{words}."
    least, candidates = found.lead.least, len(found.lead.candidates)
    if least is None:
        return f"{words}, on one seed; whether that is chance, only more seeds can tell."
    if least > 0:
        return f"{words}, more than seeds explain: it is the best of these {len(order)}."
    return (
        f"{words}, within what seeds do by chance: "
        f"any of the {candidates} highest may be the best of these {len(order)}."
    )


def describe_watch(summary: Summary) -> tuple[str, ...]:
    """What went wrong unseen: features that collapsed, boxes that constrain nothing, waiting.

    Args:
        summary: A study.
    """
    sentences = []
    for record in summary.arms:
        cells, name = summary.of(record), summary.name(record)
        known = [each for each in cells if each.feature_std is not None]
        alike = [each.seed for each in known if each.feature_std < COLLAPSED]  # type: ignore[operator]
        if alike:
            seeds = ", ".join(map(str, alike))
            sentences.append(f"{name} has collapsed (seed {seeds}): its features are all alike.")
        shares = [each.whole_boxes for each in cells if each.whole_boxes is not None]
        if shares:
            share = f"{percent(statistics.fmean(shares))} % of the boxes"
            sentences.append(f"{name}: {share} that the encoder found last are the whole image.")
    waits = [each.waiting for each in summary.cells if each.waiting is not None]
    if waits and statistics.fmean(waits) > WAITED:
        sentences.append(
            f"Training waited for views {percent(statistics.fmean(waits))} % of the time."
        )
    return tuple(sentences)


def _against(policy: str, first: str, gap: Interval) -> str:
    where = "above" if gap.mean >= 0 else "below"
    size = f"{policy} is {abs(100 * gap.mean):.1f} points {where} {first}"
    if gap.low is None:
        return f"{size} on one seed; whether that is chance, only more seeds can tell."
    margin = f"{100 * MARGIN:g} points"
    if is_equal(gap):
        return f"{size} {_bounds(gap)}: equal within {margin}."
    if is_different(gap):
        return f"{size}, more than seeds explain {_bounds(gap)}."
    return (
        f"{size}, within what seeds do by chance {_bounds(gap)}: neither a difference nor "
        f"equality within {margin} is shown."
    )


def basis_notes(found: Comparison | None) -> tuple[str, ...]:
    """What the intervals of a comparison rest on; empty without a spread."""
    if found is None or found.deviation is None:
        return ()
    return (_corrected(found), _detectable(found), *_pairing(found))


def _corrected(found: Comparison) -> str:
    """For what the intervals are corrected."""
    if found.rivals == 1:
        test, hold = "Student's t", "The interval holds"
    else:
        test, hold = "Dunnett's", f"The intervals hold for all {found.rivals} rivals at once"
    level = (
        f", critical values of {100 * found.level:g} % since the spread decided how many seeds"
        if found.level > CONFIDENCE
        else ""
    )
    return (
        f"{hold} in 95 % of studies ({test}, one deviation of {100 * (found.deviation or 0):.2f} "
        f"points taken for all arms, {found.freedom} degrees of freedom{level})."
    )


def _detectable(found: Comparison) -> str:
    """What difference this many seeds could have shown."""
    return (
        f"With a deviation like that, these seeds show a true difference of "
        f"{100 * (found.detectable or 0):.1f} points in 4 of 5 studies, a smaller one less often."
    )


def _pairing(found: Comparison) -> tuple[str, ...]:
    if found.pairing is None:
        return ()
    if found.pairing <= 0:
        does = "so that pairing them does not help here"
    else:
        does = (
            f"so that pairing them makes intervals {math.sqrt(1 - found.pairing):.2f} times as wide"
        )
    return (
        f"Accuracies of two policies with the same seed have a correlation of {found.pairing:.2f}, "
        f"{does}; with few seeds that is a rough figure.",
    )


def facts(summary: Summary) -> tuple[tuple[str, str], ...]:
    """Where and how the numbers were made: pairs of a name and its value."""
    cell = summary.cells[0]
    total = sum(each.seconds for each in summary.cells)
    machines = {
        f"{here.hardware}, {counted(here.threads, 'thread')} a cell"
        for here in (each.environment for each in summary.cells)
    }
    return (
        ("Data", f"{cell.data}, fingerprint {cell.provenance.fingerprint[:12]}"),
        *((("Read", cell.account),) if cell.account else ()),
        ("Seeds", ", ".join(str(seed) for seed in summary.seeds)),
        ("Probe protocol", str(cell.provenance.recipe["probe"])),
        ("Precision", " and ".join(sorted({each.precision for each in summary.cells}))),
        ("Hardware", "; ".join(sorted(machines))),
        ("Time", f"{total / 60:.1f} minutes of cells, {counted(len(summary.cells), 'cell')}"),
        ("Versions", _joined(cell.environment.versions)),
        ("Commit", _commits(summary.cells)),
    )


def _joined(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in versions.items())


def _commits(cells: Sequence[Any]) -> str:
    known = sorted({cell.environment.commit for cell in cells if cell.environment.commit})
    return ", ".join(known) or "not run from a checkout"
