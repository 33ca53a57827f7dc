"""`tamecrop runs`: every state is told apart, and damage is an exit code."""

import dataclasses
import json
import os

import pytest
from filelock import FileLock

from reliability import checkpoints
from studies.test_records import CELL
from tamecrop.cli import main
from tamecrop.learning import checkpoint
from tamecrop.learning.checkpoint import Checkpoint
from tamecrop.studies import inventory, store
from tamecrop.studies.cells import Key

IDENTITY = {"policy": "rc:scale=0.6", "seed": 3, "data": "scenes:count=80", "epochs": 2}


def made(folder, *, step=None, steps=8, identity=IDENTITY):
    """A run's folder with a checkpoint at a step."""
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(identity))
    if step is not None:
        small = checkpoints.small(step)
        state = {"step": step, "steps": steps, "seconds": 1.0, "run": dict(identity)}
        whole = Checkpoint(small.weights, small.train, state)
        checkpoint.save(folder / "checkpoints", whole, step=step)
    return folder


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.fixture
def shelf(tmp_path):
    """Runs in every state."""
    cell = dataclasses.replace(CELL, policy="rc:scale=0.6", seed=3, linear_accuracy=0.531)
    made(store.run_folder(tmp_path / "study", cell.key), step=8)
    store.add(tmp_path / "study", [cell], source="here")
    made(store.run_folder(tmp_path / "study", Key("rc:scale=0.7", "compare", 3)), step=4)
    made(tmp_path / "begun")
    broken = made(tmp_path / "broken", step=4)
    (broken / "checkpoints" / "step-000000004" / "state.json").unlink()
    dropped = made(tmp_path / "dropped")
    (dropped / "metrics.csv").write_text("step,epoch,loss,learning_rate\n0,0,1,1\n1,1,1,1\n")
    gone = made(tmp_path / "gone", step=4)
    for path in checkpoint.list_saved(gone / "checkpoints"):
        checkpoint.remove_folder(path)
    (gone / "metrics.csv").write_text("step,epoch,loss,learning_rate\n0,0,1,1\n1,1,1,1\n")
    (tmp_path / "other" / "text").mkdir(parents=True)
    return tmp_path


def states(root, **options):
    found = inventory.runs(root, **options)
    return {entry.folder.relative_to(root).as_posix(): entry.state for entry in found}


def test_every_state_is_told_apart(shelf):
    assert states(shelf) == {
        "begun": "resumable",
        "broken": "damaged",
        "dropped": "finished",
        "gone": "damaged",
        "study/cells/compare/rc_scale=0.6_seed=3": "finished",
        "study/cells/compare/rc_scale=0.7_seed=3": "resumable",
    }
    first = inventory.runs(shelf / "study")[0]
    assert (first.policy, first.data, first.seed) == ("rc:scale=0.6", "scenes:count=80", 3)
    assert (first.step, first.accuracy, first.why) == (8, 0.531, "")
    (broken,) = inventory.runs(shelf / "broken")
    assert "state.json cannot be read: No such file" in broken.why


def test_a_run_that_a_process_holds_is_training(shelf):
    with FileLock(shelf / "begun" / ".lock"):
        assert states(shelf)["begun"] == "training"
    assert states(shelf)["begun"] == "resumable"


def test_listing_writes_nothing(shelf):
    before = {path: path.stat().st_mtime_ns for path in shelf.rglob("*")}
    inventory.runs(shelf, verify=True)
    assert {path: path.stat().st_mtime_ns for path in shelf.rglob("*")} == before


def test_only_verify_sees_a_flipped_bit_in_the_weights(tmp_path, capsys):
    run = made(tmp_path / "run", step=8)
    assert main(["runs", "verify", str(tmp_path)]) == 0
    flip(run / "checkpoints" / "step-000000008" / "weights.safetensors")
    assert main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("finished") == 2
    assert main(["runs", "verify", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "weights.safetensors does not match its checksum" in said.out
    assert said.err == (
        f"tamecrop: error: 1 of 1 runs are damaged: the first is {tmp_path / 'run'}\n"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [("run.json", "{"), ("../../../cells.json", "[]"), ("run.json", '{"seed": 4}')],
)
def test_damaged_records_are_named(tmp_path, name, content):
    run = made(tmp_path / "cells" / "compare" / "run", step=8)
    (run / name).write_text(content)
    (entry,) = inventory.runs(tmp_path)
    assert entry.state == "damaged"
    assert name.rpartition("/")[2] in entry.why or "holds another run: `epochs`" in entry.why


def test_json_holds_every_field(shelf, capsys):
    assert main(["runs", str(shelf), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 6
    assert set(found[0]) == {field.name for field in dataclasses.fields(inventory.Entry)}


def test_lines_for_a_file_and_a_table_for_a_terminal(shelf, capsys, monkeypatch):
    os.utime(shelf / "begun" / "run.json", (0, 0))
    assert main(["runs", str(shelf)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    done = next(line for line in lines if "cells/compare/rc_scale=0.6" in line)
    assert done.startswith("finished ")
    assert "rc:scale=0.6, scenes:count=80, seed 3, step 8, linear 53.1 %, " in done
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["runs", str(shelf / "study")]) == 0
    assert "linear, %" in capsys.readouterr().out


def test_an_empty_folder_has_no_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == "no runs below .\n"
