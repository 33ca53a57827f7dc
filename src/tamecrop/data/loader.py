"""Batches of views: from a set held on the device, or decoded on the fly by workers.

The order of an epoch, the object boxes and the boxes of its views are pure functions of the seed
and the epoch, so both sources, any number of workers and any resume point give the same batches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tamecrop.data.cutting import Cutting, Decode
from tamecrop.data.images import ImageSet
from tamecrop.data.workers import Steps, empty_shared
from tamecrop.geometry import Boxes, Floats, ViewPlan, choose_objects, keys, rules
from tamecrop.members import HELD, groups_of
from tamecrop.views.kernels import send
from tamecrop.views.photometric import Finish

Ints = NDArray[np.int64]
Source = Literal["resident", "streamed"]
Last = Literal["keep", "drop"]


@dataclass(frozen=True, kw_only=True)
class Loading:
    """How batches are made; what is in them depends on the first four settings and on `decode`.

    Args:
        batch_size: images per global batch.
        seed: key of the order, of the object boxes, and of the boxes of views.
        last: `keep` a last batch that is not full, or `drop` it.
        fill: gray level of what lies outside an image, in [0, 255].
        source: `resident`, all on the device, or `streamed`, decoded by workers; None: resident
            when the set is in memory.
        decode: of files: `full`, every pixel of them, or `fast`, JPEGs at the smallest scale that
            feeds the views, which changes their pixels by a gray level or two.
        workers: processes that decode, for `streamed`.
        rank: which part of each global batch this process takes.
        world_size: number of such parts.
    """

    batch_size: int
    seed: int = 0
    last: Last = "keep"
    fill: float = 0
    source: Source | None = None
    decode: Decode = "full"
    workers: int = 0
    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        for name in ("batch_size", "world_size"):
            rules.count(name, getattr(self, name))
        for name in ("workers", "rank"):
            rules.count(name, getattr(self, name), least=0)
        rules.known("decode", self.decode, get_args(Decode))


@dataclass(frozen=True, eq=False)
class Batch:
    """The part of one global batch that falls to this process.

    Args:
        index: `(B,)` positions in the set, the keys of the samples.
        views: for each group of the plan uint8 `(B, V, C, h, w)`, on the device; float32 of a
            loader that finishes them.
        boxes: for each group int64 `(B, V, 4)`, in pixels of the source images.
        queued: batches that workers had ready when this one was asked for, this one included: 0
            had to be waited for. None without workers.
    """

    index: Ints
    views: tuple[Tensor, ...]
    boxes: tuple[Boxes, ...]
    queued: int | None = None


class ViewLoader:
    """Epochs of batches of views.

    Where the plan looks at objects and the images bring boxes, one box of each image is chosen by
    key, another one perhaps in each epoch; an image without one keeps the law that needs no box.

    Args:
        images: the train split.
        plan: which views are made of an image.
        loading: how batches are made.
        device: where the views go.
        finish: colors, mean and deviation; by workers where the device is the CPU that they run
            on, else on the device. By default views stay what was cut.

    Raises:
        ValueError: for fewer images than a batch, a resident set of files, or boxes of different
            sizes in a group that states no size.
    """

    def __init__(
        self,
        images: ImageSet,
        plan: ViewPlan,
        loading: Loading,
        device: torch.device | str = "cpu",
        finish: Finish | None = None,
    ) -> None:
        if len(images) < loading.batch_size:
            raise ValueError(
                f"`batch_size` must be at most the number of train images, {len(images)}, "
                f"got {loading.batch_size}"
            )
        self._cutting = Cutting(plan, loading.fill, loading.decode)
        self._looks_at_boxes = plan.needs_boxes and plan.box_threshold is None
        self._loading, self._finish = loading, finish
        self._device = torch.device(device)
        self._resident = _is_resident(images, loading.source)
        self._images = _held(images, self._device) if self._resident else images
        self._groups = groups_of(images.paths)
        _require_equal_sides(plan, images.sizes)

    @property
    def images_without_box(self) -> int:
        """Images that lack the object box that the plan looks at; 0 when it looks at none."""
        if not self._looks_at_boxes:
            return 0
        boxes = self._images.boxes
        return len(self._images) if boxes is None else sum(not len(each) for each in boxes)

    @property
    def queues(self) -> bool:
        """Whether workers make batches before they are asked for."""
        return not self._resident and self._loading.workers > 0

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch."""
        full, rest = divmod(len(self._images), self._loading.batch_size)
        return full + (rest > 0 and self._loading.last == "keep")

    def batches(
        self, epoch: int, start_step: int = 0, *, found_boxes: Floats | None = None
    ) -> Iterator[Batch]:
        """The batches of an epoch, from a step on.

        Args:
            epoch: key of the pass.
            start_step: the first batch wanted.
            found_boxes: `(N, 4)`, one box of each image, in place of those that the images bring;
                all views are drawn from them here, so that no worker holds on to boxes of before.
        """
        shares = self._shares(epoch, found_boxes)[start_step:]
        if self._resident:
            for index, boxes in shares:
                yield Batch(index, self._finished(self._cut(index, boxes), index, epoch), boxes)
            return
        make = partial(self._made, shares, epoch if self._device.type == "cpu" else None)
        steps = Steps(make, len(shares), workers=self._loading.workers)
        yield from map(partial(self._batch, epoch), shares, steps)

    def _batch(
        self, epoch: int, share: "_Share", step: tuple[tuple[Tensor, ...], int | None]
    ) -> Batch:
        """What `_made` gave, on the device, where views are finished unless that is the CPU."""
        (index, boxes), (views, queued) = share, step
        sent = tuple(group.to(self._device, non_blocking=True) for group in views)
        on_cpu = self._device.type == "cpu"
        return Batch(index, sent if on_cpu else self._finished(sent, index, epoch), boxes, queued)

    def _shares(self, epoch: int, found_boxes: Floats | None) -> list["_Share"]:
        """Samples and boxes of every step of an epoch that fall to this process."""
        size = self._loading.batch_size
        order = self._order(epoch)
        batches = [order[size * step : size * (step + 1)] for step in range(self.steps_per_epoch)]
        mine = [np.array_split(b, self._loading.world_size)[self._loading.rank] for b in batches]
        index = np.concatenate(mine)
        drawn = self._cutting.plan.draw(
            self._images.sizes[index],
            seed=self._loading.seed,
            epoch=epoch,
            index=index,
            object_boxes=self._object_boxes(index, epoch)
            if found_boxes is None
            else found_boxes[index],
        )
        ends = np.cumsum([len(batch) for batch in mine])[:-1]
        boxes = zip(*(np.split(group, ends) for group in drawn), strict=True)
        return list(zip(mine, boxes, strict=True))

    def _order(self, epoch: int) -> Ints:
        """Of the samples; those that are read in groups come with others of their group."""
        seed = self._loading.seed
        if self._groups is None:
            return keys.permutation(len(self._images), seed=seed, epoch=epoch)
        return keys.permutation_by_groups(*self._groups, HELD, seed=seed, epoch=epoch)

    def _object_boxes(self, index: Ints, epoch: int) -> Floats | None:
        """One object box of each sample, where the plan looks at one and the images have any."""
        boxes = self._images.boxes
        if boxes is None or not self._looks_at_boxes:
            return None
        candidates = [boxes[sample] for sample in index]
        return choose_objects(candidates, seed=self._loading.seed, epoch=epoch, index=index)

    def _made(self, shares: list["_Share"], epoch: int | None, step: int) -> tuple[Tensor, ...]:
        """The views of a step, in a worker if there are any; finished where an epoch is given."""
        index, boxes = shares[step]
        if self._finish is None or epoch is None:
            return self._cutting.of_some(self._images, index, boxes, empty_shared)
        views = self._cutting.of_some(self._images, index, boxes, torch.empty)
        return self._finished(views, index, epoch)

    def _finished(self, views: tuple[Tensor, ...], index: Ints, epoch: int) -> tuple[Tensor, ...]:
        """Views as the network wants them."""
        if self._finish is None:
            return views
        firsts = self._cutting.plan.first_views
        return tuple(
            self._finish.apply(
                group,
                epoch=epoch,
                index=index,
                first_view=first,
                out=empty_shared(group.shape, device=group.device),
            )
            for group, first in zip(views, firsts, strict=True)
        )

    def _cut(self, index: Ints, boxes: tuple[Boxes, ...]) -> tuple[Tensor, ...]:
        if not len(index):
            return self._cutting.no_views(self._images)
        pixels = self._images.pixels
        assert pixels is not None, "a resident set holds its pixels"
        return self._cutting.of_batch(pixels[send(index, self._device)], boxes)


_Share = tuple[Ints, tuple[Boxes, ...]]


def _is_resident(images: ImageSet, source: Source | None) -> bool:
    if source == "resident" and images.pixels is None:
        raise ValueError("`source` must be streamed for images in files, got resident")
    return images.pixels is not None and source != "streamed"


def _held(images: ImageSet, device: torch.device) -> ImageSet:
    if images.pixels is None or images.pixels.device == device:
        return images
    return ImageSet.in_memory(images.pixels.to(device), labels=images.labels, boxes=images.boxes)


def _require_equal_sides(plan: ViewPlan, sizes: Ints) -> None:
    """Refuse at once what an exact cut would refuse at some step."""
    for group in plan.groups:
        if group.size is None:
            boxes = group.policy.draw(sizes, views=group.views)
            sides = np.unique((boxes[..., 2:] - boxes[..., :2]).reshape(-1, 2), axis=0)
            if len(sides) > 1:
                differ = f"the boxes of {group.policy} differ in size"
                way = f"write it behind the policy, as in '{group.policy} @32'"
                raise ValueError(f"`size` must be given: {differ}; {way}")
