"""Crop policies inside NVIDIA DALI: `Windows` feeds a pipeline the boxes of its samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from nvidia.dali import fn, types

from tamecrop.geometry import Policy, ViewPlan, plan, rules

Window = NDArray[np.int32]


class Windows:
    """The windows of all views of the samples of a pipeline, for `fn.external_source`.

    For each view an anchor and a shape, int32 `(height, width)` in pixels, which `fn.slice` takes.
    Boxes are a function of `(seed, epoch, index)`; epochs are the pipeline's own. It is picklable,
    as `parallel=True` asks.

    Args:
        policy: the crop policy, a view plan, or their text.
        sizes: `(N, 2)` sizes (height, width) of the images, in the order of the samples.
        views: number of views of a group that states none.
        seed: key of the run.
        order: `(N,)` which image is the n-th sample; by default they come as they are.

    Raises:
        ValueError: for an argument that breaks its rule.
    """

    def __init__(
        self,
        policy: Policy | str | ViewPlan,
        sizes: ArrayLike,
        *,
        views: int = 2,
        seed: int = 0,
        order: Sequence[int] | None = None,
    ) -> None:
        self.plan = plan(policy, views=views)
        for group in self.plan.groups:
            if group.policy.content != "in_place":
                found = f"got {group.policy}"
                raise ValueError(f"a policy must leave content in place for DALI's slice, {found}")
        count = len(np.asarray(sizes))
        self._sizes, _ = rules.sizes_and_index(sizes, np.arange(count))
        rules.integer("seed", seed)
        self._seed = seed
        self._order = np.arange(count) if order is None else np.asarray(order)

    def __call__(self, sample: Any) -> tuple[Window, ...]:
        """Anchor and shape of each view of a sample, one after the other.

        Args:
            sample: the host's `SampleInfo`.
        """
        if sample.idx_in_epoch >= len(self._order):
            raise StopIteration
        index = int(self._order[sample.idx_in_epoch])
        groups = self.plan.draw(
            self._sizes[index], seed=self._seed, epoch=sample.epoch_idx, index=[index]
        )
        boxes = np.concatenate(groups, axis=1)[0][:, [1, 0, 3, 2]].astype(np.int32)
        return tuple(part for box in boxes for part in (box[:2].copy(), (box[2:] - box[:2]).copy()))

    def source(self, **settings: Any) -> list[tuple[Any, Any]]:
        """Anchor and shape of each view as nodes of the pipeline that is being defined.

        Args:
            **settings: of `fn.external_source`, such as `parallel=True`.
        """
        nodes = fn.external_source(
            self,
            num_outputs=2 * self.plan.views,
            batch=False,
            dtype=types.INT32,
            **settings,
        )
        return list(zip(nodes[::2], nodes[1::2], strict=True))


def cut(image: Any, window: tuple[Any, Any], *, fill: Any = 0) -> Any:
    """The pixels of one view, as a node: exactly, with fill outside the image.

    Args:
        image: decoded, on the CPU or the GPU, layout `HWC`.
        window: one of `Windows.source`.
        fill: one number or one per channel.
    """
    anchor, shape = window
    return fn.slice(
        image,
        anchor,
        shape,
        axis_names="HW",
        normalized_anchor=False,
        normalized_shape=False,
        out_of_bounds_policy="pad",
        fill_values=fill,
    )
