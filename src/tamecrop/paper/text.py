"""What the paper's studies say, as aligned lines that are Markdown tables too."""

from collections.abc import Sequence

from tamecrop.paper import why
from tamecrop.paper.cells import PaperCell
from tamecrop.paper.ordinary import Standing
from tamecrop.paper.protocols import Size
from tamecrop.paper.rows import TOLERANCE, Row
from tamecrop.reporting.intervals import Interval, points

_MISSING = "missing"


def table(rows: Sequence[Row], size: Size) -> list[str]:
    """The paper's table, ours beside the published one; `!` marks more than one point apart."""
    head = ("area", "law", "alpha", "ours, %", "±", "n", "published, %", "difference")
    body = [
        (
            f"{100 * row.scale:.0f} %",
            row.law,
            "" if row.alpha is None else f"{row.alpha:g}",
            _or_missing(row.mean),
            "" if row.spread is None else _percent(row.spread),
            str(row.n),
            _or_missing(row.published),
            "" if row.difference is None else points(row.difference) + " !" * row.outside,
        )
        for row in rows
    ]
    return [*aligned(head, body), "", *_notes(rows, size)]


def _notes(rows: Sequence[Row], size: Size) -> list[str]:
    compared = [row for row in rows if row.difference is not None]
    outside = sum(row.outside for row in compared)
    notes = [f"!: outside {100 * TOLERANCE:.1f} point, {outside} of {len(compared)} places."]
    if any(row.law in ("mgcc", "cmgcc") for row in rows):
        notes.append(
            "mgcc and cmgcc: the published value is the best over alphas, which were not kept."
        )
    if size == "small":
        notes.append(
            "These are cells of the small size (a narrow network, few images and epochs): compare "
            "their order with the paper's, not their accuracy."
        )
    return notes


def answers(cells: Sequence[PaperCell], scale: float, size: Size) -> list[str]:
    """The questions at one scale, with an answer line for each arm."""
    lines = [f"## Area {100 * scale:.0f} %", ""]
    found = why.answers(cells, scale, size)
    for question in dict.fromkeys(answer.question for answer in found):
        arms = [answer for answer in found if answer.question == question]
        lines += [f"### {question}", "", *_arms(arms), ""]
    return lines


def _arms(arms: Sequence[why.Answer]) -> list[str]:
    head = ("arm", "content IoU", "content area", "linear, %", "difference (95 %)", "n")
    first = arms[0]
    reference = (
        f"{first.reference} (reference)",
        f"{first.reference_iou:.3f}",
        f"{first.reference_area:.3f}",
        _or_missing(first.reference_mean),
        "",
        "",
    )
    body = [
        (
            arm.arm,
            f"{arm.iou:.3f}",
            f"{arm.area:.3f}",
            _or_missing(arm.mean),
            gap(arm.difference),
            str(arm.difference.n) if arm.difference else "0",
        )
        for arm in arms
    ]
    return aligned(head, [reference, *body])


def standings(found: Sequence[Standing]) -> list[str]:
    """The ordinary recipe: every law against RandomResizedCrop."""
    head = ("law", "chosen", "linear, %", "difference (95 %)", "n")
    body = [
        (
            each.name,
            each.policy or "not chosen yet",
            _or_missing(each.mean),
            gap(each.difference),
            str(each.n),
        )
        for each in found
    ]
    return aligned(head, body)


def gap(difference: Interval | None) -> str:
    """A paired difference in points, with its interval where there is one."""
    if difference is None:
        return ""
    if difference.low is None or difference.high is None:
        return f"{points(difference.mean)} (one seed)"
    bounds = f"{points(difference.low)} to {points(difference.high)}"
    return f"{points(difference.mean)} ({bounds})"


def aligned(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines of equal columns, in Markdown.

    >>> aligned(("law", "n"), [("rc", "3")])
    ['| law | n |', '|-----|---|', '| rc  | 3 |']
    """
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = [
        "| " + " | ".join(word.ljust(w) for word, w in zip(row, widths, strict=True)) + " |"
        for row in (head, *body)
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return [lines[0], rule, *lines[1:]]


def _or_missing(accuracy: float | None) -> str:
    return _MISSING if accuracy is None else _percent(accuracy)


def _percent(fraction: float) -> str:
    """With two decimals, as the paper prints its own."""
    return f"{100 * fraction:.2f}"
