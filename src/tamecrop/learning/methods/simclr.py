"""SimCLR (Chen et al. 2020): two views of an image attract, views of other images repel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from torch import Tensor, nn

from tamecrop.geometry import rules
from tamecrop.geometry.plans import ViewPlan
from tamecrop.learning.backbones import Backbone
from tamecrop.learning.config import Passes
from tamecrop.learning.methods.base import Method


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
    """Backbone, projector and NT-Xent, on two views of an image.

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
        self.projector: nn.Module = (
            nn.Linear(width, settings.dimension)
            if settings.projector == "linear"
            else SimCLRProjectionHead(width, width, settings.dimension)
        )
        gathers = torch.distributed.is_available() and torch.distributed.is_initialized()
        self._loss = NTXentLoss(temperature=settings.temperature, gather_distributed=gathers)

    @classmethod
    def check(cls, settings: Settings, plan: ViewPlan, *, batch_size: int) -> None:  # noqa: ARG003
        """Two views, in one group or in two."""
        if plan.views != 2:
            raise ValueError(f"simclr needs two views of an image, got {plan.views} from {plan}")

    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """NT-Xent: the mean over the 2 B views."""
        first, second = self.projections(views).float().unbind(1)
        loss: Tensor = self._loss(first, second)
        return loss

    def projections(self, views: Sequence[Tensor]) -> Tensor:
        """Projections `(B, V, dimension)` of all views."""
        return torch.cat([self.encode(self._project, group) for group in views], dim=1)

    def _project(self, images: Tensor) -> Tensor:
        projections: Tensor = self.projector(self.backbone(images))
        return projections


METHOD = SimCLR
