"""How a box is cut out of one input of a sample: an image, a mask, boxes, key points, a video.

The work is that of torchvision's kernels and of Pillow; this file adds boxes that leave the image,
where torchvision fills with zeros or refuses.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms.functional import pil_modes_mapping
from torchvision.transforms.v2 import functional
from torchvision.transforms.v2.functional import InterpolationMode

from tamecrop.geometry import rules
from tamecrop.views.manner import Interpolation, interpolation_name

Fill = float | Sequence[float] | Mapping[Any, Any]


def read_interpolation(interpolation: Interpolation) -> InterpolationMode:
    """The mode that torchvision's enum, its name or Pillow's number stands for.

    >>> read_interpolation("bicubic") is read_interpolation(3) is InterpolationMode.BICUBIC
    True
    """
    return InterpolationMode(interpolation_name(interpolation))


def read_fill(fill: Fill) -> dict[Any, Any]:
    """Fill of each type of input, `"others"` for those not named; masks are filled with 0.

    >>> from torchvision import tv_tensors
    >>> read_fill((1, 2, 3))["others"], read_fill({tv_tensors.Mask: 255})[tv_tensors.Mask]
    ([1.0, 2.0, 3.0], 255)
    """
    named = dict(fill) if isinstance(fill, Mapping) else {"others": fill}
    for kind in named:
        if not (isinstance(kind, type) or kind == "others"):
            raise TypeError(f"`fill` must have types or 'others' as keys, got {kind!r}")
    by_type = {tv_tensors.Mask: 0, "others": 0, **named}
    return {kind: _read_one_fill(value) for kind, value in by_type.items()}


def _read_one_fill(fill: Any) -> Any:
    if fill is None:
        return 0
    if isinstance(fill, Real) and math.isfinite(fill):
        return fill
    numbers = list(fill) if isinstance(fill, Sequence) and not isinstance(fill, str) else []
    if not numbers or not all(isinstance(x, Real) and math.isfinite(x) for x in numbers):
        kinds = "a number, one per channel, or a dict of them"
        raise TypeError(f"`fill` must be {kinds}, got {fill!r}")
    return [float(x) for x in numbers]


@dataclass(frozen=True)
class Scissors:
    """Cut one input along a box.

    Args:
        content: `"in_place"` or `"centered"`; see `tamecrop.cut`.
        size: (height, width) that the crop is resized to; None leaves it as it is.
        fill: of each type of input.
        interpolation: of images; masks are resized with nearest neighbors.
        antialias: whether tensors are resized with antialiasing.
    """

    content: str
    size: tuple[int, int] | None
    fill: Mapping[Any, Any]
    interpolation: InterpolationMode
    antialias: bool | None

    def cut(self, inpt: Any, *, top: int, left: int, height: int, width: int) -> Any:
        """Cut one input; a box may leave it."""
        if isinstance(self.fill.get(type(inpt), self.fill["others"]), list):
            self._fill(inpt)  # refused now, not at the first box that leaves the image
        tall, broad = get_size(inpt)
        if top < 0 or left < 0 or top + height > tall or left + width > broad:
            cut = self._cut_across(inpt, _Side(top, height, tall), _Side(left, width, broad))
        elif self.size is None or is_image(inpt):
            cut = _crop(inpt, top, left, height, width)
        else:
            return self._resized_crop(inpt, top, left, height, width)
        return cut if self.size is None else self._resize(cut, self.size)

    def _resize(self, cut: Any, size: tuple[int, int]) -> Any:
        if isinstance(cut, Image.Image):
            return cut.resize(size[::-1], pil_modes_mapping[self.interpolation])
        if not is_image(cut):
            return self._resized_crop(cut, 0, 0, *get_size(cut))
        return functional.resize(pack(cut), [*size], **self._how())

    def _resized_crop(self, inpt: Any, top: int, left: int, height: int, width: int) -> Any:
        assert self.size is not None, "called for a cut that resizes"
        size = [*self.size]
        return functional.resized_crop(inpt, top, left, height, width, size=size, **self._how())

    def _how(self) -> dict[str, Any]:
        return {"interpolation": self.interpolation, "antialias": self.antialias}

    def _cut_across(self, inpt: Any, rows: "_Side", columns: "_Side") -> Any:
        """Cut a box that leaves the input."""
        fill = self._fill(inpt)
        if not (rows.inside and columns.inside):
            # A box wholly outside: torchvision's own crop of it has a wrong size, so it is never
            # asked for pixels that the input, made wider, does not have.
            around = [columns.before, rows.before, columns.after, rows.after]
            wide = functional.pad(inpt, around, fill=fill)
            top, left = rows.near + rows.before, columns.near + columns.before
            return functional.crop(wide, top, left, rows.crop, columns.crop)
        if not fill and self.content == "in_place" and is_image(inpt):  # what crops fill with
            return _crop(inpt, rows.near, columns.near, rows.crop, columns.crop)
        kept = functional.crop(inpt, rows.first, columns.first, rows.inside, columns.inside)
        around = [columns.before, rows.before, columns.after, rows.after]
        if self.content == "centered":
            around = [columns.half, rows.half, columns.other_half, rows.other_half]
        return functional.pad(kept, around, fill=fill)

    def _fill(self, inpt: Any) -> Any:
        fill = self.fill.get(type(inpt), self.fill["others"])
        if not isinstance(fill, list):
            return _round_fill(fill, inpt)
        if len(fill) > 1 and not isinstance(inpt, tv_tensors.Mask):
            channels = functional.get_dimensions(inpt)[0]
            rule = f"one number or one for each of {channels} channels"
            rules.require("fill", rule, fill, holds=len(fill) == channels)
        return [_round_fill(number, inpt) for number in fill]


def get_size(inpt: Any) -> tuple[int, int]:
    """(height, width) of one input."""
    if isinstance(inpt, Image.Image):
        width, height = inpt.size
        return height, width
    height, width = inpt.shape[-2:] if type(inpt) is Tensor else functional.get_size(inpt)
    return height, width


def is_image(inpt: Any) -> bool:
    """Whether this is pixels and no labels of them."""
    return isinstance(inpt, Image.Image) or type(inpt) in _PIXELS


_PIXELS = Tensor, tv_tensors.Image, tv_tensors.Video


def _crop(inpt: Any, top: int, left: int, height: int, width: int) -> Any:
    if isinstance(inpt, Image.Image):
        return inpt.crop((left, top, left + width, top + height))
    return functional.crop(inpt, top, left, height, width)


def pack(part: Tensor) -> Tensor:
    """A part of an image, in memory of its own where torch resizes that in half the time.

    Torch's kernel for bytes reads whole images, channel by channel or pixel by pixel. A part of an
    image it first copies pixel by pixel, which takes longer than to resize it; to copy rows takes
    a twentieth. Whatever is copied, the views are the same bits.
    """
    if part.dtype != torch.uint8 or part.stride(-1) != 1 or not part.is_cpu:
        return part
    if type(part) is Tensor:
        return part.contiguous()
    packed: Tensor = tv_tensors.wrap(part.as_subclass(Tensor).contiguous(), like=part)
    return packed


def _round_fill(fill: float, inpt: Any) -> float:
    """The nearest value that a pixel of the input can have; a bool is true beside 0."""
    if isinstance(inpt, Tensor):
        if inpt.dtype == torch.bool:
            return float(fill != 0)
        if inpt.dtype.is_floating_point:
            return fill
        low, high = torch.iinfo(inpt.dtype).min, torch.iinfo(inpt.dtype).max
    else:
        if inpt.mode in ("F", "I"):
            return fill
        low, high = 0, (2**16 - 1 if inpt.mode.startswith("I;16") else 255)
    return min(max(round(fill), low), high)


class _Side:
    """One axis of a box: what of it lies inside the image, and the fill it needs."""

    def __init__(self, near: int, crop: int, side: int) -> None:
        self.near, self.crop = near, crop
        self.first = min(max(near, 0), side)
        self.inside = max(min(near + crop, side) - self.first, 0)
        self.before, self.after = max(-near, 0), max(near + crop - side, 0)
        missing = crop - self.inside
        self.half, self.other_half = missing // 2, missing - missing // 2


def send(values: NDArray[Any] | Tensor, device: torch.device) -> Tensor:
    """Values on the host as a tensor on a device; the host does not wait for work queued there.

    A copy out of ordinary memory waits for everything the device still has to do; out of pinned
    memory it takes its turn behind it.

    Args:
        values: of any shape and kind that torch knows.
        device: where to.

    >>> send(torch.arange(3), torch.device("cpu")).tolist()
    [0, 1, 2]
    """
    tensor = values if isinstance(values, Tensor) else torch.from_numpy(values)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
