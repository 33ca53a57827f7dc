"""The processes that make the steps of an epoch, and how they behave when their run is stopped."""

import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, get_worker_info

from tamecrop.data.decode import DecodeError

Make = Callable[[int], tuple[Tensor, ...]]


class Steps:
    """What `make(0)`, `make(1)` and so on give, made by workers while the step before is used.

    Args:
        make: pickled for workers that are spawned.
        count: of the steps.
        workers: processes; 0: each step is made when it is asked for.
    """

    def __init__(self, make: Make, count: int, *, workers: int) -> None:
        self._made = torch.zeros(max(workers, 1), dtype=torch.int64).share_memory_()
        self._loader = DataLoader(
            _Making(make, count, self._made),
            batch_size=None,
            num_workers=workers,
            worker_init_fn=outlive_a_stop if workers else None,
        )

    def __iter__(self) -> Iterator[tuple[tuple[Tensor, ...], int | None]]:
        """Each step with the number of those that lay ready when it was asked for.

        Raises:
            DecodeError: of an image that cannot be read.
        """
        with _terms_held(hold=self._loader.num_workers > 0):
            steps = iter(self._loader)
        for taken in range(len(self._loader)):
            yield self._next(steps, taken)  # and no name here keeps a step while the next is made

    def _next(self, steps: Iterator[Any], taken: int) -> tuple[tuple[Tensor, ...], int | None]:
        ready = int(self._made.sum()) - taken if self._loader.num_workers else None
        found = next(steps)
        if isinstance(found, DecodeError):
            raise found
        return found, ready


class _Making(Dataset[tuple[Tensor, ...] | DecodeError]):
    """A step, made where this object is: in a worker.

    An image that cannot be read is an answer too: torch would lose its type on the way.
    """

    def __init__(self, make: Make, count: int, made: Tensor) -> None:
        self._make, self._count, self._made = make, count, made

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, step: int) -> tuple[Tensor, ...] | DecodeError:
        try:
            return self._make(step)
        except DecodeError as error:
            return error
        finally:
            # Each worker counts in a place of its own: none waits for another.
            worker = get_worker_info()
            self._made[0 if worker is None else worker.id] += 1


def empty_shared(
    shape: Sequence[int],
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Tensor:
    """An empty tensor; in a worker in memory that the main process sees too.

    What a worker makes elsewhere is copied there when it is handed on.
    """
    size = math.prod(shape)
    if get_worker_info() is None or size == 0:
        return torch.empty(tuple(shape), dtype=dtype, device=device)
    # As torch's own `default_collate` does.
    shared = torch.UntypedStorage._new_shared(size * dtype.itemsize, device="cpu")
    empty: Tensor = torch.empty(0, dtype=dtype).set_(shared, 0, tuple(shape))  # type: ignore[call-overload]
    return empty


@contextmanager
def _terms_held(*, hold: bool) -> Iterator[None]:
    """While inside, SIGTERM waits, here and in every worker that is started."""
    # A worker inherits the handler of the main process, which only raises a flag there. Between
    # its birth and `outlive_a_stop` it would swallow the one SIGTERM that is to end it, when a run
    # fails that early, and the main process would wait for it forever. Blocked from its birth on,
    # the signal waits for `_obey`.
    if not (hold and hasattr(signal, "sigtimedwait")):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def outlive_a_stop(worker: int) -> None:  # noqa: ARG001  torch's signature
    """Keep a worker at work when a signal goes to all processes of a run, as Ctrl-C does.

    The main process hears it too, finishes its step with this worker's batches, and then ends the
    worker itself: a SIGTERM counts only when it comes from there. When the main process is gone,
    the worker ends too.
    """
    # A terminal sends Ctrl-C, and SLURM its SIGTERM, to the whole process group. A worker that
    # died of it would take the batch of the step that the main process still wants to finish, and
    # torch would report a lost worker in place of a stopped run. SIGINT is easy: nobody else sends
    # it. SIGTERM is also how torch ends its workers, so its sender must be told apart, and only
    # `sigtimedwait` says who sent a signal: SIGTERM is blocked, and a thread takes it from there.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main = multiprocessing.parent_process()
    if main is not None and hasattr(signal, "sigtimedwait"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_obey, args=(main,), daemon=True).start()


LOOK = 1.0
"""Seconds between two looks of a worker at whether its main process still lives."""


def _obey(main: multiprocessing.process.BaseProcess) -> None:
    # torch's worker looks too, but it takes whoever is its parent at its first look for the main
    # process: one that was born as its main process was killed would wait for work for ever.
    while _is_alive(main):
        sent = signal.sigtimedwait({signal.SIGTERM}, LOOK)
        if sent is not None and sent.si_pid == main.pid:
            break
    # Not sys.exit: it would end this thread alone. Nothing of a worker needs to be put in order.
    os._exit(0)


def _is_alive(main: multiprocessing.process.BaseProcess) -> bool:
    # What `is_alive` asks is a pipe that closes with the main process, and with every other process
    # forked from it meanwhile. A forked worker has a surer sign: it gets another parent.
    if multiprocessing.get_start_method() == "fork":
        return os.getppid() == main.pid
    return main.is_alive()
