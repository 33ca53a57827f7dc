"""Which pixels of an image a view shows, and how it weighs them; NumPy only.

Exact cuts copy pixels. On the host a view is a gather of its rows: every row of a view is one run
of bytes in the image, so NumPy copies runs, not pixels. Antialiased resizing is linear and
separable, so a resized cut is `A image B^T` with one pair of thin weight matrices for each box,
plus fill for the weight that falls outside the image. The weights are those of torchvision's
antialiased resize of the cut and filled box, and of Pillow's.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamecrop.geometry import Content, Floats

Ints = NDArray[np.int64]
Weights = NDArray[np.float32 | np.float64]

_CHUNK = 512
"""Images per step: what is read and written stays in the CPU's cache, and each thread takes one
step at a time (NumPy copies without holding the interpreter's lock)."""


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


def runs(near: Ints, crop: int | Ints, side: int, content: Content) -> Runs:
    """The run of content of each view along one axis, for near edges of any shape."""
    near = np.clip(near, -crop, side)
    first = np.maximum(-near, 0)
    stop = np.maximum(np.minimum(side - near, crop), first)
    if content == "in_place":
        return Runs(near, first, stop)
    middle = (crop - (stop - first)) // 2
    return Runs(near + first - middle, middle, middle + stop - first)


class Taken(NamedTuple):
    """Along one axis: which pixels of its box each pixel of a view shows."""

    run: Runs
    pixel: Ints
    """`(..., out)`, counted from the near edge of the box."""

    def pixels(self, side: int) -> tuple[Ints, NDArray[np.bool_]]:
        """Positions in the image `(N, V, out)`, and whether they are content."""
        origin, first, stop = (part[..., None] for part in self.run)
        is_content = (self.pixel >= first) & (self.pixel < stop)
        return np.clip(origin + self.pixel, 0, side - 1), is_content


def take_nearest(ends: Ints, side: int, out: int, kernel: "Kernel") -> Taken:
    """The pixels that a view shows which is resized to the nearest pixel; edges `(N, V, 2)`."""
    near, crop = ends[..., 0], ends[..., 1] - ends[..., 0]
    pixel = nearest_pixels(crop, out, kernel.interpolation)
    return Taken(runs(near, crop, side, kernel.content), pixel)


def common_sides(boxes: Ints) -> tuple[int, int]:
    """(width, height) of all boxes.

    Raises:
        ValueError: when they differ.
    """
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


def copy_rows(
    images: NDArray[Any],
    across: Runs,
    down: Runs,
    size: tuple[int, int],
    *,
    fill: NDArray[Any],
    threads: int = 1,
) -> NDArray[Any]:
    """Views `(N, V, C, h, w)` of images `(N, C, H, W)`, each row copied as one run of bytes.

    Args:
        images: of any dtype, pixels of several bytes (`V12`) too.
        across: run of content of each view along the width, `(N, V)`.
        down: likewise along the height.
        size: (height, width) of the views.
        fill: `(C,)` of the images' dtype.
        threads: how many copy side by side.
    """
    views = np.empty((*across.origin.shape, images.shape[1], *size), dtype=images.dtype)

    def fill_chunk(start: int) -> None:
        part = slice(start, start + _CHUNK)
        here, there = (Runs(*(edge[part] for edge in run)) for run in (across, down))
        _gather(images[part], here, there, views[part], fill)

    starts = range(0, len(images), _CHUNK)
    if len(starts) < 2:
        fill_chunk(0)
        return views
    with ThreadPoolExecutor(min(threads, len(starts))) as pool:
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


def nearest_pixels(crop: Ints, out: int, interpolation: str) -> Ints:
    """The pixel of a box that each pixel of a resized view shows, `(..., out)`.

    As torch computes it, in its 32-bit floats: whole numbers would give another pixel in about one
    pair of sides in a hundred.
    """
    offset = np.float32(0.5 if interpolation == "nearest-exact" else 0)
    step = crop.astype(np.float32)[..., None] / np.float32(out)
    pixel = np.floor((np.arange(out, dtype=np.float32) + offset) * step).astype(np.int64)
    same = crop[..., None] == out
    return np.where(same, np.arange(out), np.minimum(pixel, crop[..., None] - 1))


def weights_of(ends: Ints, side: int, out: int, kernel: "Kernel") -> tuple[Weights, Ints]:
    """Weight matrices for near and far edges `(N, V, 2)` along one axis: each once, and which."""
    # A matrix depends on the two edges alone, and a side of 32 pixels has 528 pairs of edges: a
    # batch of 512 images with two views asks for most of them twice or more. Each is made once,
    # which also keeps what goes to a device small.
    keys = ends[..., 0] * (2 * np.abs(ends).max() + 2) + ends[..., 1]
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    near, far = ends.reshape(-1, 2)[first].T
    return weight_matrix(near, far, side, out, kernel), which.reshape(ends.shape[:2])


@dataclass(frozen=True)
class Kernel:
    """How pixels are weighed, and where the content of a view is.

    Args:
        interpolation: one of `MODES` or `NEAREST`.
        content: `"in_place"` or `"centered"`; see `tamecrop.views.cut.cut`.
        is_double: whether weights have 64 bits, for sums that 32 bits would round.
    """

    interpolation: str = "bilinear"
    content: Content = "in_place"
    is_double: bool = False

    @property
    def dtype(self) -> type[np.float32 | np.float64]:
        """NumPy's name of the precision."""
        return np.float64 if self.is_double else np.float32


def weight_matrix(
    near: NDArray[np.int64], far: NDArray[np.int64], side: int, out: int, kernel: Kernel
) -> Weights:
    """Weights `(..., out, side)` of the image's pixels in each resized pixel, along one axis.

    Rows sum to the share of the weight that lies on content; the rest is fill.

    Args:
        near: near edges of the boxes, any shape.
        far: far edges, the same shape.
        side: side of the image.
        out: side of the resized view.
        kernel: how pixels are weighed.
    """
    shape, radius = MODES[kernel.interpolation]
    crop = (far - near)[..., None, None]
    step = crop / out
    stretch = np.maximum(step, 1)
    center = step * (np.arange(out)[:, None] + 0.5)
    first = np.maximum(np.floor(center - radius * stretch + 0.5), 0)
    taps = first + np.arange(int(np.ceil(2 * radius * stretch.max())) + 1)
    last = np.minimum(np.floor(center + radius * stretch + 0.5), crop)
    weight = np.where(taps < last, shape((taps + 0.5 - center) / stretch), 0)
    weight /= weight.sum(axis=-1, keepdims=True)
    run = Runs(*(edge[..., None, None] for edge in runs(near, far - near, side, kernel.content)))
    on_content = (taps >= run.first) & (taps < run.stop)
    place = taps.astype(np.int64) + run.origin
    return _spread(np.where(on_content, weight, 0).astype(kernel.dtype), place, side)


def _spread(weight: Weights, place: Ints, side: int) -> Weights:
    """Thin rows of weights, put at their places in rows of the image's length."""
    rows = np.zeros((*place.shape[:-1], side + 1), dtype=weight.dtype)
    # Weights of nothing all go to one more column, which is cut off: put_along_axis needs an index
    # for each, and one that pointed at a real pixel could overwrite its weight with 0.
    place = np.where(weight == 0, side, place)
    np.put_along_axis(rows, place, weight, axis=-1)
    return np.ascontiguousarray(rows[..., :side])


def _triangle(x: Floats) -> Floats:
    return np.asarray(np.maximum(1 - np.abs(x), 0))


def _cubic(x: Floats) -> Floats:
    """Keys' kernel with a = -1/2, the one of antialiased resizing."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


MODES: dict[str, tuple[Callable[[Floats], Floats], int]] = {
    "bilinear": (_triangle, 1),
    "bicubic": (_cubic, 2),
}

NEAREST = ("nearest", "nearest-exact")
