"""Engines without their libraries: their texts, and cells as jobs that are processes here."""

import multiprocessing
import re
import socket
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from engines import shared
from tamecrop.learning.watching import StopFlag
from tamecrop.studies import store
from tamecrop.studies.engines import choose_engine, cluster, jobs, pool, run
from tamecrop.studies.engines.local import Local
from tamecrop.studies.engines.ray import Ray
from tamecrop.studies.engines.slurm import Slurm


def test_a_text_names_an_engine_and_its_settings():
    assert choose_engine("local") == Local()
    assert choose_engine(" ray: address=10.0.0.1:6379 , cpus=2, gpus=0.5") == Ray(
        address="10.0.0.1:6379", cpus=2.0, gpus=0.5
    )
    stated = choose_engine("slurm:partition=big,time=2d,gpus=1,memory=16,attempts=5")
    assert stated == Slurm(partition="big", time="2d", gpus=1, memory=16.0, attempts=5)
    assert stated.minutes == 2880
    assert choose_engine(stated) is stated


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("rays", "unknown grid engine 'rays': did you mean 'ray'?"),
        ("ray:adress=auto", "unknown key of a grid engine 'adress': did you mean 'address'?"),
        ("ray:auto", "a grid engine is written name:key=value,..., got 'auto' in 'ray:auto'"),
        ("local:jobs=2", "unknown key of a grid engine 'jobs'"),
        ("ray:cpus=two", "`cpus` of a grid engine must be a number, got 'two'"),
        ("ray:cpus=0", "`cpus` must satisfy 0 < cpus"),
        ("ray:gpus=-1", "`gpus` must satisfy gpus >= 0, finite, got -1.0"),
        ("ray:address=ray://head:10001", "`address` must be HOST:PORT or auto, on a machine of"),
        ("slurm:time=90", "`time` is written like 90m, 4h or 2d, got '90'"),
        ("slurm:time=0m", "`time` is written like 90m, 4h or 2d, got '0m'"),
        ("slurm:gpus=2", "`gpus` must satisfy gpus 0 or 1, got 2"),
        ("slurm:cpus=1.5", "`cpus` of a grid engine must be a number without a fraction, got"),
        ("slurm:memory=0", "`memory` must satisfy 0 < memory"),
        ("slurm:attempts=0", "`attempts` must satisfy attempts >= 1"),
        ("slurm:cluster=slurn", "unknown cluster 'slurn': did you mean 'slurm'?"),
    ],
)
def test_a_wrong_text_is_one_line(text, line):
    with pytest.raises(ValueError, match=f"^{re.escape(line)}"):
        choose_engine(text)


@pytest.mark.parametrize(("text", "module"), [("ray", "ray"), ("slurm", "submitit")])
def test_an_engine_that_is_not_installed_is_named_with_its_extra(text, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError, match=rf"^{module} is not .*'tamecrop\[{text}\]'$"):
        choose_engine(text).check()


@dataclass(frozen=True)
class Processes(pool.Engine):
    """Jobs that are processes of this machine."""

    attempts: int = 3

    def check(self):
        pass

    def default_jobs(self):
        return 1

    def open(self, study):
        return cluster.opened(study, _here, self.attempts)


@contextmanager
def _here(parcel, folder):
    yield _Here(parcel)


class _Here(cluster.Cluster):
    def __init__(self, parcel):
        self.parcel = parcel

    def submit(self, task):
        context = multiprocessing.get_context("spawn")
        job = context.Process(target=jobs.work, args=(self.parcel, task))
        job.start()
        return job

    def over(self, job):
        return None if job.is_alive() else ("lost", (f"code {job.exitcode}",))

    def cancel(self, job, *, force):
        job.kill() if force else job.terminate()


@pytest.mark.slow
def test_a_killed_job_costs_no_cell_and_changes_no_bit(tmp_path):
    straight = tmp_path / "straight"
    assert run(shared.study(straight)).complete
    (said,) = shared.check_a_killed_worker(Processes(), tmp_path / "killed", straight)
    assert said.endswith("goes on in another job: code -9")


@pytest.mark.slow
def test_a_cell_that_ends_every_job_or_fails_is_an_error(tmp_path):
    shared.check_a_cell_that_ends_every_worker(Processes(attempts=1), tmp_path / "lost")
    shared.check_a_failing_cell(Processes(), tmp_path / "failed")


@dataclass(frozen=True)
class Scripted(pool.Engine):
    """Jobs whose diaries are written when they are submitted: the first fails."""

    def check(self):
        pass

    def default_jobs(self):
        return 2

    def open(self, study):
        return cluster.opened(study, _scripted, 1)


@contextmanager
def _scripted(parcel, folder):
    yield _Scripted()


class _Scripted(cluster.Cluster):
    asked = 0

    def submit(self, task):
        event = ("ended", (None,)) if task.diary.stem == "1" else ("failed", ("this one", "trace"))
        jobs._write(task.diary, *event)
        return task.diary

    def over(self, job):
        self.asked += 1
        assert self.asked < 40, "the second is waited for, and nobody listens to it"

    def cancel(self, job, *, force):
        pass


def test_a_cell_that_fails_leaves_no_other_unheard(tmp_path, monkeypatch):
    """Both told their end before anybody looked."""
    for module in (cluster, jobs):
        monkeypatch.setattr(module, "EVERY", 0.01)
    monkeypatch.setattr(cluster, "LEAVING", 0.0)
    with pytest.raises(pool.CellError, match=r"^this one"):
        run(shared.study(tmp_path), jobs=2, engine=Scripted())


def parcel_and_task(out, diary, patience=0.0):
    study = shared.study(out)
    (wanted, *_) = study.rule(())
    out.mkdir(exist_ok=True)
    parcel = jobs.Parcel(cluster.bare(study), cluster.ship(study.dataset, out), out)
    return parcel, jobs.Task(wanted, diary, patience)


def test_a_machine_that_does_not_see_the_folder_is_one_line(tmp_path):
    parcel, task = parcel_and_task(tmp_path / "out", tmp_path / "elsewhere" / "0.jsonl")
    with pytest.raises(ValueError, match="`out` must be a folder that all machines") as refused:
        jobs.work(parcel, task)
    assert str(refused.value).endswith(f"{socket.gethostname()} does not see {tmp_path / 'out'}")
    assert not task.diary.exists(), "and nothing is written there"


def test_the_lock_of_a_lost_machine_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "EVERY", 0.05)
    _, task = parcel_and_task(tmp_path, tmp_path / "0.jsonl", patience=30.0)
    held, let_go = threading.Event(), threading.Event()

    def hold():
        with store.claim(tmp_path, task.wanted.key):
            held.set()
            let_go.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    waits = threading.Thread(target=partial(jobs._wait_for, task, tmp_path, StopFlag()))
    waits.start()
    waits.join(0.5)
    assert waits.is_alive()
    let_go.set()
    waits.join(30)
    holder.join()
    assert not waits.is_alive()
    stopped = StopFlag()
    stopped.raised = True
    with store.claim(tmp_path, task.wanted.key):
        begun = time.monotonic()
        jobs._wait_for(task, tmp_path, stopped)
    assert time.monotonic() - begun < 20, "who is told to stop does not wait"
