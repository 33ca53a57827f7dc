"""The highest memory and the time of one training step, in parts, with activations made anew.

Each case is a process of its own, which takes one step of SimCLR on random views and says how much
resident memory it had at most, all of the process. `python benchmarks/accumulate.py` writes
`results/benchmarks/accumulate.json`, after every case; `CPU time` is of the whole step.
"""

import json
import subprocess
import sys
import time
from contextlib import nullcontext

import torch

from common import report, write
from tamecrop.learning import backbone, methods
from tamecrop.learning.backbones import recomputed
from tamecrop.learning.processes import free_at_once
from tamecrop.studies.turns import PeakMemory

VIT = "timm:vit_small_patch16_224"
CASES = (
    ("resnet50", 224, 8, 1, "keep"),
    ("resnet50", 224, 8, 1, "recompute"),
    (VIT, 224, 8, 1, "keep"),
    (VIT, 224, 8, 1, "recompute"),
    ("resnet50", 224, 8, 2, "keep"),
    ("resnet50", 224, 16, 4, "keep"),
    ("resnet50", 224, 32, 8, "keep"),
    ("resnet50", 224, 32, 8, "recompute"),
    ("resnet50", 224, 512, 128, "recompute"),
)
"""Backbone, side, images of the batch, parts, activations: minutes, and the last one an hour."""


def step(name: str, side: int, batch: int, parts: int, activations: str) -> dict[str, float]:
    """One step, float32, one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    method = methods.method("simclr", backbone(name, stem="imagenet")).train()
    method.to(memory_format=torch.channels_last)
    method.images_per_part = None if parts == 1 else batch // parts
    views = torch.randn(batch, 2, 3, side, side)
    if parts > 1 or activations == "recompute":
        free_at_once()
    memory = PeakMemory()
    started = time.process_time()
    with recomputed(method.backbone) if activations == "recompute" else nullcontext():
        method([views]).backward()
    took = time.process_time() - started
    return {"mebibytes": memory.since_before(), "cpu_seconds": took}


def main() -> None:
    found: list[dict[str, object]] = []
    for case in CASES:
        command = [sys.executable, __file__, *map(str, case)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        names = ("backbone", "side", "batch", "parts", "activations")
        found.append(dict(zip(names, case, strict=True)) | json.loads(done.stdout))
        words = "{backbone} {batch} in {parts}, {activations}"
        most = {words.format(**each): each for each in found}
        rates = {name: float(str(each["mebibytes"])) for name, each in most.items()}
        title = "highest memory of a step, views included"
        write("accumulate", [{"cases": found, "precision": "float32", "threads": 1}])
        report(title, "MiB", rates)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        name, side, batch, parts, activations = sys.argv[1:]
        print(json.dumps(step(name, int(side), int(batch), int(parts), activations)))
    else:
        main()
