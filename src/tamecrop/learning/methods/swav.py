"""SwAV: each view predicts to which prototypes the others of its image are assigned.

Source: Caron et al. 2020, arXiv:2006.09882. Without the queue of past features, and with prototypes
that learn from the first step on. Assignments are those of the global batch.
32 px: `swav`, 224 px: `swav:hidden=2048,prototypes=3000`, each with a plan such as
`2x rrc:scale=0.14..1 @224 + 6x rrc:scale=0.05..0.14 @96`.
When: for multi-crop with convolutional networks: small views are cheap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lightly.loss import SwaVLoss
from lightly.models.modules import SwaVProjectionHead, SwaVPrototypes
from torch import Tensor
from torch.nn.functional import normalize

from tamecrop.geometry import ViewPlan, rules
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
    """Of SwAV.

    Args:
        hidden: width of the projector's hidden layer.
        dimension: of the projections.
        prototypes: to which views are assigned.
        temperature: of the softmax over prototypes.
        epsilon: of the assignment; smaller is sharper.
    """

    hidden: int = 512
    dimension: int = 128
    prototypes: int = 512
    temperature: float = 0.1
    epsilon: float = 0.05

    def __post_init__(self) -> None:
        for name in ("hidden", "dimension", "prototypes"):
            rules.count(name, getattr(self, name))
        rules.positive("temperature", self.temperature)
        rules.positive("epsilon", self.epsilon)


class SwAV(Method):
    """Backbone, projector and prototypes."""

    settings_type = Settings
    settings: Settings

    def __init__(
        self, backbone: Backbone, settings: Settings = Settings(), *, passes: Passes = "joint"
    ) -> None:
        super().__init__(backbone, settings, passes=passes)
        self.projector = SwaVProjectionHead(backbone.features, settings.hidden, settings.dimension)
        self.prototypes = SwaVPrototypes(settings.dimension, settings.prototypes)
        self.prototypes.normalize()
        self._loss = SwaVLoss(
            temperature=settings.temperature,
            sinkhorn_epsilon=settings.epsilon,
            sinkhorn_gather_distributed=is_distributed(),
        )

    @classmethod
    def check(cls, settings: Settings, plan: ViewPlan, *, batch_size: int) -> None:  # noqa: ARG003
        """At least two views in the first group, whose assignments are predicted."""
        if plan.groups[0].views < 2:
            raise ValueError(f"swav needs at least two views in the first group, got {plan}")

    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """Cross-entropy of each view with the assignments of the first group's other views."""
        projected = widen(self.encode(self.project, views))
        with full_precision(projected):
            scores = self.prototypes(normalize(projected, dim=2)).unbind(1)
            assigned = views[0].shape[1]
            loss: Tensor = self._loss(list(scores[:assigned]), list(scores[assigned:]))
        return loss.squeeze()

    def after_step(self, progress: float) -> None:  # noqa: ARG002  the same at any time
        """Bring the prototypes back to length 1."""
        self.prototypes.normalize()


METHOD = SwAV
