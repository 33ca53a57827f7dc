"""The study's table for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich import box
from rich.table import Table

from tamecrop.reporting.intervals import percent, points
from tamecrop.studies.records import PolicyRecord, Summary


@dataclass
class Board:
    """What the table shows: who takes part, what is done, what runs.

    Attributes:
        policies: Text forms, in order.
        seeds: Seeds, in order.
        summary: The latest summary, or None before the first cell is done.
        running: (policy, seed) of the cell at work, or None.
        states: Words for the cell at work.
    """

    policies: Sequence[str] = ()
    seeds: Sequence[int] = ()
    summary: Summary | None = None
    running: tuple[str, int] | None = None
    state: str = field(default="training")

    def table(self) -> Table:
        """One row a policy, one column a seed, then mean, spread and paired difference."""
        table = Table(box=box.SIMPLE_HEAD, title="linear accuracy, %", title_justify="left")
        table.add_column("crop law", overflow="fold", min_width=12)
        for seed in self.seeds:
            table.add_column(f"seed {seed}", justify="right")
        for name in ("mean", "±", "difference (95 %)", "kNN"):
            table.add_column(name, justify="right", no_wrap=True)
        for policy in self.policies:
            table.add_row(policy, *self._cells(policy), *self._closing(policy))
        return table

    def _cells(self, policy: str) -> list[str]:
        done = {cell.seed: cell for cell in self.summary.of(policy)} if self.summary else {}
        return [
            percent(done[seed].linear_accuracy) if seed in done else self._waiting(policy, seed)
            for seed in self.seeds
        ]

    def _waiting(self, policy: str, seed: int) -> str:
        return self.state if (policy, seed) == self.running else "·"

    def _closing(self, policy: str) -> list[str]:
        records = self.summary.policies if self.summary else ()
        record = next((each for each in records if each.policy == policy), None)
        if record is None:
            return ["", "", "", ""]
        spread = "" if record.spread is None else percent(record.spread)
        return [percent(record.mean), spread, _difference(record), percent(record.knn_mean)]


def _difference(record: PolicyRecord) -> str:
    gap = record.difference
    if gap is None:
        return "reference"
    if gap.low is None or gap.high is None:
        return points(gap.mean)
    return f"{points(gap.mean)} ({points(gap.low)} to {points(gap.high)})"
