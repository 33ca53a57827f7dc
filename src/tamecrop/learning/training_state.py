"""A run's model and optimiser as named tensors, and back."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from tamecrop.learning.objectives import SimCLR

_HEAD, _STATE = "projector.", "optimiser."


def weights(model: SimCLR) -> dict[str, Tensor]:
    """Weights and statistics of the backbone alone."""
    return dict(model.backbone.state_dict())


def training_tensors(model: SimCLR, optimizer: Optimizer) -> dict[str, Tensor]:
    """Head and optimiser: `projector.<name>` and `optimiser.<parameter>.<slot>`."""
    head = {f"{_HEAD}{name}": tensor for name, tensor in model.projector.state_dict().items()}
    slots = {
        f"{_STATE}{number}.{slot}": torch.as_tensor(value)
        for number, state in optimizer.state_dict()["state"].items()
        for slot, value in state.items()
    }
    return head | slots


def restore(
    model: SimCLR,
    optimizer: Optimizer,
    *,
    backbone: Mapping[str, Tensor],
    train: Mapping[str, Tensor],
) -> None:
    """Put named tensors back; every name must be known and none may be missing.

    Raises:
        RuntimeError: torch's, naming missing and unexpected tensors.
    """
    model.backbone.load_state_dict(backbone)
    model.projector.load_state_dict(_below(train, _HEAD))
    slots: dict[int, dict[str, Any]] = {}
    for name, tensor in _below(train, _STATE).items():
        number, _, slot = name.partition(".")
        slots.setdefault(int(number), {})[slot] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": slots, "param_groups": groups})


def _below(named: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in named.items()
        if name.startswith(prefix)
    }
