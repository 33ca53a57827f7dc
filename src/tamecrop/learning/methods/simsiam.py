"""SimSiam: one view predicts the other, and no gradient flows through what is predicted.

Source: Chen and He 2021, arXiv:2011.10566. The predictor's learning rate falls with the others'.
32 px and 224 px: `simsiam`.
When: as BYOL without a second network; watch `feature_std`, it collapses most easily.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from lightly.loss import NegativeCosineSimilarity
from lightly.models.modules import SimSiamPredictionHead, SimSiamProjectionHead
from torch import Tensor

from tamecrop.geometry import rules
from tamecrop.learning.methods.base import (
    Backbone,
    Method,
    Passes,
    cosines,
    full_precision,
    widen,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of SimSiam.

    Args:
        dimension: of the projections, and width of the projector's hidden layers.
        hidden: width of the predictor's hidden layer.
    """

    dimension: int = 2048
    hidden: int = 512

    def __post_init__(self) -> None:
        rules.count("dimension", self.dimension)
        rules.count("hidden", self.hidden)


class SimSiam(Method):
    """Backbone, projector and predictor."""

    settings_type = Settings
    settings: Settings

    def __init__(
        self, backbone: Backbone, settings: Settings = Settings(), *, passes: Passes = "joint"
    ) -> None:
        super().__init__(backbone, settings, passes=passes)
        width = settings.dimension
        self.projector = SimSiamProjectionHead(backbone.features, width, width)
        self.predictor = SimSiamPredictionHead(width, settings.hidden, width)
        self._loss = NegativeCosineSimilarity()

    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """Negative cosine similarity of predictions and projections, in both directions."""
        both = widen(self.encode(self._project_and_predict, views))
        projected, predicted = both.chunk(2, dim=2)
        target = projected.detach()
        with full_precision(both):
            one = self._loss(predicted[:, 0], target[:, 1])
            loss: Tensor = (one + self._loss(predicted[:, 1], target[:, 0])) / 2
        return loss

    def pair_losses(self, views: Tensor) -> Tensor:
        """The loss of both directions, of every two views."""
        projected, predicted = self.encode(self._project_and_predict, [views]).chunk(2, dim=2)
        both = cosines(predicted, projected)
        return -(both + both.mT) / 2

    def _project_and_predict(self, images: Tensor) -> Tensor:
        """Projections and predictions side by side, from one pass."""
        projected = self.project(images)
        return torch.cat([projected, self.predictor(projected)], dim=1)


METHOD = SimSiam
