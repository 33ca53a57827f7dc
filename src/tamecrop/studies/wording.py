"""What a study says, in sentences and table rows a newcomer can read."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tamecrop.reporting.intervals import Interval, percent, points
from tamecrop.reporting.theme import color
from tamecrop.studies.records import PolicyRecord, Summary


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
    """The table of a study, one row a policy, the best linear accuracy marked."""
    best = max((record.mean for record in summary.policies), default=0.0)
    return tuple(
        _row(summary, record, color(place), best=record.mean == best)
        for place, record in enumerate(summary.policies)
    )


def _row(summary: Summary, record: PolicyRecord, ink: str, *, best: bool) -> Row:
    gap = record.difference
    seconds = statistics.fmean(cell.seconds for cell in summary.of(record.policy))
    return Row(
        policy=record.policy,
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
        seconds=f"{seconds:.0f}",
    )


def _plus_minus(spread: float | None) -> str:
    return "" if spread is None else f"± {percent(spread)}"


def _bounds(gap: Interval) -> str:
    if gap.low is None or gap.high is None:
        return "(one seed)"
    return f"({points(gap.low)} to {points(gap.high)})"


def _direction(gap: Interval) -> str:
    if gap.low is None or gap.high is None or gap.low <= 0 <= gap.high:
        return "even"
    return "up" if gap.low > 0 else "down"


def lead(summary: Summary) -> str:
    """One sentence on what was trained, and how far the study is."""
    laws, seeds = len(summary.policies), len(summary.seeds)
    cell = summary.cells[0]
    words = (
        f"{_count(laws, 'crop law')}, {_count(seeds, 'seed')} each: pre-trained without labels on "
        f"{cell.train_images:,} images for {_count(cell.epochs, 'epoch')}, then judged by how well "
        f"a linear classifier on the frozen features names {cell.test_images:,} test images. "
        f"Guessing gives {percent(1 / summary.classes)} %."
    )
    if summary.complete:
        return words
    return f"{words} The study is unfinished: {_count(len(summary.cells), 'cell')} so far."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def verdict(summary: Summary) -> tuple[str, ...]:
    """What came out: the best law, and each law against the first, honest about noise."""
    best = max(summary.policies, key=lambda record: record.mean)
    first = summary.policies[0].policy
    opening = f"{best.policy} has the highest mean: {percent(best.mean)} % linear accuracy."
    return (
        opening,
        *(
            _against(record.policy, first, record.difference)
            for record in summary.policies
            if record.difference is not None
        ),
    )


def _against(law: str, first: str, gap: Interval) -> str:
    where = "above" if gap.mean >= 0 else "below"
    size = f"{law} is {abs(100 * gap.mean):.1f} points {where} {first}"
    if gap.low is None:
        return f"{size} on one seed; whether that is chance, only more seeds can tell."
    if _direction(gap) == "even":
        return f"{size}, within what seeds do by chance {_bounds(gap)}: no difference shown."
    return f"{size}, more than seeds explain {_bounds(gap)}."


def facts(summary: Summary) -> tuple[tuple[str, str], ...]:
    """Where and how the numbers were made: pairs of a name and its value."""
    cell = summary.cells[0]
    here = cell.environment
    total = sum(each.seconds for each in summary.cells)
    return (
        ("Data", f"{summary.data}, fingerprint {summary.fingerprint[:12]}"),
        ("Seeds", ", ".join(str(seed) for seed in summary.seeds)),
        ("Probe protocol", cell.probe),
        ("Hardware", f"{here.hardware}, {here.cores} cores, {here.threads} threads"),
        ("Time", f"{total / 60:.1f} minutes for {_count(len(summary.cells), 'cell')}"),
        ("Versions", ", ".join(f"{name} {value}" for name, value in here.versions.items())),
        ("Commit", here.commit or "not run from a checkout"),
    )


def flat(values: Mapping[str, Any], prefix: str = "") -> tuple[tuple[str, str], ...]:
    """Nested settings as dotted names and texts.

    >>> flat({"training": {"epochs": 2}, "images": None})
    (('training.epochs', '2'), ('images', 'None'))
    """
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        inner = flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else None
        pairs.extend(inner or [(f"{prefix}{name}", str(value))])
    return tuple(pairs)
