"""Crop policies inside stable-pretraining: `Crop` for its `Compose`, `Views` for its views."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from stable_pretraining.data.transforms import Transform
from torch import Tensor

from tamecrop.geometry import Policy, ViewPlan
from tamecrop.views import transforms
from tamecrop.views.datasets import SampleKey, current_key, draw_of_torch, next_key, reading

Sample = dict[str, Any]


def _key_of(sample: Sample, seed: int) -> SampleKey:
    """That of `Keyed`; or sample and epoch as the host names them; or torch's numbers."""
    if current_key() is None and "sample_idx" in sample and "current_epoch" in sample:
        return SampleKey(seed, int(sample["current_epoch"]), int(sample["sample_idx"]))
    return next_key(draw_of_torch)


def _as_host(box: tuple[int, int, int, int]) -> Tensor:
    """`top, left, height, width`, as the host's crops note them."""
    x1, y1, x2, y2 = box
    return torch.tensor([y1, x1, y2 - y1, x2 - x1], dtype=torch.float32)


class Crop(Transform):
    """One view of a sample's image under a crop policy.

    Relation: the host's `RandomResizedCrop`; the box is noted under `"Crop"` in the sample, as
    `top, left, height, width`. Keys are those of `tamecrop.datasets.Keyed`, else `sample_idx` and
    `current_epoch` where the sample has both.

    Args:
        policy: the crop policy, or its text; not one that relates the views of an image.
        size: as `tamecrop.transforms.Crop`'s.
        source: name of the image in the sample, such as `"image"`.
        target: where the view is put.
        view: number of the view; those of one image must differ, or they are the same.
        seed: key of the run.
        **settings: `interpolation`, `antialias`, `fill` of `tamecrop.transforms.Crop`.

    Raises:
        ValueError: for a policy that relates views, or an argument that breaks its rule.
    """

    def __init__(
        self,
        policy: Policy | str,
        size: Any = None,
        *,
        source: str = "image",
        target: str = "image",
        view: int = 0,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.crop = transforms.Crop(policy, size, **settings)
        self.source, self.target, self.view, self.seed = source, target, view, seed

    def __call__(self, x: Sample) -> Sample:
        """The sample with a view in place of its image."""
        key = _key_of(x, self.seed)
        if key is not current_key():  # which counts its views
            key.first_view += self.view
        with reading(key):
            self.nested_set(x, self.crop(self.nested_get(x, self.source)), self.target)
        x[self.get_name(x)] = _as_host(key.boxes[-1])
        return x


class Views(Transform):
    """All views of a sample's image, drawn together, in place of the host's `MultiViewTransform`.

    Args:
        policy: the crop policy, a view plan, or their text.
        then: what follows the crop in each view, a list or a dict as the host's: its values take
            and give samples.
        size: as `tamecrop.transforms.Views`', of a group that states none.
        source: name of the image in the sample, and in the samples of the views.
        seed: key of the run.
        **settings: `interpolation`, `antialias`, `fill` of `tamecrop.transforms.Views`.

    Raises:
        ValueError: for a plan of another number of views than `then`, or an argument that breaks
            its rule.
    """

    def __init__(
        self,
        policy: Policy | str | ViewPlan,
        then: Sequence[Any] | Mapping[str, Any],
        size: Any = None,
        *,
        source: str = "image",
        seed: int = 0,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.views = transforms.Views(policy, len(then), size, **settings)
        if self.views.plan.views != len(then):
            count = self.views.plan.views
            raise ValueError(f"`then` must have a transform for each of {count} views")
        self.then, self.source, self.seed = then, source, seed

    def __call__(self, x: Sample) -> dict[str, Any]:
        """`{"views": [sample, ...]}`, or a sample under each name of `then`."""
        with reading(_key_of(x, self.seed)) as key:
            images = self.views(self.nested_get(x, self.source))
        named = isinstance(self.then, Mapping)
        steps = list(self.then.values() if isinstance(self.then, Mapping) else self.then)
        samples = []
        for step, image, box in zip(steps, images, key.boxes[-len(images) :], strict=True):
            sample = x.copy()
            self.nested_set(sample, image, self.source)
            sample["Crop"] = _as_host(box)
            samples.append(step(sample))
        return dict(zip(self.then, samples, strict=True)) if named else {"views": samples}
