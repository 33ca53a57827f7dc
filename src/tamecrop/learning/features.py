"""Features of whole images, as every evaluation sees them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tamecrop.data.images import Dataset, ImageSet
from tamecrop.learning.backbones import Backbone
from tamecrop.learning.watching import StopFlag
from tamecrop.views.photometric import normalize, unit

_BATCH = 512


@dataclass(frozen=True, eq=False)
class Features:
    """Labeled features of one split.

    Args:
        values: float32 `(N, D)`.
        labels: int64 `(N,)`.
    """

    values: Tensor
    labels: Tensor

    def joined(self, other: "Features") -> "Features":
        """These and then those of another split."""
        pairs = ((self.values, other.values), (self.labels, other.labels))
        return Features(*map(torch.cat, pairs))


@dataclass(frozen=True, eq=False)
class Judged:
    """Features of the three splits of a data set.

    Args:
        train: to learn from.
        validation: for every choice.
        test: for the figure.
        classes: number of classes.
    """

    train: Features
    validation: Features
    test: Features
    classes: int


def extract_splits(
    backbone: Backbone, dataset: Dataset, *, size: int | None = None, stop: StopFlag | None = None
) -> Judged:
    """Features of whole images of all splits, without any crop, in eval mode.

    Args:
        backbone: the network; put into eval mode and left there.
        dataset: with labels.
        size: side that images are resized to; needed when they differ in size.
        stop: looked at before every batch.

    Raises:
        ValueError: for a data set without labels, or images of different sizes without a `size`.
        Interrupted: when asked to stop.
    """
    if dataset.classes is None:
        raise ValueError(f"{dataset.name} has no labels: its features cannot be judged")
    splits = (dataset.train, dataset.validation, dataset.test)
    train, validation, test = (
        of_split(backbone, dataset, split, size=size, stop=stop) for split in splits
    )
    return Judged(train, validation, test, len(dataset.classes))


def of_split(
    backbone: Backbone,
    dataset: Dataset,
    images: ImageSet,
    *,
    size: int | None = None,
    stop: StopFlag | None = None,
) -> Features:
    """Features of the labeled images of one split, as `extract_splits` makes them.

    Raises:
        ValueError: for a split without labels.
    """
    if images.labels is None:
        raise ValueError(f"{dataset.name} has no labels: its features cannot be judged")
    values = extract(backbone, images, mean=dataset.mean, std=dataset.std, size=size, stop=stop)
    return Features(values, images.labels.to(values.device))


@torch.inference_mode()
def extract(
    backbone: Backbone,
    images: ImageSet,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    size: int | None = None,
    stop: StopFlag | None = None,
) -> Tensor:
    """Features float32 `(N, D)` of a set's images, on the backbone's device.

    Args:
        backbone: the network; put into eval mode and left there.
        images: in memory or in files.
        mean: of each channel in [0, 1].
        std: likewise.
        size: side that images are resized to.
        stop: looked at before every batch.

    Raises:
        Interrupted: when asked to stop.
    """
    backbone.eval()
    parts = []
    for pixels in batches(images, size):
        if stop is not None:
            stop.check()
        inputs = as_input(pixels, backbone, mean=mean, std=std)
        parts.append(backbone(inputs.contiguous(memory_format=torch.channels_last)).float())
    return torch.cat(parts)


def as_input(
    pixels: Tensor, backbone: Backbone, *, mean: Sequence[float], std: Sequence[float]
) -> Tensor:
    """Images `(B, C, H, W)` normalized, on the device of a backbone and in its precision."""
    weights = next(backbone.parameters())
    return normalize(unit(pixels.to(weights.device)), mean, std).to(weights.dtype)


def batches(images: ImageSet, size: int | None) -> Iterator[Tensor]:
    """All images in order, uint8 `(B, C, H, W)` with the same B but in the last, resized to a side.

    Args:
        images: in memory or in files.
        size: side; None for images of one size.
    """
    for start in range(0, len(images), _BATCH):
        part = images.subset(np.arange(start, min(start + _BATCH, len(images))))
        pixels = part.resident(size).pixels
        assert pixels is not None, "a resident set holds its pixels"
        yield pixels
