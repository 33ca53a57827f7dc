"""What the forked children of R25 do: train with fixed batch norm, alone or as one of two."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightly.loss import ntx_ent_loss
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from reliability import children
from tamecrop.learning.trainer import Trainer

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


def run_as(
    forks: Any, out: Path, processes: int, changes: dict[str, object], *, code: int, **plan: Any
) -> None:
    """Train in one process or two, all of which must end with a code.

    Args:
        forks: the fixture.
        out: the run's folder.
        processes: how many.
        changes: to the tiny run.
        code: that they end with.
        plan: more of `children.Plan`.
    """
    port = children.free_port()
    environments = [children.on_two(rank, port) for rank in range(2)] if processes == 2 else [{}]
    each = [
        forks.start(train_as, out, changes, plan, environment=environment)
        for environment in environments
    ]
    for child in each:
        assert child.wait(240) == code, child.said()


def train_as(out: Path, changes: dict[str, object], plan: Mapping[str, Any]) -> None:
    """As `train`, with more of a plan."""
    _BatchNorm.train = _stays_in_evaluation
    children.train(out, children.Plan(changes={**ALIKE, **changes}, **plan))


def train_weighed(out: Path, plan: children.Plan) -> None:
    """Pre-train, and write how many numbers of weights and optimizer this process holds."""
    run = Trainer.run

    def weigh(self: Trainer) -> Any:
        slots = [slot for each in self.optimizer.state.values() for slot in each.values()]
        found = {
            "whole": sum(each.numel() for each in self.method.parameters()),
            "weights": sum(map(_held, self.method.parameters())),
            "slots": sum(_held(slot) for slot in slots if torch.is_tensor(slot) and slot.ndim),
        }
        (out / f"held-{os.environ['RANK']}.json").write_text(json.dumps(found))
        return run(self)

    Trainer.run = weigh  # type: ignore[method-assign]
    children.train(out, plan)


def weighed(out: Path, rank: int) -> dict[str, int]:
    """What `train_weighed` wrote."""
    found: dict[str, int] = json.loads((out / f"held-{rank}.json").read_text())
    return found


def _held(tensor: Tensor) -> int:
    return (tensor.to_local() if hasattr(tensor, "to_local") else tensor).numel()


def _stays_in_evaluation(self: nn.Module, mode: bool = True) -> nn.Module:  # noqa: FBT001, FBT002
    return nn.Module.train(self, mode=False)


def _detached(mine: Tensor) -> tuple[Tensor, ...]:
    parts = [torch.empty_like(mine) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(parts, mine.detach())
    parts[torch.distributed.get_rank()] = mine
    return tuple(parts)
