"""DINO: all views predict what a slowly moving copy makes of the first group's views.

Source: Caron et al. 2021, arXiv:2104.14294. The momentum rises to 1 along half a cosine; the
teacher's temperature is fixed, and the last layer learns from the first step on.
32 px: `dino`, 224 px: `dino:hidden=2048,prototypes=65536,momentum=0.996`, each with a plan such as
`2x rrc:scale=0.4..1 @224 + 6x rrc:scale=0.05..0.4 @96`.
When: for vision transformers and multi-crop; it needs many epochs.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from lightly.loss import DINOLoss
from lightly.models.modules import DINOProjectionHead
from lightly.models.utils import update_momentum
from torch import Tensor

from tamecrop.geometry import ViewPlan, rules
from tamecrop.learning.methods.base import (
    Backbone,
    Method,
    Passes,
    cosine,
    frozen_copy,
    full_precision,
    require_momentum,
    widen,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of DINO.

    Args:
        hidden: width of the head's two hidden layers.
        bottleneck: width before the last layer.
        prototypes: of the softmax, the width of the last layer.
        momentum: of the teacher at the beginning.
        teacher_temperature: of the teacher's softmax.
        student_temperature: of the student's softmax.
    """

    hidden: int = 512
    bottleneck: int = 64
    prototypes: int = 2048
    momentum: float = 0.99
    teacher_temperature: float = 0.04
    student_temperature: float = 0.1

    def __post_init__(self) -> None:
        for name in ("hidden", "bottleneck", "prototypes"):
            rules.count(name, getattr(self, name))
        require_momentum(self.momentum)
        rules.positive("teacher_temperature", self.teacher_temperature)
        rules.positive("student_temperature", self.student_temperature)


class DINO(Method):
    """Backbone and head of the student, and the teacher that follows both."""

    settings_type = Settings
    settings: Settings
    # Weight norm makes `weight` anew before every pass; the schedule is a constant.
    transient = frozenset(
        {
            "projector.last_layer.weight",
            "teacher_projector.last_layer.weight",
            "_loss.teacher_temp_schedule",
        }
    )

    def __init__(
        self, backbone: Backbone, settings: Settings = Settings(), *, passes: Passes = "joint"
    ) -> None:
        super().__init__(backbone, settings, passes=passes)
        self.projector = self._head()
        self.teacher_backbone = frozen_copy(backbone)
        self.teacher_projector = self._head().requires_grad_(requires_grad=False)
        self.teacher_projector.load_state_dict(self.projector.state_dict())
        self._loss = DINOLoss(
            output_dim=settings.prototypes,
            teacher_temp=settings.teacher_temperature,
            student_temp=settings.student_temperature,
        )

    @classmethod
    def check(cls, settings: Settings, plan: ViewPlan, *, batch_size: int) -> None:  # noqa: ARG003
        """At least two views in all; the first group is the teacher's."""
        if plan.views < 2:
            raise ValueError(f"dino needs at least two views of an image, got 1 from {plan}")

    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """Cross-entropy of every view with every other one that the teacher sees."""
        student = widen(self.encode(self.project, views))
        with torch.no_grad():
            teacher = widen(self.encode(self._teach, views[:1]))
        with full_precision(student):
            loss: Tensor = self._loss(list(teacher.unbind(1)), list(student.unbind(1)))
        return loss

    def after_step(self, progress: float) -> None:
        """Move the teacher a little towards the student."""
        momentum = cosine(self.settings.momentum, 1.0, progress)
        update_momentum(self.backbone, self.teacher_backbone, momentum)
        update_momentum(self.projector, self.teacher_projector, momentum)

    def _teach(self, images: Tensor) -> Tensor:
        taught: Tensor = self.teacher_projector(self.teacher_backbone(images))
        return taught

    def _head(self) -> DINOProjectionHead:
        settings = self.settings
        with warnings.catch_warnings():  # Lightly uses torch's first form of weight norm
            warnings.simplefilter("ignore", FutureWarning)
            return DINOProjectionHead(
                self.backbone.features,
                settings.hidden,
                settings.bottleneck,
                settings.prototypes,
                batch_norm=True,
            )


METHOD = DINO
