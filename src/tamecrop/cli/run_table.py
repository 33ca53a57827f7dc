"""Run folders for a person: a table on a terminal, a line each elsewhere."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tamecrop.reporting.intervals import percent
from tamecrop.studies.inventory import Entry

_COLORS = {"finished": "green", "resumable": "yellow", "training": "cyan", "damaged": "red"}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def show(entries: Sequence[Entry], console: Console, *, now: float) -> None:
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


def _table(entries: Sequence[Entry], now: float) -> Table:
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


def _line(entry: Entry, now: float) -> str:
    policy, data, seed, step, accuracy, old = _cells(entry, now)
    parts = (policy, data, f"seed {seed}", f"step {step}", f"linear {accuracy} %", f"{old} old")
    known = [part for part in parts if "-" not in part.split()]
    why = [entry.why] if entry.why else []
    return "; ".join([f"{entry.state:<9} {entry.folder}: {', '.join(known)}", *why])


def _cells(entry: Entry, now: float) -> list[str]:
    accuracy = None if entry.accuracy is None else percent(entry.accuracy)
    values = (entry.policy, entry.data, entry.seed, entry.step, accuracy)
    return [*("-" if value is None else str(value) for value in values), age(now - entry.changed)]
