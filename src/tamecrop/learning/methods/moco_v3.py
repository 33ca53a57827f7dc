"""MoCo v3: a view is told from the batch's others, which a slowly moving copy has encoded.

Source: Chen, Xie, He 2021, arXiv:2104.02057. Both directions; the momentum rises to 1 along half a
cosine. Lightly has the heads and no loss for it: NT-Xent without a queue has other negatives.
32 px: `moco_v3`, 224 px: `moco_v3:hidden=4096,temperature=1`; the patch projection of a ViT is not
frozen.
When: with vision transformers, or as MoCo with large batches and without a queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from lightly.models.modules import MoCoProjectionHead
from lightly.models.utils import update_momentum
from lightly.utils import dist
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from tamecrop.geometry import rules
from tamecrop.learning.methods.base import (
    Backbone,
    Method,
    Passes,
    cosine,
    frozen_copy,
    full_precision,
    gather,
    require_momentum,
    widen,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of MoCo v3.

    Args:
        hidden: width of the hidden layers of projector and predictor.
        dimension: of the projections.
        momentum: of the copy at the beginning.
        temperature: of the softmax over keys.
    """

    hidden: int = 1024
    dimension: int = 256
    momentum: float = 0.99
    temperature: float = 0.2

    def __post_init__(self) -> None:
        rules.count("hidden", self.hidden)
        rules.count("dimension", self.dimension)
        require_momentum(self.momentum)
        rules.positive("temperature", self.temperature)


class MoCoV3(Method):
    """Backbone, projector and predictor, and a copy of the first two that follows them."""

    settings_type = Settings
    settings: Settings

    def __init__(
        self, backbone: Backbone, settings: Settings = Settings(), *, passes: Passes = "joint"
    ) -> None:
        super().__init__(backbone, settings, passes=passes)
        hidden, width = settings.hidden, settings.dimension
        self.projector = MoCoProjectionHead(
            backbone.features, hidden, width, num_layers=3, batch_norm=True
        )
        self.predictor = MoCoProjectionHead(width, hidden, width, num_layers=2, batch_norm=True)
        self.key_backbone = frozen_copy(backbone)
        self.key_projector = frozen_copy(self.projector)

    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """Cross-entropy of the right key among those of the global batch, in both directions."""
        queries = widen(self.encode(self._query, views))
        with torch.no_grad():
            keys = widen(self.encode(self._key, views))
        with full_precision(queries):
            return self._contrast(queries[:, 0], keys[:, 1]) + self._contrast(
                queries[:, 1], keys[:, 0]
            )

    def after_step(self, progress: float) -> None:
        """Move the copy a little towards the network."""
        momentum = cosine(self.settings.momentum, 1.0, progress)
        update_momentum(self.backbone, self.key_backbone, momentum)
        update_momentum(self.projector, self.key_projector, momentum)

    def _contrast(self, queries: Tensor, keys: Tensor) -> Tensor:
        """The authors' `ctr(q, k)`: scaled by twice the temperature."""
        temperature = self.settings.temperature
        everyone = gather(normalize(keys, dim=1))
        logits = normalize(queries, dim=1) @ everyone.T / temperature
        mine = torch.arange(len(queries), device=queries.device) + len(queries) * dist.rank()
        return cross_entropy(logits, mine) * 2 * temperature

    def _query(self, images: Tensor) -> Tensor:
        query: Tensor = self.predictor(self.project(images))
        return query

    def _key(self, images: Tensor) -> Tensor:
        key: Tensor = self.key_projector(self.key_backbone(images))
        return key


METHOD = MoCoV3
