"""Hard views: of more views of an image than a method takes, train on the pair it finds hardest.

Source: Ferreira et al., "Beyond Random Augmentations: Pretraining with Hard Views", ICLR 2025. All
views pass through the network once more, without gradient, and in each image the pair with the
highest loss is kept. What counts as the loss of a pair is the method's `pair_losses`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from tamecrop.geometry import ViewPlan
from tamecrop.learning.backbones import without_traces
from tamecrop.learning.methods.base import Method, widen


@torch.no_grad()
def hardest(method: Method, plan: ViewPlan, views: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The views that a method trains on: of a group `2of4x` the hardest pair of each image.

    Args:
        method: as it is before the step; no weight and no statistic of it changes.
        plan: of the views.
        views: for each group normalized `(B, V, C, h, w)`.

    Returns:
        For each group `(B, kept, C, h, w)`, the views of a pair in the order of their numbers.
    """
    return tuple(
        _hardest_pair(method, group) if stated.kept else group
        for stated, group in zip(plan.groups, views, strict=True)
    )


def _hardest_pair(method: Method, views: Tensor) -> Tensor:
    if not len(views):
        return views[:, :2]
    inputs = views.to(next(method.parameters()).dtype)  # the wrapped method's own first step
    with without_traces(method):
        losses = widen(method.pair_losses(inputs))
    first, second = torch.triu_indices(views.shape[1], views.shape[1], offset=1).to(losses.device)
    chosen = losses[:, first, second].argmax(1)  # of equal ones the first
    rows = torch.arange(len(views), device=views.device)[:, None]
    return views[rows, torch.stack([first[chosen], second[chosen]], dim=1)]
