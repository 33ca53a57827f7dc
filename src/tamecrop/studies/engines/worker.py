"""What a worker process of the local engine does: one cell after the other, told through a pipe."""

import logging
import signal
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from tamecrop.learning.stopping import Interrupted, StopFlag
from tamecrop.studies.arms import Study, Wanted
from tamecrop.studies.cells import Key
from tamecrop.studies.engines.shipping import Shipped, receive
from tamecrop.studies.run import Listener, finish, one_thread

EVERY = 0.2
"""Seconds between two reports of a cell's progress, and between two looks at the stop flag."""


class _ParentsFlag(StopFlag):
    """The stop flag of a worker: up when its parent says so, or is gone."""

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self._pipe, self._raised = pipe, False
        self.number = signal.SIGTERM

    @property
    def raised(self) -> bool:
        if not self._raised and self._pipe.poll():
            try:
                self.number = self._pipe.recv()
            except EOFError:
                self.number = signal.SIGTERM
            self._raised = True
        return self._raised

    @raised.setter
    def raised(self, value: bool) -> None:
        self._raised = value


class _PipeListener(Listener):
    """Sends the events of a cell through a pipe, progress not more often than a person reads."""

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self._pipe, self._spoke = pipe, 0.0

    def cell_started(self, key: Key) -> None:
        self._send("cell_started", key)

    def stepped(self, key: Key, progress: Any) -> None:
        if time.monotonic() - self._spoke >= EVERY:
            self._spoke = time.monotonic()
            self._send("stepped", key, progress)

    def evaluating(self, key: Key) -> None:
        self._send("evaluating", key)

    def warned(self, line: str) -> None:
        self._send("warned", line)

    def _send(self, event: str, *arguments: Any) -> None:
        _send(self._pipe, event, arguments)


def work(
    pipe: "Connection[Any, Any]", study: Study, shipped: Shipped, levels: Mapping[str, int]
) -> None:
    """The life of a worker, which logs no more than its parent."""
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    study = replace(study, dataset=receive(shipped))
    with one_thread():
        while isinstance(wanted := _next(pipe), Wanted):
            _send(pipe, *_done(wanted, study, pipe))


def _next(pipe: "Connection[Any, Any]") -> Wanted | int | None:
    try:
        asked: Wanted | int | None = pipe.recv()
    except EOFError:
        return None
    return asked


def _done(wanted: Wanted, study: Study, pipe: "Connection[Any, Any]") -> tuple[str, Sequence[Any]]:
    """Do a cell, and say how it ended."""
    try:
        return "ended", (finish(wanted, study, _PipeListener(pipe), _ParentsFlag(pipe)),)
    except Interrupted:
        return "saved", ()
    except Exception as error:  # noqa: BLE001  the edge of a process: its parent raises it
        return "failed", (f"{wanted.key}: {_words(error)}", traceback.format_exc())


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError | OSError) else repr(error)


def _send(pipe: "Connection[Any, Any]", event: str, arguments: Sequence[Any]) -> None:
    """Tell the parent; when it is gone, the stop flag is up too, and the cell saves first."""
    with suppress(BrokenPipeError):
        pipe.send((event, tuple(arguments)))
