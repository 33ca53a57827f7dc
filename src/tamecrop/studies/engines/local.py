"""Cells side by side on one machine: worker processes that the engine starts, stops and restarts.

A worker is a fresh process (`spawn`: a fork would take over locks and threads of torch). It gets
one cell at a time through a pipe and tells its events back through it. The pixels of the data lie
in files that all workers map, so that the machine holds them once. A worker never acts on a signal:
the parent hears it, tells each worker through its pipe, and a worker whose pipe is closed, because
its parent is gone, stops and saves as if it had been told to.
"""

import logging
import multiprocessing
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import torch

from tamecrop.learning.watching import StopFlag
from tamecrop.reporting.environment import cores
from tamecrop.studies import store
from tamecrop.studies.arms import Study, Wanted, nothing, silent
from tamecrop.studies.cells import Key
from tamecrop.studies.engines.worker import EVERY, GONE, Shipped, ship, work
from tamecrop.studies.grid import Queue
from tamecrop.studies.listening import Listener

ATTEMPTS = 3
"""Workers that a cell may lose before the study gives up."""

_CHATTY = ("lightning_fabric", "pytorch_lightning")


class CellError(RuntimeError):
    """A cell failed in its worker."""


def default_jobs() -> int:
    """Cells that run side by side unless stated: one a device, or one a CPU core."""
    return torch.cuda.device_count() if torch.cuda.is_available() else cores()


def run(study: Study, queue: Queue, *, jobs: int, listener: Listener, stop: StopFlag) -> None:
    """Do what a queue hands out in worker processes.

    Args:
        study: for the workers.
        queue: of its cells.
        jobs: workers at most; as many are started as there are cells to do.
        listener: told of every event.
        stop: looked at five times a second.

    Raises:
        Interrupted: when asked to stop, once every worker has saved.
        CellError: when a cell fails, or loses three workers.
    """
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="tamecrop-")))
        pool = _Pool(study, queue, listener, folder, jobs)
        held.callback(pool.kill)
        while pool.hand_out():
            pool.listen()
            if stop.raised:
                pool.save(stop.number)
                stop.check()
        pool.dismiss()


class _Worker:
    """A process and the pipe to it.

    Args:
        slot: its number, which chooses its device.
        study: without its data.
        shipped: the data.
    """

    def __init__(self, slot: int, study: Study, shipped: "Shipped") -> None:
        context = multiprocessing.get_context("spawn")
        levels = {name: logging.getLogger(name).level for name in _CHATTY}
        self.slot = slot
        self.cell: Wanted | None = None
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, study, shipped, levels))
        with _environment(_variables(slot)):
            self.process.start()
        theirs.close()

    def give(self, wanted: Wanted) -> None:
        """Let it do a cell."""
        self.cell = wanted
        self.tell(wanted)

    def tell(self, what: Wanted | int | None) -> None:
        """Send it a cell, the number of a signal, or None: go. `listen` hears when it is dead."""
        with suppress(*GONE):
            self.pipe.send(what)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


class _Pool:
    """The workers of a study."""

    def __init__(
        self, study: Study, queue: Queue, listener: Listener, folder: Path, jobs: int
    ) -> None:
        # The rule stays here, where it may be anything; the data travels as files.
        self._bare = replace(study, rule=nothing, outlook=silent, dataset=None)  # type: ignore[arg-type]
        self._study, self._queue, self._listener, self._jobs = study, queue, listener, jobs
        self._folder = folder
        self._shipped: Shipped | None = None
        self._workers: list[_Worker] = []
        self._lost: Counter[Key] = Counter()

    def hand_out(self) -> bool:
        """Give every free worker a cell, starting workers as needed; whether any is at work."""
        while len(self._busy()) < self._jobs:
            wanted = self._queue.take()
            if wanted is None:
                break
            free = next((each for each in self._workers if each.cell is None), None)
            (free or self._start()).give(wanted)
        return bool(self._busy())

    def listen(self) -> None:
        """Wait a moment for what workers tell."""
        pipes = {each.pipe: each for each in self._workers}
        for ready in wait([*pipes], timeout=EVERY):
            worker = pipes[ready]  # type: ignore[index]
            try:
                event, arguments = worker.pipe.recv()
            except GONE:
                self._replace(worker)
                continue
            self._hear(worker, event, arguments)

    def save(self, number: int) -> None:
        """Let every worker stop at its next step and save."""
        for worker in self._workers:
            worker.tell(number)
        while self._busy():
            self.listen()

    def dismiss(self) -> None:
        """Let idle workers go."""
        for worker in self._workers:
            worker.tell(None)
        for worker in self._workers:
            worker.process.join()

    def kill(self) -> None:
        """End every worker at once; what they saved stays."""
        for worker in self._workers:
            worker.kill()

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.cell is not None]

    def _start(self) -> _Worker:
        if self._shipped is None:
            self._shipped = ship(self._study.dataset, self._folder)
        slot = min(set(range(self._jobs)) - {each.slot for each in self._workers})
        self._workers.append(_Worker(slot, self._bare, self._shipped))
        return self._workers[-1]

    def _hear(self, worker: _Worker, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "failed":
            message, trace = arguments
            worker.cell = None
            self.save(signal.SIGTERM)
            error = CellError(message)
            error.add_note(trace)
            raise error
        if event == "ended":
            wanted, worker.cell = worker.cell, None
            assert wanted is not None, "a worker tells the end of the cell that it was given"
            self._queue.end(wanted, arguments[0])
        elif event == "saved":
            worker.cell = None
        else:
            getattr(self._listener, event)(*arguments)

    def _replace(self, worker: _Worker) -> None:
        """Go on without a worker that died: its cell is handed out again, and continues."""
        worker.kill()
        self._workers.remove(worker)
        wanted = worker.cell
        if wanted is None:
            return
        done = {cell.key: cell for cell in store.read(self._study.out)}
        if wanted.key in done:
            self._queue.end(wanted, done[wanted.key])
            return
        self._lost[wanted.key] += 1
        how = f"its process ended with code {worker.process.exitcode}"
        if self._lost[wanted.key] == ATTEMPTS:
            raise CellError(f"{wanted.key} lost {ATTEMPTS} workers: {how}")
        self._listener.warned(f"{wanted.key} goes on in another process: {how}")
        self._queue.again(wanted)


def _variables(slot: int) -> dict[str, str]:
    """Variables of a worker's process, there before it imports anything."""
    if not torch.cuda.is_available():
        return {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(count)))
    return {"CUDA_VISIBLE_DEVICES": named.split(",")[slot % count]}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables for the processes that are started inside."""
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
