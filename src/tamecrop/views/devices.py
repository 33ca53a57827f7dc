"""From the host to the device without waiting for the device."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def send(values: NDArray[Any] | Tensor, device: torch.device) -> Tensor:
    """Values on the host as a tensor on a device; the host does not wait for work queued there.

    A copy out of ordinary memory waits for everything the device still has to do; out of pinned
    memory it takes its turn behind it.

    Args:
        values: of any shape and kind that torch knows.
        device: where to.

    >>> send(torch.arange(3), torch.device("cpu")).tolist()
    [0, 1, 2]
    """
    tensor = values if isinstance(values, Tensor) else torch.from_numpy(values)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
