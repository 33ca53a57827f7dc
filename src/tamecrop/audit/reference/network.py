"""The network that says whether a view still shows what the whole image shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from tamecrop.geometry import rules
from tamecrop.views.photometric import normalize, unit

Kind = Literal["auto", "none", "small", "torchvision", "timm", "run"]

_BATCH = 250
_NAMED = ("torchvision", "timm", "run")


@dataclass(frozen=True)
class Named:
    """A reference as a person names it.

    Args:
        kind: `auto` (a small one is trained where there are labels, torchvision's ResNet-18 else),
            `none`, `small` (trained on the spot), `torchvision`, `timm`, or `run`.
        name: of the model, or the folder of a finished tamecrop run.
        weights: a safetensors file with the model's weights; None for those that come with it.
    """

    kind: Kind
    name: str = ""
    weights: Path | None = None


def named(text: str) -> Named:
    """Read `auto`, `none`, `small`, `torchvision:NAME[@FILE]`, `timm:NAME[@FILE]`, `run:FOLDER`.

    Raises:
        ValueError: for another kind, or a name that is missing or too many.

    >>> named("torchvision:resnet18@flowers.safetensors").weights
    PosixPath('flowers.safetensors')
    """
    kind, _, tail = text.partition(":")
    rules.known("reference", kind, get_args(Kind))
    if bool(tail) != (kind in _NAMED):
        raise ValueError(f"`reference` is written {', '.join(_NAMED)}:NAME or a word, got {text!r}")
    if kind == "run":
        return Named("run", tail)
    name, at, file = tail.partition("@")
    if bool(at) != bool(file):
        raise ValueError(f"`reference` must name a file after @, got {text!r}")
    return Named(kind, name, Path(file) if file else None)  # type: ignore[arg-type]


class Look(NamedTuple):
    """What a reference makes of some views: features `(B, D)`, and answers `(B,)` if it names."""

    features: Tensor
    answers: Tensor | None


@dataclass(frozen=True, eq=False)
class Reference:
    """A network in eval mode that looks at square views.

    Args:
        name: what it is, for people.
        side: of the views it looks at, in pixels.
        body: normalized images `(B, 3, side, side)` to features `(B, D)`.
        head: features to scores `(B, classes)`, or None when it names nothing.
        mean: of each channel in [0, 1].
        std: likewise.
    """

    name: str
    side: int
    body: nn.Module
    head: Callable[[Tensor], Tensor] | None
    mean: Sequence[float]
    std: Sequence[float]

    @torch.inference_mode()
    def look(self, views: Tensor) -> Look:
        """Look at uint8 views `(B, C, side, side)`; one channel is repeated to three."""
        self.body.eval()
        parts = [self._features(batch) for batch in views.split(_BATCH)]
        features = torch.cat(parts)
        answers = None if self.head is None else self.head(features).argmax(1)
        return Look(features, answers)

    def _features(self, batch: Tensor) -> Tensor:
        inputs = normalize(unit(batch.expand(-1, 3, -1, -1)), self.mean, self.std)
        features: Tensor = self.body(inputs.contiguous(memory_format=torch.channels_last))
        return features.flatten(1).float()
