"""A crop policy in pipelines of solo-learn: `policy_views`, around what its recipes build."""

from typing import Any

from tamecrop.views.chains import ChainViews, Text
from tamecrop.views.kernels import Fill


def policy_views(
    policy: Text, pipeline: Any, *, fill: Fill = 0, return_boxes: bool = False
) -> ChainViews:
    """A pipeline of solo-learn with a crop policy in place of its `RandomResizedCrop`s.

    Args:
        policy: as `ChainViews`': a policy for all views, in whose text `{scale}` stands for the
            recipe's `crop_min_scale..crop_max_scale`, or a plan with a group for each size and
            scale of the recipe.
        pipeline: what `prepare_n_crop_transform` returns.
        fill: as `tamecrop.transforms.Crop`'s.
        return_boxes: put the boxes, int64 `(V, 4)`, behind the views.

    Raises:
        TypeError: for another pipeline.
        ValueError: for a policy that does not fit, or a recipe with `rrc.enabled: false`.
    """
    parts = getattr(pipeline, "transforms", [pipeline])
    chains = []
    for part in parts:
        if not hasattr(part, "num_crops"):
            name = type(part).__name__
            raise TypeError(f"`pipeline` must be prepare_n_crop_transform's, got {name}")
        chains += [part.transform] * part.num_crops
    return ChainViews(policy, chains, fill=fill, return_boxes=return_boxes)
