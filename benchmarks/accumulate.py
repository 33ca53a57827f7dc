"""The highest memory and the time of one training step whose batch passes in parts.

Each case is a process of its own, which takes one step of SimCLR on random views and says how much
resident memory it had at most beyond what it had before. `python benchmarks/accumulate.py` writes
`results/benchmarks/accumulate.json`, after every case.
"""

import json
import subprocess
import sys
import time

import torch

from common import report, write
from tamecrop.learning import backbone, methods
from tamecrop.studies.turns import PeakMemory

CASES = (
    ("resnet18", 96, 128, 1),
    ("resnet18", 96, 128, 8),
    ("resnet18", 96, 512, 1),
    ("resnet18", 96, 512, 8),
    ("resnet18", 96, 512, 32),
    ("resnet50", 224, 16, 1),
    ("resnet50", 224, 16, 4),
)
"""Backbone, side, images of the batch, parts: what a CPU with 16 GiB does in minutes."""


def step(name: str, side: int, batch: int, parts: int) -> dict[str, float]:
    """One step, float32, one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    method = methods.method("simclr", backbone(name, stem="imagenet")).train()
    method.to(memory_format=torch.channels_last)
    method.images_per_part = None if parts == 1 else batch // parts
    views = torch.randn(batch, 2, 3, side, side)
    memory = PeakMemory()
    started = time.perf_counter()
    method([views]).backward()
    took = time.perf_counter() - started
    return {"mebibytes": memory.since_before(), "seconds": took}


def main() -> None:
    found: list[dict[str, object]] = []
    for case in CASES:
        words = [sys.executable, __file__, *map(str, case)]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        names = ("backbone", "side", "batch", "parts")
        found.append(dict(zip(names, case, strict=True)) | json.loads(done.stdout))
        most = {f"{each['backbone']} {each['batch']} in {each['parts']}": each for each in found}
        rates = {name: float(str(each["mebibytes"])) for name, each in most.items()}
        title = "highest memory of a step, views included"
        write("accumulate", [{"cases": found, "precision": "float32", "threads": 1}])
        report(title, "MiB", rates)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        name, *numbers = sys.argv[1:]
        print(json.dumps(step(name, *map(int, numbers))))
    else:
        main()
