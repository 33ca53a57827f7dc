"""The three studies by name: which cells each wants, what they say, and its pages."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tamecrop.files import write_atomic
from tamecrop.geometry import rules
from tamecrop.geometry.policy import policy
from tamecrop.paper import controls, ordinary, table
from tamecrop.paper.protocols import PRESETS, Preset
from tamecrop.paper.table import Alphas
from tamecrop.reporting import color, flat, new_figure, page, png, use_theme
from tamecrop.studies import Cell, Rule, Summary, Table, words

NAMES = ("table", "gain", "controls", "simclr")

FAMILIES = (
    "uniform inside",
    "uniform, padded",
    "Gaussian, pad",
    "Gaussian, recenter",
    "Gaussian, kept inside",
)
_MARKS = {
    "paper": "o",
    "paper-resize": "s",
    "paper-color": "^",
    "paper-jitter": "v",
    "paper-unblurred": "<",
    "paper-head": "D",
    "simclr": "P",
}

_QUESTIONS = {
    "table": "What does the paper's table look like from here?",
    "gain": "Does the paper's gain come back, and who else has it?",
    "controls": "Why are the paper's numbers what they are?",
    "simclr": "What does a Gaussian center do under SimCLR's recipe?",
}


@dataclass(frozen=True)
class PaperStudy:
    """A study of this room.

    Attributes:
        name: One of `NAMES`.
        rule: Which cells it wants.
        tables: What finished cells say.
    """

    name: str
    rule: Rule
    tables: Callable[[Sequence[Cell]], Sequence[Table]]

    def lines(self, cells: Sequence[Cell]) -> list[str]:
        """The tables as Markdown."""
        return [line for each in self.tables(cells) for line in (*each.markdown(), "")][:-1]


def paper_study(
    name: str,
    *,
    preset: Preset = "full",
    seeds: int = 1,
    scales: Sequence[float] | None = None,
    policies: Sequence[str] = table.POLICIES,
    alphas: Alphas = "best",
) -> PaperStudy:
    """A study by its name.

    Args:
        name: `table`, the paper's; `gain`, its policies and the padded uniform one against `rc`;
            `controls`, what explains that; `simclr`, SimCLR's recipe.
        preset: `full`, or `medium` or `small` for a CPU.
        seeds: how many; the first is 0.
        scales: area fractions; by default four of `table`, 0.8 and 0.4 of `gain` and `controls`.
        policies: of the table.
        alphas: of the table.

    Raises:
        ValueError: naming what is unknown or out of range.
    """
    rules.known("study", name, NAMES)
    rules.known("preset", preset, PRESETS)
    numbers = tuple(range(seeds))
    if name == "table":
        places = table.places(policies, scales or table.SCALES, alphas)
        rule = table.rule(places, numbers, preset)
        return PaperStudy(name, rule, lambda cells: [table.table(cells, places, preset)])
    if name == "simclr":
        rule = ordinary.rule(numbers, preset)
        return PaperStudy(name, rule, lambda cells: [ordinary.table(cells, numbers, preset)])
    chosen = scales or controls.SCALES
    for scale in chosen:
        holds = scale in controls.SCALES
        rules.require("scales", f"one of {controls.SCALES}", scale, holds=holds)
    asked = [
        question
        for scale in chosen
        for question in controls.questions(scale)[: 1 if name == "gain" else None]
    ]
    rule = controls.rule(asked, numbers, preset)
    return PaperStudy(
        name, rule, lambda cells: [controls.table(each, cells, preset) for each in asked]
    )


def publish(study: PaperStudy, summary: Summary, cells: Sequence[Cell], out: Path) -> Path:
    """Write what a study says: `<study>.html`, `<study>.md` and the figure of its cells.

    Args:
        study: the study.
        summary: of its cells.
        cells: of the store, among which a choice may have been made.
        out: the store's folder.

    Returns:
        The page.
    """
    lines = study.lines(cells)
    found = out / f"{study.name}.html"
    if summary.cells:
        picture = png(accuracy_against_overlap(summary.cells), dpi=110)
        write_atomic(out / f"{study.name}.png", picture)
        title = f"accuracy against overlap, {len(summary.cells)} cells"
        lines = [*lines, "", f"![{title}]({study.name}.png)"]
        write_atomic(found, paper_html(study, summary, cells, picture).encode())
    write_atomic(out / f"{study.name}.md", ("\n".join(lines) + "\n").encode())
    return found if summary.cells else found.with_suffix(".md")


def paper_html(study: PaperStudy, summary: Summary, cells: Sequence[Cell], picture: bytes) -> str:
    """The page of a study with at least one finished cell."""
    done = "" if summary.complete else " The study is unfinished."
    recipes = {cell.protocol: cell.provenance.recipe for cell in summary.cells}
    return page(
        "paper.html",
        question=_QUESTIONS[study.name],
        lead=f"{len(summary.cells)} cells on {summary.cells[0].data}, "
        f"{len(summary.arms)} crop policies and protocols.{done}",
        tables=study.tables(cells),
        figure=base64.b64encode(picture).decode(),
        facts=words.facts(summary),
        recipes={name: tuple(flat(recipe)) for name, recipe in recipes.items()},
    )


def accuracy_against_overlap(cells: Sequence[Cell]) -> Figure:
    """Accuracy of every cell against the mean content IoU and the mean content area of its policy.

    Args:
        cells: of one preset, at least one.
    """
    with use_theme():
        figure = new_figure(10.5, 4.6)
        left, right = figure.subplots(1, 2, sharey=True)
        for axes, axis, title in (
            (left, 0, "mean content IoU of the two views"),
            (right, 1, "mean content area, share of the image"),
        ):
            _scatter(axes, cells, axis)
            axes.set_xlabel(title)
        left.set_ylabel("linear accuracy")
        left.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        _legend(figure, right, cells)
    return figure


def family(text: str) -> str:
    """What a policy is to the question of the paper: uniform or Gaussian, inside or leaving.

    >>> family("gcc:scale=0.8,alpha=2,border=recenter")
    'Gaussian, recenter'
    """
    parsed = policy(text)
    if parsed.center.kind != "gaussian":
        return "uniform, padded" if parsed.center.kind == "padded" else "uniform inside"
    return "Gaussian, kept inside" if parsed.border.inside else f"Gaussian, {parsed.border.kind}"


def _scatter(axes: Axes, cells: Sequence[Cell], axis: int) -> None:
    for cell in cells:
        axes.scatter(
            controls.geometry(policy(cell.policy))[axis],
            cell.linear_accuracy,
            color=color(FAMILIES.index(family(cell.policy))),
            marker=_MARKS[_base(cell)],
            s=34,
            alpha=0.75,
            linewidths=0,
        )


def _base(cell: Cell) -> str:
    return cell.protocol.partition("@")[0]


def _legend(figure: Figure, axes: Axes, cells: Sequence[Cell]) -> None:
    families = [name for name in FAMILIES if any(family(cell.policy) == name for cell in cells)]
    protocols = [name for name in _MARKS if any(_base(cell) == name for cell in cells)]
    handles = [
        axes.scatter([], [], color=color(FAMILIES.index(name)), label=name) for name in families
    ]
    handles += [
        axes.scatter([], [], color="#69707f", marker=_MARKS[name], label=name) for name in protocols
    ]
    figure.legend(handles=handles, loc="outside right upper")
