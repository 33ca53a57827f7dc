"""How the cells of the paper's studies are trained and judged: named protocols, in two presets.

A protocol is the paper's with one thing changed, or the ordinary SimCLR recipe. `NAME` is the full
preset, 200 epochs of a ResNet-18; `NAME@small` a narrow network on fewer images for fewer epochs,
which a CPU can do and which says something about the order of policies, nothing about their
accuracy.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from tamecrop.geometry import Policy, rules
from tamecrop.studies import Arm, Recipe, arm, recipe

Preset = Literal["full", "small"]

_CHANGES: dict[str, dict[str, Any]] = {
    "paper": {},
    "paper-resize": {"size": 32},
    "paper-color": {"photometric": "simclr"},
    "paper-head": {"method": "simclr:projector=two_layer,temperature=0.1"},
}
"""What differs from the paper's protocol: one setting of the training."""

NAMES = (*_CHANGES, "simclr")
_SMALL = "@small"


@dataclass(frozen=True)
class Small:
    """What the small preset of a protocol changes."""

    images: int = 5000
    epochs: int = 16
    batch_size: int = 128
    learning_rate: float = 0.001


def paper_arm(policy: Policy, name: str, preset: Preset) -> Arm:
    """A policy under a protocol."""
    full = preset_name(name, preset)
    return arm(policy, protocol(full), full)


def preset_name(name: str, preset: Preset) -> str:
    """The name of a protocol in one of its presets.

    >>> preset_name("paper", "small")
    'paper@small'
    """
    rules.known("preset", preset, ("full", "small"))
    return name + _SMALL if preset == "small" else name


def protocol(name: str) -> Recipe:
    """The recipe of a protocol.

    Args:
        name: one of `NAMES`, or with `@small` behind it.

    Raises:
        ValueError: for an unknown name, with the nearest known one.

    >>> protocol("paper-color").training.photometric
    'simclr'
    >>> protocol("paper@small").training.backbone
    'resnet10w16'
    """
    base = name.removesuffix(_SMALL)
    rules.known("protocol", base, NAMES)
    full = recipe("simclr" if base == "simclr" else "paper")
    full = replace(full, training=replace(full.training, **_CHANGES.get(base, {})))
    return full if base == name else _small(full)


def _small(full: Recipe) -> Recipe:
    """The same on a narrow network, fewer images and fewer epochs; the optimizer is Adam."""
    small = Small()
    training = replace(
        full.training,
        backbone="resnet10w16",
        optimizer="adam",
        learning_rate=small.learning_rate,
        weight_decay=0.0,
        epochs=small.epochs,
        warmup_epochs=min(full.training.warmup_epochs, 1),
        batch_size=small.batch_size,
        execution="eager",
        save_every=2,
    )
    return replace(
        full, images=small.images, pretrained_on="train", probe="frozen", training=training
    )
