"""Cut boxes out of NumPy arrays and PIL images, without torch; see `tamecrop.cut`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tamecrop.geometry import Content, Floats
from tamecrop.views.manner import Boxes, Manner, read_edges, shown_part
from tamecrop.views.sampling import (
    NEAREST,
    Ints,
    Kernel,
    Taken,
    common_sides,
    copy_rows,
    runs,
    take_nearest,
    weights_of,
)

Array: TypeAlias = NDArray[Any]
Images: TypeAlias = Array | Sequence[Array] | Image.Image | Sequence[Image.Image]

_NOTHING = 1e-6
_CHUNK = 128
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_OF_PILLOW = {2: "L", 3: "RGB"}
"""Modes of uint8 arrays `(H, W)` and `(H, W, 3)`, which Pillow resizes fastest."""


def cut_arrays(images: Array | Sequence[Any], boxes: Boxes, how: Manner) -> Any:
    """Views of arrays as one array `(N, V, h, w, ...)`, of PIL images as N lists of V images."""
    edges = read_edges(boxes, len(images))
    if isinstance(images, np.ndarray):
        if images.ndim not in (3, 4):
            shape = tuple(images.shape)
            raise ValueError(f"`images` must have shape (N, H, W) or (N, H, W, C), got {shape}")
        _refuse_channels_first(images[0] if len(images) else images)
        return _cut_batch(images, edges, how)
    each = [_cut_one(image, box, how) for image, box in zip(images, edges, strict=True)]
    return each if isinstance(images[0], Image.Image) else np.stack(each)


def _cut_one(image: Any, boxes: Ints, how: Manner) -> Any:
    if isinstance(image, Image.Image):
        return _cut_picture(image, boxes, how)
    if not isinstance(image, np.ndarray) or image.ndim not in (2, 3):
        got = f"one of {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"an image must be an array (H, W) or (H, W, C), got {got}")
    _refuse_channels_first(image)
    (left, top, right, bottom), inside = shown_part(image.shape, boxes)
    part = image[top:bottom, left:right]
    plain = image.dtype == np.uint8 and (image.ndim == 2 or image.shape[2] == 3)
    if not (how.averages and plain):
        return _cut_batch(part[None], inside[None], how)[0]
    mode = _OF_PILLOW[image.ndim]
    pictures = _cut_picture(Image.fromarray(part), inside, how)
    assert all(picture.mode == mode for picture in pictures), "as Pillow names such arrays"
    return np.stack([np.asarray(picture) for picture in pictures])


def _refuse_channels_first(image: Array) -> None:
    """Refuse what would be cut across its channels.

    Raises:
        ValueError: for an array (C, H, W), with the two ways out.
    """
    few = (1, 3, 4)
    if image.ndim == 3 and image.shape[0] in few and min(image.shape[1:]) > max(few):
        raise ValueError(
            f"arrays have channels last, (H, W, C), got {image.shape}: move the axis, or give "
            "tensors (C, H, W)"
        )


def _cut_picture(image: Image.Image, boxes: Ints, how: Manner) -> list[Image.Image]:
    """Views of a PIL image, of its mode."""
    part, inside = shown_part((image.height, image.width), boxes)
    pixels = np.asarray(image.crop(tuple(part.tolist())))
    if how.averages and (image.mode in ("1", "P", "PA")):
        nearest = " or ".join(NEAREST)
        raise ValueError(f"`interpolation` must be {nearest} for PIL images of mode {image.mode}")
    # Pillow before 11 cannot resize 16 bits.
    is_pillows = how.averages and not image.mode.startswith("I;16")
    exact = Manner(None, how.fill, how.content, how.interpolation) if is_pillows else how
    views = [
        _as_picture(_cut_batch(pixels[None], box[None, None], exact)[0, 0], image) for box in inside
    ]
    if not is_pillows:
        return views
    assert how.size is not None, "Pillow averages to a size"
    height, width = how.size
    return [view.resize((width, height), _FILTERS[how.interpolation]) for view in views]


def _as_picture(pixels: Array, like: Image.Image) -> Image.Image:
    """Pixels as a PIL image of the mode, palette and notes of another."""
    size = pixels.shape[1], pixels.shape[0]
    if like.mode == "1":
        return Image.fromarray(pixels)
    view = Image.frombytes(like.mode, size, np.ascontiguousarray(pixels).tobytes())
    if like.palette is not None:
        view.putpalette(like.palette)
    view.info = dict(like.info)
    return view


def _cut_batch(images: Array, boxes: Ints, how: Manner) -> Array:
    """Views `(N, V, h, w, ...)` of `(N, H, W)` or `(N, H, W, C)`."""
    if images.dtype.kind not in "buif" or images.dtype.itemsize > 8:
        raise TypeError(f"`images` must be bool, integers or floats, got {images.dtype}")
    pixels = images if images.ndim == 4 else images[..., None]
    is_bool, limits = images.dtype == bool, None
    if images.dtype.kind in "iu":
        limits = int(np.iinfo(images.dtype).min), int(np.iinfo(images.dtype).max)
    fill = how.color(pixels.shape[3], limits, is_bool=is_bool)
    color = _exact_fill(fill, images.dtype)
    if how.size is None:
        views = _exact(pixels, boxes, color, how.content)
    elif how.interpolation in NEAREST:
        kernel = Kernel(how.interpolation, how.content)
        down, across = _each_axis(boxes, pixels, how.size, kernel, take_nearest)
        views = _take(pixels, down, across, color)
    else:
        views = _resize(pixels, boxes, color, how)
    return views if images.ndim == 4 else views[..., 0]


def _exact_fill(fill: Floats, dtype: np.dtype[Any]) -> Array:
    """Fill as pixels: the largest of 64 bits have no float of their own."""
    if dtype.kind not in "iu":
        return fill.astype(dtype)
    lowest, highest = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return np.array([min(max(int(x), lowest), highest) for x in fill.tolist()], dtype=dtype)


def _exact(images: Array, boxes: Ints, fill: Array, content: Content) -> Array:
    width, height = common_sides(boxes)
    across = runs(boxes[..., 0], width, images.shape[2], content)
    down = runs(boxes[..., 1], height, images.shape[1], content)
    channels = images.shape[3]
    whole = np.dtype(f"V{channels * images.itemsize}")  # a pixel is one item
    items = np.ascontiguousarray(images).view(whole)[..., 0][:, None]
    color = np.ascontiguousarray(fill).view(whole)
    views = copy_rows(items, across, down, (height, width), fill=color)
    return views[:, :, 0, ..., None].view(images.dtype)


def _each_axis(
    boxes: Ints,
    images: Array,
    size: tuple[int, int],
    kernel: Kernel,
    make: Callable[[Ints, int, int, Kernel], Any],
) -> tuple[Any, Any]:
    """What a function says of rows and of columns."""
    rows = make(boxes[..., 1::2], images.shape[1], size[0], kernel)
    return rows, make(boxes[..., 0::2], images.shape[2], size[1], kernel)


def _take(images: Array, down: Taken, across: Taken, fill: Array) -> Array:
    """Views made of single pixels."""
    rows, rows_are_content = down.pixels(images.shape[1])
    columns, columns_are_content = across.pixels(images.shape[2])
    image = np.arange(len(images))[:, None, None, None]
    views = images[image, rows[..., :, None], columns[..., None, :]]
    is_content = rows_are_content[..., :, None] & columns_are_content[..., None, :]
    return np.where(is_content[..., None], views, fill)


def _resize(images: Array, boxes: Ints, fill: Array, how: Manner) -> Array:
    assert how.size is not None, "called for a cut that resizes"
    is_double = images.dtype.itemsize == 8 or images.dtype in (np.int32, np.uint32)
    kernel = Kernel(how.interpolation, how.content, is_double=is_double)
    views = np.empty((*boxes.shape[:2], *how.size, images.shape[3]), dtype=images.dtype)
    for start in range(0, len(images), _CHUNK):
        part = slice(start, start + _CHUNK)
        rows, columns = _each_axis(boxes[part], images, how.size, kernel, weights_of)
        pixels = images[part].astype(kernel.dtype)
        down, across = (matrices[which] for matrices, which in (rows, columns))
        views[part] = _round_to(
            images.dtype, _weigh(pixels, down, across, fill.astype(kernel.dtype))
        )
    return views


def _weigh(pixels: Array, down: Array, across: Array, fill: Array) -> Array:
    """Weighted sums, NaN where a weight meets a pixel that is not finite."""
    broken = ~np.isfinite(pixels)
    if not broken.any():
        return _sum(pixels, down, across, fill)
    sums = _sum(np.where(broken, 0, pixels), down, across, fill)
    rows, columns = ((np.abs(matrix) > _NOTHING).astype(matrix.dtype) for matrix in (down, across))
    reached = _sum(broken.astype(pixels.dtype), rows, columns, np.zeros_like(fill))
    return np.where(reached > 0, np.nan, sums)


def _sum(pixels: Array, down: Array, across: Array, fill: Array) -> Array:
    """Weighted sums of the content, and fill for the weight that is missing: `(N, V, h, w, C)`."""
    count, height, width, channels = pixels.shape
    views, out = down.shape[1:3]
    above = (pixels - fill).reshape(count, height, width * channels)
    half = down.reshape(count, views * out, height) @ above
    half = half.reshape(count, views, out, width, channels).swapaxes(2, 3)
    full = across @ half.reshape(count, views, width, out * channels)
    sums: Array = full.reshape(count, views, -1, out, channels).swapaxes(2, 3) + fill
    return sums


def _round_to(dtype: np.dtype[Any], views: Array) -> Array:
    """Sums as pixels: integers are rounded, half to even, and clipped to their range."""
    if dtype.kind == "f":
        return views.astype(dtype)
    lowest, highest = np.iinfo(dtype).min, views.dtype.type(np.iinfo(dtype).max)
    if int(highest) > np.iinfo(dtype).max:  # of 64 bits: floats hold the next power of two
        highest = np.nextafter(highest, 0)
    return views.round().clip(lowest, highest).astype(dtype)
