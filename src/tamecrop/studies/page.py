"""The page of a comparison: one self-contained HTML file and its figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tamecrop.data import ImageSet, write_atomic
from tamecrop.geometry.policy import Policy
from tamecrop.reporting import Look, embedded, page, png, sheet_figure
from tamecrop.studies import store, words
from tamecrop.studies.cells import Summary, flat
from tamecrop.studies.charts import accuracy_figure, center_figure, loss_figure

_SHOWN = 5

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
        "The same images under each policy. The red and the blue box mark the two views; to the "
        "right is what the network gets and must call the same. Where a box leaves the image, the "
        "view is filled with black.",
    ),
}


def publish(
    out: Path,
    summary: Summary,
    policies: Sequence[Policy],
    images: ImageSet,
    *,
    size: int | None = None,
) -> None:
    """Write the figures and `report.html` for a summary with at least one finished cell.

    Args:
        out: The study's folder.
        summary: Of the study.
        policies: Of its arms, drawn on the first images.
        images: That were trained on.
        size: Side that views are resized to; None for an exact cut.
    """
    shown = [images.image(position) for position in range(min(_SHOWN, len(images)))]
    height, width = (int(side) for side in images.sizes[0])
    figures = {
        "accuracy": accuracy_figure(summary),
        "losses": loss_figure(summary),
        "centers": center_figure(policies, (height, width)),
        "views": sheet_figure(shown, policies, look=Look(size=size)),
    }
    pictures = {name: png(figure) for name, figure in figures.items()}
    text = report_html(summary, pictures).encode()
    folder = out / "figures"
    with store.writing(out):
        folder.mkdir(exist_ok=True)
        for name, picture in pictures.items():
            write_atomic(folder / f"{name}.png", picture)
        write_atomic(out / "report.html", text)


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
        data=summary.cells[0].data,
        lead=words.lead(summary),
        verdict=words.verdict(summary),
        rows=words.table_rows(summary),
        figures=embedded(HOW_TO_READ, figures),
        facts=words.facts(summary),
        recipe=tuple(flat(summary.cells[0].provenance.recipe)),
    )
