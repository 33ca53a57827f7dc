"""What a run reports while it trains, and how it is stopped.

It stops at a step boundary: a signal only raises a flag, and the loops look at it.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TypeVar

_Item = TypeVar("_Item")
CHATTY = ("lightning_fabric", "pytorch_lightning")
"""Loggers that tell a person things that are no news here."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """A run was asked to stop, has saved what it had, and can be continued.

    Args:
        number: of the signal that asked, for the exit code.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__("stopped; the same command continues")
        self.number = number


class StoppedNow(KeyboardInterrupt):
    """A second signal came: nothing more is saved, what was saved stays.

    Args:
        number: of the second signal, for the exit code.
    """

    def __init__(self, number: int) -> None:
        super().__init__("stopped at once; what was saved stays, and the same command continues")
        self.number = number


class StopFlag:
    """Whether somebody asked to stop.

    >>> flag = StopFlag()
    >>> flag.check()
    >>> flag.raised = True
    >>> flag.check()
    Traceback (most recent call last):
    tamecrop.learning.watching.Interrupted: stopped; the same command continues
    """

    def __init__(self) -> None:
        self.raised = False
        self.number: int = signal.SIGINT

    def check(self) -> None:
        """Raise `Interrupted` if the flag is up.

        Raises:
            Interrupted: when somebody asked to stop.
        """
        if self.raised:
            raise Interrupted(self.number)


@contextmanager
def signals_raise(flag: StopFlag) -> Iterator[None]:
    """While inside, the first SIGINT or SIGTERM raises the flag and the second interrupts.

    Outside the main thread, where Python takes no signals, nothing changes.

    Raises:
        StoppedNow: at the second signal, wherever the program is.
    """

    def heard(number: int) -> None:
        if flag.raised:
            raise StoppedNow(number)
        flag.raised, flag.number = True, number

    with signals_call(heard):
        yield


@contextmanager
def signals_call(heard: Callable[[int], None], numbers: Sequence[int] = _SIGNALS) -> Iterator[None]:
    """While inside, signals call a function; outside the main thread nothing changes.

    Args:
        heard: gets the number of a signal.
        numbers: of the signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _: FrameType | None) -> None:
        heard(number)

    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class Progress:
    """How far a pre-training is.

    Args:
        step: finished steps.
        steps: steps of the whole pre-training.
        loss: of the latest step.
        images_per_second: source images per second in this process.
        seconds_left: wall time until the end at this speed.
        waiting: share of the time in which nothing was done but to wait for the next views, or to
            make them where no worker does.
    """

    step: int
    steps: int
    loss: float
    images_per_second: float
    seconds_left: float
    waiting: float = 0.0


@dataclass(frozen=True)
class Hooks:
    """What a run tells while it trains, and how it is stopped.

    Args:
        claimed: called once the folder is this run's, and nobody else's.
        stepped: called after every step.
        warned: called with one line when something had to be passed over.
        stop: looked at after every step.
    """

    claimed: Callable[[], None] = lambda: None
    stepped: Callable[[Progress], None] = lambda _: None
    warned: Callable[[str], None] = lambda _: None
    stop: StopFlag = field(default_factory=StopFlag)


class Clock:
    """Time over all parts of a run, and speed in this one.

    Args:
        before: seconds of the parts before this one.
        first_step: finished steps when this part began.
    """

    def __init__(self, before: float, first_step: int) -> None:
        self._before, self._first, self._started = before, first_step, time.perf_counter()
        self._waited, self._lap = 0.0, (self._started, 0.0)

    def watch(self, batches: Iterator[_Item]) -> Iterator[_Item]:
        """Hand on what comes, and count how long each lets wait."""
        while True:
            asked = time.perf_counter()
            found = next(batches, None)
            self._waited += time.perf_counter() - asked
            if found is None:
                return
            yield found
            del found  # so that there is room for the next

    @property
    def waiting(self) -> float:
        """Share of this part's time that was waited for what `watch` hands on."""
        return self._waited / max(time.perf_counter() - self._started, 1e-9)

    def lap(self) -> float:
        """Share of the time since the last lap, or the beginning, that was waited."""
        began, waited = self._lap
        self._lap = time.perf_counter(), self._waited
        return (self._waited - waited) / max(self._lap[0] - began, 1e-9)

    def seconds(self) -> float:
        """Seconds of all parts."""
        return self._before + time.perf_counter() - self._started

    def progress(self, step: int, steps: int, *, loss: float, batch_size: int) -> Progress:
        """How far the run is, at the mean speed of this part."""
        rate = (step - self._first) / max(time.perf_counter() - self._started, 1e-9)
        return Progress(step, steps, loss, rate * batch_size, (steps - step) / rate, self.waiting)
