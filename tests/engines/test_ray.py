"""Cells as tasks of a Ray cluster: one that is started here, and one that has an address."""

import dataclasses
import os
import socket
import subprocess
import sys

import pytest

from engines import shared
from hosts import common
from tamecrop.cli import main
from tamecrop.studies.engines import choose_engine, pool, ray as engine, run

ray = common.need("ray")
pytestmark = common.LENIENT


@pytest.fixture(autouse=True)
def _without_tokens(monkeypatch):
    """Ray asks for a token where it has started a cluster in this process, and else does not."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    out = tmp_path_factory.mktemp("straight")
    assert run(shared.study(out)).complete
    return out


@pytest.fixture(scope="module")
def cluster():
    """A cluster of its own process, which others join by its address; the address."""
    code = (
        "import ray, sys; ray.init('local', num_cpus=2, include_dashboard=False);"
        "print(ray.get_runtime_context().gcs_address, flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled"}
    child = subprocess.Popen([sys.executable, "-c", code], env=environment, **pipes)
    yield child.stdout.readline().strip()
    child.communicate("", timeout=30)


def test_a_killed_worker_costs_no_cell_and_changes_no_bit(straight, tmp_path):
    (said,) = shared.check_a_killed_worker("ray", tmp_path, straight)
    assert "goes on in another job: The worker died unexpectedly" in said
    assert not ray.is_initialized(), "a cluster that was started is ended"


def test_a_cell_that_ends_every_worker_is_an_error(tmp_path):
    shared.check_a_cell_that_ends_every_worker("ray:attempts=1", tmp_path)


def test_ctrl_c_saves_and_another_engine_goes_on(straight, tmp_path):
    shared.check_ctrl_c("ray", tmp_path, straight)


def test_a_cluster_with_an_address_and_a_failing_cell(cluster, tmp_path):
    chosen = f"ray:address={cluster}"
    assert choose_engine(chosen).default_jobs() == 2
    assert choose_engine(f"{chosen},cpus=2").default_jobs() == 1
    shared.check_a_failing_cell(chosen, tmp_path)


def test_a_machine_without_the_folder_is_one_line(cluster, tmp_path, monkeypatch):
    submit = engine._Tasks.submit

    def elsewhere(tasks, task):
        return submit(tasks, dataclasses.replace(task, diary=tmp_path / "nowhere" / "1.jsonl"))

    monkeypatch.setattr(engine._Tasks, "submit", elsewhere)
    there = f"{socket.gethostname()} does not see {tmp_path}"
    with pytest.raises(pool.CellError, match=f"`out` must be a folder that all.*{there}$"):
        run(shared.study(tmp_path), engine=f"ray:address={cluster}")


def test_what_no_machine_has_is_refused(cluster, tmp_path, capsys):
    words = ["compare", "scenes:count=80,side=16", "--out", str(tmp_path / "out")]
    assert main([*words, "--engine", f"ray:address={cluster},gpus=1"]) == 2
    line = "`engine` must ask for what a machine of the cluster has, got cpus=1, gpus=1: the "
    assert f"{line}machines have 2 CPUs, 0 GPUs\n" in capsys.readouterr().err
    assert main([*words, "--engine", "ray:cpus=5000"]) == 2
    assert not (tmp_path / "out").exists()


def test_an_address_that_does_not_answer_is_one_line(tmp_path, capsys, monkeypatch):
    """Ray itself tries for minutes, and then ends its own process."""
    monkeypatch.setattr(engine, "ANSWER", 8.0)
    words = ["compare", "scenes:count=80,side=16", "--out", str(tmp_path / "out"), "--jobs=1"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert main([*words, "--engine", f"ray:address={address}"]) == 2
    said = capsys.readouterr().err
    assert said == f"tamecrop: error: `address`: no Ray cluster answers at {address} in 8 s\n"
