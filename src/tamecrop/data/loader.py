"""Batches of views: from a set held on the device, or decoded on the fly by workers.

The order of an epoch and the boxes of its views are pure functions of the seed and the epoch, so
both sources, any number of workers and any resume point give the same batches.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as Steps

from tamecrop.data.decode import DecodeError
from tamecrop.data.images import ImageSet
from tamecrop.geometry import keys, rules
from tamecrop.geometry.boxes import Boxes
from tamecrop.geometry.policy import Policy
from tamecrop.views.cut import cut, cut_one
from tamecrop.views.devices import send

Ints = NDArray[np.int64]
Source = Literal["resident", "streamed"]
Last = Literal["keep", "drop"]


@dataclass(frozen=True, kw_only=True)
class Loading:
    """How batches are made; only the first five settings decide what is in them.

    Args:
        batch_size: images per global batch.
        views: views per image.
        size: side that views are resized to; None cuts exactly.
        seed: key of the order and of the boxes.
        last: `keep` a last batch that is not full, or `drop` it.
        fill: gray level of what lies outside an image, in [0, 255].
        source: `resident`, the whole set on the device, or `streamed`, decoded by workers; by
            default resident when the set is in memory.
        workers: processes that decode, for `streamed`.
        rank: which part of each global batch this process takes.
        world_size: number of such parts.
    """

    batch_size: int
    views: int = 2
    size: int | None = None
    seed: int = 0
    last: Last = "keep"
    fill: float = 0
    source: Source | None = None
    workers: int = 0
    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        for name in ("batch_size", "views", "world_size"):
            rules.count(name, getattr(self, name))
        for name in ("workers", "rank"):
            rules.count(name, getattr(self, name), least=0)


@dataclass(frozen=True, eq=False)
class Batch:
    """The part of one global batch that falls to this process.

    Args:
        index: `(B,)` positions in the set, the keys of the samples.
        views: uint8 `(B, V, C, h, w)` on the device.
        boxes: int64 `(B, V, 4)` in pixels of the source images.
    """

    index: Ints
    views: Tensor
    boxes: Boxes


class ViewLoader:
    """The views of an image set under a crop law, epoch by epoch.

    Args:
        images: the set.
        policy: the crop law.
        loading: how batches are made.
        device: where views go, and where a resident set lives.

    Raises:
        ValueError: for fewer images than a batch, or boxes of unequal sides without a `size`.
    """

    def __init__(
        self,
        images: ImageSet,
        policy: Policy,
        loading: Loading,
        device: torch.device | str = "cpu",
    ) -> None:
        if len(images) < loading.batch_size:
            raise ValueError(
                f"`batch_size` must be at most the number of train images, {len(images)}, "
                f"got {loading.batch_size}"
            )
        self._policy = policy
        self._loading = loading
        self._device = torch.device(device)
        self._resident = _is_resident(images, loading.source)
        self._images = _held(images, self._device) if self._resident else images
        if loading.size is None:
            _require_equal_sides(policy, images.sizes, loading.views)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch."""
        full, rest = divmod(len(self._images), self._loading.batch_size)
        return full + (rest > 0 and self._loading.last == "keep")

    def batches(self, epoch: int, start_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from a step on.

        Args:
            epoch: key of the pass.
            start_step: the first batch wanted.
        """
        plan = self._plan(epoch)
        if self._resident:
            yield from (self._cut(*plan[step]) for step in range(start_step, len(plan)))
            return
        steps = DataLoader(
            _Decoding(plan, self._images, self._loading, self._policy),
            batch_size=None,
            sampler=range(start_step, len(plan)),
            num_workers=self._loading.workers,
            worker_init_fn=outlive_a_stop if self._loading.workers else None,
        )
        for step, views in zip(range(start_step, len(plan)), steps, strict=True):
            if isinstance(views, DecodeError):
                raise views
            index, boxes = plan[step]
            yield Batch(index, views.to(self._device, non_blocking=True), boxes)

    def _plan(self, epoch: int) -> list[tuple[Ints, Boxes]]:
        """Samples and boxes of every step of an epoch that fall to this process."""
        size = self._loading.batch_size
        order = keys.permutation(len(self._images), seed=self._loading.seed, epoch=epoch)
        batches = [order[size * step : size * (step + 1)] for step in range(self.steps_per_epoch)]
        mine = [self._share(batch) for batch in batches]
        boxes = self._policy.draw(
            self._images.sizes[np.concatenate(mine)],
            views=self._loading.views,
            seed=self._loading.seed,
            epoch=epoch,
            index=np.concatenate(mine),
        )
        ends = np.cumsum([len(batch) for batch in mine])
        return list(zip(mine, np.split(boxes, ends[:-1]), strict=True))

    def _share(self, batch: Ints) -> Ints:
        return np.array_split(batch, self._loading.world_size)[self._loading.rank]

    def _cut(self, index: Ints, boxes: Boxes) -> Batch:
        if not len(index):
            return Batch(index, _none(self._images, self._loading, self._policy), boxes)
        pixels = self._images.pixels
        assert pixels is not None, "a resident set holds its pixels"
        images = pixels[send(index, self._device)]
        return Batch(index, _views(images, boxes, self._loading, self._policy), boxes)


def outlive_a_stop(worker: int) -> None:  # noqa: ARG001  torch's signature
    """Keep a worker at work when a signal goes to all processes of a run, as Ctrl-C does.

    The main process hears it too, finishes its step with this worker's batches, and then ends the
    worker itself: a SIGTERM counts only when it comes from there.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main = multiprocessing.parent_process()
    if main is not None and hasattr(signal, "sigwaitinfo"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_obey, args=(main.pid,), daemon=True).start()


def _obey(main: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != main:
        pass
    os._exit(0)


class _Decoding(Steps[Tensor | DecodeError]):
    """The views of each step of an epoch, decoded where this object is: in a worker.

    An image that cannot be read is an answer too: torch would lose its type on the way.
    """

    def __init__(
        self,
        plan: list[tuple[Ints, Boxes]],
        images: ImageSet,
        loading: Loading,
        policy: Policy,
    ) -> None:
        self._plan, self._images, self._loading, self._policy = plan, images, loading, policy

    def __getitem__(self, step: int) -> Tensor | DecodeError:
        try:
            return self._step(step)
        except DecodeError as error:
            return error

    def _step(self, step: int) -> Tensor:
        index, boxes = self._plan[step]
        pixels = self._images.pixels
        if not len(index):
            return _none(self._images, self._loading, self._policy)
        if pixels is not None:
            return _views(pixels[torch.from_numpy(index)], boxes, self._loading, self._policy)
        return torch.stack(
            [
                cut_one(
                    self._images.image(sample),
                    box,
                    size=self._loading.size,
                    fill=self._loading.fill,
                    content=self._policy.content,
                )
                for sample, box in zip(index.tolist(), boxes, strict=True)
            ]
        )


def _none(images: ImageSet, loading: Loading, policy: Policy) -> Tensor:
    """No views, `(0, V, C, h, w)`: what a short last batch has for some of many processes."""
    boxes = policy.draw(images.sizes[:1], views=loading.views)
    return _views(images.image(0)[None], boxes, loading, policy)[:0]


def _views(images: Tensor, boxes: Boxes, loading: Loading, policy: Policy) -> Tensor:
    return cut(images, boxes, size=loading.size, fill=loading.fill, content=policy.content)


def _is_resident(images: ImageSet, source: Source | None) -> bool:
    if source == "resident" and images.pixels is None:
        raise ValueError("`source` must be streamed for images in files, got resident")
    return images.pixels is not None and source != "streamed"


def _held(images: ImageSet, device: torch.device) -> ImageSet:
    if images.pixels is None or images.pixels.device == device:
        return images
    return ImageSet.in_memory(images.pixels.to(device), labels=images.labels, boxes=images.boxes)


def _require_equal_sides(policy: Policy, sizes: Ints, views: int) -> None:
    """Refuse at once what an exact cut would refuse at some step."""
    boxes = policy.draw(sizes, views=views)
    sides = np.unique((boxes[..., 2:] - boxes[..., :2]).reshape(-1, 2), axis=0)
    if len(sides) > 1:
        raise ValueError(f"`size` must be given: the boxes of {policy} differ in size")
