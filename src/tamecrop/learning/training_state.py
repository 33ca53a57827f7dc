"""A run's model and optimizer as named tensors, and back."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from tamecrop.learning.checkpoint import Checkpoint, CheckpointError
from tamecrop.learning.objectives import SimCLR

_HEAD, _STATE = "projector.", "optimiser."


def weights(model: SimCLR) -> dict[str, Tensor]:
    """Weights and statistics of the backbone alone."""
    return dict(model.backbone.state_dict())


def training_tensors(model: SimCLR, optimizer: Optimizer) -> dict[str, Tensor]:
    """Head and optimizer: `projector.<name>` and `optimizer.<parameter>.<slot>`."""
    head = {f"{_HEAD}{name}": tensor for name, tensor in model.projector.state_dict().items()}
    slots = {
        f"{_STATE}{number}.{slot}": torch.as_tensor(value)
        for number, state in optimizer.state_dict()["state"].items()
        for slot, value in state.items()
    }
    return head | slots


def restore(model: SimCLR, optimizer: Optimizer, saved: Checkpoint) -> None:
    """Put named tensors back; every name must be known and none may be missing.

    Raises:
        CheckpointError: naming the tensors that are missing, unexpected or of another shape.
    """
    _require_names(model.backbone.state_dict(), saved.weights)
    try:
        model.backbone.load_state_dict(dict(saved.weights))
        _restore_rest(model, optimizer, saved.train)
    except RuntimeError as error:
        raise CheckpointError(f"the checkpoint does not fit the run: {error}") from error


def _restore_rest(model: SimCLR, optimizer: Optimizer, train: Mapping[str, Tensor]) -> None:
    head = _below(train, _HEAD)
    _require_names(model.projector.state_dict(), head)
    model.projector.load_state_dict(head)
    slots: dict[int, dict[str, Any]] = {}
    for name, tensor in _below(train, _STATE).items():
        number, _, slot = name.partition(".")
        slots.setdefault(int(number), {})[slot] = tensor
    groups = optimizer.state_dict()["param_groups"]
    _require_complete(slots, sum(len(group["params"]) for group in groups))
    optimizer.load_state_dict({"state": slots, "param_groups": groups})


def _require_names(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Torch itself forgives a missing batch count of batch norm."""
    missing = sorted(expected.keys() - found.keys())
    if missing:
        raise CheckpointError(f"{missing[0]} is missing")


def _require_complete(slots: Mapping[int, Mapping[str, Any]], parameters: int) -> None:
    """Every parameter has stepped, so every one has the same slots."""
    names = sorted({name for slot in slots.values() for name in slot})
    for number in range(parameters):
        for name in names:
            if name not in slots.get(number, {}):
                raise CheckpointError(f"{_STATE}{number}.{name} is missing")


def _below(named: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in named.items()
        if name.startswith(prefix)
    }
