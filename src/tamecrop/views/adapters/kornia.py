"""A crop policy inside Kornia: `Crop`, in place of `kornia.augmentation.RandomResizedCrop`."""

from typing import Any

import numpy as np
import torch
from kornia.augmentation import GeometricAugmentationBase2D
from kornia.augmentation.random_generator import RandomGeneratorBase
from kornia.constants import Resample
from torch import Tensor

from tamecrop import cut
from tamecrop.geometry import Boxes, Policy
from tamecrop.views.datasets import draw_of_torch
from tamecrop.views.manner import Fill, Interpolation, Size, read_manner
from tamecrop.views.samples import boxes_in_place, policy_of_one_view

Params = dict[str, Tensor]


class _Generator(RandomGeneratorBase):
    """Boxes of a batch, as the host's crops state them: corners, inclusive."""

    def __init__(self, policy: Policy, size: tuple[int, int]) -> None:
        super().__init__()
        self._policy, self._size = policy, size

    def make_samplers(self, device: torch.device, dtype: torch.dtype) -> None:
        """None are needed: the numbers are keyed."""

    def forward(self, batch_shape: tuple[int, ...], same_on_batch: bool = False) -> Params:  # noqa: FBT001, FBT002  the host's
        """The box of each image of a batch."""
        if self._policy.later is not None:
            raise ValueError("a policy that moves with the epoch must be told it: policy.at(epoch)")
        index = np.zeros(batch_shape[0], np.int64) if same_on_batch else np.arange(batch_shape[0])
        size = batch_shape[-2:]
        boxes = self._policy.draw(size, views=1, seed=draw_of_torch(), index=index)[:, 0]
        return self.of_boxes(boxes, size)

    def of_boxes(self, boxes: Boxes, size: tuple[int, ...]) -> Params:
        """The parameters of boxes `(B, 4)`."""
        height, width = self._size
        out = np.broadcast_to(np.array([0, 0, width, height]), boxes.shape)
        sides = torch.tensor(size, dtype=torch.long)
        return {
            "src": _corners(boxes),
            "dst": _corners(out),
            "input_size": sides.expand(len(boxes), -1),
            "output_size": torch.tensor(self._size).expand(len(boxes), -1),
        }


class Crop(GeometricAugmentationBase2D):
    """One view of each image of a batch under a crop policy.

    Relation: `kornia.augmentation.RandomResizedCrop`, with a box for each image, resized with
    antialiasing: the same bits as `tamecrop.cut`. Masks are cut with nearest neighbors; boxes and
    key points move along by the matrix of the half-pixel grid. `boxes_of(crop._params)` gives the
    boxes. Keys come from torch's generator; to set them, draw the boxes elsewhere and call with
    `params=crop.params(boxes, images)`.

    Args:
        policy: the crop policy, or its text; not one that relates the views of an image.
        size: side, `[side]` or (height, width) that crops are resized to.
        interpolation: of images.
        fill: of what lies outside an image, one number or one per channel.
        same_on_batch: one box for all images of a batch.
        keepdim: as the host's.

    Raises:
        ValueError: for a policy that relates views, or an argument that breaks its rule.
    """

    def __init__(
        self,
        policy: Policy | str,
        size: Size,
        interpolation: Interpolation = "bilinear",
        *,
        fill: Fill = 0,
        same_on_batch: bool = False,
        keepdim: bool = False,
    ) -> None:
        super().__init__(p=1.0, same_on_batch=same_on_batch, keepdim=keepdim)
        self.policy = policy_of_one_view(policy)
        self._manner = read_manner(size, fill, self.policy.content, interpolation)
        if self._manner.size is None:
            raise ValueError("`size` must be stated: a batch is one tensor")
        self._param_generator = _Generator(self.policy, self._manner.size)
        self.flags = {
            "size": self._manner.size,
            "resample": Resample.BILINEAR,
            "align_corners": False,
        }

    def params(self, boxes: Boxes, images: Tensor) -> Params:
        """What `forward(images, params=...)` takes, for boxes that were drawn elsewhere.

        Args:
            boxes: `(B, 4)` integers `(x1, y1, x2, y2)`.
            images: `(B, C, H, W)`.
        """
        found = self._param_generator.of_boxes(np.asarray(boxes), tuple(images.shape[-2:]))
        ones = torch.ones(len(found["src"]))
        return {**found, "batch_prob": ones, "forward_input_shape": torch.tensor(images.shape)}

    def compute_transformation(self, input: Tensor, params: Params, flags: Any) -> Tensor:
        """From pixels of the image to pixels of the view, `(B, 3, 3)`."""
        del flags
        size = int(input.shape[-2]), int(input.shape[-1])
        boxes = boxes_in_place(boxes_of(params), size, self.policy.content)
        near = torch.as_tensor(boxes[:, :2]).to(input)
        sides = torch.as_tensor(boxes[:, 2:] - boxes[:, :2]).to(input)
        assert self._manner.size is not None, "checked at construction"
        scale = torch.tensor(self._manner.size[::-1]).to(input) / sides
        matrix = torch.diag_embed(torch.cat([scale, torch.ones_like(scale[:, :1])], dim=1))
        matrix[:, :2, 2] = (0.5 - near) * scale - 0.5
        return matrix

    def apply_transform(
        self, input: Tensor, params: Params, flags: Any, transform: Tensor | None = None
    ) -> Tensor:
        """The views of a batch."""
        del flags, transform
        settings: dict[str, Any] = vars(self._manner)
        return cut(input, boxes_of(params)[:, None], **settings)[:, 0]

    def apply_transform_mask(
        self, input: Tensor, params: Params, flags: Any, transform: Tensor | None = None
    ) -> Tensor:
        """The views of masks; what lies outside is 0."""
        del flags, transform
        settings = {**vars(self._manner), "interpolation": "nearest", "fill": 0}
        return cut(input, boxes_of(params)[:, None], **settings)[:, 0]


def boxes_of(params: Params) -> Boxes:
    """The boxes `(B, 4)` that the host's parameters state.

    Args:
        params: `crop._params`, or the `data` of one of `AugmentationSequential`'s.
    """
    corners = params["src"].round().long().cpu().numpy()
    return np.concatenate([corners[:, 0], corners[:, 2] + 1], axis=1)


def _corners(boxes: Boxes) -> Tensor:
    """`(B, 4, 2)`: top left, top right, bottom right, bottom left."""
    x1, y1, x2, y2 = torch.tensor(np.asarray(boxes, np.float32)).unbind(1)
    x2, y2 = x2 - 1, y2 - 1
    corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    return torch.stack([torch.stack(corner, dim=1) for corner in corners], dim=1)
