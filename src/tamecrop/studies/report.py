"""The report of a study: one self-contained page, and the table as CSV."""

import csv
import dataclasses
import io
from collections.abc import Mapping
from typing import Any

from tamecrop.reporting.html import embedded, page
from tamecrop.studies import wording
from tamecrop.studies.records import Summary

HOW_TO_READ = {
    "accuracy": (
        "Accuracy and its certainty",
        "Further right is better. A diamond is the mean over seeds, its bar the spread, the dots "
        "are single seeds. In the third panel a bar that crosses the line means: no difference "
        "shown.",
    ),
    "losses": (
        "Training loss",
        "How well the network tells that two views come from one image. Lower means that the task "
        "was easier, not that the features are better: nearly equal views are easy to match.",
    ),
    "centers": (
        "Where the crops sit",
        "The solid square is the image, darker blue means that more crops have their center "
        "there, the dashed square is the average box. IoU is how much the two views of one image "
        "overlap; content is the share of a view that shows image rather than fill.",
    ),
    "views": (
        "What the network sees",
        "The same images under each law. The red and the blue box mark the two views; to the "
        "right is what the network gets and must call the same. Where a box leaves the image, the "
        "view is filled with black.",
    ),
}


def report_html(summary: Summary, figures: Mapping[str, bytes]) -> str:
    """The page as text; images are embedded, nothing is loaded from elsewhere.

    Args:
        summary: A study with at least one finished cell.
        figures: PNG by name, one for each name of `HOW_TO_READ`.

    Returns:
        HTML.
    """
    return page(
        "report.html",
        summary=summary,
        lead=wording.lead(summary),
        verdict=wording.verdict(summary),
        rows=wording.table_rows(summary),
        figures=embedded(HOW_TO_READ, figures),
        facts=wording.facts(summary),
        recipe=wording.flat(summary.recipe),
    )


def table_csv(summary: Summary) -> str:
    """One line a policy: accuracies and differences as fractions, empty where there is none.

    Args:
        summary: A study.

    Returns:
        CSV with a header.
    """
    lines = [_flat_record(dataclasses.asdict(record)) for record in summary.policies]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()


def _flat_record(record: dict[str, Any]) -> dict[str, Any]:
    """Replace each interval by its bounds, so that every row has the same columns."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if not name.endswith("difference"):
            flat[name] = value
            continue
        for part in ("mean", "low", "high"):
            column = name if part == "mean" else f"{name}_{part}"
            flat[column] = None if value is None else value[part]
    return flat
