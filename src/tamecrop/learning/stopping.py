"""Stopping at a step boundary: a signal only raises a flag, the loops look at it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

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
    tamecrop.learning.stopping.Interrupted: stopped; the same command continues
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
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def heard(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - Python's signature
        if flag.raised:
            raise StoppedNow(number)
        flag.raised, flag.number = True, number

    before = {number: signal.signal(number, heard) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
