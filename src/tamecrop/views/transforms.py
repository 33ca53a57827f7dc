"""Crop laws as torchvision v2 transforms, for pipelines that work image by image.

The laws' own draws are keyed; a transform has no sample index, so it takes its key from torch's
global generator: who seeds torch gets the same crops again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional
from torchvision.transforms.v2.functional import InterpolationMode

from tamecrop.geometry import rules
from tamecrop.geometry.boxes import Boxes
from tamecrop.geometry.policy import Policy
from tamecrop.geometry.policy import policy as parsed

Size = int | tuple[int, int] | None
Fill = float | Sequence[float]


class Crop(v2.Transform):
    """One view of an image under a crop law, in place of `RandomResizedCrop` or `RandomCrop`.

    PIL images give PIL images; masks are cut with nearest neighbors and zero fill; boxes and
    key points move along. A batched tensor gets one box for all of its images, as everywhere in
    torchvision: `tamecrop.cut` gives each its own.

    Args:
        policy: the crop law, or its text.
        size: side or (height, width) that the crop is resized to, antialiased; None cuts exactly.
        fill: of what lies outside the image, one number or one per channel, in pixel units.
        interpolation: `bilinear` or `bicubic`.

    >>> Crop("gcc:scale=0.4,alpha=1.5")(torch.zeros(3, 32, 32)).shape
    torch.Size([3, 20, 20])
    """

    def __init__(
        self,
        policy: Policy | str,
        size: Size = None,
        *,
        fill: Fill = 0,
        interpolation: str = "bilinear",
    ) -> None:
        super().__init__()
        self.policy = parsed(policy)
        self._scissors = _Scissors(self.policy.content, size, fill, interpolation)

    def extra_repr(self) -> str:
        """The law and the size, for `repr`."""
        return f"{str(self.policy)!r}, size={self._scissors.size}"

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the box of one view: `top, left, height, width`, and the image's `size`."""
        size = _size(flat_inputs)
        (box,) = _drawn(self.policy, size, views=1)
        return _params(box, size)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Cut one input along the drawn box."""
        return self._scissors.cut(inpt, **params)


class Views(torch.nn.Module):
    """All views of an image under the joint law: a sample in, a list of samples out.

    Relation: Lightly's `MultiViewTransform` and the habit of calling one transform twice; but
    laws that relate the views (`mgcc`'s shared mean, a band of IoU) hold here. A sample is what
    torchvision's transforms take: an image, or any structure with masks, boxes and labels.

    Args:
        policy: the crop law, or its text.
        views: number of views.
        size: as `Crop`'s.
        fill: as `Crop`'s.
        interpolation: as `Crop`'s.

    >>> first, second = Views("mgcc:scale=0.4", size=32)(torch.zeros(3, 48, 64))
    >>> first.shape
    torch.Size([3, 32, 32])
    """

    def __init__(
        self,
        policy: Policy | str,
        views: int = 2,
        size: Size = None,
        *,
        fill: Fill = 0,
        interpolation: str = "bilinear",
    ) -> None:
        super().__init__()
        rules.count("views", views)
        self.policy = parsed(policy)
        self.views = views
        self._scissors = _Scissors(self.policy.content, size, fill, interpolation)

    def extra_repr(self) -> str:
        """The law, the number of views and the size, for `repr`."""
        return f"{str(self.policy)!r}, views={self.views}, size={self._scissors.size}"

    def forward(self, *sample: Any) -> list[Any]:
        """The views of one sample, each of the sample's own kind."""
        return self.with_boxes(*sample)[0]

    def with_boxes(self, *sample: Any) -> tuple[list[Any], Boxes]:
        """The views of one sample, and where they come from.

        Returns:
            The list of views, and their boxes `(V, 4)` in pixels of the source image.
        """
        flat, _ = torch.utils._pytree.tree_flatten(sample)
        size = _size(flat)
        boxes = _drawn(self.policy, size, views=self.views)
        placed = [_Placed(_params(box, size), self._scissors) for box in boxes]
        return [place(*sample) for place in placed], boxes


@dataclass(frozen=True)
class _Scissors:
    """How a box is cut out of anything that torchvision knows."""

    content: str
    size: Size
    fill: Fill
    interpolation: str

    def __post_init__(self) -> None:
        rules.known("interpolation", self.interpolation, ("bilinear", "bicubic"))
        for side in (self.size,) if isinstance(self.size, int) else self.size or ():
            rules.count("size", side)

    def cut(
        self, inpt: Any, *, top: int, left: int, height: int, width: int, size: tuple[int, int]
    ) -> Any:
        """Cut one input; `size` is that of the image it belongs to."""
        rows, columns = _Side(top, height, size[0]), _Side(left, width, size[1])
        fill = 0 if isinstance(inpt, tv_tensors.Mask) else self.fill
        if self.content == "centered" and rows.inside and columns.inside:
            kept = functional.crop(inpt, rows.first, columns.first, rows.inside, columns.inside)
            around = [columns.half, rows.half, columns.other_half, rows.other_half]
            cut = functional.pad(kept, around, fill=fill)
        else:
            around = [columns.before, rows.before, columns.after, rows.after]
            wide = functional.pad(inpt, around, fill=fill) if any(around) else inpt
            cut = functional.crop(wide, top + rows.before, left + columns.before, height, width)
        if self.size is None:
            return cut
        sides = [self.size, self.size] if isinstance(self.size, int) else list(self.size)
        mode = InterpolationMode(self.interpolation)
        return functional.resize(cut, sides, interpolation=mode, antialias=True)


class _Side:
    """One axis of a box: what of it lies inside the image, and the fill it needs."""

    def __init__(self, near: int, crop: int, side: int) -> None:
        self.first = min(max(near, 0), side)
        self.inside = max(min(near + crop, side) - self.first, 0)
        self.before, self.after = max(-near, 0), max(near + crop - side, 0)
        missing = crop - self.inside
        self.half, self.other_half = missing // 2, missing - missing // 2


class _Placed(v2.Transform):
    """A crop whose box is known."""

    def __init__(self, params: dict[str, Any], scissors: _Scissors) -> None:
        super().__init__()
        self._params = params
        self._scissors = scissors

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:  # noqa: ARG002 - torchvision's
        return self._params

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._scissors.cut(inpt, **params)


def _size(flat_inputs: list[Any]) -> tuple[int, int]:
    images = [
        each
        for each in flat_inputs
        if isinstance(each, Tensor | tv_tensors.TVTensor) or hasattr(each, "getbands")
    ]
    if not images:
        raise TypeError("a crop needs an image, got none")
    height, width = v2.query_size(images)
    return height, width


def _drawn(policy: Policy, size: tuple[int, int], *, views: int) -> Boxes:
    """Boxes `(V, 4)`, keyed by torch's generator."""
    seed = int(torch.randint(2**62, ()).item())
    boxes: Boxes = policy.draw(size, index=[0], views=views, seed=seed)[0]
    return boxes


def _params(box: Boxes, size: tuple[int, int]) -> dict[str, Any]:
    left, top, right, bottom = box.tolist()
    return {
        "top": top,
        "left": left,
        "height": bottom - top,
        "width": right - left,
        "size": size,
    }
