"""A crop policy in Albumentations 2.0 and AlbumentationsX: `Crop`, for `A.RandomResizedCrop`."""

from collections.abc import Sequence
from random import Random
from typing import Any

import albumentations as A
import numpy as np
from albumentations.core.composition import BaseCompose
from numpy.typing import NDArray
from torch.utils.data import get_worker_info

from tamecrop import cut
from tamecrop.geometry import Policy
from tamecrop.views.datasets import next_key
from tamecrop.views.manner import Fill, Interpolation, Manner, Size, read_manner
from tamecrop.views.samples import boxes_in_place, policy_of_one_view

Array = NDArray[Any]

# Both distributions install the package `albumentations`; AlbumentationsX refuses a class that has
# the hook of Albumentations 2.0, and replays a view by handing the box to the constructor.
IS_X = hasattr(A.DualTransform, "sample_parameters")


class Crop(A.DualTransform):
    """One view of an image under a crop policy.

    Relation: `A.RandomResizedCrop`, resized with antialiasing as Pillow does it. Masks are cut with
    nearest neighbors; boxes and key points move along. The box is `crop_coords` among the applied
    parameters (`A.ReplayCompose`, `save_applied_params=True`). Keys come from `tamecrop.datasets`,
    else from the host's generator.

    Args:
        policy: the crop policy, or its text; not one that relates the views of an image.
        size: side, `[side]` or (height, width) that the crop is resized to; None cuts exactly.
        interpolation: of images.
        fill: of what lies outside an image, one number or one per channel.
        fill_mask: of what lies outside a mask.
        crop_coords: (x1, y1, x2, y2), a box that is cut in place of those of the policy; a replay
            of AlbumentationsX gives it.
        p: probability with which the transform is applied.

    Raises:
        ValueError: for a policy that relates views, or an argument that breaks its rule.
    """

    _targets = A.RandomResizedCrop._targets

    def __init__(  # noqa: PLR0913  one more than torchvision's, for AlbumentationsX
        self,
        policy: Policy | str,
        size: Size = None,
        interpolation: Interpolation = "bilinear",
        *,
        fill: Fill = 0,
        fill_mask: Fill = 0,
        crop_coords: Sequence[int] | None = None,
        p: float = 1.0,
    ) -> None:
        super().__init__(p=p)
        self._policy = policy_of_one_view(policy)
        content = self._policy.content
        self._manner = read_manner(size, fill, content, interpolation)
        self._of_masks = read_manner(size, fill_mask, content, "nearest")
        # What the host writes down: `A.to_dict`, `repr`.
        self.policy, self.size = str(self._policy), self._manner.size
        self.interpolation = self._manner.interpolation
        self.fill, self.fill_mask = fill, fill_mask
        self.crop_coords = crop_coords

    if IS_X:

        def sample_parameters(
            self, params: dict[str, Any], data: dict[str, Any], targets: Any, sampling: Any
        ) -> Any:
            """The box of the view, `crop_coords`."""
            del params, data
            box = self._draw(targets.require_aligned_spatial_shape(2), sampling.py_random)
            sampling.applied_overrides["crop_coords"] = box
            return A.SampledParams(params={"crop_coords": box})
    else:

        def get_params_dependent_on_data(
            self, params: dict[str, Any], data: dict[str, Any]
        ) -> dict[str, Any]:
            """The box of the view, `crop_coords`."""
            del data
            return {"crop_coords": self._draw(params["shape"][:2], self.py_random)}

    def _draw(self, size: tuple[int, int], random: Random) -> tuple[int, ...]:
        if self.crop_coords is not None:
            return tuple(self.crop_coords)
        key = next_key(lambda: random.getrandbits(62), moves=self._policy.later is not None)
        (box,) = key.draw(self._policy, *size)
        return tuple(box)

    def apply(self, img: Array, crop_coords: Any, **_: Any) -> Array:
        """The view of an image."""
        return _cut(img, crop_coords, self._manner)

    def apply_to_mask(self, mask: Array, crop_coords: Any, **_: Any) -> Array:
        """The view of a mask."""
        return _cut(mask, crop_coords, self._of_masks)

    def apply_to_bboxes(self, bboxes: Array, crop_coords: Any, **params: Any) -> Array:
        """Object boxes, fractions of the image, as fractions of the view."""
        height, width = params["shape"][:2]
        x1, y1, x2, y2 = self._in_place(crop_coords, params)
        moved: Array = bboxes.astype(np.float32)
        moved[:, [0, 2]] = (moved[:, [0, 2]] * width - x1) / (x2 - x1)
        moved[:, [1, 3]] = (moved[:, [1, 3]] * height - y1) / (y2 - y1)
        return moved

    def apply_to_keypoints(self, keypoints: Array, crop_coords: Any, **params: Any) -> Array:
        """Key points, in pixels of the view."""
        x1, y1, x2, y2 = self._in_place(crop_coords, params)
        height, width = self.size or (y2 - y1, x2 - x1)
        across, down = width / (x2 - x1), height / (y2 - y1)
        moved: Array = keypoints.astype(np.float32)
        moved[:, 0] = (moved[:, 0] - x1) * across
        moved[:, 1] = (moved[:, 1] - y1) * down
        moved[:, 4:5] *= max(across, down)  # the host's scale of a key point
        return moved

    def _in_place(self, box: Any, params: dict[str, Any]) -> list[int]:
        size = params["shape"][0], params["shape"][1]
        moved: list[int] = boxes_in_place(np.asarray(box), size, self._policy.content).tolist()
        return moved


def _cut(image: Array, box: Any, how: Manner) -> Array:
    settings: dict[str, Any] = vars(how)
    view: Array = cut([image], np.asarray(box)[None, None], **settings)[0, 0]
    return view


def seed_worker(_: int) -> None:
    """A `worker_init_fn` under which workers and epochs have random numbers of their own.

    Albumentations 2.0 repeats its numbers in every forked worker and epoch: a worker has a copy of
    the generator; AlbumentationsX does not. This seeds every pipeline that the data set holds as
    an attribute, in it and in the data sets that it wraps.
    """
    info = get_worker_info()
    assert info is not None, "called in a worker of a DataLoader"
    dataset: Any = info.dataset
    while dataset is not None:
        for value in vars(dataset).values():
            if isinstance(value, BaseCompose | A.BasicTransform):
                value.set_random_seed(info.seed % 2**32)
        dataset = getattr(dataset, "dataset", None)
