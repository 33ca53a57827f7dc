"""The pixels that a reference network runs on: decoded once, cut for every policy."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from tamecrop.data import BAD_SHARE, DecodeError, ImageSet
from tamecrop.geometry import Boxes, Content
from tamecrop.views.cut import cut

Ints = NDArray[np.int64]

CHUNK = 500
"""Images that are cut at a time."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """Images in memory, which may have been shrunk.

    Args:
        images: uint8 `(N, C, H, W)`.
        sizes: `(N, 2)` sizes before any shrinking: those that boxes refer to.
        kept: `(N,)` places of the readable images in the set they came from.
        unreadable: what was wrong with the others.
    """

    images: Tensor
    sizes: Ints
    kept: Ints
    unreadable: tuple[DecodeError, ...]

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def whole(self) -> Boxes:
        """`(N, 1, 4)` boxes that hold the whole images."""
        far = self.sizes[:, None, ::-1]
        return np.concatenate([np.zeros_like(far), far], axis=-1)

    def cut_views(
        self,
        boxes: Boxes,
        *,
        side: int,
        contents: tuple[Content, ...],
        fill: Sequence[float] = (0.0,),
    ) -> Iterator[Tensor]:
        """Cut and resize views `(n, V, C, side, side)`, some images at a time.

        Args:
            boxes: `(N, V, 4)` in pixels of the images before shrinking.
            side: of the views.
            contents: for each view where what survives inside an image is put.
            fill: of each channel in [0, 1], what lies outside an image; its mean on gray images.
        """
        color = self._scale_fill(fill)
        for start in range(0, len(self), CHUNK):
            part = slice(start, start + CHUNK)
            edges = self._shrink_boxes(boxes, part)
            if len(set(contents)) == 1:
                yield cut(self.images[part], edges, size=side, fill=color, content=contents[0])
            else:
                views = [
                    cut(self.images[part], edges[:, [view]], size=side, fill=color, content=content)
                    for view, content in enumerate(contents)
                ]
                yield torch.cat(views, dim=1)

    def take(self, places: Ints) -> "Pixels":
        """The images at some places, in that order."""
        images = self.images[torch.from_numpy(places)]
        return Pixels(images, self.sizes[places], self.kept[places], ())

    def _scale_fill(self, fill: Sequence[float]) -> list[float]:
        """Fill in units of the pixels, one number where the images have not as many channels."""
        channels = self.images.shape[1]
        values = [255 * value for value in fill]
        return values if len(values) == channels else [sum(values) / len(values)]

    def _shrink_boxes(self, boxes: Boxes, part: slice) -> Boxes:
        """Boxes in pixels of the images in memory, each at least a pixel wide and high."""
        now = np.array(self.images.shape[-2:])
        if (self.sizes[part] == now).all():
            return boxes[part]
        factor = np.tile((now / self.sizes[part])[:, None, ::-1], 2)
        scaled = np.rint(boxes[part] * factor).astype(np.int64)
        scaled[..., 2:] = np.maximum(scaled[..., 2:], scaled[..., :2] + 1)
        return scaled


def decode_pixels(images: ImageSet, *, most_side: int) -> Pixels:
    """Decode images; files that turn out to be unreadable are left out and named.

    Images of one size in memory stay as they are, unless they are larger than asked for; all
    others are resized to one square, so that views are cut in batches. Views are resized to a
    square anyway; boxes follow.

    Args:
        images: in memory or in files.
        most_side: of the square; less where no image is as large.

    Raises:
        ValueError: when more than 1 % of the files, or all, cannot be read.
    """
    largest = int(images.sizes.max())
    if images.pixels is not None and largest <= most_side:
        return Pixels(images.pixels, images.sizes, np.arange(len(images)), ())
    side = min(most_side, largest)
    found, kept, bad = _decode_all(
        images, lambda image: tv.resize(image, [side, side], antialias=True)
    )
    return Pixels(torch.stack(found), images.sizes[kept], kept, bad)


def decode_squares(images: ImageSet, *, side: int) -> tuple[Tensor, Ints]:
    """Whole images resized to squares, uint8 `(n, C, side, side)`, and the places of the readable.

    Raises:
        ValueError: when more than 1 % of the files, or all, cannot be read.
    """
    found, kept, _ = _decode_all(
        images, lambda image: tv.resize(image, [side, side], antialias=True)
    )
    return torch.stack(found), kept


def _decode_all(
    images: ImageSet, prepare: Callable[[Tensor], Tensor]
) -> tuple[list[Tensor], Ints, tuple[DecodeError, ...]]:
    def decode(place: int) -> Tensor | DecodeError:
        try:
            return prepare(images.image(place))
        except DecodeError as error:
            return error

    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        results = list(pool.map(decode, range(len(images))))
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt does not wait for the other files
    bad = [each for each in results if isinstance(each, DecodeError)]
    found = [each for each in results if isinstance(each, Tensor)]
    kept = [place for place, each in enumerate(results) if isinstance(each, Tensor)]
    if not found or len(bad) > BAD_SHARE * len(images):
        count = f"{len(bad)} of {len(images)} files"
        raise ValueError(f"{count} cannot be read, more than {100 * BAD_SHARE:g} %: {bad[0]}")
    return found, np.array(kept), tuple(bad)
