"""The visit to a GPU, rehearsed with a stand-in device and tiny work, so that no minute is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
TINY = {
    "VISIT_EPOCH": "--images 512 --rounds 1 --sides 20 --backbone resnet10w16 --workers 0",
    "VISIT_PAPER": "--preset small --most 1 --jobs 1",
    "VISIT_COMPARE": "--jobs 1 --training.backbone=resnet10w16 --training.epochs=1 "
    "--training.warmup_epochs=0 --training.batch_size=32 --training.execution=eager",
}


def visit(tmp_path, seconds):
    """The script on 160 images of noise, with a device that is only a name."""
    noise = np.random.default_rng(0).integers(0, 256, (200, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(200) % 2
    np.savez(
        tmp_path / "noise.npz",
        train_images=noise[:160],
        train_labels=labels[:160],
        test_images=noise[160:],
        test_labels=labels[160:],
    )
    stand_in = tmp_path / "bin" / "nvidia-smi"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/bin/sh\necho name, driver_version\necho Stand-in, 0\n")
    stand_in.chmod(0o755)
    path = f"{stand_in.parent}:{os.environ['PATH']}"
    words = [str(tmp_path / "noise.npz"), str(tmp_path / "out"), str(seconds), sys.executable]
    ran = subprocess.run(
        ["sh", "benchmarks/gpu_visit.sh", *words],
        cwd=ROOT,
        env=os.environ | TINY | {"PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return tmp_path / "out"


@pytest.mark.slow
def test_a_visit_leaves_checks_a_benchmark_cells_and_anchors(tmp_path):
    out = visit(tmp_path, seconds=3600)
    assert "Stand-in" in (out / "checks.txt").read_text()
    assert json.loads((out / "epoch.json").read_text())["parts"]
    cells = json.loads((out / "paper" / "cells.json").read_text())["cells"]
    asked = (ROOT / "benchmarks" / "gpu_visit.sh").read_text().count("\ncells --")
    assert len(cells) == asked > 1, "one of each command"
    for name in ("simclr", "byol", "moco"):
        (cell,) = json.loads((out / name / "cells.json").read_text())["cells"]
        assert cell["policy"] == "rrc:scale=0.2..1"


@pytest.mark.slow
def test_a_visit_without_time_trains_nothing(tmp_path):
    out = visit(tmp_path, seconds=0)
    assert (out / "epoch.json").exists()
    assert not (out / "paper" / "cells.json").exists()
