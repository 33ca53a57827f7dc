"""What the forked children of the reliability tests do; importing it computes nothing."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch

import tamecrop as tc
from tamecrop.data.sources import load
from tamecrop.learning.config import Pretraining
from tamecrop.learning.pretrain import Run, pretrain
from tamecrop.learning.watching import Hooks, Progress

torch.set_num_threads(1)

LAW = "rc:scale=0.6"
TINY = Pretraining(
    backbone="resnet10w16",
    optimiser="adam",
    learning_rate=3e-3,
    epochs=2,
    warmup_epochs=0,
    batch_size=32,
    photometric="scenes",
    precision="32-true",
    save_every=1,
)


def on_two(rank: int, port: int) -> dict[str, str]:
    """The variables that torchrun gives one of two processes on one machine."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "GROUP_RANK": "0",
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_RUN_ID": "test",
    }


def train(out: Path, changes: dict[str, object], stepped: Callable[[Progress], None] | None = None):
    """Pre-train the tiny run in a folder and leave its losses and weights beside it."""
    run = pretrain(
        load("scenes:count=150"),
        tc.policy(LAW),
        replace(TINY, **changes),
        out,
        hooks=Hooks(stepped=stepped or (lambda _: None)),
    )
    keep(out, run)


def keep(out: Path, run: Run) -> None:
    """Losses and weights as `result-<rank>.safetensors`."""
    rank = os.environ.get("RANK", "0")
    result = {"losses": run.losses} | run.backbone.state_dict()
    result = {name: tensor.contiguous() for name, tensor in result.items()}
    safetensors.torch.save_file(result, out / f"result-{rank}.safetensors")
