"""From pixels and boxes to views: of a batch in memory, or of files, each read once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tamecrop.data.images import ImageSet
from tamecrop.geometry import Boxes, ViewPlan
from tamecrop.views.cut import cut
from tamecrop.views.tensors import cut_one

Ints = NDArray[np.int64]
Decode = Literal["fast", "full"]


@dataclass(frozen=True)
class Cutting:
    """From pixels and boxes to one tensor of views a group."""

    plan: ViewPlan
    fill: float
    decode: Decode

    def of_batch(self, images: Tensor, boxes: tuple[Boxes, ...]) -> tuple[Tensor, ...]:
        """Views of images `(B, C, H, W)`."""
        return tuple(
            cut(images, part, size=group.size, fill=self.fill, content=group.policy.content)
            for group, part in zip(self.plan.groups, boxes, strict=True)
        )

    def of_file(
        self,
        images: ImageSet,
        sample: int,
        boxes: tuple[Boxes, ...],
        out: Sequence[Tensor] = (),
    ) -> list[Tensor]:
        """Views of one file, which is read once; in `out`, one of each group, where it is given."""
        if self.decode == "fast":
            from tamecrop.views.shrunk import cut_scaled, rows_for, shrink_for  # few runs

            shrink, rows = shrink_for(self.plan, boxes), rows_for(self.plan, boxes)
            image = images.scaled(sample, shrink, rows)
            return cut_scaled(image, self.plan, boxes, fill=self.fill, out=out)
        pixels = images.image(sample)
        views = [
            cut_one(pixels, part, size=group.size, fill=self.fill, content=group.policy.content)
            for group, part in zip(self.plan.groups, boxes, strict=True)
        ]
        return [into.copy_(part) for into, part in zip(out, views, strict=True)] if out else views

    def of_some(
        self,
        images: ImageSet,
        index: Ints,
        boxes: tuple[Boxes, ...],
        empty: Callable[..., Tensor],
    ) -> tuple[Tensor, ...]:
        """Views of some images, those of files in memory that `empty(shape, dtype=)` gives."""
        if not len(index):
            return self.no_views(images)
        if images.pixels is not None:
            return self.of_batch(images.pixels[torch.from_numpy(index)], boxes)
        views: tuple[Tensor, ...] = ()
        for row, sample in enumerate(index.tolist()):
            part = tuple(group[row] for group in boxes)
            if views:
                self.of_file(images, sample, part, [group[row] for group in views])
                continue
            made = self.of_file(images, sample, part)
            views = tuple(empty((len(index), *one.shape), dtype=one.dtype) for one in made)
            for group, one in zip(views, made, strict=True):
                group[row] = one
        return views

    def no_views(self, images: ImageSet) -> tuple[Tensor, ...]:
        """`(0, V, C, h, w)`: what a short last batch has for some of many processes."""
        boxes = self.plan.draw(images.sizes[:1])
        return tuple(views[:0] for views in self.of_batch(images.image(0)[None], boxes))
