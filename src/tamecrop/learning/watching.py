"""What a run reports while it trains, how it is stopped, and its curves as files."""

import csv
import io
import json
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tamecrop.data.files import beside_of, remove_folder, write_atomic
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


def write_curves(
    folder: Path, curves: Mapping[str, Sequence[float]], *, steps_per_epoch: int
) -> None:
    """Write `metrics.csv` and `metrics.jsonl`, one row a step; each step is there once.

    Args:
        folder: of the run.
        curves: by name, a number for every finished step; NaN where it is not known.
        steps_per_epoch: to tell the epoch of a step.
    """
    rows = [
        {"step": step, "epoch": step // steps_per_epoch}
        | {
            name: None if math.isnan(value) else value
            for name, value in zip(curves, values, strict=True)
        }
        for step, values in enumerate(zip(*curves.values(), strict=True))
    ]
    table = io.StringIO()
    writer = csv.DictWriter(table, ("step", "epoch", *curves), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(folder / "metrics.csv", table.getvalue().encode())
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    write_atomic(folder / "metrics.jsonl", lines.encode())
    if find_spec("tensorboard"):
        _write_events(folder / "tensorboard", rows, tuple(curves))


def _write_events(folder: Path, rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """One event file with every step once, in place of the one before."""
    from torch.utils.tensorboard import SummaryWriter  # slow to import, and optional

    building = beside_of(folder)
    shutil.rmtree(building, ignore_errors=True)
    with SummaryWriter(str(building)) as events:
        for row in rows:
            for name in names:
                if row[name] is not None:
                    events.add_scalar(name, row[name], row["step"])
    if folder.exists():
        remove_folder(folder)
    building.rename(folder)
