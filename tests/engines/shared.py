"""What must hold of every engine whose cells are jobs: the bits of this process, and no cell lost.

A cell's process is found by the lock that it holds, whoever has started it.
"""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reliability import children
from tamecrop.data.sources import load
from tamecrop.studies import store
from tamecrop.studies.compare import comparison
from tamecrop.studies.engines import cluster, pool, run
from tamecrop.studies.listening import Listener
from tamecrop.studies.recipes import Recipe

POLICIES = ("rc:scale=0.6", "gcc:scale=0.6,alpha=2")
EPOCHS, PER_EPOCH = 80, 4


def study(out, **changes):
    """Two cells of some seconds each, so that there is something to kill."""
    settings = {"epochs": EPOCHS, "save_every": 5} | changes
    training = dataclasses.replace(children.TINY, **settings)
    recipe = Recipe(policies=POLICIES, images=PER_EPOCH * training.batch_size, training=training)
    return comparison(load(children.DATA), POLICIES, recipe, seeds=range(1), out=out)


def numbers(out):
    names = ("key", "linear_accuracy", "knn_accuracy", "validation_accuracy", "losses")
    return [[getattr(cell, name) for name in names] for cell in store.read(out)]


def holders(folder):
    """Processes that hold a lock of a cell below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            links = [os.readlink(each) for each in (process / "fd").iterdir()]
        except OSError:  # it is gone, or not ours
            continue
        if any(each.startswith(f"{folder}/cells/") and each.endswith(".lock") for each in links):
            found.append(int(process.name))
    return found


class Kills(Listener):
    """Sends a signal to the process of the first cell that is past its first checkpoint, once."""

    def __init__(self, out, number=signal.SIGKILL, times=1):
        self.out, self.number, self.left = out, number, times
        self.begun, self.ended, self.said, self.first_step = [], [], [], {}

    def cell_started(self, key):
        self.begun.append(key)
        self.first_step[key] = []

    def stepped(self, key, progress):
        self.first_step[key].append(progress.step)
        if self.left and progress.step > 6 * PER_EPOCH:
            found = holders(self.out)
            self.left -= bool(found)
            for number in found:
                os.kill(number, self.number)

    def warned(self, line):
        self.said.append(line)

    def cell_finished(self, cell, summary):
        self.ended.append(cell.key)


def check_a_killed_worker(engine, out, straight):
    listener = Kills(out)
    summary = run(study(out), jobs=1, engine=engine, listener=listener)
    assert listener.left == 0
    assert summary.complete
    assert numbers(out) == numbers(straight)
    assert sorted(listener.ended) == sorted({cell.key for cell in summary.cells})
    assert len(listener.begun) == 3, "two cells, and the one that was continued"
    killed = max(listener.begun, key=listener.begun.count)
    assert listener.first_step[killed][0] > 5 * PER_EPOCH, "it went on from its checkpoint"
    assert not (out / cluster.FOLDER).exists()
    return listener.said


def check_a_cell_that_ends_every_worker(engine, out):
    listener = Kills(out, times=9)
    with pytest.raises(pool.CellError, match=r"seed 0 \(compare\) lost 1 workers: "):
        run(study(out), jobs=1, engine=engine, listener=listener)
    assert holders(out) == []


def check_a_failing_cell(engine, out):
    with pytest.raises(pool.CellError, match=r"seed 0 \(compare\): loss .* must be finite"):
        run(study(out, learning_rate=1e30), jobs=2, engine=engine)


def check_ctrl_c(engine, out, straight):
    """Ctrl-C reaches all processes of a terminal's foreground."""
    changes = ["--training.epochs", str(EPOCHS), "--training.save_every=5"]
    preset = [f"--training.{name}={value}" for name, value in _stated().items()]
    words = [sys.executable, "-m", "tamecrop", "compare", children.DATA, *preset, *changes]
    words += ["--images=64", "--policies", *POLICIES, "--seeds=1", "--jobs=2", "--out", str(out)]
    child = subprocess.Popen(
        [*words, "--engine", engine],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        for line in child.stdout:
            if line.endswith(": training\n"):
                break
        time.sleep(1)
        os.killpg(child.pid, signal.SIGINT)
        said, _ = child.communicate(timeout=90)
    finally:
        child.kill()
    assert child.returncode == 130, said
    # Submitit's local executor has words of its own after it.
    assert "\ntamecrop: stopped; the same command continues\n" in f"\n{said}", said
    assert "goes on" not in said
    assert list(out.rglob("weights.safetensors")), "what was begun was saved"
    assert holders(out) == []
    assert store.read(out) == ()
    assert run(study(out)).complete, "another engine goes on"
    assert numbers(out) == numbers(straight)


def _stated():
    """Settings of `children.TINY` that differ from the preset's."""
    from tamecrop.studies.recipes import recipe

    usual = recipe("quick").training
    every = {each.name: getattr(children.TINY, each.name) for each in dataclasses.fields(usual)}
    changed = {name: value for name, value in every.items() if value != getattr(usual, name)}
    return {name: value for name, value in changed.items() if name not in ("epochs", "save_every")}
