"""Exact cuts: pixels are copied, never interpolated.

On the host a view is a gather of its rows: every row of a view is one run of bytes in the image,
so NumPy copies runs, not pixels. On other devices it is a gather of windows. Both give the same
bits; a test says so.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tamecrop.geometry.borders import Content
from tamecrop.views.kernels import send

Ints = NDArray[np.int64]

_CHUNK = 512
"""Images per step on the CPU: what is read and written stays in its cache, and each thread takes
one step at a time (NumPy copies without holding the interpreter's lock)."""

_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
"""Few operations of torch know these unsigned integers; copies need no values."""


class Span(NamedTuple):
    """Along one axis: the content of one view."""

    image: slice
    view: slice


class Runs(NamedTuple):
    """Along one axis: where a view begins in the image, and which of its pixels are content."""

    origin: Ints
    """`(M,)` position in the image of the view's first pixel; may lie outside."""
    first: Ints
    """`(M,)` first pixel of the view that is content."""
    stop: Ints
    """`(M,)` first pixel after the content; equal to `first` in a view without content."""

    def content(self) -> Span:
        """Where the content of the only view lies, in the image and in the view."""
        origin, first, stop = (int(part.item()) for part in self)
        return Span(slice(origin + first, origin + stop), slice(first, stop))


def exact(images: Tensor, boxes: Ints, *, fill: Tensor, content: Content) -> Tensor:
    """Cut boxes of equal sides: images `(N, C, H, W)`, boxes `(N, V, 4)`, fill `(C,)`.

    Args:
        images: of any dtype.
        boxes: of equal sides.
        fill: of the images' dtype, on the CPU.
        content: as `cut` takes it.

    Returns:
        `(N, V, C, h, w)` of the images' dtype.

    Raises:
        ValueError: when the boxes have unequal sides.
    """
    width, height = _common_sides(boxes)
    across = runs(boxes[..., 0], width, images.shape[3], content)
    down = runs(boxes[..., 1], height, images.shape[2], content)
    # Rows of bytes carry no gradient; indexing does.
    learns = images.requires_grad and torch.is_grad_enabled()
    if images.device.type == "cpu" and not learns:
        return _on_host(images.detach(), across, down, (height, width), fill)
    return on_device(images, across, down, (height, width), fill)


def runs(near: Ints, crop: int | Ints, side: int, content: Content) -> Runs:
    """The run of content of each view along one axis, for near edges of any shape."""
    near = np.clip(near, -crop, side)
    first = np.maximum(-near, 0)
    stop = np.maximum(np.minimum(side - near, crop), first)
    if content == "in_place":
        return Runs(near, first, stop)
    middle = (crop - (stop - first)) // 2
    return Runs(near + first - middle, middle, middle + stop - first)


def on_device(
    images: Tensor, across: Runs, down: Runs, size: tuple[int, int], fill: Tensor
) -> Tensor:
    """The same cuts by indexing pixels, on any device."""
    rows, columns = np.arange(size[0]), np.arange(size[1])
    return take(images, Taken(down, rows), Taken(across, columns), fill)


class Taken(NamedTuple):
    """Along one axis: which pixels of its box each pixel of a view shows."""

    run: Runs
    pixel: Ints
    """`(..., out)`, counted from the near edge of the box."""


def take(images: Tensor, down: Taken, across: Taken, fill: Tensor) -> Tensor:
    """Views made of single pixels: images `(N, C, H, W)` to `(N, V, C, out, out)`."""
    if images.dtype in _SIGNED:
        signed = _SIGNED[images.dtype]
        views = take(images.view(signed), down, across, fill.view(signed))
        return views.view(images.dtype)
    device = images.device
    rows, rows_are_content = _pixels(down, images.shape[2], device)
    columns, columns_are_content = _pixels(across, images.shape[3], device)
    image = torch.arange(len(images), device=device)[:, None, None, None]
    views = images.movedim(1, -1)[image, rows[..., :, None], columns[..., None, :]]
    is_content = rows_are_content[..., :, None] & columns_are_content[..., None, :]
    color = send(fill, device)
    return torch.where(is_content[..., None], views, color).movedim(-1, 2).contiguous()


def _pixels(taken: Taken, side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Source positions `(N, V, out)`, and whether they are content."""
    origin, first, stop = (part[..., None] for part in taken.run)
    is_content = (taken.pixel >= first) & (taken.pixel < stop)
    place = np.clip(origin + taken.pixel, 0, side - 1)
    return send(place, device), send(is_content, device)


def _on_host(
    images: Tensor, across: Runs, down: Runs, size: tuple[int, int], fill: Tensor
) -> Tensor:
    shape = (*across.origin.shape, images.shape[1], *size)
    views = torch.empty(shape, dtype=images.dtype)
    source, target, color = (_as_integers(tensor) for tensor in (images, views, fill))

    def fill_chunk(start: int) -> None:
        part = slice(start, start + _CHUNK)
        here, there = (Runs(*(edge[part] for edge in run)) for run in (across, down))
        _gather(source[part], here, there, target[part], color)

    starts = range(0, len(images), _CHUNK)
    if len(starts) < 2:
        fill_chunk(0)
        return views
    with ThreadPoolExecutor(min(torch.get_num_threads(), len(starts))) as pool:
        deque(pool.map(fill_chunk, starts), maxlen=0)
    return views


def _gather(
    images: NDArray[Any], across: Runs, down: Runs, views: NDArray[Any], fill: NDArray[Any]
) -> None:
    """Fill `views` with rows of `images`, each row copied as one item of many bytes."""
    count, channels, height, _ = images.shape
    wide = views.shape[4]
    canvas, shift = _widen(images, across.origin, wide, fill)
    stride = canvas.shape[3]
    # Item i of `rows` is the run of `wide` pixels that begins at pixel i of the canvas. The items
    # overlap: the stride is one pixel, the item `wide` of them. NumPy then gathers rows of views
    # with one index each, instead of one a pixel. An item may run over the end of its image row;
    # such items are never asked for, since the canvas is as wide as any view reaches.
    rows = np.ndarray(
        shape=(canvas.size - wide + 1,),
        dtype=f"V{wide * canvas.itemsize}",
        buffer=canvas,
        strides=(canvas.itemsize,),
    )
    pixel = np.arange(views.shape[3])
    row = down.origin[..., None] + pixel
    is_content = (pixel >= down.first[..., None]) & (pixel < down.stop[..., None])
    plane = np.arange(count * channels).reshape(count, 1, channels, 1) * (height + 1)
    place = (plane + np.where(is_content, row, height)[:, :, None]) * stride
    place += (across.origin + shift)[..., None, None]
    views[...] = rows[place.ravel()].view(views.dtype).reshape(views.shape)
    _fill_sides(views, across, fill)


def _widen(
    images: NDArray[Any], near: Ints, wide: int, fill: NDArray[Any]
) -> tuple[NDArray[Any], int]:
    """The images with a row of fill below, and the fill at the sides that views reach into."""
    count, channels, height, width = images.shape
    left = int(max(0, -near.min()))
    right = int(max(0, near.max() + wide - width))
    shape = (count, channels, height + 1, left + width + right)
    canvas = np.empty(shape, dtype=images.dtype)
    canvas[...] = fill[:, None, None]
    canvas[:, :, :height, left : left + width] = images
    return canvas, left


def _fill_sides(views: NDArray[Any], across: Runs, fill: NDArray[Any]) -> None:
    """Fill what a view of centered content took from the image beyond its content."""
    pixel = np.arange(views.shape[4])
    beyond = (pixel < across.first[..., None]) | (pixel >= across.stop[..., None])
    moved = beyond.any(axis=-1)
    color = fill[:, None, None]
    views[moved] = np.where(beyond[moved][:, None, None, :], color, views[moved])


def _as_integers(tensor: Tensor) -> NDArray[Any]:
    """The same memory as NumPy integers: NumPy has no bfloat16, and copies need no values."""
    kinds = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    array: NDArray[Any] = tensor.contiguous().view(kinds[tensor.element_size()]).numpy()
    return array


def _common_sides(boxes: Ints) -> tuple[int, int]:
    sides = (boxes[..., 2:] - boxes[..., :2]).reshape(-1, 2)
    if not len(sides):
        raise ValueError("`boxes` must hold at least one box, got none")
    if (sides != sides[0]).any():
        other = sides[(sides != sides[0]).any(axis=1)][0]
        raise ValueError(
            "an exact cut needs boxes of equal sides (width, height), "
            f"got {tuple(sides[0].tolist())} and {tuple(other.tolist())}: give `size` to resize"
        )
    width, height = sides[0].tolist()
    return width, height
