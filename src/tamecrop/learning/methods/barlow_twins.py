"""Barlow Twins: the features of two views correlate each with itself and with no other.

Source: Zbontar et al. 2021, arXiv:2103.03230. Correlations are those of the global batch.
32 px: `barlow_twins`, 224 px: `barlow_twins:hidden=8192,dimension=8192`.
When: without negatives and without a second network, at moderate batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lightly.loss import BarlowTwinsLoss
from lightly.models.modules import BarlowTwinsProjectionHead
from torch import Tensor

from tamecrop.geometry import rules
from tamecrop.learning.methods.base import (
    Backbone,
    Method,
    Passes,
    full_precision,
    gather,
    widen,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of Barlow Twins.

    Args:
        hidden: width of the projector's two hidden layers.
        dimension: of the projections.
        redundancy: weight of the correlations between different features.
    """

    hidden: int = 2048
    dimension: int = 2048
    redundancy: float = 5e-3

    def __post_init__(self) -> None:
        rules.count("hidden", self.hidden)
        rules.count("dimension", self.dimension)
        rules.positive("redundancy", self.redundancy)


class BarlowTwins(Method):
    """Backbone and projector."""

    settings_type = Settings
    settings: Settings

    def __init__(
        self, backbone: Backbone, settings: Settings = Settings(), *, passes: Passes = "joint"
    ) -> None:
        super().__init__(backbone, settings, passes=passes)
        self.projector = BarlowTwinsProjectionHead(
            backbone.features, settings.hidden, settings.dimension
        )
        self._loss = BarlowTwinsLoss(lambda_param=settings.redundancy)

    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """Distance of the correlation matrix from the identity."""
        first, second = widen(self.encode(self.project, views)).unbind(1)
        with full_precision(first):
            # Lightly's own gathering normalizes each process's share by itself, which is another
            # loss than that of the global batch.
            loss: Tensor = self._loss(gather(first), gather(second))
        return loss


METHOD = BarlowTwins
