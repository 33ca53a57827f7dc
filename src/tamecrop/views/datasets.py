"""Data sets that hand index and epoch of a sample to the crops of their transform."""

import operator
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Dataset

from tamecrop.geometry import rules


@dataclass
class SampleKey:
    """The key of one sample, and how many of its views were drawn so far.

    Args:
        seed: key of the run.
        epoch: key of the pass over the data.
        index: key of the sample.
        first_view: number of the next view.
    """

    seed: int
    epoch: int = 0
    index: int = 0
    first_view: int = 0

    def take(self, views: int) -> int:
        """The number of the first of some more views: a transform called twice draws new ones."""
        first = self.first_view
        self.first_view += views
        return first


_KEY: ContextVar[SampleKey | None] = ContextVar("key of the sample being read", default=None)


def current_key() -> SampleKey | None:
    """The key of the sample that a `Keyed` data set is reading, or None."""
    return _KEY.get()


@contextmanager
def _reading(key: SampleKey) -> Iterator[None]:
    token = _KEY.set(key)
    try:
        yield
    finally:
        _KEY.reset(token)


class Keyed(Dataset[Any]):
    """A map-style data set whose crops depend on seed, epoch and index alone.

    `Crop` and `Views`, wherever they are in the transform of the data set, then draw the boxes that
    `policy.draw(size, seed=..., epoch=..., index=...)` gives, for any number of workers, order and
    batch size; without it they take their keys from torch's generator. Other random transforms
    keep drawing from torch's generator.

    Args:
        dataset: with `__getitem__` and `__len__`; it applies its transform when a sample is read.
        seed: key of the run, an integer of 64 bits.

    Raises:
        TypeError: for a data set that cannot be asked for its i-th sample.

    >>> import tamecrop as tc
    >>> class Black(Dataset):
    ...     transform = tc.transforms.Crop("rc:scale=0.25")
    ...     def __len__(self): return 8
    ...     def __getitem__(self, index): return self.transform(torch.zeros(3, 32, 32))
    >>> keyed = Keyed(Black(), seed=1)
    >>> keyed.set_epoch(3)
    >>> keyed[5].shape
    torch.Size([3, 16, 16])
    """

    def __init__(self, dataset: Any, *, seed: int = 0) -> None:
        rules.integer("seed", seed)
        if not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
            name = type(dataset).__name__
            raise TypeError(f"`dataset` must have __getitem__ and __len__, got {name}")
        self.dataset = dataset
        self.seed = operator.index(seed)
        # In shared memory: persistent workers hold copies of this object, and see the new epoch.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Set the key of the pass over the data; call it before each epoch.

        Args:
            epoch: an integer of 64 bits.
        """
        rules.integer("epoch", epoch)
        self._epoch.fill_(operator.index(epoch))

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        """The sample of that index, read under its key."""
        at = operator.index(index)
        place = at + len(self) if at < 0 else at
        with _reading(SampleKey(self.seed, int(self._epoch), place)):
            return self.dataset[index]
