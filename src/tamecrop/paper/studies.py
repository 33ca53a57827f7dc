"""The three studies by name: which cells each wants, and what its cells say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tamecrop.geometry import rules
from tamecrop.paper import ordinary, plans, text, why
from tamecrop.paper.cells import PaperCell
from tamecrop.paper.plans import Alphas, Plan
from tamecrop.paper.protocols import Size
from tamecrop.paper.rows import rows

NAMES = ("table", "why", "ordinary")


@dataclass(frozen=True)
class PaperStudy:
    """A study of this room.

    Attributes:
        name: One of `NAMES`.
        size: Size of its protocols.
        plan: Which cells it wants.
        lines: What finished cells say, as lines of a table.
    """

    name: str
    size: Size
    plan: Plan
    lines: Callable[[Sequence[PaperCell]], list[str]]


def study(
    name: str,
    *,
    size: Size = "full",
    seeds: int = 1,
    scales: Sequence[float] | None = None,
    laws: Sequence[str] = plans.LAWS,
    alphas: Alphas = "best",
) -> PaperStudy:
    """A study by its name.

    Args:
        name: `table`, the paper's; `why`, the controls behind it; `ordinary`, SimCLR's recipe.
        size: `full`, or `small` for a processor.
        seeds: how many; the first is 0.
        scales: area fractions; by default all four of the table, and 0.8 and 0.4 of `why`.
        laws: of the table.
        alphas: of the table.

    Raises:
        ValueError: naming what is unknown or out of range.
    """
    rules.known("study", name, NAMES)
    rules.known("size", size, ("full", "small"))
    numbers = tuple(range(seeds))
    if name == "table":
        places = plans.table_cells(laws, scales or plans.SCALES, alphas)
        plan = plans.table(places, numbers, size)
        return PaperStudy(name, size, plan, lambda c: text.table(rows(c, places, size), size))
    if name == "ordinary":
        plan = ordinary.ordinary(numbers, size)
        return PaperStudy(
            name, size, plan, lambda c: text.standings(ordinary.standings(c, numbers, size))
        )
    chosen = scales or why.SCALES
    for scale in chosen:
        rules.require("scales", f"one of {why.SCALES}", scale, holds=scale in why.SCALES)
    plan = why.why(chosen, numbers, size)
    return PaperStudy(
        name, size, plan, lambda c: [line for s in chosen for line in text.answers(c, s, size)]
    )
