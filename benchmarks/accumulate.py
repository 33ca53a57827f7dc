"""The highest memory of training steps: in parts, with activations made anew, and of whole runs.

Each step is one of SimCLR on random views, each run two steps of `tamecrop pretrain` on files, in
a process of its own; the memory is the highest resident one of all of that process. The second step
of a run meets the optimizer's state, which the first one makes.
`python benchmarks/accumulate.py FOLDER [IMAGES ...]` writes `results/benchmarks/accumulate.json`
after every case; the numbers are the batches of the runs. A large one takes hours beside other
work: `python benchmarks/accumulate.py so-far PID` adds what a run of it has taken until now.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import torch

from common import RESULTS, write
from tamecrop.cli import main as tamecrop
from tamecrop.learning import backbone, methods
from tamecrop.learning.backbones import recomputed
from tamecrop.learning.processes import free_at_once

SIDE, PART = 224, 8
STEPS = [
    (name, parts, activations)
    for name, parts in (("resnet50", 1), ("timm:vit_small_patch16_224", 1), ("resnet50", 2))
    for activations in ("keep", "recompute")
]
"""Backbone, parts of `PART` images, activations."""

WORDS = (
    f"--training.backbone resnet50 --training.stem imagenet --training.method simclr "
    f"--training.epochs 2 --training.warmup_epochs 0 --training.precision 32-true "
    f"--training.decode fast --training.size {SIDE} --policy rrc:scale=0.2..1"
).split()


def step(name: str, parts: str, activations: str) -> None:
    """One step, float32, one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    method = methods.method("simclr", backbone(name, stem="imagenet")).train()
    method.to(memory_format=torch.channels_last)
    method.images_per_part = None if parts == "1" else PART
    views = torch.randn(int(parts) * PART, 2, 3, SIDE, SIDE)
    if parts != "1" or activations == "recompute":
        free_at_once()
    with recomputed(method.backbone) if activations == "recompute" else nullcontext():
        method([views]).backward()


def run(folder: str, batch: str) -> None:
    """Two steps of a run on files, in parts of `PART` images."""
    sizes = [f"--training.batch_size={batch}", f"--training.accumulate={int(batch) // PART}"]
    with tempfile.TemporaryDirectory() as out:
        words = ["pretrain", folder, *WORDS, *sizes, "--images", batch]
        assert tamecrop([*words, "--out", str(Path(out) / "run")]) == 0


def so_far(pid: str) -> None:
    """Add what a run that goes on has taken: its highest memory only grows from here."""
    place = Path("/proc") / pid
    *_, kind, _, batch = place.joinpath("cmdline").read_text().strip("\0").split("\0")
    assert kind == "run", "only a run of this script can be watched"
    lines = dict(line.split(":", 1) for line in place.joinpath("status").read_text().splitlines())
    ticks = sum(map(int, place.joinpath("stat").read_text().rpartition(")")[2].split()[11:13]))
    found = {
        "backbone": "resnet50",
        "batch": int(batch),
        "mebibytes": int(lines["VmHWM"].split()[0]) / 2**10,
        "cpu_seconds": ticks / os.sysconf("SC_CLK_TCK"),
        "finished": False,
    }
    (part,) = json.loads((RESULTS / "accumulate.json").read_text())["parts"]
    part["runs"].append(found)
    write("accumulate", [part])


def measured(*words: str) -> dict[str, float]:
    """What a case takes in a process of its own."""
    done = subprocess.run([sys.executable, __file__, *words], check=True, capture_output=True)
    found: dict[str, float] = json.loads(done.stdout.decode().splitlines()[-1])
    return found


def main(folder: str, batches: list[str]) -> None:
    about = {"side": SIDE, "images_of_a_part": PART, "precision": "float32", "threads": 1}
    steps: list[dict[str, object]] = []
    runs: list[dict[str, object]] = []
    for name, parts, activations in STEPS:
        case = {"backbone": name, "parts": parts, "activations": activations}
        steps.append(case | measured("step", name, str(parts), activations))
        print(steps[-1], flush=True)
        write("accumulate", [{**about, "steps": steps, "runs": runs}])
    for batch in batches:
        runs.append({"backbone": "resnet50", "batch": int(batch)} | measured("run", folder, batch))
        print(runs[-1], flush=True)
        write("accumulate", [{**about, "steps": steps, "runs": runs}])


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    if kind == "so-far":
        so_far(*rest)
    elif kind in ("step", "run"):
        {"step": step, "run": run}[kind](*rest)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        print(json.dumps({"mebibytes": peak, "cpu_seconds": time.process_time()}))
    else:
        main(kind, rest or ["16", "32", "64", "512"])
