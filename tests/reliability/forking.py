"""Run a function in a process of its own within milliseconds: torch is imported once, then forked.

A server process imports `reliability.children`, computes nothing, and forks a child for each case.
Every child leads a session of its own, so that whatever it leaves behind can be found and ended.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_PRELOADED = [
    f"reliability.{name}" for name in ("children", "checkpoints", "decoding", "gathering")
]


@dataclass(frozen=True)
class Child:
    """A running case.

    Args:
        process: Its main process.
        log: What it and its descendants say.
    """

    process: Any
    log: Path

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send its main process a signal."""
        os.kill(self.process.pid, number)

    def wait(self, seconds: float = 60.0) -> int:
        """Its exit code, `-9` for a killed one; what it said is shown when it takes too long."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            raise TimeoutError(f"a child is still running after {seconds} s: {self.said()}")
        return int(self.process.exitcode)

    def said(self) -> str:
        """Everything written to standard output and error so far."""
        return self.log.read_text() if self.log.exists() else ""

    def alive(self) -> list[int]:
        """Processes of its session that still run."""
        return [pid for pid, (state, session) in _processes() if session == self.process.pid]

    def gone_after(self, seconds: float) -> float:
        """Seconds until no process of its session runs, at most those given."""
        started = time.monotonic()
        while self.alive() and time.monotonic() - started < seconds:
            time.sleep(0.02)
        return time.monotonic() - started


class Forks:
    """Starts children, each with its own log."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._children = folder, list[Child]()

    def start(
        self,
        function: Callable[..., None],
        *arguments: Any,
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        """Fork a child that calls a function of an importable module.

        Args:
            function: What it runs.
            arguments: For the function.
            environment: Variables that only the child sees.
        """
        log = self._folder / f"{len(self._children)}.log"
        process = _CONTEXT.Process(
            target=_inside, args=(function, arguments, log, dict(environment or {}))
        )
        process.start()
        self._children.append(Child(process, log))
        return self._children[-1]

    def end(self) -> None:
        """Kill whatever still runs."""
        for child in self._children:
            for pid in child.alive():
                os.kill(pid, signal.SIGKILL)


def _inside(
    function: Callable[..., None],
    arguments: tuple[Any, ...],
    log: Path,
    environment: Mapping[str, str],
) -> None:
    os.setsid()
    os.environ.update(environment)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(handle, stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    multiprocessing.set_start_method("fork", force=True)  # a child of a server starts another
    function(*arguments)


@contextmanager
def served() -> Iterator[None]:
    """Start the server, which needs this process's import path."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    _CONTEXT.set_forkserver_preload(_PRELOADED)
    multiprocessing.forkserver.ensure_running()
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before
    yield


def _processes() -> Iterator[tuple[int, tuple[str, int]]]:
    """State and session of every process that is not a zombie."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[0] not in "ZX":
            yield int(entry.parent.name), (words[0], int(words[3]))
