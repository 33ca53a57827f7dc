"""Cells as jobs of SLURM: submitit's local executor, and commands that stand in for SLURM's."""

import os
import signal

import pytest

from engines import shared
from hosts import common
from tamecrop.cli import main
from tamecrop.studies import store
from tamecrop.studies.engines import run

submitit = common.need("submitit")
pytestmark = common.LENIENT

LOCAL = "slurm:cluster=local"

SBATCH = """#!/bin/sh
cp "$1" {folder}/submitted.sh
export SLURM_JOB_ID=77 SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 SLURM_PROCID=0
export SLURM_LOCALID=0 SLURM_JOB_NODELIST=localhost SLURM_NODELIST=localhost SLURM_JOB_NAME=tamecrop
nohup sh "$1" >{folder}/log 2>&1 &
echo $! >{folder}/pid
echo Submitted batch job 77
"""
SRUN = """#!/bin/sh
while [ "${1#--}" != "$1" ]; do case "$1" in --output|--error) shift;; esac; shift; done
exec "$@"
"""
SACCT = """#!/bin/sh
if kill -0 $(cat {folder}/pid); then state=RUNNING; else state=COMPLETED; fi
printf 'JobID|State|NodeList\\n77|%s|localhost\\n' $state
"""


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    out = tmp_path_factory.mktemp("straight")
    assert run(shared.study(out)).complete
    return out


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """SLURM's commands as far as one job needs them; the folder in which they work."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "sacct": SACCT, "scancel": SRUN}.items():
        (folder / name).write_text(text.replace("{folder}", str(folder)))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_a_killed_job_costs_no_cell_and_changes_no_bit(straight, tmp_path):
    (said,) = shared.check_a_killed_worker(LOCAL, tmp_path, straight)
    assert "goes on in another job: job " in said


def test_a_job_whose_time_is_over_saves_and_goes_on_in_another(straight, tmp_path):
    """SLURM's warning, as submitit asks for it, is no loss, however often it comes."""
    listener = shared.Kills(tmp_path, number=signal.SIGUSR2)
    assert run(shared.study(tmp_path), engine=f"{LOCAL},attempts=1", listener=listener).complete
    (said,) = listener.said
    assert said.endswith("goes on in another job: it was told to stop")
    assert shared.numbers(tmp_path) == shared.numbers(straight)


def test_a_cell_that_ends_every_job_is_an_error(tmp_path):
    shared.check_a_cell_that_ends_every_worker(f"{LOCAL},attempts=1", tmp_path)


def test_a_cell_that_fails_is_one_line(tmp_path):
    shared.check_a_failing_cell(LOCAL, tmp_path)


def test_ctrl_c_saves_and_another_engine_goes_on(straight, tmp_path):
    shared.check_ctrl_c(LOCAL, tmp_path, straight)


def test_the_options_reach_sbatch_and_the_job_its_store(commands, straight, tmp_path):
    out = tmp_path / "out"
    settings = "partition=big,time=2h,cpus=3,gpus=1,memory=16,account=me,qos=low,constraint=a100"
    study = shared.study(out)
    wanted = study.rule(())[:1]
    one = shared.dataclasses.replace(study, rule=lambda _: wanted)
    assert run(one, engine=f"slurm:{settings}").complete
    lines = set((commands / "submitted.sh").read_text().splitlines())
    asked = ("partition=big", "time=120", "cpus-per-task=3", "gpus-per-node=1", "mem=16GB")
    asked += ("account=me", "qos=low", "constraint=a100", "requeue", "signal=USR2@90")
    assert {f"#SBATCH --{each}" for each in asked} <= lines
    (key,) = [cell.key for cell in store.read(out)]
    assert shared.numbers(out) == [row for row in shared.numbers(straight) if row[0] == key]


def test_a_machine_without_slurm_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    words = ["compare", "scenes:count=80,side=16", "--out", str(tmp_path / "out")]
    assert main([*words, "--engine", "slurm"]) == 2
    said = capsys.readouterr().err
    assert "`engine` slurm must run on a machine that submits jobs, and sbatch is not found" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
