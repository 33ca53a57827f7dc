"""How the cells of the paper's studies are trained and judged: named protocols, in three presets.

A protocol is the paper's with one thing changed, or the ordinary SimCLR recipe. `NAME` is the full
preset, 200 epochs of a ResNet-18. `NAME@medium` trains a narrow network on all train images but
those that probes choose by, with the paper's batch, as many epochs as separate `rc` from `gcc` at
scale 0.8. `NAME@small` takes fewer images and fewer epochs. The reduced ones run on a CPU and say
something about the order of policies, nothing about their accuracy.
"""

from dataclasses import replace
from typing import Any, Literal

from tamecrop.geometry import Policy, rules
from tamecrop.studies import Arm, Recipe, arm, recipe

Preset = Literal["full", "medium", "small"]
PRESETS: tuple[Preset, ...] = ("full", "medium", "small")

_CHANGES: dict[str, dict[str, Any]] = {
    "paper": {},
    "paper-resize": {"size": 32},
    "paper-jitter": {"photometric": "paper-jitter"},
    "paper-unblurred": {"photometric": "flip"},
    "paper-color": {"photometric": "simclr"},
    "paper-head": {"method": "simclr:projector=two_layer,temperature=0.1"},
}
"""What differs from the paper's protocol: one setting of the training.

Of the colors two things: jitter and gray come in, the blur goes out. `paper-jitter` and
`paper-unblurred` do one each, `paper-color` both: SimCLR's color step.
"""

NAMES = (*_CHANGES, "simclr")

_REDUCED: dict[str, tuple[int | None, dict[str, Any]]] = {
    "medium": (
        None,
        {
            "backbone": "resnet7w16",
            "learning_rate": 0.003,
            "epochs": 30,
            "batch_size": 512,
            "save_every": 1,
        },
    ),
    "small": (
        5000,
        {
            "backbone": "resnet10w16",
            "learning_rate": 0.001,
            "epochs": 16,
            "batch_size": 128,
            "save_every": 2,
        },
    ),
}
"""Images of train, and what differs from the full preset in the training of every protocol."""


def paper_arm(policy: Policy, name: str, preset: Preset) -> Arm:
    """A policy under a protocol."""
    full = preset_name(name, preset)
    return arm(policy, protocol(full), full)


def preset_name(name: str, preset: Preset) -> str:
    """The name of a protocol in one of its presets.

    >>> preset_name("paper", "small")
    'paper@small'
    """
    rules.known("preset", preset, PRESETS)
    return name if preset == "full" else f"{name}@{preset}"


def protocol(name: str) -> Recipe:
    """The recipe of a protocol.

    Args:
        name: one of `NAMES`, or with `@medium` or `@small` behind it.

    Raises:
        ValueError: for an unknown name, with the nearest known one.

    >>> protocol("paper-color").training.photometric
    'simclr'
    >>> protocol("paper@small").training.backbone
    'resnet10w16'
    """
    base, _, preset = name.partition("@")
    rules.known("protocol", base, NAMES)
    full = recipe("simclr" if base == "simclr" else "paper")
    full = replace(full, training=replace(full.training, **_CHANGES.get(base, {})))
    return _reduced(full, preset) if preset else full


def _reduced(full: Recipe, preset: str) -> Recipe:
    """The same on a narrow network, with fewer epochs; the optimizer is Adam.

    Colors are normalized by the images' own mean and deviation, as in the cells that are stored.
    """
    rules.known("preset", preset, (*_REDUCED,))
    images, changes = _REDUCED[preset]
    training = replace(
        full.training,
        optimizer="adam",
        weight_decay=0.0,
        warmup_epochs=min(full.training.warmup_epochs, 1),
        execution="eager",
        normalize="train",
        **changes,
    )
    return replace(full, images=images, pretrained_on="train", probe="frozen", training=training)
