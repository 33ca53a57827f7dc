"""Cells in processes of this machine, which the engine starts, stops and restarts.

A worker is a fresh process (`spawn`: a fork would take over locks and threads of torch). It gets
one cell at a time through a pipe and tells its events back through it. The pixels of the data lie
in files that all workers map, so that the machine holds them once. A worker never acts on a signal:
the parent hears it, tells each worker through its pipe, and a worker whose pipe is closed, because
its parent is gone, stops and saves as if it had been told to.
"""

import logging
import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

import torch

from tamecrop.learning.watching import CHATTY
from tamecrop.reporting.environment import cores
from tamecrop.studies.arms import Study, Wanted
from tamecrop.studies.engines import pool
from tamecrop.studies.engines.worker import EVERY, GONE, Shipped, bare, ship, work

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Variables of a process that computes on one CPU core."""


@dataclass(frozen=True)
class Local(pool.Engine):
    """Processes of this machine."""

    def check(self) -> None:
        """There is nothing that it needs."""

    def default_jobs(self) -> int:
        """One a device, or one a CPU core."""
        return torch.cuda.device_count() if torch.cuda.is_available() else cores()

    @contextmanager
    def open(self, study: Study) -> Iterator["_Crew"]:
        """Write the data for the workers, which are started as they are needed."""
        with tempfile.TemporaryDirectory(prefix="tamecrop-") as folder:
            yield _Crew(study, Path(folder))


ENGINE = Local


UNGUARDED = (
    " before it began; a script that computes side by side needs its calls below "
    '`if __name__ == "__main__":`'
)
"""Why a process may end at its birth: it imports the script, which starts processes again."""


class _Process(pool.Worker):
    """A process and the pipe to it.

    Args:
        slot: its number, which chooses its device.
        study: without its data.
        shipped: the data.
    """

    def __init__(self, slot: int, study: Study, shipped: Shipped) -> None:
        context = multiprocessing.get_context("spawn")
        levels = {name: logging.getLogger(name).level for name in CHATTY}
        self.slot, self.has_begun = slot, False
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, study, shipped, levels))
        with environment(_variables(slot)):
            self.process.start()
        theirs.close()

    def give(self, wanted: Wanted) -> None:
        """Send it a cell."""
        self._tell(wanted)

    def stop(self, number: int) -> None:
        """Send it the number of a signal."""
        self._tell(number)

    def dismiss(self) -> None:
        """Let it end, and wait for that."""
        self._tell(None)
        self.process.join()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.join()
        self.pipe.close()

    def _tell(self, what: Wanted | int | None) -> None:
        """Send it something. `listen` hears when it is dead."""
        with suppress(*GONE):
            self.pipe.send(what)


class _Crew(pool.Crew[_Process]):
    """The processes of a study.

    Args:
        study: with its data.
        folder: for the pixels.
    """

    elsewhere = "in another process"

    def __init__(self, study: Study, folder: Path) -> None:
        self.attempts = pool.ATTEMPTS
        self._study, self._bare, self._folder = study, bare(study), folder
        self._shipped: Shipped | None = None

    def start(self, slot: int) -> _Process:
        """Start a process; before the first the pixels are written."""
        if self._shipped is None:
            self._shipped = ship(self._study.dataset, self._folder)
        return _Process(slot, self._bare, self._shipped)

    def listen(self, workers: Sequence[_Process]) -> Iterator[pool.Heard[_Process]]:
        """What stands in the pipes; a closed one is a process that died."""
        pipes = {each.pipe: each for each in workers}
        for ready in wait([*pipes], timeout=EVERY):
            worker = pipes[ready]  # type: ignore[index]
            try:
                event, arguments = worker.pipe.recv()
                worker.has_begun = True
            except GONE:
                worker.kill()
                code = worker.process.exitcode
                how = f"its process ended with code {code}"
                how += UNGUARDED if code == 1 and not worker.has_begun else ""
                event, arguments = "lost", (how,)
            yield worker, event, arguments


def _variables(slot: int) -> dict[str, str]:
    """Variables of a worker's process, there before it imports anything."""
    if not torch.cuda.is_available():
        return ONE_THREAD
    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(count)))
    return {"CUDA_VISIBLE_DEVICES": named.split(",")[slot % count]}


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables for the processes that are started inside, as they were after it."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
