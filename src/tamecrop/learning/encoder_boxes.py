"""ContrastiveCrop's object boxes: where the last feature map of the network that trains is high.

Source: Peng et al., ContrastiveCrop, CVPR 2022. Until a fifth of the epochs is over every box is
the whole image; then, and after every further fifth, all boxes are found anew.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.functional import interpolate

from tamecrop.data import Dataset
from tamecrop.geometry import Boxes, Floats, ViewPlan
from tamecrop.learning.backbones import Backbone
from tamecrop.learning.checkpoint import CheckpointError
from tamecrop.learning.features import as_input, batches

SHARE = 0.2
"""Of the epochs: those before the first boxes are found, and those between two findings."""


class EncoderBoxes:
    """One box of each train image, and the epoch in which all were found.

    The boxes of an epoch are a function of the weights at its beginning and of the images alone;
    they lie in the checkpoint, so a run that is resumed within an epoch has the same ones.

    Args:
        plan: of the views, which looks at such boxes.
        dataset: whose train images get them.
        epochs: of the run.
        backbone: the network that finds them.

    Raises:
        ValueError: for a backbone without a feature map.
    """

    def __init__(self, plan: ViewPlan, dataset: Dataset, epochs: int, backbone: Backbone) -> None:
        require_map(backbone)
        self._backbone = backbone
        self._dataset, self._threshold = dataset, plan.box_threshold or 0.0
        self._size = None if dataset.train.one_size else _side(plan)
        self._period = max(round(SHARE * epochs), 1)
        self._take(whole(dataset.train.sizes), 0)

    def due(self, epoch: int) -> bool:
        """Whether the boxes of an epoch must be found before its first step."""
        return epoch > 0 and epoch % self._period == 0 and self.epoch != epoch

    def _take(self, boxes: Floats, epoch: int) -> None:
        """Have these boxes, and the share of them that are the whole image: constrain nothing."""
        self.boxes, self.epoch = boxes, epoch
        self.whole_share = float((boxes == whole(self._dataset.train.sizes)).all(axis=1).mean())

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint holds: the boxes, float64 `(N, 4)`, and their epoch."""
        return {"boxes": torch.from_numpy(self.boxes), "boxes_epoch": torch.tensor(self.epoch)}

    def restore(self, saved: Mapping[str, Tensor]) -> None:
        """Take what `state` gave.

        Raises:
            CheckpointError: when it is not there.
        """
        for name in self.state():
            if name not in saved:
                raise CheckpointError(f"{name} is missing")
        self._take(saved["boxes"].numpy(), int(saved["boxes_epoch"]))

    @torch.no_grad()
    def find(self, epoch: int, fabric: Fabric) -> Iterator[None]:
        """Find all boxes, a part of them between two yields; only the whole counts.

        Processes share the images in whole batches, so that each image travels with the same others
        however many processes there are, and all use the statistics of the first.

        Args:
            epoch: that begins.
            fabric: of the run.
        """
        backbone = self._backbone
        for buffer in backbone.buffers():
            buffer.copy_(fabric.broadcast(buffer))
        sizes, first = self._dataset.train.sizes, 0
        found = torch.zeros(len(self.boxes), 4, dtype=torch.float64)
        backbone.eval()
        for number, pixels in enumerate(batches(self._dataset.train, self._size)):
            rows = slice(first, first := first + len(pixels))
            if number % fabric.world_size == fabric.global_rank:
                mean, std = self._dataset.mean, self._dataset.std
                heat = feature_map(backbone, as_input(pixels, backbone, mean=mean, std=std))
                found[rows] = torch.from_numpy(extents(heat, sizes[rows], self._threshold))
            backbone.train()
            yield
            backbone.eval()
        backbone.train()
        shared = fabric.all_reduce(found.to(fabric.device), reduce_op="sum")
        assert isinstance(shared, Tensor), "a tensor is reduced to a tensor"
        self._take(shared.cpu().numpy(), epoch)


def whole(sizes: Boxes) -> Floats:
    """Boxes float64 `(N, 4)` of whole images of sizes `(N, 2)`."""
    zeros = np.zeros(len(sizes))
    return np.stack([zeros, zeros, sizes[:, 1], sizes[:, 0]], axis=1).astype(np.float64)


def feature_map(backbone: Backbone, images: Tensor) -> Tensor:
    """Sum over the channels of what the network pools last, at the resolution of the images.

    Args:
        backbone: in eval mode.
        images: normalized, `(B, 3, H, W)`.

    Returns:
        `(B, H, W)`.
    """
    kept: list[Tensor] = []
    hook = require_map(backbone).register_forward_pre_hook(lambda _, given: kept.append(given[0]))
    try:
        # Not the backbone itself: compiled, it would not see the hook.
        backbone.body(images.contiguous(memory_format=torch.channels_last))
    finally:
        hook.remove()
    summed = kept[0].float().sum(1, keepdim=True)
    return interpolate(summed, images.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


def extents(heat: Tensor, sizes: Boxes, threshold: float) -> Floats:
    """The smallest boxes around all that exceeds a share of each map's range.

    Args:
        heat: maps `(B, H, W)`, finite.
        sizes: of the images, int64 `(B, 2)`.
        threshold: in (0, 1).

    Returns:
        float64 `(B, 4)` in pixels of the images; a map without a range gives the whole image.
    """
    low, high = heat.amin((1, 2)), heat.amax((1, 2))
    high_enough = heat > (low + threshold * (high - low))[:, None, None]
    ends = [_ends(high_enough.any(axis)) for axis in (1, 2)]  # along the width, along the height
    shares = np.stack([ends[0][0], ends[1][0], ends[0][1], ends[1][1]], axis=1)
    boxes = shares * whole(sizes)[:, [2, 3, 2, 3]]
    return np.where((high > low).cpu().numpy()[:, None], boxes, whole(sizes))


def _ends(along: Tensor) -> tuple[Floats, Floats]:
    """First and one past the last place that holds, as shares of all: the far edge reaches 1."""
    places = along.cpu().numpy()
    count = places.shape[1]
    return places.argmax(1) / count, (count - places[:, ::-1].argmax(1)) / count


def require_map(backbone: Backbone) -> nn.Module:
    """The layer that pools the network's last feature map.

    Raises:
        ValueError: for a backbone that has none.
    """
    pools = [each for each in backbone.modules() if isinstance(each, nn.AdaptiveAvgPool2d)]
    if not pools:
        raise ValueError("`box=encoder` needs a backbone that pools a feature map, as ResNets do")
    return pools[-1]


def _side(plan: ViewPlan) -> int | None:
    """The side that images of different sizes are looked at in: that of the largest views."""
    return max((max(group.size) for group in plan.groups if group.size), default=None)
