"""Data sets and samples that hand their index and epoch to the crops of a transform."""

import operator
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from tamecrop.geometry import Policy, rules


@dataclass
class SampleKey:
    """The key of one sample, and how many of its views were drawn so far.

    Args:
        seed: key of the run.
        epoch: key of the pass over the data, or None: nobody told it, and it is 0.
        index: key of the sample.
        first_view: number of the next view.
        boxes: of the views so far, `(x1, y1, x2, y2)`.
    """

    seed: int
    epoch: int | None = None
    index: int = 0
    first_view: int = 0
    boxes: list[tuple[int, int, int, int]] = field(default_factory=list)

    def draw(
        self, policy: Policy, height: int, width: int, *, views: int = 1, object_box: Any = None
    ) -> list[tuple[int, int, int, int]]:
        """Boxes of the next views of the sample: a transform called twice draws new ones.

        Args:
            policy: whose boxes.
            height: of the image in pixels.
            width: of the image in pixels.
            views: how many.
            object_box: as `Policy.draw_one` takes it.
        """
        boxes = policy.draw_one(
            height,
            width,
            views=views,
            first_view=self.first_view,
            seed=self.seed,
            epoch=self.epoch or 0,
            index=self.index,
            object_box=object_box,
        )
        self.first_view += views
        (current_key() or self).boxes.extend(boxes)
        return boxes


_KEY: ContextVar[SampleKey | None] = ContextVar("key of the sample being read", default=None)


def current_key() -> SampleKey | None:
    """The key of the sample that `Keyed` or `OnEntry` is reading, or None."""
    return _KEY.get()


def next_key(draw: Callable[[], int], *, moves: bool = False) -> SampleKey:
    """The key of the sample that is being read, or one from the host's random numbers.

    Args:
        draw: a number of 62 bits from the host's generator.
        moves: whether a policy moves with the epoch, which must then be told.

    Raises:
        ValueError: when it moves and nobody told the epoch.
    """
    key = current_key()
    if moves and (key is None or key.epoch is None):
        raise ValueError(
            "a policy that moves with the epoch must be told it: "
            "key=(INDEX, EPOCH), or tamecrop.datasets.Keyed around the data set"
        )
    return key or SampleKey(draw())


def draw_of_torch() -> int:
    """A number of 62 bits from torch's generator."""
    return int(torch.randint(2**62, ()).item())


@contextmanager
def reading(key: SampleKey) -> Iterator[SampleKey]:
    """Crops inside draw under this key, and leave their boxes in it."""
    token = _KEY.set(key)
    try:
        yield key
    finally:
        _KEY.reset(token)


def index_of(name: Any) -> int:
    """The key of a sample that has an integer or a text for a name.

    Args:
        name: an integer of 64 bits, a tensor of one, or a text such as WebDataset's `__key__`.

    >>> index_of(7), index_of("n01440764/10026"), index_of("n01440764/10027")
    (7, 803853555658289917, 3495088626680051265)
    """
    if isinstance(name, str):
        return int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) >> 1
    rules.integer("index", name)
    return operator.index(name)


class _Epoch:
    """The number of the pass over the data, the same in all processes."""

    def __init__(self) -> None:
        # In shared memory: persistent workers hold copies of this object, and see the new epoch.
        self._number = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Set the key of the pass over the data; call it before each epoch.

        Args:
            epoch: an integer of 64 bits.
        """
        rules.integer("epoch", epoch)
        self._number.fill_(operator.index(epoch))


class Keyed(_Epoch, Dataset[Any]):
    """A map-style data set whose crops depend on seed, epoch and index alone.

    `Crop` and `Views`, wherever they are in the transform of the data set, then draw the boxes that
    `policy.draw(size, seed=..., epoch=..., index=...)` gives, for any number of workers, order and
    batch size; without it they take their keys from torch's generator. Other random transforms
    keep drawing from torch's generator.

    Call `set_epoch` before each pass; where nobody does, every pass has the same boxes, and after
    two of them a warning says so. `set_epoch(0)` alone says that this is meant.

    Args:
        dataset: with `__getitem__` and `__len__`; it applies its transform when a sample is read.
        seed: key of the run, an integer of 64 bits.
        return_boxes: a sample is then `(sample, boxes)`, the boxes of its views in the order in
            which they were drawn, int64 `(V, 4)`, in pixels of the source image.

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

    def __init__(self, dataset: Any, *, seed: int = 0, return_boxes: bool = False) -> None:
        rules.integer("seed", seed)
        has_places = hasattr(dataset, "__getitem__") and not isinstance(dataset, IterableDataset)
        if not (has_places and hasattr(dataset, "__len__")):
            name = type(dataset).__name__
            raise TypeError(f"`dataset` must have __getitem__ and __len__, got {name}")
        super().__init__()
        self.dataset = dataset
        self.seed, self.return_boxes = operator.index(seed), return_boxes
        # Samples that were read, in all processes, while nobody told the epoch; -1: somebody did.
        self._untold = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Set the key of the pass over the data; call it before each epoch.

        Args:
            epoch: an integer of 64 bits.
        """
        super().set_epoch(epoch)
        self._untold.fill_(-1)

    @property
    def transform(self) -> Any:
        """The transform of the data set, which some hosts set."""
        return self.dataset.transform

    @transform.setter
    def transform(self, transform: Any) -> None:
        self.dataset.transform = transform

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        """The sample of that index, read under its key."""
        at = operator.index(index)
        place = at + len(self) if at < 0 else at
        self._count_untold()
        with reading(SampleKey(self.seed, int(self._number), place)) as key:
            sample = self.dataset[index]
        return (sample, as_tensor(key.boxes)) if self.return_boxes else sample

    def _count_untold(self) -> None:
        """Warn, once, after two passes of whose epoch nobody told."""
        read = int(self._untold)
        if read < 0:
            return
        self._untold.fill_(read + 1)
        if read >= 2 * len(self):
            self._untold.fill_(-1)
            warnings.warn(
                "every pass over `Keyed` had the same boxes: call its set_epoch(EPOCH) before each",
                stacklevel=3,
            )


class OnEntry(_Epoch):
    """A transform of one entry of a sample that is a mapping, whose crops the sample's name keys.

    For data sets that hand over dicts, such as WebDataset's and Hugging Face's: the boxes are then
    those of `policy.draw(size, seed=..., epoch=..., index=...)` for any number of workers, order
    and batch size.

    Args:
        transform: has `Crop` or `Views` in it, anywhere.
        entry: name of the image's entry, which the views replace.
        index: name of the entry that tells samples apart, an integer or a text; None: keys come
            from torch's generator.
        epoch: name of the entry with the number of the pass over the data; None: `set_epoch`.
        seed: key of the run, an integer of 64 bits.
        boxes: name of a new entry for the boxes, int64 `(V, 4)` in pixels of the source image;
            None: they are not handed back.

    Raises:
        TypeError: for what is no transform.
        ValueError: when called on a sample that lacks a named entry.

    >>> import tamecrop as tc
    >>> crop = tc.transforms.Crop("rc:scale=0.25")
    >>> transform = OnEntry(crop, "jpg", index="__key__", boxes="box")
    >>> sample = transform({"__key__": "a/7", "jpg": torch.zeros(3, 32, 32), "cls": 3})
    >>> sample["jpg"].shape, sample["box"].shape, sample["cls"]
    (torch.Size([3, 16, 16]), torch.Size([1, 4]), 3)
    """

    def __init__(
        self,
        transform: Callable[[Any], Any],
        entry: str,
        *,
        index: str | None = None,
        epoch: str | None = None,
        seed: int = 0,
        boxes: str | None = None,
    ) -> None:
        if not callable(transform):
            raise TypeError(f"`transform` must be a transform, got {transform!r}")
        rules.integer("seed", seed)
        super().__init__()
        self.transform, self.seed = transform, operator.index(seed)
        self._entry, self._index, self._epoch, self._boxes = entry, index, epoch, boxes

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """The sample with views in place of the image."""
        for name in filter(None, (self._entry, self._index, self._epoch)):
            if name not in sample:
                raise ValueError(f"the sample lacks {name!r}: it has {sorted(map(str, sample))}")
        with reading(self._key(sample)) as key:
            result = {**sample, self._entry: self.transform(sample[self._entry])}
        if self._boxes is not None:
            result[self._boxes] = as_tensor(key.boxes)
        return result

    def _key(self, sample: Mapping[str, Any]) -> SampleKey:
        if self._index is None:
            told = None if self._epoch is None else int(sample[self._epoch])
            return SampleKey(draw_of_torch(), told)
        epoch = int(self._number) if self._epoch is None else int(sample[self._epoch])
        return SampleKey(self.seed, epoch, index_of(sample[self._index]))


def as_tensor(boxes: list[tuple[int, int, int, int]]) -> Tensor:
    """Boxes as int64 `(V, 4)`."""
    return torch.tensor(boxes, dtype=torch.int64).reshape(-1, 4)
