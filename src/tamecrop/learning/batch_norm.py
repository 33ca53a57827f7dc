"""Batch norm in passes that must leave no trace in its running statistics."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def batch_norms(network: nn.Module) -> list[nn.Module]:
    """The layers that take statistics of a batch."""
    return [each for each in network.modules() if isinstance(each, _BatchNorm)]


@contextmanager
def without_traces(method: nn.Module) -> Iterator[None]:
    """Let batch norm see the batch, as in a step, and forget it."""
    before = [(each, [b.clone() for b in each.buffers()]) for each in batch_norms(method)]
    try:
        yield
    finally:
        for each, buffers in before:
            for buffer, value in zip(each.buffers(), buffers, strict=True):
                buffer.copy_(value)
