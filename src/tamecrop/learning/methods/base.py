"""What a method of self-supervised pre-training is to the loop that trains it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from tamecrop.geometry.plans import ViewPlan
from tamecrop.learning.backbones import Backbone
from tamecrop.learning.config import Passes


class Method(nn.Module, ABC):
    """A backbone with everything that is thrown away after training: heads, copies, queues.

    The loop calls `loss` for every batch and `after_step` once the optimizer has stepped, and
    saves what `state` lists beside the backbone.

    Args:
        backbone: the network kept.
        settings: of this method, an instance of its `settings_type`.
        passes: all views of a group `joint` in one pass, or one pass `per_view`.
    """

    settings_type: ClassVar[type[Any]]
    """A frozen dataclass whose fields are the keys of the method's text, all with defaults."""

    transient: ClassVar[frozenset[str]] = frozenset()
    """Names of tensors that the next step does not need: all others are in a checkpoint."""

    def __init__(self, backbone: Backbone, settings: Any, *, passes: Passes = "joint") -> None:
        super().__init__()
        self.backbone = backbone
        self.settings = settings
        self._passes = passes

    @classmethod
    @abstractmethod
    def check(cls, settings: Any, plan: ViewPlan, *, batch_size: int) -> None:
        """Refuse a plan that the method cannot use, before any work.

        Args:
            settings: of the method.
            plan: of the views that it will get.
            batch_size: images per global batch.

        Raises:
            ValueError: naming the method and what it needs.
        """

    @abstractmethod
    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """The loss of a batch, a scalar.

        Args:
            views: normalized, for each group of the plan `(B, V, C, h, w)`.
        """

    def after_step(self, progress: float) -> None:
        """What happens once the optimizer has stepped, without gradient; nothing by default.

        Args:
            progress: share of the run's steps that are taken, in (0, 1].
        """

    def state(self) -> dict[str, Tensor]:
        """Every tensor but the backbone's that the next step needs, by name, not copied.

        By default all parameters and buffers but the `transient` ones.
        """
        return {
            name: tensor
            for name, tensor in _named_tensors(self)
            if not name.startswith("backbone.") and name not in self.transient
        }

    def forward(self, views: Sequence[Tensor]) -> Tensor:
        """The loss: what several processes wrap, so that their gradients are averaged."""
        return self.loss(views)

    def encode(self, network: Callable[[Tensor], Tensor], views: Tensor) -> Tensor:
        """Views `(B, V, C, h, w)` through a network, `(B, V, D)`; see `passes`."""
        if self._passes == "per_view":
            return torch.stack([network(_nhwc(view)) for view in views.unbind(1)], dim=1)
        flat = network(_nhwc(views.flatten(0, 1)))
        return flat.reshape(*views.shape[:2], -1)


def require_complete(method: Method) -> None:
    """Make sure that a checkpoint would hold every tensor of a method.

    Raises:
        ValueError: naming one that neither the backbone nor `state` has, or one that is a plain
            attribute, which would not even move to the device.
    """
    kept = {f"backbone.{each}" for each in method.backbone.state_dict()}
    kept |= method.state().keys() | method.transient
    kind = type(method).__name__
    for each, _ in _named_tensors(method):
        if each not in kept:
            raise ValueError(f"{kind}.state must list `{each}`: a resumed run would lose it")
    for place, module in method.named_modules():
        plain = [key for key, value in vars(module).items() if isinstance(value, Tensor)]
        if plain:
            lost = f"{place}.{plain[0]}".lstrip(".")
            raise ValueError(f"{kind} must register `{lost}` as a buffer: it would be lost")


def _named_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    return chain(module.named_parameters(), module.named_buffers())


def _nhwc(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)
