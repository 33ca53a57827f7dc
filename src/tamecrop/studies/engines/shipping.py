"""A data set on its way to worker processes: all but the pixels, which lie in files they map."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tamecrop.data.images import Dataset, ImageSet

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
