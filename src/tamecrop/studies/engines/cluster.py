"""Cells as jobs of a cluster, one job a cell: what Ray and SLURM share.

The cluster itself is only asked whether a job is over; what a job does is read in its diary. A job
goes on from the checkpoint that the one before it has left.
"""

import json
import os
import shutil
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tamecrop.learning import Progress
from tamecrop.studies import store
from tamecrop.studies.arms import Study, Wanted
from tamecrop.studies.cells import Key
from tamecrop.studies.engines import pool
from tamecrop.studies.engines.jobs import EVERY, Parcel, Task
from tamecrop.studies.engines.worker import bare, ship

FOLDER = ".engine"
"""In a store: what travels to jobs, as long as they run."""

PATIENCE = 120.0
"""Seconds that a cell whose machine was lost may stay locked.

Servers of files free a lock when they have missed its owner for about 90.
"""

LEAVING = 10.0
"""Seconds that a job has to leave after it told its end."""

_ENDS = ("ended", "saved", "failed")


class Cluster(ABC):
    """What runs jobs. A job is whatever `submit` returns."""

    @abstractmethod
    def submit(self, task: Task) -> Any:
        """Let `work` do a task somewhere, with the parcel that the cluster was opened with."""

    @abstractmethod
    def over(self, job: Any) -> tuple[str, Sequence[Any]] | None:
        """None while a job waits or runs; then how it ended, where its diary does not say it.

        Returns:
            `lost` or `failed` with what belongs to it, see `pool.Heard`.
        """

    @abstractmethod
    def cancel(self, job: Any, *, force: bool) -> None:
        """Take back a job that waits; signal one that runs, or end it at once."""


class Seat(pool.Worker):
    """A place for one job after the other.

    Args:
        slot: its number.
        crew: that it belongs to.
    """

    def __init__(self, slot: int, crew: "Crew") -> None:
        self.slot, self._crew = slot, crew
        self.job: Any = None
        self._read = 0
        self._is_done = False

    def give(self, wanted: Wanted) -> None:
        """Submit a job."""
        self._read, self._is_done = 0, False
        self.job, self._diary = self._crew.submit(wanted)

    def stop(self, number: int) -> None:  # noqa: ARG002  clusters have signals of their own
        """Signal the job, or take it back."""
        self._crew.cluster.cancel(self.job, force=False)

    def dismiss(self) -> None:
        """No process waits for another cell."""

    def kill(self) -> None:
        """End the job at once."""
        if self.cell is not None:
            self._crew.cluster.cancel(self.job, force=True)

    def listen(self) -> Iterator[tuple[str, Sequence[Any]]]:
        """What is new in the diary; the end of a job that says nothing itself."""
        assert self.cell is not None, "who has no cell is not listened to"
        over = self._crew.cluster.over(self.job)  # before the diary is read: it is whole then
        lines = [json.loads(line) for line in self._lines()]
        for event, *arguments in lines:
            if event == "ended" and arguments[0]:
                self._is_done = True
            elif event == "ended":
                yield "ended", (None,)
            elif event == "stepped":
                yield event, (self.cell.key, Progress(**arguments[0]))
            elif event in ("cell_started", "evaluating"):
                yield event, (self.cell.key,)
            else:
                yield event, arguments
        if self._is_done:
            # A file server may show the list of cells as it was, for some seconds more.
            found = {each.key: each for each in store.read(self._crew.study.out)}
            if self.cell.key in found:
                yield "ended", (found[self.cell.key],)
        elif over is not None and not any(event in _ENDS for event, *_ in lines):
            yield over

    def _lines(self) -> list[bytes]:
        """Whole lines that were not read before."""
        with self._diary.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        return whole.splitlines()


class Crew(pool.Crew[Seat]):
    """The jobs of a study.

    Args:
        study: with its data.
        cluster: that runs them.
        folder: for what travels.
        attempts: jobs that a cell may lose.
    """

    elsewhere = "in another job"

    def __init__(self, study: Study, cluster: Cluster, folder: Path, attempts: int) -> None:
        self.study, self.cluster, self.folder, self.attempts = study, cluster, folder, attempts
        self._given: dict[Key, Any] = {}
        self._submitted = 0

    def start(self, slot: int) -> Seat:
        """A place for jobs."""
        return Seat(slot, self)

    def submit(self, wanted: Wanted) -> tuple[Any, Path]:
        """A job for a cell and its diary; more patient where one was lost, whose lock may last."""
        before = self._given.get(wanted.key)
        if before in self._running():  # a queue may have taken it back, to begin it again
            self.cluster.cancel(before, force=True)
        diary = self.folder / f"{self._submitted}.jsonl"
        diary.touch(exist_ok=False)
        patience = 0.0 if before is None else PATIENCE
        job = self.cluster.submit(Task(wanted, diary, patience))
        self._given[wanted.key] = job
        self._submitted += 1
        return job, diary

    def listen(self, workers: Sequence[Seat]) -> Iterator[pool.Heard[Seat]]:
        """Look at the diaries."""
        time.sleep(EVERY)
        for seat in workers:
            if seat.cell is not None:
                yield from ((seat, event, words) for event, words in seat.listen())

    def wait(self) -> None:
        """Let jobs that have told their end leave, which takes them a moment."""
        end = time.monotonic() + LEAVING
        while time.monotonic() < end and self._running():
            time.sleep(EVERY / 5)

    def _running(self) -> list[Any]:
        return [job for job in self._given.values() if self.cluster.over(job) is None]


@contextmanager
def opened(
    study: Study, start: Callable[[Parcel, Path], AbstractContextManager[Cluster]], attempts: int
) -> Iterator[Crew]:
    """Jobs of a study, while inside.

    Args:
        study: with its data.
        start: gets the cluster ready, from what every job gets and a folder that all machines see.
        attempts: jobs that a cell may lose.
    """
    study = replace(study, out=study.out.resolve())
    (study.out / FOLDER).mkdir(exist_ok=True)
    folder = Path(mkdtemp(prefix=f"{socket.gethostname()}-{os.getpid()}-", dir=study.out / FOLDER))
    try:
        parcel = Parcel(bare(study), ship(study.dataset, folder), Path.cwd())
        with start(parcel, folder) as cluster:
            crew = Crew(study, cluster, folder, attempts)
            yield crew
            crew.wait()
    finally:
        # Of a command that was killed its jobs may still need what it has left; when no cell is
        # missing there is none.
        missing = replace(study, shard=(1, 1)).missing(store.read(study.out))
        shutil.rmtree(folder if missing else study.out / FOLDER, ignore_errors=True)
