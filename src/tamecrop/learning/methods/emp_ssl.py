"""EMP-SSL: many patches of an image agree with their mean, and patches of a batch spread out.

Source: Tong, Chen, Ma, Lu 2023, arXiv:2304.03977. The coding rate is that of the global batch.
32 px: `emp_ssl` with `20x rrc:scale=0.25..0.25 @32`, and few epochs.
When: when there is time for few epochs only: many patches an image, many views a step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from lightly.loss.emp_ssl_loss import invariance_loss, tcr_loss
from lightly.models.modules.heads import ProjectionHead
from torch import Tensor, nn
from torch.nn.functional import normalize

from tamecrop.geometry import ViewPlan, rules
from tamecrop.learning.methods.base import Backbone, Method, Passes, full_precision, gather, widen


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of EMP-SSL.

    Args:
        hidden: width of the projector's hidden layer.
        dimension: of the projections.
        invariance: weight of the similarity of patches and their mean.
        epsilon: squared distortion of the coding rate.
    """

    hidden: int = 1024
    dimension: int = 256
    invariance: float = 200.0
    epsilon: float = 0.2

    def __post_init__(self) -> None:
        rules.count("hidden", self.hidden)
        rules.count("dimension", self.dimension)
        rules.positive("invariance", self.invariance)
        rules.positive("epsilon", self.epsilon)


class EMPSSL(Method):
    """Backbone and projector."""

    settings_type = Settings
    settings: Settings

    def __init__(
        self, backbone: Backbone, settings: Settings = Settings(), *, passes: Passes = "joint"
    ) -> None:
        super().__init__(backbone, settings, passes=passes)
        hidden = settings.hidden
        self.projector = ProjectionHead(
            [
                (backbone.features, hidden, nn.BatchNorm1d(hidden), nn.ReLU()),
                (hidden, settings.dimension, None, None),
            ]
        )

    @classmethod
    def check(cls, settings: Settings, plan: ViewPlan, *, batch_size: int) -> None:  # noqa: ARG003
        """At least two views in all."""
        if plan.views < 2:
            raise ValueError(f"emp_ssl needs at least two views of an image, got 1 from {plan}")

    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """Weighted distance of views to their mean, less the coding rate of a view's batch."""
        projected = widen(self.encode(self.project, views))
        with full_precision(projected):
            every = torch.stack(gather(normalize(projected, dim=2)).unbind(1))
            # Lightly 1.6 adds the coding rate in `EMPSSLLoss`: its least value is then a collapse.
            # The paper (equation 5) and the authors' code subtract it.
            rate: Tensor = tcr_loss(every, self.settings.epsilon)
            distance: Tensor = invariance_loss(every)
        return self.settings.invariance * distance - rate


METHOD = EMPSSL
