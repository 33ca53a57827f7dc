"""CPU time of a training step against the number of processes and the size of the views.

Each case is `tamecrop pretrain` under torchrun on the embedded scenes, once with few and once with
more epochs: the difference is steps alone, without starting. CPU time of all processes is counted,
so that other work on the machine does not matter; what is compared is the time of one process.
`python benchmarks/scaling.py` writes `results/benchmarks/scaling.json` and the part of
`docs/scaling.md` that it fills; `python benchmarks/scaling.py page` only the latter.
"""

import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common import RESULTS, write

IMAGES, BATCH, EPOCHS = 128, 32, (1, 4)
PROCESSES, SIDES = (1, 2), (64, 96, 128)
BASE = 64
"""The side that all others are predicted from, in one process.

A smaller one cannot be told from what the start of a process costs, which varies by a second.
"""
PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"
BEGIN, END = "<!-- measured: python benchmarks/scaling.py -->\n", "<!-- end -->"
WORDS = (
    f"scenes:count={IMAGES * 10 // 9} --policy rrc:scale=0.2..1 --images {IMAGES} "
    f"--training.batch_size {BATCH} --training.warmup_epochs 0 --training.backbone resnet10w16 "
    f"--training.precision 32-true --training.save_every 100"
).split()


def cpu_seconds(processes: int, side: int, epochs: int, out: Path) -> float:
    """Of all processes of a run together."""
    launch = ["torch.distributed.run", "--standalone", f"--nproc_per_node={processes}", "-m"]
    started = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [
            *(sys.executable, "-m", *launch, "tamecrop", "pretrain", *WORDS),
            *(f"--training.epochs={epochs}", f"--training.size={side}", f"--out={out}"),
        ],
        check=True,
        capture_output=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime - started.ru_utime - started.ru_stime


def main() -> None:
    found = []
    for side, processes in itertools.product(SIDES, PROCESSES):
        with tempfile.TemporaryDirectory() as scratch:
            few, more = (
                cpu_seconds(processes, side, epochs, Path(scratch) / str(epochs))
                for epochs in EPOCHS
            )
        steps = (EPOCHS[1] - EPOCHS[0]) * IMAGES // BATCH
        milliseconds = 1000 * (more - few) / steps / processes
        case = {"side": side, "processes": processes, "milliseconds": round(milliseconds, 1)}
        found.append(case | {"steps": steps})
        print(case, flush=True)
        write("scaling", [{"batch": BATCH, "backbone": "resnet10w16", "cases": found}])


def measured(stored: Mapping[str, Any]) -> str:
    """The model held against what was measured: two processes are predicted from one."""
    here, part = stored["environment"], stored["parts"][0]
    times = {(each["side"], each["processes"]): each["milliseconds"] for each in part["cases"]}
    rows = [
        "| side | processes | measured | predicted | measured / predicted |",
        "|" + " --- |" * 5,
    ]
    for side, processes in itertools.product(SIDES, PROCESSES):
        predicted = times[BASE, 1] * (side / BASE) ** 2 / processes
        found, ratio = times[side, processes], times[side, processes] / predicted
        rows.append(f"| {side} | {processes} | {found:.0f} | {predicted:.0f} | {ratio:.2f} |")
    alone = [times[side, 2] * 2 / times[side, 1] for side in SIDES]
    return f"""Measured: CPU milliseconds of one process for a step of {part["batch"]} images with
{part["backbone"]} in float32 on scenes of 32 px, {here["hardware"]}, torch
{here["versions"]["torch"]}, commit {here["commit"]}, {part["cases"][0]["steps"]} steps a number.
Without workers, so the model adds views and network, and both grow with the area; `b` is not seen,
since waiting costs no CPU time. All are predicted from one process at {BASE} px:

{chr(10).join(rows)}

Two processes take {min(alone):.2f} to {max(alone):.2f} times the half of what one takes at the
same side, but larger sides more than their area says. Measure `n` at the side that you will train
at: for other numbers of processes the model then holds as closely as the table says.
"""


def document() -> None:
    """Fill the page."""
    stored = json.loads((RESULTS / "scaling.json").read_text())
    text = PAGE.read_text()
    head, rest = text.split(BEGIN)
    PAGE.write_text(head + BEGIN + measured(stored) + END + rest.split(END)[1])


if __name__ == "__main__":
    if sys.argv[1:] != ["page"]:
        main()
    document()
