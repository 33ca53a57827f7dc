"""BYOL: one view predicts what a slowly moving copy of the network makes of the other.

Source: Grill et al. 2020, arXiv:2006.07733; the momentum rises to 1 along half a cosine.
32 px: `byol`, 224 px: `byol:hidden=4096,momentum=0.996`.
When: when negatives hurt, as with few classes or many alike images; it needs many epochs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from lightly.loss import NegativeCosineSimilarity
from lightly.models.modules import BYOLPredictionHead, BYOLProjectionHead
from lightly.models.utils import update_momentum
from torch import Tensor

from tamecrop.geometry import rules
from tamecrop.learning.methods.base import (
    Backbone,
    Method,
    Passes,
    cosine,
    cosines,
    frozen_copy,
    full_precision,
    require_momentum,
    widen,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of BYOL.

    Args:
        hidden: width of the hidden layers of projector and predictor.
        dimension: of the projections.
        momentum: of the copy at the beginning.
    """

    hidden: int = 1024
    dimension: int = 256
    momentum: float = 0.99

    def __post_init__(self) -> None:
        rules.count("hidden", self.hidden)
        rules.count("dimension", self.dimension)
        require_momentum(self.momentum)


class BYOL(Method):
    """Backbone, projector and predictor, and a copy of the first two that follows them."""

    settings_type = Settings
    settings: Settings

    def __init__(
        self, backbone: Backbone, settings: Settings = Settings(), *, passes: Passes = "joint"
    ) -> None:
        super().__init__(backbone, settings, passes=passes)
        self.projector = BYOLProjectionHead(backbone.features, settings.hidden, settings.dimension)
        self.predictor = BYOLPredictionHead(settings.dimension, settings.hidden, settings.dimension)
        self.target_backbone = frozen_copy(backbone)
        self.target_projector = frozen_copy(self.projector)
        self._loss = NegativeCosineSimilarity()

    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """Negative cosine similarity of predictions and targets, the mean of both directions."""
        predicted = widen(self.encode(self._predict, views))
        with torch.no_grad():
            target = widen(self.encode(self._target, views))
        with full_precision(predicted):
            one = self._loss(predicted[:, 0], target[:, 1])
            loss: Tensor = (one + self._loss(predicted[:, 1], target[:, 0])) / 2
        return loss

    def pair_losses(self, views: Tensor) -> Tensor:
        """The loss of both directions, of every two views."""
        predicted, target = (self.encode(each, [views]) for each in (self._predict, self._target))
        both = cosines(predicted, target)
        return -(both + both.mT) / 2

    def after_step(self, progress: float) -> None:
        """Move the copy a little towards the network."""
        momentum = cosine(self.settings.momentum, 1.0, progress)
        update_momentum(self.backbone, self.target_backbone, momentum)
        update_momentum(self.projector, self.target_projector, momentum)

    def _predict(self, images: Tensor) -> Tensor:
        predicted: Tensor = self.predictor(self.project(images))
        return predicted

    def _target(self, images: Tensor) -> Tensor:
        target: Tensor = self.target_projector(self.target_backbone(images))
        return target


METHOD = BYOL
