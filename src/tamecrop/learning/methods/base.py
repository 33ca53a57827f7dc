"""What a method of self-supervised pre-training is to the loop that trains it."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain
from typing import Any, ClassVar

import torch
from lightly.utils import dist
from lightly.utils.debug import std_of_l2_normalized
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.utils.checkpoint import checkpoint

from tamecrop.geometry import ViewPlan, rules
from tamecrop.learning.backbones import Backbone as Backbone, batch_norms, without_traces
from tamecrop.learning.config import Passes as Passes


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

    projector: nn.Module

    transient: ClassVar[frozenset[str]] = frozenset()
    """Names of tensors that the next step does not need: all others are in a checkpoint."""

    def __init__(self, backbone: Backbone, settings: Any, *, passes: Passes = "joint") -> None:
        super().__init__()
        self.backbone = backbone
        self.settings = settings
        self.feature_std: Tensor | None = None
        self.images_per_part: int | None = None
        self._passes = passes
        self._features: Tensor | None = None

    @classmethod
    def check(cls, settings: Any, plan: ViewPlan, *, batch_size: int) -> None:  # noqa: ARG003
        """Refuse a plan that the method cannot use, before any work.

        By default it must give two views, in one group or in two.

        Args:
            settings: of the method.
            plan: of the views that it will get.
            batch_size: images per global batch.

        Raises:
            ValueError: naming the method and what it needs.
        """
        if plan.views != 2:
            raise ValueError(
                f"{cls.name()} needs two views of an image, got {plan.views} from {plan}"
            )

    @classmethod
    def name(cls) -> str:
        """The method's name in texts: that of its file."""
        return cls.__module__.rpartition(".")[2]

    @abstractmethod
    def loss(self, views: Sequence[Tensor]) -> Tensor:
        """The loss of a batch, a scalar.

        Args:
            views: normalized, for each group of the plan `(B, V, C, h, w)`.
        """

    def pair_losses(self, views: Tensor) -> Tensor:
        """How hard every two views of an image are: what hard views are chosen by.

        By default the negative cosine similarity of their projections: what every method here
        lowers for the views of one image, without what it does to other images.

        Args:
            views: of one group, normalized, `(B, V, C, h, w)`.

        Returns:
            `(B, V, V)`, symmetric.
        """
        return cosines(self.encode(self.project, [views])).neg()

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
        """The loss of views `(B, V, C, h, w)` a group: wrapped, so that gradients are averaged."""
        return self.loss(views)

    @property
    def sees_parts(self) -> bool:
        """Whether batch norm takes its statistics from parts of a batch."""
        return bool(batch_norms(self)) and self.images_per_part is not None

    def features(self, images: Tensor) -> Tensor:
        """Backbone features `(B, D)` of images `(B, C, h, w)`; how far they vary is kept."""
        features: Tensor = self.backbone(images)
        self._features = features.detach()
        self.feature_std = spread(self._features)
        return features

    def project(self, images: Tensor) -> Tensor:
        """Projections `(B, D)` of images `(B, C, h, w)`, for a method with a projector."""
        projections: Tensor = self.projector(self.features(images))
        return projections

    def encode(self, network: Callable[[Tensor], Tensor], views: Sequence[Tensor]) -> Tensor:
        """All views through a network, `(B, V, D)`: each group in one pass or in one a view.

        With `images_per_part`, a batch passes in parts of about as many images, and gradients reach
        each part by passing it once more, so that the activations of only one are in memory. What
        comes out, and so the loss and its gradients, is that of the whole batch; but batch norm
        sees a part at a time, and moves its running statistics once for each.

        Relation: gradient caching (Gao et al. 2021, arXiv:2101.06983), by way of autograd.
        """
        if self.images_per_part is None or len(views[0]) <= self.images_per_part:
            return self._encode_whole(network, views)
        count = math.ceil(len(views[0]) / self.images_per_part)
        made: list[Tensor] = []
        watched: list[Tensor | None] = []
        for part in zip(*(group.tensor_split(count) for group in views), strict=True):
            self._features = None
            made.append(self._encode_part(network, part))
            watched.append(self._features)
        features = [each for each in watched if each is not None]
        if features:
            self._features = torch.cat(features)
            self.feature_std = spread(self._features)
        return torch.cat(made)

    def _encode_part(self, network: Callable[[Tensor], Tensor], views: Sequence[Tensor]) -> Tensor:
        if not torch.is_grad_enabled():
            return self._encode_whole(network, views)
        found: Tensor = checkpoint(
            self._encode_whole,
            network,
            views,
            use_reentrant=False,
            context_fn=lambda: (nullcontext(), self._again()),
        )
        return found

    @contextmanager
    def _again(self) -> Iterator[None]:
        """A part passes a second time: nothing may tell that it did."""
        features, deviation = self._features, self.feature_std
        try:
            with without_traces(self):
                yield
        finally:
            self._features, self.feature_std = features, deviation

    def _encode_whole(self, network: Callable[[Tensor], Tensor], views: Sequence[Tensor]) -> Tensor:
        return torch.cat([self._encode_group(network, group) for group in views], dim=1)

    def _encode_group(self, network: Callable[[Tensor], Tensor], views: Tensor) -> Tensor:
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
        for key, value in vars(module).items():
            lost = f"{place}.{key}".lstrip(".")
            if torch.is_tensor(value) and lost not in kept:
                raise ValueError(f"{kind} must register `{lost}` as a buffer: it would be lost")


def spread(features: Tensor) -> Tensor:
    """How far normalized features `(N, D)` vary: about 1 for independent ones, 0 when collapsed.

    The standard deviation that Chen and He watch (SimSiam, 2021, figure 2), times the root of D, so
    that it does not depend on the width.

    >>> spread(torch.ones(4, 8)).item()
    0.0
    """
    deviation: Tensor = std_of_l2_normalized(widen(features))
    return deviation * math.sqrt(features.shape[1])


def cosines(one: Tensor, other: Tensor | None = None) -> Tensor:
    """Cosine similarity of every two views of an image, `(B, V, V)`, in full precision.

    Args:
        one: `(B, V, D)`.
        other: the same; `one` by default.
    """
    first = normalize(widen(one), dim=2)
    second = first if other is None else normalize(widen(other), dim=2)
    with full_precision(first):
        return first @ second.mT


def widen(values: Tensor) -> Tensor:
    """Values in float32, or in float64 where they are: what a loss is computed in."""
    return values if values.dtype == torch.float64 else values.float()


def full_precision(values: Tensor) -> torch.autocast:
    """A context without autocast: in bfloat16, exponentials and determinants of a loss fail."""
    return torch.autocast(values.device.type, enabled=False)


def gather(values: Tensor) -> Tensor:
    """Rows `(B, ...)` of all processes, in the order of the global batch, with gradients."""
    whole: Tensor = values if dist.world_size() == 1 else torch.cat(dist.gather(values))
    return whole


def is_distributed() -> bool:
    """Whether several processes train this method together."""
    return bool(dist.world_size() > 1)


def frozen_copy(network: nn.Module) -> nn.Module:
    """A copy that gets no gradient, to follow the network by a moving average."""
    copied = copy.deepcopy(network)
    copied.requires_grad_(requires_grad=False)
    return copied


def cosine(start: float, end: float, progress: float) -> float:
    """Half a cosine from a value to another.

    >>> [round(cosine(0.9, 1.0, progress), 3) for progress in (0, 0.5, 1)]
    [0.9, 0.95, 1.0]
    """
    return end - (end - start) * (1 + math.cos(math.pi * progress)) / 2


def require_momentum(momentum: float) -> None:
    """Refuse a share of a moving average outside [0, 1).

    Raises:
        ValueError: naming it.
    """
    holds = rules.is_number(momentum) and 0 <= momentum < 1
    rules.require("momentum", "0 <= momentum < 1", momentum, holds=holds)


def _named_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    return chain(module.named_parameters(), module.named_buffers())


def _nhwc(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)
