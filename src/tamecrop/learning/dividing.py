"""Weights that are divided among the processes of a run, for networks that no device holds whole.

Each process holds a part of every weight, of its gradient and of the optimizer's state, and fetches
the rest of a block when the block is passed. Checkpoints hold whole tensors, so that a run may go
on with other processes, divided or not.

Relation: FSDP2, torch's `fully_shard`, by way of Fabric.
"""

import torch
from lightning_fabric.strategies.model_parallel import ModelParallelStrategy
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard

from tamecrop.geometry import ViewPlan, rules
from tamecrop.learning.backbones import blocks


def strategy(processes: int) -> ModelParallelStrategy:
    """How Fabric divides a method among so many processes."""
    return ModelParallelStrategy(_divide, data_parallel_size=processes, tensor_parallel_size=1)


def _divide(method: nn.Module, mesh: DeviceMesh) -> nn.Module:
    """Block by block, and what lies outside of them together."""
    among = mesh["data_parallel"]
    method.to(memory_format=torch.contiguous_format)  # torch divides no other weights
    for block in blocks(method):
        fully_shard(block, mesh=among)
    fully_shard(method, mesh=among)
    return method


def require_dividable(plan: ViewPlan) -> None:
    """Refuse view plans that ask the network between steps, where no process has all its weights.

    Raises:
        ValueError: naming the setting.
    """
    asks = plan.box_threshold is not None or any(group.kept for group in plan.groups)
    rule = f"ddp where the network chooses boxes or views, as in {plan}"
    rules.require("strategy", rule, "fsdp", holds=not asks)
