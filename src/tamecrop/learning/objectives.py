"""The objective: two views of an image attract, views of other images repel."""

import torch
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from torch import Tensor, nn

from tamecrop.geometry import rules
from tamecrop.learning.backbones import Backbone
from tamecrop.learning.config import Passes, Projector


class SimCLR(nn.Module):
    """SimCLR (Chen et al. 2020): backbone, projector and NT-Xent in one module.

    Args:
        backbone: the network kept.
        projector: `linear`, one layer with bias, or `two_layer`, Lightly's head with batch norm.
        dimension: of the projections.
        temperature: of NT-Xent.
        passes: `joint` or `per_view`; see `tamecrop.learning.config.Pretraining`.

    Raises:
        ValueError: for an unknown projector, or a temperature that is not positive.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        projector: Projector = "two_layer",
        dimension: int = 128,
        temperature: float = 0.2,
        passes: Passes = "joint",
    ) -> None:
        super().__init__()
        rules.known("projector", projector, ("linear", "two_layer"))
        rules.positive("temperature", temperature)
        width = backbone.features
        self.backbone = backbone
        self.projector: nn.Module = (
            nn.Linear(width, dimension)
            if projector == "linear"
            else SimCLRProjectionHead(width, width, dimension)
        )
        self._passes = passes
        gathers = torch.distributed.is_available() and torch.distributed.is_initialized()
        self._loss = NTXentLoss(temperature=temperature, gather_distributed=gathers)

    def forward(self, views: Tensor) -> Tensor:
        """The loss of normalized views `(B, 2, C, H, W)`: the mean over the 2 B views."""
        first, second = self.projections(views).float().unbind(1)
        loss: Tensor = self._loss(first, second)
        return loss

    def projections(self, views: Tensor) -> Tensor:
        """Views `(B, V, C, H, W)` to projections `(B, V, dimension)`."""
        if self._passes == "per_view":
            return torch.stack([self._project(view) for view in views.unbind(1)], dim=1)
        flat = self._project(views.flatten(0, 1))
        return flat.reshape(*views.shape[:2], -1)

    def _project(self, images: Tensor) -> Tensor:
        images = images.contiguous(memory_format=torch.channels_last)
        projections: Tensor = self.projector(self.backbone(images))
        return projections
