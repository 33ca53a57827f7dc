"""Cut boxes out of images: exactly, or resized with antialiasing; whole batches at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from tamecrop.geometry.borders import Content
from tamecrop.geometry.rules import known
from tamecrop.views import exact
from tamecrop.views.resized import MODES, resized

Boxes = NDArray[np.int64] | Tensor
Fill = float | Sequence[float]


def cut(
    images: Tensor | Sequence[Tensor],
    boxes: Boxes,
    *,
    size: int | tuple[int, int] | None = None,
    fill: Fill = 0,
    content: Content = "in_place",
    interpolation: str = "bilinear",
) -> Tensor:
    """Cut the views that boxes name; what lies outside an image is fill.

    Relation: torchvision's `crop` and `resized_crop`, for a whole batch and all of its views.

    Args:
        images: `(N, C, H, W)`, uint8 or float, on any device; or N images `(C, H, W)` of any
            sizes, on one device.
        boxes: `(N, V, 4)` integers, `(x1, y1, x2, y2)`.
        size: `None` for an exact cut, for which all boxes must have the same sides; else the side
            or (height, width) to which every box is resized with antialiasing.
        fill: one number, or one per channel, in the units of the pixels.
        content: `"in_place"`, or `"centered"`: what survives inside the image is moved to the
            middle of the view, an odd pixel of fill going right or down.
        interpolation: `"bilinear"`, or `"bicubic"`: the same as torchvision on floats; on uint8
            torchvision rounds and clips between its two passes, which sharp images show.

    Returns:
        `(N, V, C, h, w)` of the images' dtype, on their device.

    Raises:
        ValueError: on shapes that do not fit, empty boxes, or unequal boxes in an exact cut.

    >>> image = torch.arange(16, dtype=torch.uint8).reshape(1, 1, 4, 4)
    >>> cut(image, np.array([[[2, 2, 4, 4]]])).squeeze().tolist()
    [[10, 11], [14, 15]]
    """
    known("interpolation", interpolation, MODES)
    known("content", content, ("in_place", "centered"))
    edges = _edges(boxes, len(images))
    if not isinstance(images, Tensor):
        each = [
            cut_one(image, box, size=size, fill=fill, content=content, interpolation=interpolation)
            for image, box in zip(images, edges, strict=True)
        ]
        return torch.stack(each) if each else torch.empty(0)
    if images.ndim != 4:
        raise ValueError(f"`images` must have shape (N, C, H, W), got {tuple(images.shape)}")
    color = _per_channel(fill, images.shape[1])
    if size is None:
        return exact.exact(images, edges, fill=color, content=content)
    target = (size, size) if isinstance(size, int) else (size[0], size[1])
    return resized(images, edges, target, fill=color, content=content, interpolation=interpolation)


def cut_one(
    image: Tensor,
    boxes: Boxes,
    *,
    size: int | tuple[int, int] | None = None,
    fill: Fill = 0,
    content: Content = "in_place",
    interpolation: str = "bilinear",
) -> Tensor:
    """Cut the views of one image `(C, H, W)`: boxes `(V, 4)` to views `(V, C, h, w)`.

    As `cut`; only the pixels of the boxes are touched, which suits large images.
    """
    if image.ndim != 3:
        raise ValueError(f"an image must have shape (C, H, W), got {tuple(image.shape)}")
    edges = _edges(np.asarray(boxes)[None], 1)
    color = _per_channel(fill, image.shape[0])
    if size is None:
        part, inside = _part(image, edges[0])
        return exact.exact(part[None], inside[None], fill=color, content=content)[0]
    target = (size, size) if isinstance(size, int) else (size[0], size[1])
    mode = tv.InterpolationMode(interpolation)

    def view(box: NDArray[np.int64]) -> Tensor:
        whole = _one_exact(image, box, color, content)
        resized: Tensor = tv.resize(whole, list(target), mode, antialias=True)
        return resized

    return torch.stack([view(box) for box in edges[0]])


def _one_exact(image: Tensor, box: NDArray[np.int64], fill: Tensor, content: Content) -> Tensor:
    """One exact cut: the image's own memory where the box lies inside, else one copy of it."""
    width, height = (box[2:] - box[:2]).tolist()
    across, down = (
        exact.runs(box[axis : axis + 1], crop, side, content)
        for axis, crop, side in ((0, width, image.shape[2]), (1, height, image.shape[1]))
    )
    rows, columns = down.content(), across.content()
    kept = image[:, rows.image, columns.image]
    if kept.shape[1:] == (height, width):
        return kept
    view = fill.to(image.device, image.dtype).expand(height, width, -1).clone().movedim(2, 0)
    view[:, rows.view, columns.view] = kept
    return view


def _part(image: Tensor, boxes: NDArray[np.int64]) -> tuple[Tensor, NDArray[np.int64]]:
    """What boxes `(V, 4)` show of an image, at least one pixel, and the boxes in its pixels."""
    sides = np.array(image.shape[:0:-1])
    near = np.clip(boxes[:, :2].min(axis=0), 0, sides - 1)
    far = np.clip(boxes[:, 2:].max(axis=0), near + 1, sides)
    part = image[:, near[1] : far[1], near[0] : far[0]]
    return part, boxes - np.tile(near, 2)


def _edges(boxes: Boxes, images: int) -> NDArray[np.int64]:
    """The boxes as int64 on the host, checked."""
    array: NDArray[Any] = boxes.cpu().numpy() if isinstance(boxes, Tensor) else np.asarray(boxes)
    if array.ndim != 3 or array.shape[0] != images or array.shape[2] != 4:
        raise ValueError(f"`boxes` must have shape ({images}, V, 4), got {array.shape}")
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"`boxes` must be integers, got {array.dtype}")
    if (array[..., 2:] <= array[..., :2]).any():
        raise ValueError("`boxes` must satisfy x1 < x2 and y1 < y2, got an empty box")
    return array.astype(np.int64, copy=False)


def _per_channel(fill: Fill, channels: int) -> Tensor:
    color = torch.as_tensor(fill, dtype=torch.float64).reshape(-1)
    if color.numel() not in (1, channels):
        raise ValueError(f"`fill` must be one number or {channels}, got {color.numel()}")
    return color.expand(channels)
