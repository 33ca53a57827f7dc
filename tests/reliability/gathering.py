"""What the forked children of R25 do: train with fixed batch norm, alone or as one of two."""

from pathlib import Path

import torch
from lightly.loss import ntx_ent_loss
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from reliability import children

ALIKE: dict[str, object] = {"optimizer": "sgd", "learning_rate": 0.05, "weight_decay": 0.0}


def train(
    out: Path, changes: dict[str, object], gather: str = "lightly", policy: str = children.LAW
) -> None:
    """Pre-train with batch norm as in evaluation, since its statistics are a process's own.

    Args:
        out: the run's folder.
        changes: to the tiny run.
        gather: `lightly`, the right way; `detached`, without gradient to the other process; or
            `local`, without the other process's projections.
        policy: or view plan of the run.
    """
    _BatchNorm.train = _stays_in_evaluation
    if gather == "detached":
        ntx_ent_loss.dist.gather = _detached
    if gather == "local":
        ntx_ent_loss.dist.world_size, ntx_ent_loss.dist.rank = (lambda: 1), (lambda: 0)
    children.train(out, children.Plan(policy=policy, changes={**ALIKE, **changes}))


def _stays_in_evaluation(self: nn.Module, mode: bool = True) -> nn.Module:  # noqa: FBT001, FBT002
    return nn.Module.train(self, mode=False)


def _detached(mine: Tensor) -> tuple[Tensor, ...]:
    parts = [torch.empty_like(mine) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(parts, mine.detach())
    parts[torch.distributed.get_rank()] = mine
    return tuple(parts)
