"""Exact cuts of tensors: pixels are copied, never interpolated.

On the host NumPy copies rows; on other devices a view is a gather of windows. Both give the same
bits; a test says so.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tamecrop.geometry import Content
from tamecrop.views.kernels import send
from tamecrop.views.sampling import Ints, Runs, Taken, common_sides, copy_rows, runs

_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
"""Few operations of torch know these unsigned integers; copies need no values."""


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
    width, height = common_sides(boxes)
    across = runs(boxes[..., 0], width, images.shape[3], content)
    down = runs(boxes[..., 1], height, images.shape[2], content)
    # Rows of bytes carry no gradient; indexing does.
    learns = images.requires_grad and torch.is_grad_enabled()
    if images.device.type == "cpu" and not learns:
        return _on_host(images.detach(), across, down, (height, width), fill)
    return on_device(images, across, down, (height, width), fill)


def on_device(
    images: Tensor, across: Runs, down: Runs, size: tuple[int, int], fill: Tensor
) -> Tensor:
    """The same cuts by indexing pixels, on any device."""
    rows, columns = np.arange(size[0]), np.arange(size[1])
    return take(images, Taken(down, rows), Taken(across, columns), fill)


def take(images: Tensor, down: Taken, across: Taken, fill: Tensor) -> Tensor:
    """Views made of single pixels: images `(N, C, H, W)` to `(N, V, C, out, out)`."""
    if images.dtype in _SIGNED:
        signed = _SIGNED[images.dtype]
        views = take(images.view(signed), down, across, fill.view(signed))
        return views.view(images.dtype)
    device = images.device
    rows, rows_are_content = _send_pixels(down, images.shape[2], device)
    columns, columns_are_content = _send_pixels(across, images.shape[3], device)
    image = torch.arange(len(images), device=device)[:, None, None, None]
    views = images.movedim(1, -1)[image, rows[..., :, None], columns[..., None, :]]
    is_content = rows_are_content[..., :, None] & columns_are_content[..., None, :]
    color = send(fill, device)
    return torch.where(is_content[..., None], views, color).movedim(-1, 2).contiguous()


def _send_pixels(taken: Taken, side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Source positions `(N, V, out)`, and whether they are content."""
    place, is_content = taken.pixels(side)
    return send(place, device), send(is_content, device)


def _on_host(
    images: Tensor, across: Runs, down: Runs, size: tuple[int, int], fill: Tensor
) -> Tensor:
    pixels, color = _as_integers(images), _as_integers(fill)
    threads = torch.get_num_threads()
    views = copy_rows(pixels, across, down, size, fill=color, threads=threads)
    return torch.from_numpy(views).view(images.dtype)


def _as_integers(tensor: Tensor) -> NDArray[Any]:
    """The same memory as NumPy integers: NumPy has no bfloat16, and copies need no values."""
    kinds = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    array: NDArray[Any] = tensor.contiguous().view(kinds[tensor.element_size()]).numpy()
    return array
