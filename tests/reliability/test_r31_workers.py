"""R31: a worker of the grid engine killed loses no cell, does none twice, and changes no bit."""

import dataclasses
import multiprocessing
import os
import signal
import time

import pytest

from reliability import children
from tamecrop.data.sources import load
from tamecrop.learning.watching import Interrupted, StopFlag
from tamecrop.studies import store
from tamecrop.studies.compare import comparison
from tamecrop.studies.engines import pool, run, worker
from tamecrop.studies.grid import Queue
from tamecrop.studies.listening import Listener
from tamecrop.studies.recipes import Recipe

POLICIES = ("rc:scale=0.6", "gcc:scale=0.6,alpha=2")
SEEDS = (0, 1)
RECIPE = Recipe(policies=POLICIES, images=64, training=children.TINY)


def study(out, **changes):
    recipe = dataclasses.replace(RECIPE, training=dataclasses.replace(children.TINY, **changes))
    return comparison(load(children.DATA), POLICIES, recipe, seeds=SEEDS, out=out)


def numbers(out):
    names = ("key", "linear_accuracy", "knn_accuracy", "validation_accuracy", "losses")
    return [[getattr(cell, name) for name in names] for cell in store.read(out)]


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The cells of a study that nothing happened to, one after another in this process."""
    out = tmp_path_factory.mktemp("straight")
    assert run(study(out)).complete
    return out


class Kills(Listener):
    """Kills the worker that tells of a step, once; notes what ran and what ended.

    Which worker that is only the pool knows: another one, taken by its number or its age, may
    still import torch and have begun nothing.
    """

    def __init__(self, monkeypatch):
        self.left, self.begun, self.ended, self.said = 1, [], [], []
        hear = pool._Pool._hear

        def heard(workers, worker, event, arguments):
            self.speaks = worker
            hear(workers, worker, event, arguments)

        monkeypatch.setattr(pool._Pool, "_hear", heard)

    def cell_started(self, key):
        self.begun.append(key)

    def stepped(self, key, progress):
        if self.left and key.seed == 0:
            self.left -= 1
            self.speaks.process.kill()

    def warned(self, line):
        self.said.append(line)

    def cell_finished(self, cell, summary):
        self.ended.append(cell.key)


def test_r31_a_killed_worker_loses_no_cell_and_changes_no_bit(
    straight, tmp_path, record, monkeypatch
):
    listener = Kills(monkeypatch)
    summary = run(study(tmp_path), jobs=2, listener=listener)
    assert listener.left == 0
    assert summary.complete
    assert numbers(tmp_path) == numbers(straight)
    assert sorted(listener.ended) == sorted({cell.key for cell in summary.cells})
    assert len(listener.begun) == 5, "four cells, and the one that was continued"
    (said,) = listener.said
    assert "goes on in another process: its process ended with code -9" in said
    assert multiprocessing.active_children() == []
    record("R31", "a killed worker of --jobs 2: the bits of --jobs 1, each cell once", n=1, cells=4)


def test_r31_a_cell_that_is_not_handed_out_again_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(Queue, "again", lambda *_: None)
    assert not run(study(tmp_path), jobs=1 + 1, listener=Kills(monkeypatch)).complete


def test_r31_a_cell_that_ends_every_worker_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "ATTEMPTS", 1)
    with pytest.raises(pool.CellError, match=r"seed 0 \(compare\) lost 1 workers: .* code -9"):
        run(study(tmp_path), jobs=2, listener=Kills(monkeypatch))
    assert multiprocessing.active_children() == []


def test_a_cell_that_fails_in_its_worker_is_one_line_with_its_name(tmp_path):
    wrong = study(tmp_path, learning_rate=1e30)
    with pytest.raises(pool.CellError, match=r"seed \d \(compare\): loss .* must be finite"):
        run(wrong, jobs=2)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("unread", [False, True])
def test_a_parent_that_died_asks_its_workers_to_stop(unread):
    """A socket closed with messages unread says so with another error than one without."""
    theirs, pipe = multiprocessing.Pipe()
    if unread:
        worker._send(pipe, "warned", ["nobody reads this"])
    theirs.close()
    flag = worker._ParentsFlag(pipe)
    assert flag.raised
    assert flag.number == signal.SIGTERM
    worker._send(pipe, "warned", ["nor this"])
    assert worker._next(pipe) is None


@pytest.mark.parametrize("first", [lambda pipe: worker._send(pipe, "warned", []), worker._next])
def test_a_parent_that_died_is_no_error_at_any_use_of_the_pipe(first):
    theirs, pipe = multiprocessing.Pipe()
    worker._send(pipe, "warned", ["nobody reads this"])
    theirs.close()
    assert first(pipe) is None
    assert worker._ParentsFlag(pipe).raised


class Stops(Listener):
    def __init__(self, flag):
        self.flag = flag

    def stepped(self, key, progress):
        self.flag.raised, self.flag.number = True, signal.SIGTERM


def test_r33_what_several_jobs_saved_one_continues(straight, tmp_path, record):
    flag = StopFlag()
    with pytest.raises(Interrupted) as stopped:
        run(study(tmp_path), jobs=2, listener=Stops(flag), stop=flag)
    assert stopped.value.number == signal.SIGTERM
    assert multiprocessing.active_children() == []
    assert list(tmp_path.rglob("weights.safetensors"))
    assert not run(dataclasses.replace(study(tmp_path), shard=(1, 2))).complete
    assert run(dataclasses.replace(study(tmp_path), shard=(2, 2))).complete
    assert numbers(tmp_path) == numbers(straight)
    record("R33", "stopped under --jobs 2, continued by --cells 1/2 and 2/2: same numbers", n=4)


def words(out):
    tiny = ["--training.epochs=40", "--training.batch_size=16", "--images=64"]
    policies = ["--policies", *POLICIES]
    return ["compare", children.DATA, *policies, *tiny, "--jobs", "2", "--out", str(out)]


@pytest.mark.slow
@pytest.mark.parametrize("whole_group", [True, False])
def test_a_signal_stops_every_worker_and_saves(forks, tmp_path, whole_group):
    """Ctrl-C reaches all processes of a terminal; `kill` only the first."""
    child = forks.start(children.command, words(tmp_path))
    while child.said().count(": training") < 2 and child.process.exitcode is None:
        time.sleep(0.1)
    if whole_group:
        os.killpg(child.process.pid, signal.SIGINT)
    else:
        child.kill(signal.SIGTERM)
    assert child.wait(60) == (130 if whole_group else 143), child.said()
    assert child.said().endswith("tamecrop: stopped; the same command continues\n")
    assert len(list(tmp_path.rglob("weights.safetensors"))) >= 2
    assert child.gone_after(10) < 10


@pytest.mark.slow
def test_workers_of_a_killed_parent_save_and_leave(forks, tmp_path):
    child = forks.start(children.command, words(tmp_path))
    while child.said().count(": training") < 2 and child.process.exitcode is None:
        time.sleep(0.1)
    child.kill()
    assert child.gone_after(30) < 30
    assert len(list(tmp_path.rglob("weights.safetensors"))) >= 2
