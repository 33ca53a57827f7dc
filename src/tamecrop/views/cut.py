"""Cut boxes out of images: tensors, NumPy arrays or PIL images, exactly or resized."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tamecrop.geometry import Content, rules
from tamecrop.on_demand import import_needed
from tamecrop.views.arrays import Images, cut_arrays
from tamecrop.views.manner import Boxes, Fill, Interpolation, Manner, Size, read_manner

if TYPE_CHECKING:
    from torch import Tensor


@overload
def cut(
    images: "Tensor | Sequence[Tensor]",
    boxes: Boxes,
    *,
    size: Size = ...,
    fill: Fill = ...,
    content: Content = ...,
    interpolation: Interpolation = ...,
) -> "Tensor": ...
@overload
def cut(
    images: NDArray[Any] | Sequence[NDArray[Any]],
    boxes: Boxes,
    *,
    size: Size = ...,
    fill: Fill = ...,
    content: Content = ...,
    interpolation: Interpolation = ...,
) -> NDArray[Any]: ...
@overload
def cut(
    images: Image.Image,
    boxes: Boxes,
    *,
    size: Size = ...,
    fill: Fill = ...,
    content: Content = ...,
    interpolation: Interpolation = ...,
) -> list[Image.Image]: ...
@overload
def cut(
    images: Sequence[Image.Image],
    boxes: Boxes,
    *,
    size: Size = ...,
    fill: Fill = ...,
    content: Content = ...,
    interpolation: Interpolation = ...,
) -> list[list[Image.Image]]: ...
def cut(
    images: "Tensor | Sequence[Tensor] | Images",
    boxes: Boxes,
    *,
    size: Size = None,
    fill: Fill = 0,
    content: Content = "in_place",
    interpolation: Interpolation = "bilinear",
) -> Any:
    """Cut the views that boxes name; what lies outside an image is fill.

    Relation: torchvision's `crop` and `resized_crop`, for a whole batch and all of its views; on
    NumPy arrays and PIL images without torch.

    One set of rules holds for exact and resized cuts, for batches and lists, on every device and
    without torch: views have the dtype of the images, and 64-bit ones are resized in 64 bits;
    integers are rounded and clipped to their range, and so is fill; a pixel of a view is NaN or
    infinite only if its kernel weighs such a pixel; gradients flow to floating tensors; bool images
    are resized to the nearest pixel alone, which also keeps label maps what they are. Exact cuts
    and nearest pixels are the same bits in all forms; averaged integers differ by one level at
    most, with `"bicubic"` on single uint8 images by more at sharp edges.

    Args:
        images: tensors `(N, C, H, W)`, of any dtype, on any device, or N tensors `(C, H, W)` of any
            sizes, on one device; or arrays `(N, H, W)` or `(N, H, W, C)`, or N arrays of any sizes;
            or N PIL images, which Pillow resizes (it weighs colors by their alpha). With boxes
            `(V, 4)` one image.
        boxes: `(N, V, 4)` integers, `(x1, y1, x2, y2)`.
        size: `None` for an exact cut, for which all boxes must have the same sides (but of PIL
            images); else the side or (height, width) to which every box is resized, with
            antialiasing where the interpolation has it.
        fill: one number, or one per channel, in the units of the pixels; finite where pixels are
            averaged.
        content: `"in_place"`, or `"centered"`: what survives inside the image is moved to the
            middle of the view, an odd pixel of fill going right or down.
        interpolation: `"bilinear"`; `"bicubic"`: the same as torchvision on floats, while on uint8
            torchvision and Pillow round and clip between their two passes, which sharp images show;
            `"nearest"` or `"nearest-exact"`, the same pixels as torchvision's on tensors.

    Returns:
        Of the images' dtype: `(N, V, C, h, w)` for tensors, on their device; `(N, V, h, w)` or
        `(N, V, h, w, C)` for arrays; N lists of V images for PIL images. Without N for one image.

    Raises:
        ValueError: on shapes that do not fit, empty boxes, or unequal boxes in an exact cut.
        TypeError: on images that are none of these.

    >>> image = np.arange(16, dtype=np.uint8).reshape(4, 4)
    >>> cut(image, np.array([[2, 2, 4, 4]])).tolist()
    [[[10, 11], [14, 15]]]
    """
    how = read_manner(size, fill, content, interpolation)
    rules.corners("boxes", boxes)
    edges = boxes if hasattr(boxes, "ndim") else np.asarray(boxes)
    if edges.ndim == 2 and _is_one(images):
        return _cut([images], edges[None], how)[0]
    _refuse_one(images, tuple(edges.shape))
    return _cut(images, edges, how)


def _refuse_one(images: Any, shape: tuple[int, ...]) -> None:
    """Refuse one image with the boxes of a batch, which `Policy.draw` gives.

    Raises:
        ValueError: with the two ways out.
    """
    alone = isinstance(images, Image.Image)
    if alone or (_is_one(images) and len(shape) == 3 and len(images) != shape[0]):
        raise ValueError(
            f"one image takes `boxes` of shape (V, 4), got {shape}: give [image] or boxes[0]"
        )


def _is_one(images: Any) -> bool:
    """Whether this is an image; of an array (H, W, C) channels are not its longest axis."""
    if isinstance(images, np.ndarray) and images.ndim == 3:
        return bool(images.shape[2] <= max(images.shape[:2]))
    return isinstance(images, Image.Image) or getattr(images, "ndim", 0) in (2, 3)


def _cut(images: Any, boxes: Boxes, how: Manner) -> Any:
    """Views of a batch or a list, by what it holds."""
    first = images if hasattr(images, "ndim") else next(iter(images), None)
    if isinstance(first, np.ndarray | Image.Image):
        return cut_arrays(images, boxes, how)
    tensors = import_needed("tamecrop.views.tensors")
    return tensors.cut_tensors(images, boxes, how)
