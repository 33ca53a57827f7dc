"""Images and labels that a caller holds in memory, in whatever form, as tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from PIL import Image
from torch import Tensor

from tamecrop.data.decode import to_rgb
from tamecrop.views.ranges import Depth, depth_of, measure


def read_labels(labels: ArrayLike) -> Tensor:
    """The class of each image, from 0 on; texts are numbered in their order.

    Raises:
        ValueError: for what is neither a text nor a whole number from 0 on.
    """
    given = np.asarray(labels)
    if given.dtype.kind in "US":
        given = np.unique(given, return_inverse=True)[1]
    if given.size and (given.dtype.kind not in "buif" or (given != np.rint(given)).any()):
        raise ValueError(f"`labels` must be whole numbers or texts, got {given.dtype}")
    if given.size and given.min() < 0:
        raise ValueError(f"`labels` must be whole numbers from 0 on, got {given.min()}")
    return torch.from_numpy(given.astype(np.int64))


def channels_first(images: Any) -> Tensor:
    """Images `(..., C, H, W)`: PIL images as RGB, a last axis of 1, 3 or 4 of arrays moved."""
    if isinstance(images, Tensor):
        return images
    if isinstance(images, Image.Image):
        is_deep = images.mode == "F" or images.mode.startswith("I")
        images = np.asarray(images)[None] if is_deep else to_rgb(images)
    array = np.asarray(images)
    array = array if array.flags.writeable else array.copy()
    few = (1, 3, 4)
    if array.ndim > 2 and array.shape[-1] in few and array.shape[-3] not in few:
        array = np.moveaxis(array, -1, -3).copy()
    return torch.from_numpy(array)


def narrow_all(images: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], str]:
    """Images as 8 bits by one range for all of them, and a line on it where it changed them."""
    images = [255 * each.byte() if each.dtype == torch.bool else each for each in images]
    deep = [measure(each.numpy()) for each in images if each.dtype != torch.uint8]
    depth = depth_of(deep) if deep else Depth()

    def narrow(image: Tensor) -> Tensor:
        scale = depth.scale("real" if image.is_floating_point() else "whole")
        if image.dtype == torch.uint8 or scale is None:
            return image
        return torch.from_numpy(scale(image.numpy()))

    return tuple(narrow(each) for each in images), depth.account
