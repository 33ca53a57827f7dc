"""A crop policy inside fastai: `Crop`, in place of `RandomResizedCrop` among `item_tfms`."""

from typing import Any

import numpy as np
from fastai.vision.all import PILMask, RandomResizedCrop, RandTransform, TensorBBox, TensorPoint
from PIL import Image

from tamecrop.geometry import Policy
from tamecrop.views import transforms
from tamecrop.views.datasets import draw_of_torch, next_key, reading
from tamecrop.views.samples import boxes_in_place


class Crop(RandTransform):
    """One view of an image under a crop policy; masks, points and boxes of a sample move along.

    Relation: fastai's `RandomResizedCrop`, whose validation step it keeps: the middle of a resized
    image. Keys come from `tamecrop.datasets`, else from torch's generator; `box` is that of the
    last sample, `(x1, y1, x2, y2)`.

    Args:
        policy: the crop policy, or its text; not one that relates the views of an image.
        size: side that the crop is resized to.
        interpolation: as `tamecrop.transforms.Crop`'s.
        fill: as `tamecrop.transforms.Crop`'s.
        **settings: of fastai's `RandTransform`.

    Raises:
        ValueError: for a policy that relates views, or an argument that breaks its rule.
    """

    split_idx, order = None, 1

    def __init__(
        self,
        policy: Policy | str,
        size: int,
        interpolation: Any = "bilinear",
        *,
        fill: Any = 0,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.crop = transforms.Crop(policy, size, interpolation, fill=fill)
        if self.crop.size is None:
            raise ValueError("`size` must be stated: a batch is one tensor")
        self.of_masks = transforms.Crop(policy, size, "nearest")
        self.valid = RandomResizedCrop(size)

    def before_call(self, b: Any, split_idx: int | None) -> None:
        """Draw the box of a sample."""
        self.do, self.is_valid = True, bool(split_idx)
        image = b[0] if isinstance(b, tuple) else b
        self.valid.before_call(image, split_idx)
        if not self.is_valid:
            with reading(next_key(draw_of_torch)) as key:
                self.params = self.crop.make_params([image])
            self.box = key.boxes[-1]

    def encodes(self, x: Image.Image | TensorBBox | TensorPoint) -> Any:
        """The view of an image or a mask; points and boxes as fractions of the view."""
        if self.is_valid:
            return self.valid.encodes(x)
        if isinstance(x, Image.Image):
            crop = self.of_masks if isinstance(x, PILMask) else self.crop
            kind: Any = type(x)  # fastai's, which takes an image
            return kind(crop.transform(x, self.params))
        size = self.valid.orig_sz[1], self.valid.orig_sz[0]
        box = boxes_in_place(np.array(self.box), size, self.crop.policy.content).tolist()
        sides = box[2] - box[0], box[3] - box[1]
        assert self.crop.size is not None, "checked at construction"
        height, width = self.crop.size
        return x.crop_pad(sides, box[:2], orig_sz=size[::-1], resize_to=(width, height))
