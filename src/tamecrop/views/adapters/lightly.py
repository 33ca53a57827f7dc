"""Crop policies inside Lightly: callables that its data sets take as `transform`."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torchvision.transforms import v2

from tamecrop.geometry.policy import Policy
from tamecrop.views.chains import ChainViews, Text
from tamecrop.views.kernels import Fill
from tamecrop.views.manner import Size
from tamecrop.views.transforms import Views

if TYPE_CHECKING:
    from lightly.transforms.multi_view_transform import MultiViewTransform

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


class PolicyViews(ChainViews):
    """One of Lightly's transforms with a crop policy in place of its `RandomResizedCrop`s.

    Every other step is Lightly's own, in its order; sizes and interpolations are read from its
    crops; views of one size and scale are drawn together. It serves what is a `MultiViewTransform`
    whose views all crop: BYOL, DINO, DenseCL, FDA, FastSiam, IBOT, MMCR, MSN, MoCoV1, MoCoV2, SMoG,
    SimCLR, SimSiam, SwaV, TiCo, VICReg and WMSE.

    Args:
        policy: as `ChainViews`' of `tamecrop.views.chains`: a policy for all views, in whose text
            `{scale}` stands for the scale of Lightly's crop, or a plan with a group for each of
            Lightly's.
        transform: such as `lightly.transforms.DINOTransform()`.
        fill: as `tamecrop.transforms.Crop`'s.
        return_boxes: put the boxes, int64 `(V, 4)`, behind the views.

    Raises:
        TypeError: for another transform.
        ValueError: for a policy that does not fit.
    """

    def __init__(
        self,
        policy: Text,
        transform: "MultiViewTransform",
        *,
        fill: Fill = 0,
        return_boxes: bool = False,
    ) -> None:
        # Here, since `SimCLRViews` needs no Lightly.
        from lightly.transforms.multi_view_transform import MultiViewTransform

        if not isinstance(transform, MultiViewTransform):
            name = type(transform).__name__
            raise TypeError(f"`transform` must be a MultiViewTransform of Lightly, got {name}")
        super().__init__(policy, transform.transforms, fill=fill, return_boxes=return_boxes)


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
