"""SimCLR: two views of an image attract, views of other images repel.

Source: Chen et al. 2020, arXiv:2002.05709.
32 px: `simclr` (temperature 0.2), 224 px: `simclr:temperature=0.1`.
When: first: one network, no queue, and the batch is large enough for negatives (256 and more).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from lightly.utils import dist
from torch import Tensor, nn
from torch.nn.functional import normalize

from tamecrop.geometry import ViewPlan, rules
from tamecrop.learning.methods.base import (
    Backbone,
    Method,
    Passes,
    full_precision,
    gather,
    is_distributed,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of SimCLR.

    Args:
        projector: the head thrown away, one `linear` layer with bias, or `two_layer`, Lightly's
            with batch norm.
        dimension: of the projections.
        temperature: of NT-Xent.
    """

    projector: Literal["linear", "two_layer"] = "two_layer"
    dimension: int = 128
    temperature: float = 0.2

    def __post_init__(self) -> None:
        rules.known("projector", str(self.projector), ("linear", "two_layer"))
        rules.count("dimension", self.dimension)
        rules.positive("temperature", self.temperature)


class SimCLR(Method):
    """Backbone, projector and NT-Xent, on two views of an image or more.

    With more, each view of the first group meets each other view of its image, in the manner of
    multi-crop (Caron et al. 2020, arXiv:2006.09882).

    Raises:
        ValueError: for an unknown projector, or a temperature that is not positive.
    """

    settings_type = Settings
    settings: Settings
    transient = frozenset({"_loss.memory_bank.bank", "_loss.memory_bank.bank_ptr"})  # of size 0

    def __init__(
        self, backbone: Backbone, settings: Settings = Settings(), *, passes: Passes = "joint"
    ) -> None:
        super().__init__(backbone, settings, passes=passes)
        width = backbone.features
        self.projector = (
            nn.Linear(width, settings.dimension)
            if settings.projector == "linear"
            else SimCLRProjectionHead(width, width, settings.dimension)
        )
        self._loss = NTXentLoss(
            temperature=settings.temperature, gather_distributed=is_distributed()
        )

    @classmethod
    def check(cls, settings: Settings, plan: ViewPlan, *, batch_size: int) -> None:  # noqa: ARG003
        """At least two views in all; those of the first group meet all others."""
        if plan.views < 2:
            raise ValueError(f"simclr needs at least two views of an image, got 1 from {plan}")

    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """NT-Xent: the mean over both views of a pair, images, and pairs."""
        projected = self.encode(self.project, views).float().unbind(1)
        pairs = [
            (mine, other)
            for at, mine in enumerate(projected[: views[0].shape[1]])
            for other in projected[at + 1 :]
        ]
        with full_precision(projected[0]):  # autocast would compare them in bfloat16
            loss: Tensor = sum(self._loss(*pair) for pair in pairs) / len(pairs)
        return loss

    def pair_losses(self, views: Tensor) -> Tensor:
        """NT-Xent of an image's two anchors in the batch of the same two views of all images."""
        projected = self.encode(self.project, [views]).float()
        with full_precision(projected):
            mine = normalize(projected, dim=2).transpose(0, 1) / self.settings.temperature
            every = normalize(gather(projected), dim=2).transpose(0, 1)
            # (V, V, B, all): view i of my images against view j of everyone's
            logits = torch.einsum("ibd,jnd->ijbn", mine, every)
            rows = torch.arange(len(views), device=views.device)
            places = rows + len(views) * dist.rank()
            alike = logits[:, :, rows, places].clone()
            own = torch.arange(len(mine), device=views.device)
            logits[own[:, None], own[:, None], rows, places] = -torch.inf
            sums = logits.logsumexp(3)
            within = sums[own, own][:, None]
            anchored = torch.logaddexp(within, sums) - alike
            return (anchored + anchored.transpose(0, 1)).permute(2, 0, 1) / 2


METHOD = SimCLR
