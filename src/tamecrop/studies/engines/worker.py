"""What a worker does with a cell, and the process of the local engine, told through a pipe.

The data set is shipped to it without pixels, which lie in files.
"""

import dataclasses
import logging
import signal
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tamecrop.data.images import Dataset, ImageSet
from tamecrop.learning import Interrupted, Progress, StopFlag, one_thread
from tamecrop.studies.arms import Study, Wanted, nothing, silent
from tamecrop.studies.cells import Key
from tamecrop.studies.grid import finish
from tamecrop.studies.listening import Listener

EVERY = 0.2
"""Seconds between two reports of a cell's progress, and between two looks at the stop flag."""

Tell = Callable[[str, Sequence[Any]], None]
"""Gets the name of an event and its arguments."""

GONE = (EOFError, BrokenPipeError, ConnectionResetError)
"""What a pipe says when nobody is at its other end. The last comes when whoever was there died with
messages unread: once, in place of one of the others, at the next read or write, whichever is first.
"""

_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Shipped:
    """A data set on its way to a worker: all but the pixels, which lie in files.

    Attributes:
        fields: Of the data set, without its splits.
        splits: For each split its fields, a place instead of pixels.
    """

    fields: dict[str, Any]
    splits: tuple[dict[str, Any], ...]


def bare(study: Study) -> Study:
    """A study on its way to a worker, without its data and without its rule.

    The data travels as files; the rule may be anything, and stays where cells are handed out.
    """
    return replace(study, rule=nothing, outlook=silent, dataset=None)  # type: ignore[arg-type]


def ship(dataset: Dataset, folder: Path) -> Shipped:
    """Write the pixels of a data set into a folder, and say where they are."""
    fields = {field.name: getattr(dataset, field.name) for field in dataclasses.fields(dataset)}
    splits = tuple(_packed(fields.pop(name), folder / name) for name in _SPLITS)
    return Shipped(fields, splits)


def _packed(images: ImageSet, file: Path) -> dict[str, Any]:
    fields = {field.name: getattr(images, field.name) for field in dataclasses.fields(images)}
    if images.pixels is not None:
        images.pixels.cpu().contiguous().numpy().tofile(file)
        fields["pixels"] = (str(file), tuple(images.pixels.shape), images.pixels.dtype)
    if images.labels is not None:
        fields["labels"] = images.labels.cpu().numpy()
    return fields


def _unpacked(fields: Mapping[str, Any]) -> ImageSet:
    fields = dict(fields)
    if fields["pixels"] is not None:
        file, shape, dtype = fields["pixels"]
        count = int(np.prod(shape))
        fields["pixels"] = torch.from_file(file, shared=False, size=count, dtype=dtype).view(shape)
    if fields["labels"] is not None:
        fields["labels"] = torch.from_numpy(fields["labels"])
    return ImageSet(**fields)


def receive(shipped: Shipped) -> Dataset:
    """The data set again, its pixels mapped: the machine holds them once."""
    train, validation, test = map(_unpacked, shipped.splits)
    return Dataset(**shipped.fields, train=train, validation=validation, test=test)


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
            except GONE:
                self.number = signal.SIGTERM
            self._raised = True
        return self._raised

    @raised.setter
    def raised(self, value: bool) -> None:
        self._raised = value


class _Teller(Listener):
    """Hands the events of a cell on, progress not more often than a person reads.

    Args:
        tell: gets the name of an event and its arguments.
        every: seconds between two reports of progress.
    """

    def __init__(self, tell: Tell, every: float) -> None:
        self._tell, self._every, self._spoke = tell, every, 0.0

    def cell_started(self, key: Key) -> None:
        self._tell("cell_started", (key,))

    def stepped(self, key: Key, progress: Progress) -> None:
        if time.monotonic() - self._spoke >= self._every:
            self._spoke = time.monotonic()
            self._tell("stepped", (key, progress))

    def evaluating(self, key: Key) -> None:
        self._tell("evaluating", (key,))

    def warned(self, line: str) -> None:
        self._tell("warned", (line,))


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
            do(wanted, study, partial(_send, pipe), _ParentsFlag(pipe))


def _next(pipe: "Connection[Any, Any]") -> Wanted | int | None:
    try:
        asked: Wanted | int | None = pipe.recv()
    except GONE:
        return None
    return asked


def do(wanted: Wanted, study: Study, tell: Tell, flag: StopFlag, *, every: float = EVERY) -> None:
    """Do a cell, telling its events and at last how it ended: `ended`, `saved` or `failed`.

    Args:
        wanted: the cell.
        study: with its data.
        tell: gets each event and its arguments.
        flag: looked at after every step.
        every: seconds between two reports of progress.
    """
    try:
        tell("ended", (finish(wanted, study, _Teller(tell, every), flag),))
    except Interrupted:
        tell("saved", ())
    except Exception as error:  # noqa: BLE001  the edge of a process: who handed it out raises it
        tell("failed", (f"{wanted.key}: {_words(error)}", traceback.format_exc()))


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError | OSError) else repr(error)


def _send(pipe: "Connection[Any, Any]", event: str, arguments: Sequence[Any]) -> None:
    """Tell the parent; when it is gone, the stop flag is up too, and the cell saves first."""
    with suppress(*GONE):
        pipe.send((event, tuple(arguments)))
