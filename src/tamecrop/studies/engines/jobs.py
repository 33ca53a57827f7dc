"""What a job of a cluster does with its cell, and the diary that it writes.

All that travels lies in a folder that all machines see, below the store: the pixels, and for each
job a diary in which it writes what it does and how it ended, one line of JSON an event.
"""

import json
import logging
import os
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import chdir, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tamecrop.learning import StopFlag, one_thread, signals_call
from tamecrop.learning.watching import CHATTY
from tamecrop.studies import store
from tamecrop.studies.arms import Study, Wanted
from tamecrop.studies.engines.worker import Shipped, do, receive

EVERY = 1.0
"""Seconds between two looks at the diaries, and two reports of progress: files answer slowly."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)
"""What a cluster sends before it takes a machine away: SLURM the last, by way of submitit."""


@dataclass(frozen=True)
class Parcel:
    """What every job of a study gets.

    Attributes:
        study: Bare, its folder absolute.
        shipped: The data.
        here: The folder that relative paths of the data start from.
    """

    study: Study
    shipped: Shipped
    here: Path


@dataclass(frozen=True)
class Task:
    """What one job gets.

    Attributes:
        wanted: The cell.
        diary: The file that it writes its events into; it is there.
        patience: Seconds that it waits for another process to let go of the cell.
    """

    wanted: Wanted
    diary: Path
    patience: float


def work(parcel: Parcel, task: Task) -> None:
    """Do a task; runs on a machine of the cluster.

    Raises:
        ValueError: where the folder of the study is not to be seen.
    """
    tell = partial(_write, task.diary)
    if not task.diary.exists():
        raise ValueError(
            f"`out` must be a folder that all machines of the cluster share, and "
            f"{socket.gethostname()} does not see {parcel.study.out}"
        )
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    flag = StopFlag()

    def heard(number: int) -> None:
        """However often: clusters and terminals repeat themselves."""
        flag.raised, flag.number = True, number

    with signals_call(heard, _SIGNALS), one_thread(), _working_in(parcel.here):
        study = replace(parcel.study, dataset=receive(parcel.shipped))
        _wait_for(task, study.out, flag)
        do(task.wanted, study, tell, flag, every=EVERY)


def _wait_for(task: Task, out: Path, flag: StopFlag) -> None:
    """Wait until nobody holds the cell, for a while."""
    end = time.monotonic() + task.patience
    while time.monotonic() < end and not flag.raised:
        with store.claim(out, task.wanted.key) as free:
            if free:
                return
        time.sleep(EVERY)


def _working_in(folder: Path) -> Any:
    """That folder, where this machine has it: else only absolute paths of data can be read."""
    return chdir(folder) if folder.is_dir() else nullcontext()


def _write(diary: Path, event: str, arguments: Sequence[Any]) -> None:
    """Add a line to a diary, which must be there; it is closed so that other machines see it."""
    line: list[Any] = [event, *arguments]
    if event == "stepped":
        line = [event, asdict(arguments[1])]
    elif event == "ended":
        line = [event, arguments[0] is not None]
    elif event in ("cell_started", "evaluating"):
        line = [event]
    file = os.open(diary, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(file, (json.dumps(line) + "\n").encode())
    finally:
        os.close(file)
