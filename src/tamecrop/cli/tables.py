"""Tables for a terminal, as wide as it is: of a study while it runs, of runs, of an audit."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tamecrop.reporting.intervals import Interval, interval_words, percent
from tamecrop.studies.cells import FORMAT, ArmRecord, Key, Summary, name_arm

if TYPE_CHECKING:
    from tamecrop.studies.inventory import Entry

_EMPTY = Summary(FORMAT, complete=False, cells=(), arms=())


def break_text(text: str, width: int) -> str:
    r"""A policy over as few lines as a width allows, broken behind signs and never in a word.

    >>> break_text("cgcc:scale=0.8,alpha=2", 15)
    'cgcc:scale=0.8,\nalpha=2'
    """
    lines = [""]
    for piece in _pieces(text):
        if lines[-1] and len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _pieces(text: str) -> list[str]:
    return re.findall(r"[^,:\s]+[,:]?\s*", text)


Layout = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Head and rows of a table; the first column is that of the policies."""


def fit(layouts: Sequence[Layout], width: int) -> tuple[int, Layout]:
    """A table as wide as a terminal, with every line of a cell whole.

    Policies are broken behind signs, into what room the other columns leave.

    Args:
        layouts: of one table, from the fullest to the barest; the first that fits is taken. Where a
            terminal is narrower than the barest with a policy beside it, that one: its lines fold.
        width: columns of the terminal.

    Returns:
        Which layout was taken, and it with its policies broken.
    """
    rooms = [_find_room(layout, width) for layout in layouts]
    fitting = (place for place, (room, least) in enumerate(rooms) if room >= least)
    place = next(fitting, len(layouts) - 1)
    (first, *heads), body = layouts[place]
    room = max(rooms[place])
    broken = [[break_text(name, room), *cells] for name, *cells in body]
    return place, ([break_text(first, room), *heads], broken)


def _find_room(layout: Layout, width: int) -> tuple[int, int]:
    """Columns of a terminal that the policies have, and that their longest piece needs."""
    head, body = layout
    policies, *others = zip(head, *body, strict=True)
    room = width - sum(map(_width, others)) - 3 * len(head) - 1
    return room, _width([break_text(name, 1) for name in policies])


def _width(cells: Iterable[str]) -> int:
    return max(len(line) for text in cells for line in text.split("\n"))


def draw(layout: Layout, title: str | None = None) -> Table:
    """A table of rich: policies on the left, numbers on the right."""
    head, body = layout
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for place, name in enumerate(head):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    for row in body:
        table.add_row(*row)
    return table


@dataclass
class Board:
    """What the table of a study shows: which cells there are, what is done, what runs.

    Attributes:
        wanted: The cells asked for so far, in order.
        summary: The latest summary.
        running: Cells at work, and a word for what they do.
    """

    wanted: Sequence[Key] = ()
    summary: Summary = _EMPTY
    running: dict[Key, str] = field(default_factory=dict)

    def table(self, width: int) -> Table:
        """One row an arm: seeds, mean, spread, paired difference to the baseline, kNN.

        What does not fit into the width gives way in this order: the interval goes below its
        difference, then one column counts the finished seeds.

        Args:
            width: columns of the terminal.
        """
        layouts = [
            self._layout(each_seed=each_seed, stacked=stacked)
            for each_seed, stacked in ((True, False), (True, True), (False, True))
        ]
        return draw(fit(layouts, width)[1], "linear accuracy, %; differences in points")

    def _arms(self) -> list[tuple[str, str]]:
        return list(dict.fromkeys((key.policy, key.protocol) for key in self._keys()))

    def _keys(self) -> list[Key]:
        """Cells asked for at the start, and those that a rule has asked for since."""
        return [*self.wanted, *self.running, *(cell.key for cell in self.summary.cells)]

    def _names(self) -> dict[tuple[str, str], str]:
        arms = self._arms()
        protocols = {protocol for _, protocol in arms}
        return {arm: name_arm(*arm, protocols) for arm in arms}

    def _layout(self, *, each_seed: bool, stacked: bool) -> tuple[list[str], list[list[str]]]:
        seeds = sorted({key.seed for key in self._keys()})
        compared = any(record.difference for record in self.summary.arms)
        middle = [f"seed {seed}" for seed in seeds] if each_seed else ["seeds"]
        head = ["crop policy", *middle, "mean", "±", *(["difference"] if compared else []), "kNN"]
        body = []
        for arm, name in self._names().items():
            cells = self._seeds(arm, seeds)
            shown = cells if each_seed else [f"{sum('.' in c for c in cells)}/{len(seeds)}"]
            closing = self._closing(arm, compared=compared, stacked=stacked)
            body.append([name, *shown, *closing])
        return head, body

    def _seeds(self, arm: tuple[str, str], seeds: Sequence[int]) -> list[str]:
        done = {cell.key: percent(cell.linear_accuracy) for cell in self.summary.cells}
        keys = [Key(*arm, seed) for seed in seeds]
        return [
            done.get(key, self.running.get(key, "·" if key in self.wanted else "")) for key in keys
        ]

    def _closing(self, arm: tuple[str, str], *, compared: bool, stacked: bool) -> list[str]:
        records = (each for each in self.summary.arms if (each.policy, each.protocol) == arm)
        record = next(records, None)
        if record is None:
            return ["", "", *([""] if compared else []), ""]
        spread = "" if record.spread is None else percent(record.spread)
        difference = [self._difference(record, stacked=stacked)] if compared else []
        return [percent(record.mean), spread, *difference, percent(record.knn_mean)]

    def _difference(self, record: ArmRecord, *, stacked: bool) -> str:
        if record.difference is None:
            return "baseline" if record is self.summary.arms[0] else ""
        return _stacked(record.difference) if stacked else interval_words(record.difference)


def _stacked(gap: Interval) -> str:
    return interval_words(gap).replace(" (", "\n(", 1)


_COLORS = {"finished": "green", "resumable": "yellow", "training": "cyan", "damaged": "red"}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def show(entries: Sequence["Entry"], console: Console, *, now: float) -> None:
    """List runs.

    Args:
        entries: The runs.
        console: A table goes to a terminal, plain lines to anything else.
        now: Seconds since 1970, for their age.
    """
    if console.is_terminal:
        console.print(_table(entries, now))
        return
    for entry in entries:
        console.print(_line(entry, now), markup=False, highlight=False, soft_wrap=True)


def age(seconds: float) -> str:
    """A time span in its largest whole unit.

    >>> age(59), age(7300), age(200_000)
    ('59 s', '2 h', '2 d')
    """
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _table(entries: Sequence["Entry"], now: float) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("run", "crop policy", "data"):
        table.add_column(name, overflow="fold")
    for name in ("seed", "step", "linear, %", "age"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for entry in entries:
        state = f"[{_COLORS[entry.state]}]{entry.state}[/]"
        why = f"\n{escape(entry.why)}" if entry.why else ""
        cells = [escape(cell) for cell in _cells(entry, now)]
        table.add_row(escape(str(entry.folder)) + why, *cells, state)
    return table


def _line(entry: "Entry", now: float) -> str:
    policy, data, seed, step, accuracy, old = _cells(entry, now)
    parts = (policy, data, f"seed {seed}", f"step {step}", f"linear {accuracy} %", f"{old} old")
    known = [part for part in parts if "-" not in part.split()]
    why = [entry.why] if entry.why else []
    return "; ".join([f"{entry.state:<9} {entry.folder}: {', '.join(known)}", *why])


def _cells(entry: "Entry", now: float) -> list[str]:
    accuracy = None if entry.accuracy is None else percent(entry.accuracy)
    values = (entry.policy, entry.data, entry.seed, entry.step, accuracy)
    return [*("-" if value is None else str(value) for value in values), age(now - entry.changed)]
