"""How rivals are timed: in turns, so that whatever else the machine does meets all of them.

A number is the median over rounds, with the lowest and the highest.
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

Turn = Callable[[int], int]
"""One turn, with its number: does some items, and says how many."""


@dataclass(frozen=True)
class Rate:
    """How fast one rival is.

    Args:
        name: of the rival.
        per_second: items, the median over rounds.
        low: the slowest round.
        high: the fastest round.
    """

    name: str
    per_second: float
    low: float
    high: float


@dataclass(frozen=True)
class Part:
    """Rivals that took turns.

    Args:
        title: what was done.
        unit: of the items.
        rates: of each rival.
        missing: rivals whose library is not installed.
    """

    title: str
    unit: str
    rates: tuple[Rate, ...]
    missing: tuple[str, ...] = ()

    def rate(self, name: str) -> float:
        """Items a second of a rival."""
        return next(each.per_second for each in self.rates if each.name == name)


@dataclass(frozen=True)
class Memory:
    """Highest resident memory of the process, in MiB; outside Linux, the highest so far.

    Args:
        views: while views were made.
        step: while steps were trained.
        device: highest memory of the accelerator, or None on a CPU.
    """

    views: float
    step: float
    device: float | None


def measure(
    rivals: Mapping[str, Turn],
    *,
    rounds: int,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Rate, ...]:
    """Let rivals take turns of at least so many seconds each, after one to warm up.

    Args:
        rivals: by name.
        rounds: in which each takes one turn, each round begun by another.
        seconds: that a turn lasts at least; it does at least its items once.
        clock: that is looked at.
    """
    found: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in rivals.values():
        turn(0)
    names = list(rivals)
    for number in range(rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            found[name].append(_speed(rivals[name], number + 1, seconds, clock))
    return tuple(
        Rate(name, statistics.median(each), min(each), max(each)) for name, each in found.items()
    )


def _speed(turn: Turn, number: int, seconds: float, clock: Callable[[], float]) -> float:
    done, started = 0, clock()
    while True:
        done += turn(number)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        took = clock() - started
        if took >= seconds:
            return done / max(took, 1e-9)


class PeakMemory:
    """The highest resident memory, MiB, since it was last asked for."""

    def __init__(self) -> None:
        self._restart, self._status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
        self.since_before()

    def since_before(self) -> float:
        """MiB; outside Linux the highest of the process so far."""
        if not self._restart.exists():  # the highest so far; KiB, and bytes on a Mac
            unit = 2**20 if sys.platform == "darwin" else 2**10
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
        (line,) = (x for x in self._status.read_text().splitlines() if x.startswith("VmHWM"))
        self._restart.write_text("5")  # proc(5): sets the peak back to the present
        return int(line.split()[1]) / 2**10
