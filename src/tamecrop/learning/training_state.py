"""Optimizers by name, the learning rate of a step, and method and optimizer as named tensors."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from lightly.utils.lars import LARS
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from tamecrop.geometry import rules
from tamecrop.learning.backbones import Backbone
from tamecrop.learning.checkpoint import Checkpoint, CheckpointError
from tamecrop.learning.methods.base import Method

_MOMENTUM = 0.9

_LEAST_DECAY = 1e-30
"""Lightly's LARS adapts the weights that are decayed, and no others: without decay it would be SGD
with momentum. Matrices get at least this decay, which changes no bit of a gradient."""


def optimizer(
    name: str, model: nn.Module, *, learning_rate: float, weight_decay: float
) -> Optimizer:
    """An optimizer over a model's weights; vectors (biases, norms) are not decayed.

    Args:
        name: `adam`, `sgd` (momentum 0.9) or `lars` (You et al. 2017, Lightly's, momentum 0.9; the
            rate of each matrix follows its norm, with and without decay; vectors get the rate).
        model: whose parameters are optimized, but for those that need no gradient.
        learning_rate: the first one; see `learning_rate_at`.
        weight_decay: L2 penalty on the matrices.

    Raises:
        ValueError: for an unknown name.
    """
    rules.known("optimizer", name, ("adam", "sgd", "lars"))
    weights = [each for each in model.parameters() if each.requires_grad]
    groups = [
        {"params": [w for w in weights if w.ndim > 1], "weight_decay": weight_decay},
        {"params": [w for w in weights if w.ndim <= 1], "weight_decay": 0.0},
    ]
    if name == "adam":
        return Adam(groups, lr=learning_rate)
    if name == "lars":
        groups[0]["weight_decay"] = max(weight_decay, _LEAST_DECAY)
        lars: Optimizer = LARS(groups, lr=learning_rate, momentum=_MOMENTUM)
        return lars
    return SGD(groups, lr=learning_rate, momentum=_MOMENTUM)


def learning_rate_at(step: int, *, top: float, steps: int, warmup: int = 0) -> float:
    """Linear rise over the first `warmup` steps, then half a cosine to zero (SGDR).

    Args:
        step: from 0 to steps - 1.
        top: the highest rate.
        steps: of the whole run.
        warmup: steps of rise; step 0 has the rate `top / warmup`.

    >>> [learning_rate_at(step, top=1.0, steps=4, warmup=2) for step in range(4)]
    [0.5, 1.0, 1.0, 0.5]
    """
    if step < warmup:
        return top * (step + 1) / warmup
    done = (step - warmup) / (steps - warmup)
    return top * (1 + math.cos(math.pi * done)) / 2


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Give every group of an optimizer the same rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


_METHOD, _OPTIMIZER = "method.", "optimizer."


def weights(method: Method) -> dict[str, Tensor]:
    """Weights and statistics of the backbone alone, whole."""
    return {name: whole(tensor) for name, tensor in method.backbone.state_dict().items()}


def training_tensors(method: Method, optimizer: Optimizer) -> dict[str, Tensor]:
    """All else: `method.<name>` as the method lists it, and `optimizer.<parameter>.<slot>`."""
    listed = {f"{_METHOD}{name}": whole(tensor) for name, tensor in method.state().items()}
    slots = {
        f"{_OPTIMIZER}{number}.{slot}": whole(torch.as_tensor(value))
        for number, state in optimizer.state_dict()["state"].items()
        for slot, value in state.items()
    }
    return listed | slots


def whole(tensor: Tensor) -> Tensor:
    """A tensor that may be divided among processes; all of them must ask for it."""
    gather = getattr(tensor, "full_tensor", None)
    return tensor if gather is None else gather()


def whole_backbone(method: Method, new: Callable[[], Backbone]) -> Backbone:
    """The backbone; where its weights are divided, a new one that has all of them."""
    if not any(hasattr(each, "full_tensor") for each in method.backbone.parameters()):
        return method.backbone
    with torch.random.fork_rng():
        made = new()
    tensors = weights(method)
    made.load_state_dict(tensors)
    return made.to(next(iter(tensors.values())).device)


def gradient_norm(method: Method) -> Tensor:
    """Of all gradients together."""
    found = [each.grad for each in method.parameters() if each.grad is not None]
    return whole(torch.nn.utils.get_total_norm(found))


def _placed(tensor: Tensor, like: Tensor) -> Tensor:
    """A whole tensor, divided as another one of its shape is, if that one is."""
    if not hasattr(like, "full_tensor") or tensor.shape != like.shape:
        return tensor
    from torch.distributed.tensor import DTensor, distribute_tensor  # few runs divide

    assert isinstance(like, DTensor), "torch has no other divided tensor"
    return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements)


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
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    _require_complete(slots, len(weights))
    there = {
        number: {name: _placed(value, weights[number]) for name, value in slot.items()}
        for number, slot in slots.items()
    }
    optimizer.load_state_dict({"state": there, "param_groups": groups})


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
        here[name].copy_(_placed(there[name], here[name]))


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
