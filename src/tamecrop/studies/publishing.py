"""Write what a study has so far: summary and table after each cell, figures and page at its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tamecrop.data.files import write_atomic
from tamecrop.data.images import Dataset
from tamecrop.geometry.policy import Policy
from tamecrop.reporting.jsonfiles import write_json
from tamecrop.reporting.theme import png
from tamecrop.reporting.view_grid import Look, sheet_figure
from tamecrop.studies.config import Recipe
from tamecrop.studies.figures import accuracy_figure, center_figure, loss_figure
from tamecrop.studies.records import FORMAT, Summary, policy_records
from tamecrop.studies.report import report_html, table_csv
from tamecrop.studies.study import Place, place, writing

_SHOWN = 5


@dataclass(frozen=True)
class Study:
    """Everything that a comparison is made of, already checked.

    Attributes:
        dataset: The data, cut to the recipe's number of images.
        policies: The laws; the first is the reference.
        recipe: How a cell is trained and judged.
        seeds: The seeds, the same for every law.
        out: The study's folder.
        config: The text of `config.yaml`, which repeats the command; None where there is none.
    """

    dataset: Dataset
    policies: tuple[Policy, ...]
    recipe: Recipe
    seeds: tuple[int, ...]
    out: Path
    config: str | None = None

    @property
    def laws(self) -> list[str]:
        """Text forms of the policies."""
        return [str(policy) for policy in self.policies]

    def places(self) -> list[Place]:
        """All cells, seed by seed, so that every finished seed compares all laws."""
        return [place(self.out, policy, seed) for seed in self.seeds for policy in self.policies]


def gather(study: Study) -> Summary:
    """Summarize the cells that are finished on disk, whoever finished them."""
    found = [each.finished() for each in study.places()]
    cells = tuple(cell for cell in found if cell is not None)
    return Summary(
        format=FORMAT,
        data=study.dataset.name,
        fingerprint=study.dataset.fingerprint(),
        classes=len(study.dataset.classes or ()),
        recipe=study.recipe.decisive(),
        seeds=study.seeds,
        complete=len(cells) == len(found),
        cells=cells,
        policies=policy_records(cells, study.laws),
    )


def publish_numbers(study: Study) -> Summary:
    """Write `summary.json` and `table.csv` for what is finished; one process at a time.

    Returns:
        The summary written; nothing is written while no cell is finished.
    """
    with writing(study.out):
        summary = gather(study)
        if summary.cells:
            write_json(study.out / "summary.json", summary)
            write_atomic(study.out / "table.csv", table_csv(summary).encode())
    return summary


def publish_report(study: Study, summary: Summary) -> None:
    """Write the figures and `report.html` for a summary with at least one finished cell."""
    pictures = _pictures(study, summary)
    folder = study.out / "figures"
    page = report_html(summary, pictures).encode()
    with writing(study.out):
        folder.mkdir(exist_ok=True)
        for name, picture in pictures.items():
            write_atomic(folder / f"{name}.png", picture)
        write_atomic(study.out / "report.html", page)


def _pictures(study: Study, summary: Summary) -> dict[str, bytes]:
    train = study.dataset.train
    shown: Sequence[int] = range(min(_SHOWN, len(train)))
    images = [train.image(position) for position in shown]
    height, width = (int(side) for side in train.sizes[0])
    figures = {
        "accuracy": accuracy_figure(summary),
        "losses": loss_figure(summary),
        "centers": center_figure(study.policies, (height, width)),
        "views": sheet_figure(images, study.policies, look=Look(size=study.recipe.training.size)),
    }
    return {name: png(figure) for name, figure in figures.items()}
