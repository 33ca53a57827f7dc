"""Training speed of the backbones meant for a CPU, and what bfloat16 costs a CPU that emulates it.

One thread; a step is forward and backward of SimCLR on two 28-px views of 128 images. All rivals
take turns in every round. `python benchmarks/backbones.py` writes
`results/benchmarks/backbones.json`.
"""

from collections.abc import Callable

import torch

from common import rates, report, write
from tamecrop.learning.backbones import backbone
from tamecrop.learning.methods import method
from tamecrop.learning.processes import computes_in_bfloat16

BATCH, SIDE = 128, 28


def step(name: str, *, half: bool = False) -> Callable[[], None]:
    """One step of a network."""
    network = method("simclr", backbone(name)).to(memory_format=torch.channels_last).train()
    views = (torch.randn(BATCH, 2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)),)

    def work() -> None:
        network.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            loss = network(views)
        loss.backward()

    return work


def main() -> None:
    """Measure, print, write."""
    torch.set_num_threads(1)
    rivals = {
        "resnet7w16, float32": (step("resnet7w16"), BATCH),
        "resnet10w16, float32": (step("resnet10w16"), BATCH),
        "resnet10w16, bfloat16": (step("resnet10w16", half=True), BATCH),
    }
    native = "has" if computes_in_bfloat16() else "has no"
    title = f"training steps, one thread of a CPU that {native} bfloat16 instructions"
    part = report(title, "images/s", rates(rivals, repeats=3))
    write("backbones", [{**part, "rounds": 3, "batch": BATCH, "side": SIDE}])


if __name__ == "__main__":
    main()
