"""Cells side by side, wherever they run: who gets which, what is heard of them, who is lost.

An engine says how a worker is started and heard; cells are handed out here and nowhere else.
"""

import signal
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tamecrop.learning.watching import StopFlag
from tamecrop.studies import store
from tamecrop.studies.arms import Study, Wanted
from tamecrop.studies.cells import Cell, Key
from tamecrop.studies.grid import Queue
from tamecrop.studies.listening import Listener

ATTEMPTS = 3
"""Workers that a cell may lose before the study gives up."""


class CellError(RuntimeError):
    """A cell failed in its worker."""


class Worker(ABC):
    """Does one cell at a time.

    Attributes:
        slot: Its number, below the number of jobs; no other worker has it.
        cell: What it is at; None while it is free.
    """

    slot: int
    cell: Wanted | None = None

    @abstractmethod
    def give(self, wanted: Wanted) -> None:
        """Let it begin a cell, or go on with one that another worker has left."""

    @abstractmethod
    def stop(self, number: int) -> None:
        """Let it save at its next step and tell `saved`; the number of the signal that asks."""

    @abstractmethod
    def dismiss(self) -> None:
        """Let it go, which is free."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once; what it has saved stays."""


_Worker = TypeVar("_Worker", bound=Worker)
Heard = tuple[_Worker, str, Sequence[Any]]
"""A worker, and what it tells: an event of a `Listener` with its arguments, or `ended` with the
cell (None: another process is at it), `saved`, `failed` with a line and a traceback, `lost` with
how it went."""


class Crew(ABC, Generic[_Worker]):
    """The workers of an engine, while it is open.

    Attributes:
        attempts: Workers that a cell may lose.
        elsewhere: Where a cell goes on whose worker is lost, for a message.
    """

    attempts: int
    elsewhere: str

    @abstractmethod
    def start(self, slot: int) -> _Worker:
        """A new worker."""

    @abstractmethod
    def listen(self, workers: Sequence[_Worker]) -> Iterator[Heard[_Worker]]:
        """Wait a moment, then hear one worker after the other.

        What one tells may end the listening, and then the others are still to be heard: nothing is
        read before it is handed on.
        """


@dataclass(frozen=True)
class Engine(ABC):
    """Where cells run; its fields are the settings that its text may state."""

    @abstractmethod
    def check(self) -> None:
        """Find what would stop it, in a bounded time.

        Raises:
            ValueError: naming what does not fit or does not answer.
            ModuleNotFoundError: naming the extra that is not installed.
        """

    @abstractmethod
    def default_jobs(self) -> int:
        """Cells side by side unless stated, after `check`."""

    @abstractmethod
    def open(self, study: Study) -> AbstractContextManager[Crew[Any]]:
        """Get ready for the cells of a study."""


def run(
    engine: Engine, study: Study, queue: Queue, *, jobs: int, listener: Listener, stop: StopFlag
) -> None:
    """Do what a queue hands out in the workers of an engine.

    Args:
        engine: whose workers.
        study: for the workers.
        queue: of its cells.
        jobs: workers at most; as many are started as there are cells to do.
        listener: told of every event.
        stop: looked at between two moments of listening.

    Raises:
        Interrupted: when asked to stop, once every worker has saved.
        CellError: when a cell fails, or loses too many workers.
    """
    with ExitStack() as held:
        crew = held.enter_context(engine.open(study))
        pool = _Pool(study, queue, listener, crew, jobs=jobs, stop=stop)
        held.callback(pool.kill)
        while pool.hand_out():
            pool.listen()
            if stop.raised:
                pool.save(stop.number)
                stop.check()
        pool.dismiss()


class _Pool:
    """The workers of a study."""

    def __init__(
        self,
        study: Study,
        queue: Queue,
        listener: Listener,
        crew: Crew[Any],
        *,
        jobs: int,
        stop: StopFlag,
    ) -> None:
        self._study, self._queue, self._listener, self._crew = study, queue, listener, crew
        self._jobs, self._stop = jobs, stop
        self._workers: list[Worker] = []
        self._losses: Counter[Key] = Counter()
        self._moved: set[Key] = set()
        self._saves = False

    def hand_out(self) -> bool:
        """Give every free worker a cell, starting workers as needed; whether any is at work."""
        while len(self._busy()) < self._jobs:
            wanted = self._queue.take()
            if wanted is None:
                break
            free = next((each for each in self._workers if each.cell is None), None)
            worker = free or self._start()
            worker.cell = wanted
            worker.give(wanted)
        return bool(self._busy())

    def listen(self) -> None:
        """Wait a moment for what workers tell."""
        for worker, event, arguments in self._crew.listen(tuple(self._workers)):
            self._hear(worker, event, arguments)

    def save(self, number: int) -> None:
        """Let every worker stop at its next step and save."""
        self._saves = True
        for worker in self._busy():
            worker.stop(number)
        while self._busy():
            self.listen()

    def dismiss(self) -> None:
        """Let idle workers go."""
        for worker in self._workers:
            worker.dismiss()

    def kill(self) -> None:
        """End every worker at once; what they saved stays."""
        for worker in self._workers:
            worker.kill()

    @property
    def _is_stopping(self) -> bool:
        """Whether workers may end unasked: a terminal tells its processes to stop all at once."""
        return self._saves or self._stop.raised

    def _busy(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.cell is not None]

    def _start(self) -> Worker:
        slot = min(set(range(self._jobs)) - {each.slot for each in self._workers})
        self._workers.append(self._crew.start(slot))
        return self._workers[-1]

    def _hear(self, worker: Worker, event: str, arguments: Sequence[Any]) -> None:
        if event in ("ended", "saved", "failed", "lost"):
            wanted, worker.cell = worker.cell, None
            getattr(self, f"_{event}")(worker, wanted, *arguments)
            return
        if event == "stepped":
            self._moved.add(arguments[0])
        getattr(self._listener, event)(*arguments)

    def _ended(self, _: Worker, wanted: Wanted, cell: Cell | None) -> None:
        self._queue.end(wanted, cell)

    def _saved(self, _: Worker, wanted: Wanted) -> None:
        """Stopped by us, or by whoever lends the machine: then its time counts if it was used."""
        if not self._is_stopping:
            self._again(wanted, "it was told to stop", lost=wanted.key not in self._moved)
            self._moved.discard(wanted.key)

    def _failed(self, _: Worker, __: Wanted, message: str, trace: str) -> None:
        self.save(signal.SIGTERM)
        error = CellError(message)
        error.add_note(trace)
        raise error

    def _lost(self, worker: Worker, wanted: Wanted | None, how: str) -> None:
        """Go on without a worker that died: its cell is handed out again, and continues."""
        worker.kill()
        self._workers.remove(worker)
        if wanted is not None and not self._is_stopping:
            self._again(wanted, how, lost=True)

    def _again(self, wanted: Wanted, how: str, *, lost: bool) -> None:
        done = {cell.key: cell for cell in store.read(self._study.out)}
        if wanted.key in done:
            self._queue.end(wanted, done[wanted.key])
            return
        self._losses[wanted.key] += lost
        if self._losses[wanted.key] >= self._crew.attempts:
            raise CellError(f"{wanted.key} lost {self._crew.attempts} workers: {how}")
        self._listener.warned(f"{wanted.key} goes on {self._crew.elsewhere}: {how}")
        self._queue.again(wanted)
