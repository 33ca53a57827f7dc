"""What a run reports while it trains, and how it is stopped."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tamecrop.learning.stopping import StopFlag


@dataclass(frozen=True)
class Progress:
    """How far a pre-training is.

    Args:
        step: finished steps.
        steps: steps of the whole pre-training.
        loss: of the latest step.
        images_per_second: source images per second in this process.
        seconds_left: wall time until the end at this speed.
    """

    step: int
    steps: int
    loss: float
    images_per_second: float
    seconds_left: float


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

    def seconds(self) -> float:
        """Seconds of all parts."""
        return self._before + time.perf_counter() - self._started

    def steps_per_second(self, step: int) -> float:
        """Mean speed of this part, up to a step."""
        return (step - self._first) / max(time.perf_counter() - self._started, 1e-9)
