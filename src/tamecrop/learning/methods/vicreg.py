"""VICReg: both views agree, every feature varies, and no two features say the same.

Source: Bardes, Ponce, LeCun 2022, arXiv:2105.04906.
32 px: `vicreg`, 224 px: `vicreg:hidden=8192,dimension=8192`.
When: as Barlow Twins, when variance and redundancy should be weighed apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lightly.loss import VICRegLoss
from lightly.models.modules.heads import VICRegProjectionHead
from torch import Tensor

from tamecrop.geometry import rules
from tamecrop.learning.methods.base import (
    Backbone,
    Method,
    Passes,
    full_precision,
    is_distributed,
    widen,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of VICReg.

    Args:
        hidden: width of the projector's two hidden layers.
        dimension: of the projections.
        invariance: weight of the distance of both views.
        variance: weight of the hinge on the deviation of each feature.
        covariance: weight of the covariances of features.
    """

    hidden: int = 2048
    dimension: int = 2048
    invariance: float = 25.0
    variance: float = 25.0
    covariance: float = 1.0

    def __post_init__(self) -> None:
        rules.count("hidden", self.hidden)
        rules.count("dimension", self.dimension)
        for name in ("invariance", "variance", "covariance"):
            rules.positive(name, getattr(self, name))


class VICReg(Method):
    """Backbone and projector."""

    settings_type = Settings
    settings: Settings

    def __init__(
        self, backbone: Backbone, settings: Settings = Settings(), *, passes: Passes = "joint"
    ) -> None:
        super().__init__(backbone, settings, passes=passes)
        self.projector = VICRegProjectionHead(
            backbone.features, settings.hidden, settings.dimension
        )
        self._loss = VICRegLoss(
            lambda_param=settings.invariance,
            mu_param=settings.variance,
            nu_param=settings.covariance,
            gather_distributed=is_distributed(),
        )

    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """The weighted sum of the three terms."""
        first, second = widen(self.encode(self.project, views)).unbind(1)
        with full_precision(first):
            loss: Tensor = self._loss(first, second)
        return loss


METHOD = VICReg
