"""Cut boxes out of tensors, whole batches at a time, on any device; see `tamecrop.cut`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as tv
from torchvision.transforms.v2.functional import InterpolationMode

from tamecrop.geometry import Content
from tamecrop.views import exact
from tamecrop.views.kernels import pack
from tamecrop.views.manner import (
    Boxes,
    Fill,
    Interpolation,
    Manner,
    Size,
    read_edges,
    read_manner,
    shown_part,
)
from tamecrop.views.resized import resize, round_to, work_type
from tamecrop.views.sampling import NEAREST, Ints, runs

_Function = TypeVar("_Function", bound=Callable[..., Any])


def call_as_is(function: _Function) -> _Function:
    """Let torch.compile break its graph around a function and call it as it is.

    Policies and boxes are NumPy and Python's numbers. Traced as tensors they take minutes in some
    versions of torch and are silently other boxes in others.
    """
    return cast(_Function, torch.compiler.disable(function))


@call_as_is
def cut_tensors(images: Tensor | Sequence[Tensor], boxes: Boxes, how: Manner) -> Tensor:
    """Views `(N, V, C, h, w)` of a batch `(N, C, H, W)`, or of N images `(C, H, W)`."""
    edges = read_edges(boxes, len(images))
    if not isinstance(images, Tensor):
        each = [_cut_one(image, box, how) for image, box in zip(images, edges, strict=True)]
        return torch.stack(each) if each else torch.empty(0)
    if images.ndim != 4 or is_channels_last(images):
        raise ValueError(f"`images` must have shape (N, C, H, W), got {tuple(images.shape)}")
    return _cut_batch(images, edges, how)


@call_as_is
def cut_one(
    image: Tensor,
    boxes: Boxes,
    *,
    size: Size = None,
    fill: Fill = 0,
    content: Content = "in_place",
    interpolation: Interpolation = "bilinear",
) -> Tensor:
    """Cut the views of one image `(C, H, W)`: boxes `(V, 4)` to views `(V, C, h, w)`.

    As `tamecrop.cut`; only the pixels of the boxes are touched, which suits large images.
    """
    edges = read_edges(boxes[None] if isinstance(boxes, Tensor) else np.asarray(boxes)[None], 1)
    return _cut_one(image, edges[0], read_manner(size, fill, content, interpolation))


def is_channels_last(images: Tensor) -> bool:
    """Whether images are `(..., H, W, C)`: pictures have few channels and more pixels a side."""
    first, second, last = images.shape[-3:]
    few = last in ((1, 3, 4) if images.dtype == torch.uint8 else (3,))
    return few and min(first, second) > 4


def _color(channels: int, dtype: torch.dtype, how: Manner) -> Tensor:
    """Fill `(C,)` of the images' dtype."""
    is_bool, limits = dtype == torch.bool, None
    if dtype.is_complex:
        raise TypeError(f"`images` must be bool, integers or floats, got {dtype}")
    if not (is_bool or dtype.is_floating_point):
        limits = torch.iinfo(dtype).min, torch.iinfo(dtype).max
    return torch.as_tensor(how.color(channels, limits, is_bool=is_bool)).to(dtype)


def _cut_batch(images: Tensor, edges: Ints, how: Manner) -> Tensor:
    color = _color(images.shape[1], images.dtype, how)
    if how.size is None:
        return exact.exact(images, edges, fill=color, content=how.content)
    return resize(
        images,
        edges,
        how.size,
        fill=color,
        content=how.content,
        interpolation=how.interpolation,
    )


def _cut_one(image: Tensor, boxes: Ints, how: Manner) -> Tensor:
    if not isinstance(image, Tensor):
        raise TypeError(
            "`images` must be tensors, NumPy arrays or PIL images, all of one kind, "
            f"got {type(image).__name__}"
        )
    if image.ndim != 3 or is_channels_last(image):
        raise ValueError(f"an image must have shape (C, H, W), got {tuple(image.shape)}")
    (left, top, right, bottom), inside = shown_part(image.shape[1:], boxes)
    part = image[:, top:bottom, left:right]
    if how.size is None or how.interpolation in NEAREST or _has_other_rules(part):
        return _cut_batch(part[None], inside[None], how)[0]
    color = _color(image.shape[0], image.dtype, how)
    return torch.stack([_resize_one(image, box, color, how) for box in boxes])


def _resize_one(image: Tensor, box: Ints, color: Tensor, how: Manner) -> Tensor:
    """One view in a call of its own: at most one whole cut of a large image is held at a time.

    torchvision resizes one large uint8 image several times faster than our matrix products.
    """
    assert how.size is not None, "called for a cut that resizes"
    whole = _one_exact(image, box, color, how.content)
    pixels = pack(whole) if whole.dtype == torch.uint8 else whole.to(work_type(image.dtype))
    mode = InterpolationMode(how.interpolation)
    resized: Tensor = tv.resize(pixels, list(how.size), mode, antialias=True)
    return resized if resized.dtype == image.dtype else round_to(image.dtype, resized)


def _has_other_rules(image: Tensor) -> bool:
    """Whether torchvision would spread a value beyond its kernel: it weighs NaN with 0."""
    if not image.dtype.is_floating_point:
        return False
    return image.device.type != "cpu" or not bool(torch.isfinite(image).all())


def _one_exact(image: Tensor, box: Ints, fill: Tensor, content: Content) -> Tensor:
    """One exact cut: the image's own memory where the box lies inside, else one copy of it."""
    width, height = (box[2:] - box[:2]).tolist()
    across, down = (
        runs(box[axis : axis + 1], crop, side, content)
        for axis, crop, side in ((0, width, image.shape[2]), (1, height, image.shape[1]))
    )
    rows, columns = down.content(), across.content()
    kept = image[:, rows.image, columns.image]
    if kept.shape[1:] == (height, width):
        return kept
    view = fill.to(image.device).expand(height, width, -1).clone().movedim(2, 0)
    view[:, rows.view, columns.view] = kept
    return view
