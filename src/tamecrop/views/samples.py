"""What a sample of a torchvision pipeline holds: its size, its object boxes, its key; its views."""

import operator
import warnings
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
from torch import Tensor
from torch.utils import _pytree as pytree
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from tamecrop.geometry import (
    Boxes,
    MaskedBoxes,
    Masks,
    Policy,
    are_fractions,
    clip,
    keep_masks,
    rules,
)
from tamecrop.geometry.policy import policy as read_policy
from tamecrop.views.datasets import SampleKey, index_of
from tamecrop.views.kernels import get_size, is_image
from tamecrop.views.tensors import is_channels_last

Box = tuple[int, int, int, int]


def as_params(box: Box) -> dict[str, int]:
    """The four parameters of torchvision's crops for a box `(x1, y1, x2, y2)`.

    >>> as_params((1, 2, 5, 9))
    {'top': 2, 'left': 1, 'height': 7, 'width': 4}
    """
    left, top, right, bottom = box
    return {"top": top, "left": left, "height": bottom - top, "width": right - left}


def policy_of_one_view(policy: Policy | str) -> Policy:
    """The policy of a transform that draws one view.

    Raises:
        ValueError: for a policy that relates the views of an image.
    """
    found = read_policy(policy)
    if found.relates_views:
        raise ValueError(
            f"`Crop` draws one view, and {found} relates the views of an image: use "
            f"Views({str(found)!r}), or extent=random, pair=independent"
        )
    return found


def boxes_in_place(boxes: Boxes, size: tuple[int, int], content: str) -> Boxes:
    """Boxes whose pixels in place are where a view has them, for what moves along with it.

    Args:
        boxes: `(..., 4)` as drawn.
        size: (height, width) of the image.
        content: `"in_place"`, or `"centered"`: what survives is in the middle of the view.

    >>> boxes_in_place(np.array([-2, 0, 4, 4]), (8, 8), "centered").tolist()
    [-1, 0, 5, 4]
    """
    if content == "in_place":
        return boxes
    near, far = boxes[..., :2], boxes[..., 2:]
    sides = np.array(size[::-1])
    first = near.clip(0, sides)
    inside = (np.minimum(far, sides) - first).clip(0)
    moved = first - (far - near - inside) // 2
    return np.concatenate([moved, moved + far - near], axis=-1)


class _Named(type):
    """A class whose name, where a host's message quotes it, says what to do."""

    def __repr__(cls) -> str:
        return "the list of views of `Views`: give this transform as Views(..., then=transform)"


class ViewList(list[Any], metaclass=_Named):
    """The views of one sample.

    A list in everything but one thing: torchvision's transforms, which would give all views the
    same flip and, of plain tensors, change the first one only, refuse it; those of its first
    version with the class's own words. Copies are plain lists,
    and so is what a `DataLoader` makes of it.
    """

    def __copy__(self) -> list[Any]:
        return list(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return list, ([*self],)


def _refuse_views(_: Any) -> NoReturn:
    raise TypeError(
        "a transform behind `Views` would treat all views as one sample: "
        "give it as Views(..., then=transform), or take list(views)"
    )


pytree.register_pytree_node(ViewList, _refuse_views, lambda children, _: list(children))


def find_size(inputs: list[Any]) -> tuple[int, int]:
    """(height, width) of what is cut."""
    if len(inputs) == 1 and isinstance(inputs[0], Tensor) and inputs[0].ndim < 2:
        raise TypeError(f"a crop needs an image, got a tensor of shape {tuple(inputs[0].shape)}")
    images = [leaf for leaf in inputs if isinstance(leaf, Tensor) or hasattr(leaf, "getbands")]
    if not images:
        arrays = any(isinstance(leaf, np.ndarray) for leaf in inputs)
        hint = ": v2.ToImage() makes one of a NumPy array (H, W, C)" if arrays else ", got none"
        raise TypeError(f"a crop needs an image{hint}")
    for leaf in images:
        _require_pixels(leaf)
    if len(images) == 1 and is_image(images[0]):
        return get_size(images[0])
    height, width = v2.query_size(images)
    return height, width


def _require_pixels(image: Any) -> None:
    """Refuse a tensor that is no image; masks, boxes and points have rules of their own.

    Raises:
        TypeError: with its shape or type.
    """
    if not (type(image) is Tensor or isinstance(image, tv_tensors.Image)):
        return
    if image.ndim < 3 or image.is_complex():
        needs, way = "an image of real numbers (..., C, H, W)", ""
    elif is_channels_last(image):
        needs, way = "channels first, (..., C, H, W)", ": permute it"
    else:
        return
    got = f"{image.dtype} of shape {tuple(image.shape)}"
    raise TypeError(f"a crop needs {needs}, got {got}{way}")


def find_object_boxes(inputs: list[Any], stated: Any, size: tuple[int, int]) -> Any:
    """The object boxes of a sample `(k, 4)`: as stated, or those of its `BoundingBoxes`.

    As in data sets: clipped to the image, and left out where nothing of them is inside or a corner
    is no number. Boxes that are turned stand for the upright ones around them. A `Mask` of the
    sample `(k, H, W)` of 0 and 1, one a box as in torchvision's detection sets, is theirs.

    Args:
        inputs: what is cut.
        stated: the argument `object_boxes`.
        size: (height, width) of the image.
    """
    if stated is None:
        found = [leaf for leaf in inputs if isinstance(leaf, tv_tensors.BoundingBoxes)]
        if not found:  # the usual sample: arithmetic on no boxes costs as much as a tenth of a crop
            return np.empty((0, 4))
        corners = np.concatenate([*map(_corners, found)])
        boxes = _masked(corners, [leaf for leaf in inputs if isinstance(leaf, tv_tensors.Mask)])
    else:
        is_stamped = isinstance(stated, tv_tensors.BoundingBoxes)
        boxes = _corners(stated) if is_stamped else np.asanyarray(stated, dtype=np.float64)
        holds = boxes.ndim == 2 and boxes.shape[1] == 4
        rules.require("object_boxes", "a shape (k, 4)", boxes.shape, holds=holds)
    if boxes.size and boxes.max() <= 1 < min(size) and boxes[:, :2].any() and are_fractions(boxes):
        warnings.warn(
            "object boxes are pixels, and those of a sample lie inside of its first one: are they "
            "fractions of the image?",
            stacklevel=2,
        )
    inside = np.asarray(clip(boxes, np.array(size)), dtype=np.float64)
    shows = (inside[:, 2:] > inside[:, :2]).all(axis=1)
    return keep_masks(inside[shows], boxes, shows)


def _masked(boxes: Any, masks: list[tv_tensors.Mask]) -> Any:
    """Boxes with the masks of their objects, where a sample has one of each."""
    of_objects = [mask for mask in masks if mask.ndim == 3 and len(mask) == len(boxes) > 0]
    if len(of_objects) != 1 or of_objects[0].max() > 1:
        return boxes
    return MaskedBoxes(boxes, Masks.of([*of_objects[0].cpu().numpy()]))


def _corners(boxes: tv_tensors.BoundingBoxes) -> Any:
    """XYXY, float64 `(k, 4)`; of turned boxes the upright ones around them."""
    if boxes.shape[-1] == 4:
        upright = functional.convert_bounding_box_format(boxes, new_format="XYXY")
        return upright.cpu().numpy().astype(np.float64)
    turned = functional.convert_bounding_box_format(boxes, new_format="XYXYXYXY")
    points = turned.cpu().numpy().reshape(-1, 4, 2).astype(np.float64)
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)


def find_key(sample: tuple[Any, ...], names: tuple[str, ...], seed: int) -> SampleKey:
    """The key that a sample states.

    Args:
        sample: inputs of a transform, the first of them a mapping.
        names: of its entries that hold index and, if there are two, epoch.
        seed: key of the run.

    Raises:
        TypeError: when the sample is no mapping.
        ValueError: when it lacks an entry, or an entry is no key.
    """
    entries = sample[0]
    if not isinstance(entries, Mapping):
        kind = type(entries).__name__
        raise TypeError(f"`key` needs a sample that is a mapping with {names}, got {kind}")
    missing = [name for name in names if name not in entries]
    if missing:
        there = sorted(map(str, entries))
        raise ValueError(f"`key` names {missing[0]!r}, which the sample lacks: {there}")
    index = index_of(entries[names[0]])
    if len(names) == 1:
        return SampleKey(seed, 0, index)
    rules.integer("epoch", entries[names[1]])
    return SampleKey(seed, operator.index(entries[names[1]]), index)
