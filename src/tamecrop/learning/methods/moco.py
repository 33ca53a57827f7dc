"""MoCo v2: a view is told from a queue of past views that a slowly moving copy has encoded.

Source: Chen, Fan, Girshick, He 2020, arXiv:2003.04297. The first view asks, the second answers;
keys are not shuffled between devices before batch norm.
32 px: `moco`, 224 px: `moco:hidden=2048,queue=65536,momentum=0.999,temperature=0.2`.
When: when memory holds only small batches: the negatives come from the queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from lightly.loss import NTXentLoss
from lightly.models.modules import MoCoProjectionHead
from lightly.models.utils import update_momentum
from torch import Tensor

from tamecrop.geometry import ViewPlan, rules
from tamecrop.learning.methods.base import (
    Backbone,
    Method,
    Passes,
    frozen_copy,
    full_precision,
    is_distributed,
    require_momentum,
    widen,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of MoCo v2.

    Args:
        hidden: width of the projector's hidden layer.
        dimension: of the projections.
        queue: keys that are kept, at least a global batch.
        momentum: of the copy.
        temperature: of the softmax over keys.
    """

    hidden: int = 512
    dimension: int = 128
    queue: int = 4096
    momentum: float = 0.99
    temperature: float = 0.1

    def __post_init__(self) -> None:
        for name in ("hidden", "dimension", "queue"):
            rules.count(name, getattr(self, name))
        require_momentum(self.momentum)
        rules.positive("temperature", self.temperature)


class MoCo(Method):
    """Backbone and projector, a copy of both that follows them, and a queue of its projections."""

    settings_type = Settings
    settings: Settings

    def __init__(
        self, backbone: Backbone, settings: Settings = Settings(), *, passes: Passes = "joint"
    ) -> None:
        super().__init__(backbone, settings, passes=passes)
        self.projector = MoCoProjectionHead(backbone.features, settings.hidden, settings.dimension)
        self.key_backbone = frozen_copy(backbone)
        self.key_projector = frozen_copy(self.projector)
        self._loss = NTXentLoss(
            temperature=settings.temperature,
            memory_bank_size=(settings.queue, settings.dimension),
            gather_distributed=is_distributed(),
        )

    @classmethod
    def check(cls, settings: Settings, plan: ViewPlan, *, batch_size: int) -> None:
        """Two views, in one group or in two, and a queue that holds a batch."""
        super().check(settings, plan, batch_size=batch_size)
        if settings.queue < batch_size:
            raise ValueError(
                f"moco needs a queue of at least a batch, {batch_size}, got {settings.queue}"
            )

    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """Cross-entropy of the second view's key among the keys of the queue."""
        first, second = _first_and_second(views)
        query = widen(self.encode(self.project, [first])[:, 0])
        with torch.no_grad():
            key = widen(self.encode(self._key, [second])[:, 0])
        with full_precision(query):
            loss: Tensor = self._loss(query, key)
        return loss

    def after_step(self, progress: float) -> None:  # noqa: ARG002  the same at any time
        """Move the copy a little towards the network."""
        update_momentum(self.backbone, self.key_backbone, self.settings.momentum)
        update_momentum(self.projector, self.key_projector, self.settings.momentum)

    def _key(self, images: Tensor) -> Tensor:
        key: Tensor = self.key_projector(self.key_backbone(images))
        return key


def _first_and_second(views: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The two views of a plan of one group or two, `(B, 1, C, h, w)` each."""
    first, second = (view for group in views for view in group.split(1, dim=1))
    return first, second


METHOD = MoCo
