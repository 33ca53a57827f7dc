"""The processes of one run: one, or as many as torchrun or SLURM have started.

Nothing here starts a process: a run uses one device unless a launcher says otherwise.
"""

import ctypes
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from torch import Tensor, nn

from tamecrop.learning.config import Pretraining, SettledPrecision, Strategy
from tamecrop.learning.run_folder import alone, claim
from tamecrop.learning.watching import StopFlag


def settle_precision(config: Pretraining) -> Pretraining:
    """The settings with the precision that `auto` stands for on this machine.

    Args:
        config: as stated.
    """
    if config.precision != "auto":
        return config
    return replace(config, precision="bf16-mixed" if computes_in_bfloat16() else "32-true")


def free_at_once() -> bool:
    """Have the C library give a large block back to the system when it is freed, from now on.

    GNU's keeps blocks of up to 32 MiB for later, and finds them too small for the next tensor of
    the same shape, which must begin at a multiple of 64: a batch that passes in parts would leave
    some activations of each part behind.

    Returns:
        Whether this system's C library knows the request.
    """
    known = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    return known is not None and known(_MMAP_THRESHOLD, _LARGE) == 1


_MMAP_THRESHOLD, _LARGE = -3, 2**20
"""The number of the option in GNU's malloc.h, and the bytes from which a block counts as large."""


def computes_in_bfloat16() -> bool:
    """Whether this machine's device has instructions for bfloat16, and does not emulate them."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Torch asks the CPU in a function without a public name; a torch that has none says nothing.
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return native is not None and bool(native())


def fabric(precision: SettledPrecision, strategy: Strategy = "ddp") -> Fabric:
    """Join the processes of this run; on one device when there is no launcher.

    Args:
        precision: of the forward pass.
        strategy: of several processes; one holds all weights in any case.
    """
    # Lightning finds the launcher by itself, but would take every GPU of a machine without one; so
    # it is told how many processes there are, and refuses numbers that the launcher contradicts.
    count = _launcher().world_size()
    nodes = count // int(os.environ.get("LOCAL_WORLD_SIZE", count))  # torchrun's
    nodes = int(os.environ.get("SLURM_NNODES", 1)) if SLURMEnvironment.detect() else nodes
    how: Any = "auto"
    if strategy == "fsdp" and count > 1:
        from tamecrop.learning import dividing  # few runs divide their weights

        how = dividing.strategy(count)
    joined = Fabric(
        accelerator="auto",
        strategy=how,
        devices=count // nodes,
        num_nodes=nodes,
        precision=precision,
    )
    joined.launch()
    return joined


def _launcher() -> ClusterEnvironment:
    """Who has started the processes of this run, as Lightning sees it: torchrun, SLURM, nobody."""
    known = (TorchElasticEnvironment, SLURMEnvironment)
    return next((each() for each in known if each.detect()), LightningEnvironment())


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute with one thread, as every cell does; a device is left as it is.

    With more, threads wait for each other at every barrier while the machine does anything else,
    and the number of threads decides the last bits of a sum.
    """
    before = torch.get_num_threads()
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def require_one() -> None:
    """Refuse a study under a launcher: its cells are shared by processes of their own.

    Raises:
        ValueError: when the launcher has started several processes.
    """
    if _launcher().world_size() > 1:
        raise ValueError(
            "a study must not be started by torchrun or srun: start it once for each device, "
            "with the same --out, and the cells are shared"
        )


def leads() -> bool:
    """Whether this process is the one of its run that talks and writes."""
    return _launcher().global_rank() == 0


@contextmanager
def folder_held(fabric: Fabric, out: Path, identity: Mapping[str, Any]) -> Iterator[None]:
    """The run's folder, claimed by the first process on behalf of all.

    Raises:
        ValueError: in every process, when the folder is busy or holds another run.
        OSError: in every process, when it cannot be written.
    """
    refused = None
    with ExitStack() as held:
        if fabric.is_global_zero:
            try:
                held.enter_context(alone(out))
                claim(out, identity)
            except (ValueError, OSError) as error:
                refused = error
        refused = fabric.broadcast(refused)
        if refused is not None:
            raise refused
        yield


def agree(fabric: Fabric, stop: StopFlag) -> None:
    """Raise the flag in every process when it is up in one: all stop at the same step."""
    if fabric.world_size > 1:
        asked = torch.tensor(stop.number if stop.raised else 0, device=fabric.device)
        loudest = _reduced(fabric, asked, "max").item()
        if loudest:
            stop.raised, stop.number = True, int(loudest)


def mean(fabric: Fabric, loss: Tensor) -> Tensor:
    """The loss of the global batch from those of equal shares."""
    return _reduced(fabric, loss.clone(), "mean")


def _reduced(fabric: Fabric, value: Tensor, how: str) -> Tensor:
    reduced = fabric.all_reduce(value, reduce_op=how)
    assert isinstance(reduced, Tensor), "a tensor is reduced to a tensor"
    return reduced


def with_global_statistics(fabric: Fabric, model: nn.Module) -> nn.Module:
    """Let batch norm see the global batch, where torch can: its synchronized form needs a GPU."""
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        synchronized: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return synchronized
    return model


def require_equal_shares(images: int, *, batch_size: int, last: str, processes: int) -> None:
    """Refuse batches that do not divide: gradients are averaged over equal shares.

    Args:
        images: in the train split.
        batch_size: images per global batch.
        last: `keep` or `drop` a last batch that is not full.
        processes: of the run.

    Raises:
        ValueError: naming the setting.

    >>> require_equal_shares(100, batch_size=32, last="keep", processes=2)
    >>> require_equal_shares(99, batch_size=32, last="keep", processes=2)
    Traceback (most recent call last):
    ValueError: `last` must be drop on 2 processes: 3 images are left that they cannot share equally
    """
    if batch_size % processes:
        raise ValueError(
            f"`batch_size` must be divisible by the {processes} processes, got {batch_size}"
        )
    left = images % batch_size
    if last == "keep" and left % processes:
        raise ValueError(
            f"`last` must be drop on {processes} processes: {left} images are left that they "
            f"cannot share equally"
        )


def images_per_part(config: Pretraining, processes: int) -> int | None:
    """Images of a process that pass the network together; None for all of them.

    Args:
        config: with the parts.
        processes: of the run.

    Raises:
        ValueError: where parts would be of fewer than two images.

    >>> images_per_part(Pretraining(batch_size=100, accumulate=3), 2)
    17
    """
    share = config.batch_size // processes
    if config.accumulate > max(share // 2, 1):
        raise ValueError(
            f"`accumulate` must leave parts of two images, got {config.accumulate} parts of the "
            f"{share} images of each of {processes} processes"
        )
    return math.ceil(share / config.accumulate) if config.accumulate > 1 else None
