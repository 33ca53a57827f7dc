"""Listeners that show a study: a live table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from tamecrop.cli.tables import Board
from tamecrop.learning.watching import Progress as Position
from tamecrop.reporting.intervals import percent
from tamecrop.studies import listening

_PLAIN_EVERY = 10.0


class LiveDisplay:
    """A table that fills up, and a bar with loss, images a second and time left."""

    def __init__(self, console: Console) -> None:
        self._board = Board()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} steps  {task.fields[words]}"),
            TimeRemainingColumn(compact=True),
            console=console,
        )
        self._task: TaskID | None = None
        self.live = Live(console=console, refresh_per_second=4)

    def study_started(self, policies: Sequence[str], seeds: Sequence[int]) -> None:
        """Lay out the table."""
        self._board = Board(policies, seeds)
        self._refresh()

    def cell_started(self, policy: str, seed: int) -> None:
        """Put up a bar for the cell."""
        self._clear()
        self._board.running, self._board.state = (policy, seed), "training"
        self._task = self._bar.add_task(f"{policy}  seed {seed}", total=None, words="")
        self._refresh()

    def stepped(self, progress: Position) -> None:
        """Move the bar."""
        if self._task is not None:
            words = f"loss {progress.loss:.3f}  {progress.images_per_second:,.0f} images/s"
            self._bar.update(self._task, completed=progress.step, total=progress.steps, words=words)

    def evaluating(self) -> None:
        """Say that the cell is being judged."""
        self._board.state = "probing"
        self._refresh()

    def cell_finished(self, finished: listening.Finished) -> None:
        """Fill in the table."""
        self._clear()
        self._board.summary, self._board.running = finished.summary, None
        self._refresh()

    def warned(self, line: str) -> None:
        """Say it above the table."""
        self.live.console.print(line, markup=False, highlight=False)

    def _clear(self) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = None

    def _refresh(self) -> None:
        self.live.update(Group(self._board.table(), self._bar))


class PlainDisplay:
    """A line when a cell starts and ends, and one every ten seconds between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._board = Board()
        self._cell = ""
        self._spoke = 0.0

    def study_started(self, policies: Sequence[str], seeds: Sequence[int]) -> None:
        """Say what will be done."""
        self._board = Board(policies, seeds)
        self._say(f"{len(policies)} crop laws x {len(seeds)} seeds")

    def cell_started(self, policy: str, seed: int) -> None:
        """Name the cell."""
        self._cell = f"{policy} seed {seed}"
        self._spoke = time.monotonic()
        self._say(f"{self._cell}: training")

    def stepped(self, progress: Position) -> None:
        """Give loss and speed now and then."""
        now = time.monotonic()
        if now - self._spoke < _PLAIN_EVERY:
            return
        self._spoke = now
        self._say(
            f"{self._cell}: step {progress.step}/{progress.steps}, loss {progress.loss:.3f}, "
            f"{progress.images_per_second:,.0f} images/s, {progress.seconds_left:.0f} s left"
        )

    def evaluating(self) -> None:
        """Say that the cell is being judged."""
        self._say(f"{self._cell}: probing")

    def cell_finished(self, finished: listening.Finished) -> None:
        """Give the cell's numbers; the table when it was the last."""
        cell, summary = finished.cell, finished.summary
        self._say(
            f"{cell.policy} seed {cell.seed}: linear {percent(cell.linear_accuracy)} %, "
            f"kNN {percent(cell.knn_accuracy)} %, {cell.seconds:.0f} s"
        )
        self._board.summary = summary
        if summary.complete:
            self._console.print(self._board.table())

    def warned(self, line: str) -> None:
        """Say it."""
        self._say(line)

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def display(console: Console) -> Iterator[listening.Listener]:
    """The listener that suits the console: live on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield PlainDisplay(console)
        return
    live = LiveDisplay(console)
    with live.live:
        yield live
