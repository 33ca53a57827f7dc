"""Crop policies inside Lightly: callables that its data sets take as `transform`."""

from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2

from tamecrop.geometry.policy import Policy
from tamecrop.views.manner import Size
from tamecrop.views.transforms import Views

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class SimCLRViews:
    """SimCLR's pipeline with a crop policy in place of `RandomResizedCrop`.

    Relation: `lightly.transforms.SimCLRTransform`, whose color steps this has (without
    blur, as SimCLR trains on small images); the crops of all views are drawn together.

    Args:
        policy: the crop policy, or its text.
        size: side of the views; None cuts exactly.
        views: number of views.
        color: what happens to each view after the crop, PIL image to tensor; by default flip,
            jitter, gray and ImageNet's normalization.
    """

    def __init__(
        self,
        policy: Policy | str,
        size: Size = None,
        *,
        views: int = 2,
        color: v2.Transform | None = None,
    ) -> None:
        self._views = Views(policy, views, size)
        self._color = color or _simclr_color()

    def __call__(self, image: Any) -> list[Tensor]:
        """The views of one PIL image or tensor."""
        return [self._color(view) for view in self._views(_as_rgb(image))]


def _as_rgb(image: Any) -> Any:
    """A PIL image of three 8-bit channels, which jitter and normalization need."""
    mode = getattr(image, "mode", "RGB")
    if mode in ("I", "F") or mode.startswith("I;16"):
        raise TypeError(f"a PIL image of mode {mode} must be made one of 8 bits, and RGB, first")
    return image if mode == "RGB" else image.convert("RGB")


def _simclr_color() -> v2.Transform:
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
            v2.RandomGrayscale(p=0.2),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
