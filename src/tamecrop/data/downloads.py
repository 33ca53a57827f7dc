"""CIFAR-10, CIFAR-100 and STL-10 through torchvision, which downloads them once."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision import datasets

from tamecrop.data.account import Found
from tamecrop.data.images import ImageSet

NAMES = ("cifar10", "cifar100", "stl10")


def default_root() -> Path:
    """Where downloads are kept: `$TAMECROP_DATA`, or `~/.cache/tamecrop`."""
    return Path(os.environ.get("TAMECROP_DATA") or Path.home() / ".cache" / "tamecrop")


def read(name: str, root: Path | None) -> Found:
    """Download a data set if it is not there yet, and hold it in memory.

    Of STL-10 the labeled train images are used, not the 100,000 without labels.

    Args:
        name: one of `NAMES`.
        root: folder of downloads.

    Raises:
        OSError: when it is not there and cannot be downloaded.
    """
    folder = str(root or default_root())
    if name == "stl10":
        train, test = (datasets.STL10(folder, part, download=True) for part in ("train", "test"))
        return Found(train=_stl(train), test=_stl(test), classes=tuple(train.classes))
    kind = datasets.CIFAR10 if name == "cifar10" else datasets.CIFAR100
    train, test = (kind(folder, train=part, download=True) for part in (True, False))
    return Found(train=_cifar(train), test=_cifar(test), classes=tuple(train.classes))


def _cifar(source: Any) -> ImageSet:
    pixels = torch.from_numpy(np.ascontiguousarray(source.data.transpose(0, 3, 1, 2)))
    return ImageSet.in_memory(pixels, labels=torch.tensor(source.targets, dtype=torch.int64))


def _stl(source: Any) -> ImageSet:
    labels = torch.from_numpy(source.labels.astype(np.int64))
    return ImageSet.in_memory(torch.from_numpy(source.data), labels=labels)
