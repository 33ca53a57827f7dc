"""Listeners that show a study: a live table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from tamecrop.cli.tables import Board, break_text
from tamecrop.learning.watching import Progress
from tamecrop.reporting.intervals import counted, percent
from tamecrop.studies import Cell, Key, Listener, Summary

_PLAIN_EVERY = 10.0


class LiveDisplay(Listener):
    """A table that fills up, and for each running cell a bar with loss, speed and time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._board = Board()
        self._progress: dict[Key, Progress] = {}
        self.live = Live(console=console, refresh_per_second=4)

    def study_started(self, wanted: Sequence[Key], summary: Summary) -> None:
        """Lay out the table."""
        self._board = Board(wanted, summary)
        self._refresh()

    def cell_started(self, key: Key) -> None:
        """Put up a bar for the cell."""
        self._board.running[key] = "train"
        self._refresh()

    def stepped(self, key: Key, progress: Progress) -> None:
        """Move the bar."""
        self._progress[key] = progress
        self._refresh()

    def evaluating(self, key: Key) -> None:
        """Say that the cell is being judged."""
        self._board.running[key] = "probe"
        self._refresh()

    def cell_stopped(self, key: Key) -> None:
        """Take the bar away."""
        self._board.running.pop(key, None)
        self._progress.pop(key, None)
        self._refresh()

    def cell_finished(self, cell: Cell, summary: Summary) -> None:
        """Fill in the table."""
        self._board.summary = summary
        self.cell_stopped(cell.key)

    def study_ended(self, summary: Summary) -> None:
        """Show the table as it is at the end."""
        self._board.summary = summary
        self._refresh()

    def planned(self, line: str) -> None:
        """Say it above the table."""
        self.warned(line)

    def warned(self, line: str) -> None:
        """Say it above the table."""
        self.live.console.print(line, markup=False, highlight=False)

    def _refresh(self) -> None:
        bars = [
            part for key, progress in self._progress.items() for part in self._bar(key, progress)
        ]
        self.live.update(Group(self._board.table(self._console.width), *bars))

    def _bar(self, key: Key, progress: Progress) -> tuple[RenderableType, RenderableType]:
        words = f"{key.policy} seed {key.seed}: {position(progress)}"
        if self._board.running.get(key) == "probe":
            words = f"{key.policy} seed {key.seed}: probing"
        width = self._console.width
        bar = ProgressBar(total=progress.steps, completed=progress.step, width=min(width, 60))
        return Text(words if len(words) <= width else break_text(words, width)), bar


class PlainDisplay(Listener):
    """A line when a cell starts and ends, and one every ten seconds between; then the table."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._board = Board()
        self._spoke: dict[Key, float] = {}

    def study_started(self, wanted: Sequence[Key], summary: Summary) -> None:
        """Say what will be done."""
        self._board = Board(wanted, summary)
        arms = {(key.policy, key.protocol) for key in wanted}
        seeds = {key.seed for key in wanted}
        done = f", {counted(len(summary.cells), 'cell')} finished" if summary.cells else ""
        policies, times = counted(len(arms), "crop policy"), counted(len(seeds), "seed")
        self._say(f"{policies} x {times}{done}")

    def cell_started(self, key: Key) -> None:
        """Name the cell."""
        self._spoke[key] = time.monotonic()
        self._say(f"{self._name(key)}: training")

    def stepped(self, key: Key, progress: Progress) -> None:
        """Give loss and speed now and then."""
        now = time.monotonic()
        if now - self._spoke.get(key, 0.0) < _PLAIN_EVERY:
            return
        self._spoke[key] = now
        self._say(f"{self._name(key)}: {position(progress)}")

    def evaluating(self, key: Key) -> None:
        """Say that the cell is being judged."""
        self._say(f"{self._name(key)}: probing")

    def cell_finished(self, cell: Cell, summary: Summary) -> None:
        """Give the cell's numbers."""
        compiled = f" and {cell.compile_seconds:.0f} s of compiling" * (cell.compile_seconds > 0)
        self._say(
            f"{self._name(cell.key)}: linear {percent(cell.linear_accuracy)} %, "
            f"kNN {percent(cell.knn_accuracy)} %, {cell.seconds:.0f} s{compiled}"
        )
        self._board.summary = summary

    def study_ended(self, summary: Summary) -> None:
        """Print the table."""
        self._board.summary = summary
        if summary.cells:
            self._console.print(self._board.table(self._console.width))

    def planned(self, line: str) -> None:
        """Say it."""
        self._say(line)

    def warned(self, line: str) -> None:
        """Say it."""
        self._say(line)

    def _name(self, key: Key) -> str:
        several = len({each.protocol for each in self._board.wanted}) > 1
        return str(key) if several else f"{key.policy} seed {key.seed}"

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def position(progress: Progress) -> str:
    """How far a cell is, in words."""
    return (
        f"step {progress.step}/{progress.steps}, loss {progress.loss:.3f}, "
        f"{progress.images_per_second:,.0f} images/s, {progress.seconds_left:.0f} s left"
        + f", {100 * progress.waiting:.0f} % waiting for views"
        * (progress.waiting >= 0.005)
    )


@contextmanager
def display(console: Console) -> Iterator[Listener]:
    """The listener that suits the console: live on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield PlainDisplay(console)
        return
    live = LiveDisplay(console)
    with live.live:
        yield live
