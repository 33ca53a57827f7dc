"""Crop policies as torchvision v2 transforms, for pipelines that work image by image.

Boxes are keyed. A transform has no sample index of its own: its key comes from torch's global
generator, which repeats when seeded; or from the sample; or from `Keyed` or `OnEntry` of
`tamecrop.datasets`.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree
from torchvision.transforms import v2

from tamecrop.geometry import (
    Boxes,
    Group,
    Policy,
    ViewPlan,
    choose_objects,
    masks_of,
    plan,
    rules,
    write_size,
)
from tamecrop.views.datasets import SampleKey, draw_of_torch, next_key
from tamecrop.views.kernels import Fill, Scissors, read_fill, read_interpolation
from tamecrop.views.manner import Interpolation, Size, read_count, read_size
from tamecrop.views.samples import (
    Box,
    ViewList,
    as_params,
    find_key,
    find_object_boxes,
    find_size,
    policy_of_one_view,
)
from tamecrop.views.tensors import call_as_is


class _Keyed(v2.Transform):
    """Where a transform takes its keys and object boxes from."""

    def __init__(self, key: tuple[str, ...] | str, seed: int, policies: Iterable[Policy]) -> None:
        super().__init__()
        entries = (key,) if isinstance(key, str) else tuple(key)
        holds = len(entries) <= 2 and all(isinstance(entry, str) for entry in entries)
        rules.require("key", "names of the entries of index and epoch", key, holds=holds)
        rules.integer("seed", seed)
        self._key, self._seed = entries, seed
        self._moves = any(policy.later is not None for policy in policies)
        if self._moves and len(entries) == 1:
            raise ValueError("a policy that moves with the epoch needs key=(INDEX, EPOCH)")

    def _read_key(self, sample: tuple[Any, ...]) -> SampleKey:
        if self._key and sample:
            return find_key(sample, self._key, self._seed)
        return next_key(draw_of_torch, moves=self._moves)

    def _draw(
        self, groups: Iterable[Group], size: tuple[int, int], key: SampleKey, objects: Any
    ) -> list[list[Box]]:
        """Boxes of every group of views of one image."""
        box = None
        if len(objects):
            whole = {"seed": key.seed, "epoch": key.epoch or 0, "index": [key.index]}
            chosen = choose_objects([objects], **whole)  # type: ignore[arg-type]
            box = chosen[0] if masks_of(chosen) is None else chosen
        return [
            key.draw(group.policy, *size, views=group.views, object_box=box) for group in groups
        ]

    def _flatten(self, sample: tuple[Any, ...]) -> tuple[list[Any], Any, list[bool]]:
        """The leaves of a sample, its structure, and which leaves torchvision would transform."""
        if not sample:
            raise TypeError("a crop needs an image, got no input")
        flat, spec = pytree.tree_flatten(sample if len(sample) > 1 else sample[0])
        self.check_inputs(flat)
        return flat, spec, self._needs_transform_list(flat)


class Crop(_Keyed):
    """One view of an image under a crop policy, in place of `RandomResizedCrop` or `RandomCrop`.

    PIL images give PIL images; masks are cut with nearest neighbors and zero fill; boxes and
    key points move along; what is cut is what torchvision's own transforms would cut. A batched
    tensor gets one box for all of its images, as everywhere in torchvision: `tamecrop.cut` gives
    each its own. A policy that needs object boxes takes one of the sample's `BoundingBoxes`, or of
    `object_boxes`, clipped to the image; an image without any keeps the law that needs none.

    Args:
        policy: the crop policy, or its text; not one that relates the views of an image.
        size: side, `[side]` or (height, width) that the crop is resized to; None cuts exactly.
        interpolation: of images: a name, torchvision's enum or Pillow's number.
        antialias: whether tensors are resized with antialiasing; PIL images always are.
        fill: of what lies outside the image, in pixel units: one number, one per channel, or a
            dict of them by type of input, `"others"` for the rest. Rounded and clipped to what the
            input can hold; masks have 0 unless named.
        key: names of the entries of a sample (a mapping) that hold index, a whole number or a text
            as `OnEntry` takes it, and, if given, epoch: boxes are then a function of
            `(seed, epoch, index)`.
        seed: key of the run, with `key`.

    Raises:
        ValueError: for a policy that relates views, or an argument that breaks its rule.
        TypeError: when called on something without an image.

    >>> Crop("gcc:scale=0.4,alpha=1.5")(torch.zeros(3, 32, 32)).shape
    torch.Size([3, 20, 20])
    """

    def __init__(  # noqa: PLR0913  the words of torchvision's transforms
        self,
        policy: Policy | str,
        size: Size = None,
        interpolation: Interpolation = "bilinear",
        *,
        antialias: bool | None = True,
        fill: Fill = 0,
        key: tuple[str, ...] | str = (),
        seed: int = 0,
    ) -> None:
        self.policy = policy_of_one_view(policy)
        super().__init__(key, seed, [self.policy])
        self.size = read_size(size)
        self._groups = (Group(self.policy, 1),)
        self._scissors = Scissors(
            self.policy.content,
            self.size,
            read_fill(fill),
            read_interpolation(interpolation),
            antialias,
        )

    def extra_repr(self) -> str:
        """The policy and the size, for `repr`."""
        return f"{str(self.policy)!r}, size={write_size(self.size) if self.size else None}"

    def make_params(self, flat_inputs: list[Any]) -> dict[str, int]:
        """Draw the box of one view: `top, left, height, width`."""
        return self._params(flat_inputs, self._read_key(()), None)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Cut one input along the drawn box."""
        return self._scissors.cut(inpt, **params)

    @call_as_is
    def forward(self, *sample: Any, object_boxes: Any = None) -> Any:
        """One view of a sample, of the sample's own kind.

        Args:
            *sample: what torchvision's transforms take: an image, or any structure of images,
                masks, boxes, key points and other things.
            object_boxes: `(k, 4)` pixels `(x1, y1, x2, y2)`, one of which the policy looks at;
                `MaskedBoxes` where masks are known.
        """
        flat, spec, is_cut = self._flatten(sample)
        chosen = [leaf for leaf, cut in zip(flat, is_cut, strict=True) if cut]
        params = self._params(chosen or flat, self._read_key(sample), object_boxes)
        views = [
            self.transform(leaf, params) if cut else leaf
            for leaf, cut in zip(flat, is_cut, strict=True)
        ]
        return pytree.tree_unflatten(views, spec)

    def _params(self, inputs: list[Any], key: SampleKey, object_boxes: Any) -> dict[str, int]:
        size = find_size(inputs)
        objects = find_object_boxes(inputs, object_boxes, size) if self.policy.needs_boxes else ()
        ((box,),) = self._draw(self._groups, size, key, objects)
        return as_params(box)


class Views(_Keyed):
    """All views of an image under a view plan: a sample in, a list of samples out.

    Relation: Lightly's `MultiViewTransform` and the habit of calling one transform twice; but
    policies that relate the views (`mgcc`'s shared mean, a band of IoU) hold here. A sample is
    what torchvision's transforms take: an image, or any structure with masks, boxes and labels.
    A torchvision transform behind `Views` in a `Compose` would treat all views as one sample, and
    is refused: give it as `then`.

    Args:
        policy: the crop policy, a view plan such as
            `"2x rrc:scale=0.4..1 @224 + 6x rrc:scale=0.05..0.4 @96"`, or their text. Of hard views
            (`2of4x rrc`) all: there is no network here to choose by.
        views: number of views of a group that states none.
        size: as `Crop`'s, of a group that states none.
        interpolation: as `Crop`'s.
        antialias: as `Crop`'s.
        fill: as `Crop`'s.
        then: applied to each view by itself, with random draws of its own.
        return_boxes: also return the boxes, int64 `(V, 4)`, in pixels of the source image.
        key: as `Crop`'s.
        seed: as `Crop`'s.

    Raises:
        ValueError: for an argument that breaks its rule.
        TypeError: when called on something without an image.

    >>> first, second = Views("mgcc:scale=0.4", size=32)(torch.zeros(3, 48, 64))
    >>> first.shape
    torch.Size([3, 32, 32])
    >>> multi_crop = Views("2x rrc:scale=0.4..1 @32 + 3x rrc:scale=0.05..0.4 @16")
    >>> [view.shape[-1] for view in multi_crop(torch.zeros(3, 48, 64))]
    [32, 32, 16, 16, 16]
    """

    def __init__(  # noqa: PLR0913  the words of torchvision's transforms
        self,
        policy: Policy | str | ViewPlan,
        views: int = 2,
        size: Size = None,
        interpolation: Interpolation = "bilinear",
        *,
        antialias: bool | None = True,
        fill: Fill = 0,
        then: Callable[..., Any] | None = None,
        return_boxes: bool = False,
        key: tuple[str, ...] | str = (),
        seed: int = 0,
    ) -> None:
        if then is not None and not callable(then):
            raise TypeError(f"`then` must be a transform, got {then!r}")
        stated = plan(policy, views=read_count("views", views), size=read_size(size))
        super().__init__(key, seed, [group.policy for group in stated.groups])
        self.plan = stated
        self.then, self.return_boxes = then, return_boxes
        mode, fills = read_interpolation(interpolation), read_fill(fill)
        self._scissors = [
            Scissors(group.policy.content, group.size, fills, mode, antialias)
            for group in self.plan.groups
        ]

    @property
    def policy(self) -> Policy:
        """The policy of a plan that has one group."""
        return self.plan.only_group("`policy`").policy

    def extra_repr(self) -> str:
        """The plan, for `repr`."""
        return repr(" + ".join(map(str, self.plan.groups)))

    @call_as_is
    def forward(self, *sample: Any, object_boxes: Any = None) -> Any:
        """The views of one sample, each of the sample's own kind.

        Args:
            *sample: as `Crop` takes it.
            object_boxes: `(k, 4)` pixels `(x1, y1, x2, y2)`, one of which the policy looks at;
                `MaskedBoxes` where masks are known.

        Returns:
            A list of V views, group after group; with `return_boxes` that list and the boxes.
        """
        views, boxes = self._cut(sample, object_boxes)
        return (views, torch.from_numpy(boxes)) if self.return_boxes else views

    @call_as_is
    def with_boxes(self, *sample: Any, object_boxes: Any = None) -> tuple[list[Any], Boxes]:
        """The views of one sample, and where they come from.

        Returns:
            The list of views, and their boxes `(V, 4)` in pixels of the source image.
        """
        return self._cut(sample, object_boxes)

    def _cut(self, sample: tuple[Any, ...], object_boxes: Any) -> tuple[list[Any], Boxes]:
        flat, spec, is_cut = self._flatten(sample)
        chosen = [leaf for leaf, cut in zip(flat, is_cut, strict=True) if cut] or flat
        size = find_size(chosen)
        objects = find_object_boxes(chosen, object_boxes, size) if self.plan.needs_boxes else ()
        groups = self._draw(self.plan.groups, size, self._read_key(sample), objects)
        views = ViewList(
            pytree.tree_unflatten(
                [
                    scissors.cut(leaf, **as_params(box)) if cut else leaf
                    for leaf, cut in zip(flat, is_cut, strict=True)
                ],
                spec,
            )
            for scissors, boxes in zip(self._scissors, groups, strict=True)
            for box in boxes
        )
        if self.then is not None:
            several = len(sample) > 1
            views = ViewList(self.then(*view) if several else self.then(view) for view in views)
        return views, np.array([box for boxes in groups for box in boxes], dtype=np.int64)
