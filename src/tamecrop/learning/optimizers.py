"""Optimizers by name, and the learning rate as a pure function of the step."""

import math

from lightly.utils.lars import LARS
from torch import nn
from torch.optim import SGD, Adam, Optimizer

from tamecrop.geometry import rules

_MOMENTUM = 0.9


def optimizer(
    name: str, model: nn.Module, *, learning_rate: float, weight_decay: float
) -> Optimizer:
    """An optimizer over a model's weights; vectors (biases, norms) are not decayed.

    Args:
        name: `adam`, `sgd` (momentum 0.9) or `lars` (You et al. 2017, Lightly's, momentum 0.9).
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
