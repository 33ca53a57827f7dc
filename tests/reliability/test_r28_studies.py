"""R28: a study killed at any moment, or shared by two workers, does each cell once."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from reliability import children, disk
from tamecrop.cli import main
from tamecrop.learning import checkpoint
from tamecrop.studies import store

KILLS = 20
POLICIES = ["rc:scale=0.6", "gcc:scale=0.6,alpha=2"]
TINY = [
    "--training.epochs=3",
    "--training.warmup_epochs=0",
    "--training.batch_size=16",
    "--training.save_every=1",
    "--images=64",
]


def words(out, *more):
    tail = ["--policies", *POLICIES, *TINY, "--seeds", "2", "--jobs", "1", "--out", str(out)]
    return ["compare", children.DATA, *tail, *more]


def numbers(out):
    names = ("policy", "seed", "linear_accuracy", "knn_accuracy", "losses")
    cells = json.loads((out / "summary.json").read_text())["cells"]
    return [{name: cell[name] for name in names} for cell in cells]


def done(out):
    """Finished cells with their wall times: one that was done again has another."""
    return {cell.key: cell for cell in store.read(out)}


def finish(forks, out):
    child = forks.start(children.command, words(out))
    assert child.wait(180) == 0, child.said()
    return child.said()


def started(*said):
    """How often the training of each cell was begun or continued."""
    lines = [line for text in said for line in text.splitlines()]
    return Counter(line for line in lines if line.endswith(": training"))


@pytest.fixture(scope="module")
def straight(server, tmp_path_factory):
    """A study that nothing happened to."""
    from reliability.forking import Forks

    out = tmp_path_factory.mktemp("straight")
    finish(Forks(tmp_path_factory.mktemp("log")), out)
    return out


@pytest.mark.slow
def test_r28_a_study_killed_twenty_times_ends_with_the_same_numbers(
    forks, straight, tmp_path, record
):
    chance, studies, kills = random.Random(28), 1, 0
    while kills < KILLS:
        out = tmp_path / str(studies)
        before = done(out)
        child = forks.start(children.command, words(out))
        while ": training" not in child.said() and child.process.exitcode is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.6))
        if child.process.exitcode is None:
            child.kill()
        kept = done(out)
        assert {key: kept.get(key) for key in before} == before, "a cell was done twice"
        if child.wait() == -signal.SIGKILL:
            kills += 1
        else:  # a quick machine was through before it was killed: the next study
            undisturbed(out, straight)
            studies += 1
    assert studies < KILLS, "studies must be killed, not finished"
    finish(forks, out)
    assert {key: cell for key, cell in done(out).items() if key in kept} == kept
    undisturbed(out, straight)
    record(
        "R28",
        f"{kills} kills: the numbers of an undisturbed study, each cell once",
        n=kills,
        cells=len(numbers(straight)),
    )


def undisturbed(out, straight):
    """Nothing shows that a study was killed."""
    assert numbers(out) == numbers(straight)
    assert list(out.rglob(".*.tmp")) == []


@pytest.mark.slow
def test_r28_two_workers_share_a_study_and_one_without_locks_is_seen(
    forks, straight, tmp_path, record
):
    pair = [forks.start(children.command, words(tmp_path / "good")) for _ in range(2)]
    assert [child.wait(180) for child in pair] == [0, 0]
    assert numbers(tmp_path / "good") == numbers(straight)
    begun = started(*(child.said() for child in pair))
    assert len(begun) == 4
    assert set(begun.values()) == {1}
    worked = [len(started(child.said())) for child in pair]
    assert min(worked) > 0
    loose = [forks.start(children.command_unlocked, words(tmp_path / "bad")) for _ in range(2)]
    codes = [child.wait(180) for child in loose]
    begun = started(*(child.said() for child in loose))
    assert set(codes) != {0} or max(begun.values()) > 1
    record("R28.workers", f"2 workers: {worked[0]} + {worked[1]} cells, each once", n=2)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_r7_a_stop_in_the_probe_says_how_to_continue_and_changes_no_number(
    forks, straight, tmp_path, number, code, record
):
    child = forks.start(children.command_stopped_in_probe, words(tmp_path), number)
    assert child.wait() == code
    assert child.said().endswith("tamecrop: stopped; the same command continues\n")
    assert store.read(tmp_path) == ()
    said = finish(forks, tmp_path)
    assert ": step " not in said, "a trained cell is not trained again"
    assert numbers(tmp_path) == numbers(straight)
    record(f"R7.probe_{number.name.lower()}", f"stopped in the probe: exit {code}, same bits", n=1)


def pretrain(out, *more):
    return ["pretrain", children.DATA, "--policy", POLICIES[0], *TINY, "--out", str(out), *more]


def test_a_second_signal_stops_at_once_and_keeps_the_last_checkpoint(forks, tmp_path):
    child = forks.start(children.command_twice_interrupted, pretrain(tmp_path))
    assert child.wait() == 130
    last = child.said().splitlines()[-1]
    assert last == (
        "tamecrop: stopped at once; what was saved stays, and the same command continues"
    )
    assert "Traceback" not in child.said()
    found = checkpoint.latest(tmp_path / "checkpoints")
    assert found.checkpoint.state["step"] == 4
    assert main(pretrain(tmp_path)) == 0


def test_a_second_process_in_the_folder_is_one_line_and_loses_nothing(tmp_path, capsys):
    from filelock import FileLock

    assert main(pretrain(tmp_path)) == 0
    capsys.readouterr()
    with FileLock(tmp_path / ".lock"):
        assert main(pretrain(tmp_path)) == 1
    error = capsys.readouterr().err
    assert error == (
        f"tamecrop: error: `out` must be free, but another process trains in {tmp_path}\n"
    )


def test_another_run_in_the_folder_is_refused_before_anything_is_overwritten(tmp_path, capsys):
    assert main(pretrain(tmp_path)) == 0
    before = (tmp_path / "config.yaml").read_text()
    assert main(pretrain(tmp_path, "--training.learning_rate=0.5")) == 2
    assert "holds another run: `learning_rate` is 0.003 there" in capsys.readouterr().err
    assert (tmp_path / "config.yaml").read_text() == before


def test_a_full_disk_is_one_line_and_the_last_checkpoint_stays(tmp_path, capsys, monkeypatch):
    write = checkpoint.write_synced

    def full(path, content):
        if "step-000000008" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_synced", full)
        assert main(pretrain(tmp_path)) == 1
    error = capsys.readouterr().err
    assert error.startswith("tamecrop: error: [Errno 28] No space left on device: ")
    assert "step-000000008" in error
    assert error.count("\n") == 1
    assert checkpoint.latest(tmp_path / "checkpoints").checkpoint.state["step"] == 4
    assert main(pretrain(tmp_path)) == 0


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, capsys, number):
    with disk.watched(disk.Disk(tmp_path, before=disk.refusing(0, number))):
        assert main(pretrain(tmp_path / "run")) == 2
    error = capsys.readouterr().err
    assert error == (
        f"tamecrop: error: [Errno {number}] {os.strerror(number)}: '{tmp_path / 'run'}'\n"
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_data_that_vanishes_is_one_line_with_the_path(forks, pictures, tmp_path, workers):
    out = tmp_path / "run"
    line = pretrain(out, f"--training.workers={workers}")
    line[1] = pictures
    child = forks.start(children.command_losing_pictures, line, pictures)
    assert child.wait() == 1
    last = child.said().splitlines()[-1]
    assert last.startswith(f"tamecrop: error: cannot open {pictures}")
    assert last.endswith(".png: No such file or directory")
    assert "Traceback" not in child.said()
    assert checkpoint.latest(out / "checkpoints").checkpoint is not None


def test_help_imports_nothing_heavy(record):
    code = (
        "import sys; from tamecrop.cli import main; main(['--help']);"
        "heavy = {'torch', 'matplotlib', 'torchvision', 'PIL', 'pandas', 'scipy'};"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stdout
    record("R28.help", f"--help in {seconds:.2f} s", n=1, seconds=seconds)
    wrong = "import sys, torch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", wrong], check=False).returncode == 1


def test_every_exit_code_is_documented(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for code in ("0 done", "1 the run failed", "2 wrong use", "130", "143"):
        assert code in text
