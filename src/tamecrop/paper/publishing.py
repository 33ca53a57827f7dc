"""A study's folder: cells brought together from elsewhere, and what is written of them."""

from collections.abc import Sequence
from pathlib import Path

from tamecrop.data.files import write_atomic
from tamecrop.paper import cells as cellfile
from tamecrop.paper.cells import PaperCell
from tamecrop.paper.figures import accuracy_against_overlap
from tamecrop.paper.studies import PaperStudy
from tamecrop.reporting.theme import png


def gather(out: Path, sources: Sequence[Path], *, across: bool = False) -> tuple[PaperCell, ...]:
    """The cells of a folder, those of other folders or files merged in.

    Args:
        out: the study's folder.
        sources: folders with a `cells.json`, or such files.
        across: accept cells of other code, settings or data.

    Raises:
        ValueError: naming a source without cells, or the cell that does not fit; nothing of that
            source is then merged.
    """
    for source in sources:
        found = cellfile.read(source)
        if not found:
            raise ValueError(f"`merge` must name folders or files with cells, got none in {source}")
        cellfile.add(out, found, source=str(source), across=across)
    return cellfile.read(out)


def publish(study: PaperStudy, cells: Sequence[PaperCell], out: Path) -> Path:
    """Write what a study says, with the figure of its cells.

    Returns:
        The page, `<study>.md` in the folder.
    """
    keys = {wanted.key for wanted in study.plan(cells)}
    mine = [cell for cell in cells if cell.key in keys]
    lines = study.lines(cells)
    if mine:
        picture = f"{study.name}.png"
        write_atomic(out / picture, png(accuracy_against_overlap(mine), dpi=110))
        lines = [*lines, "", f"![accuracy against overlap, {len(mine)} cells]({picture})"]
    page = out / f"{study.name}.md"
    write_atomic(page, ("\n".join(lines) + "\n").encode())
    return page
