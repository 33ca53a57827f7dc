"""R26: several processes of one run: they agree, and when one is lost none stays behind."""

import os
import signal
import time

import pytest
import torch

from reliability import children
from reliability.children import STEPS, Plan, free_port
from tamecrop.learning import checkpoint
from tamecrop.learning.backbones import backbone

BAR = 15.0
SLOWLY = dict.fromkeys(range(1, STEPS + 1), "sleep")


def pair_of(forks, out, plan):
    """Two processes of one run, as torchrun starts them."""
    port = free_port()
    return [
        forks.start(children.train, out, plan, environment=children.on_two(rank, port))
        for rank in range(2)
    ]


def wait_for_a_checkpoint(out):
    for _ in range(6000):
        if checkpoint.list_saved(out / "checkpoints"):
            return
        time.sleep(0.01)
    raise TimeoutError(f"nothing was saved in {out}")


def test_two_processes_train_one_run(forks, tmp_path):
    for child in pair_of(forks, tmp_path, Plan()):
        assert child.wait() == 0, child.said()
    one, two = (children.result(tmp_path, rank) for rank in range(2))
    assert torch.equal(one["losses"], two["losses"])
    assert len(one["losses"]) == STEPS
    for name, _ in backbone("resnet10w16").named_parameters():
        assert torch.equal(one[name], two[name]), name


@pytest.mark.slow
def test_a_stop_of_one_process_stops_both_at_the_same_step_and_both_continue(forks, tmp_path):
    port = free_port()
    plans = Plan(at={6: "SIGTERM"}), Plan()
    pair = [
        forks.start(children.train, tmp_path, plan, environment=children.on_two(rank, port))
        for rank, plan in enumerate(plans)
    ]
    for child in pair:
        assert child.wait() == 1
        assert "Interrupted: stopped; the same command continues" in child.said()
    saved = checkpoint.latest(tmp_path / "checkpoints").checkpoint
    assert saved.state["step"] == 6
    for child in pair_of(forks, tmp_path, Plan()):
        assert child.wait() == 0, child.said()


@pytest.mark.slow
def test_a_second_pair_in_the_same_folder_is_refused_in_every_process(forks, tmp_path):
    first = pair_of(forks, tmp_path, Plan(at=SLOWLY))
    wait_for_a_checkpoint(tmp_path)
    for child in pair_of(forks, tmp_path, Plan()):
        assert child.wait() == 1
        assert "another process trains in" in child.said()
    for child in first:
        assert child.wait() == 0, child.said()


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_r26_a_lost_rank_takes_the_other_with_it(forks, tmp_path, lost, record):
    pair = pair_of(forks, tmp_path, Plan(at=SLOWLY))
    wait_for_a_checkpoint(tmp_path)
    pair[lost].kill()
    started = time.monotonic()
    assert pair[1 - lost].wait(BAR) not in (None, 0)
    seconds = time.monotonic() - started
    assert [child.alive() for child in pair] == [[], []]
    assert checkpoint.latest(tmp_path / "checkpoints").damaged == ()
    again = forks.start(children.train, tmp_path, Plan())
    assert again.wait() == 0, again.said()
    record(f"R26.rank_{['zero', 'one'][lost]}", f"gone in {seconds:.1f} s", n=1, seconds=seconds)


@pytest.fixture
def worked_on(pictures):
    """The plan of a run with two workers that decode pictures."""
    return Plan(data=pictures, changes={"workers": 2}, at=SLOWLY)


@pytest.mark.slow
def test_r26_a_lost_worker_ends_the_run_and_leaves_a_checkpoint(forks, tmp_path, worked_on, record):
    out = tmp_path / "run"
    child = forks.start(children.train, out, worked_on)
    wait_for_a_checkpoint(out)
    workers = []
    while not workers:
        workers = [pid for pid in child.alive() if pid != child.process.pid]
    os.kill(workers[0], signal.SIGKILL)
    started = time.monotonic()
    assert child.wait(BAR) == 1
    child.gone_after(BAR)
    seconds = time.monotonic() - started
    assert child.alive() == []
    assert seconds < BAR
    assert checkpoint.latest(out / "checkpoints").damaged == ()
    record("R26.worker", f"all gone in {seconds:.1f} s", n=1, seconds=seconds)


@pytest.mark.slow
def test_r26_a_killed_parent_leaves_no_worker_and_no_lock(forks, tmp_path, worked_on, record):
    out = tmp_path / "run"
    child = forks.start(children.train, out, worked_on)
    wait_for_a_checkpoint(out)
    while len(child.alive()) < 3:
        time.sleep(0.005)
    child.kill()
    started = time.monotonic()
    assert child.wait() == -9
    again = forks.start(children.train, out, worked_on)
    assert child.gone_after(BAR) < BAR
    seconds = time.monotonic() - started
    assert again.wait() == 0, again.said()
    record("R26", f"killed parent: workers gone in {seconds:.1f} s, continued at once", n=1)


@pytest.mark.slow
def test_a_worker_that_is_ended_at_its_birth_ends(forks):
    child = forks.start(children.end_a_newborn_worker)
    assert child.wait() == 1
    assert "exited unexpectedly" in child.said()


@pytest.mark.slow
def test_a_worker_whose_run_is_killed_at_its_birth_ends(forks):
    child = forks.start(children.die_at_the_birth_of_a_worker)
    assert child.wait() == -9
    assert len(child.alive()) == 1
    assert child.gone_after(BAR) < BAR


def test_a_process_that_stays_behind_is_seen(forks):
    child = forks.start(children.leave_a_process_behind)
    assert child.wait() == 0
    assert child.alive()
