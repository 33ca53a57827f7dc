"""A run's method and optimizer as named tensors, and back."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from tamecrop.learning.checkpoint import Checkpoint, CheckpointError
from tamecrop.learning.methods.base import Method

_METHOD, _OPTIMIZER = "method.", "optimizer."


def weights(method: Method) -> dict[str, Tensor]:
    """Weights and statistics of the backbone alone."""
    return dict(method.backbone.state_dict())


def training_tensors(method: Method, optimizer: Optimizer) -> dict[str, Tensor]:
    """All else: `method.<name>` as the method lists it, and `optimizer.<parameter>.<slot>`."""
    listed = {f"{_METHOD}{name}": tensor for name, tensor in method.state().items()}
    slots = {
        f"{_OPTIMIZER}{number}.{slot}": torch.as_tensor(value)
        for number, state in optimizer.state_dict()["state"].items()
        for slot, value in state.items()
    }
    return listed | slots


def restore(method: Method, optimizer: Optimizer, saved: Checkpoint) -> None:
    """Put named tensors back; every name must be known and none may be missing.

    Raises:
        CheckpointError: naming the tensors that are missing, unexpected or of another shape.
    """
    _put_back(method.backbone.state_dict(), saved.weights)
    _put_back(method.state(), _below(saved.train, _METHOD))
    slots: dict[int, dict[str, Any]] = {}
    for name, tensor in _below(saved.train, _OPTIMIZER).items():
        number, _, slot = name.partition(".")
        slots.setdefault(int(number), {})[slot] = tensor
    groups = optimizer.state_dict()["param_groups"]
    _require_complete(slots, sum(len(group["params"]) for group in groups))
    optimizer.load_state_dict({"state": slots, "param_groups": groups})


@torch.no_grad()
def _put_back(here: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> None:
    """Fill tensors in place; torch's `load_state_dict` forgives some that are missing."""
    for name in sorted(here.keys() | there.keys()):
        if name not in there:
            raise CheckpointError(f"{name} is missing")
        if name not in here:
            raise CheckpointError(f"{name} does not belong to the run")
        if here[name].shape != there[name].shape or here[name].dtype != there[name].dtype:
            now, then = (f"{tuple(t.shape)} of {t.dtype}" for t in (here[name], there[name]))
            raise CheckpointError(f"{name} does not fit the run: it is {then} there and {now} here")
        here[name].copy_(there[name])


def _require_complete(slots: Mapping[int, Mapping[str, Any]], parameters: int) -> None:
    """Every parameter has stepped, so every one has the same slots."""
    names = sorted({name for slot in slots.values() for name in slot})
    for number in range(parameters):
        for name in names:
            if name not in slots.get(number, {}):
                raise CheckpointError(f"{_OPTIMIZER}{number}.{name} is missing")


def _below(named: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in named.items()
        if name.startswith(prefix)
    }
