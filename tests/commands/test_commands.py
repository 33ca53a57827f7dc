"""Commands as a user types them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reliability import figures
from tamecrop.cli import main
from tamecrop.data.sources import load

TINY = [
    "--training.epochs=2",
    "--training.warmup_epochs=0",
    "--training.batch_size=32",
    "--images=64",
]
POLICIES = ["--policies", "rc:scale=0.6", "gcc:scale=0.6,alpha=2"]


ONE = ["--jobs", "1"]


def compare(out, *more, data="scenes:count=100"):
    return main(["compare", data, *POLICIES, *TINY, "--seeds", "2", *ONE, "--out", str(out), *more])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    out = tmp_path_factory.mktemp("study")
    assert compare(out) == 0
    return out


def summary_of(out):
    return json.loads((out / "summary.json").read_text())


def numbers(out):
    names = ("policy", "seed", "linear_accuracy", "knn_accuracy", "losses")
    return [{name: cell[name] for name in names} for cell in summary_of(out)["cells"]]


def test_compare_writes_every_cell_and_every_page(study):
    summary = summary_of(study)
    cells = {(cell["policy"], cell["seed"]) for cell in summary["cells"]}
    assert cells == {(law, seed) for law in POLICIES[1:] for seed in (0, 1)}
    assert summary["complete"]
    first, second = summary["arms"]
    assert (first["n"], first["difference"]) == (2, None)
    gaps = [b["linear_accuracy"] - a["linear_accuracy"] for a, b in _pairs(summary)]
    assert second["difference"]["mean"] == pytest.approx(np.mean(gaps))
    assert second["difference"]["low"] <= second["difference"]["mean"]
    assert (study / "table.csv").read_text().count("\n") == 3
    page = (study / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "http://" not in page.replace("http://www.w3.org", "")
    for name in ("accuracy", "losses", "centers", "views"):
        assert size_of(study / "figures" / f"{name}.png")[0] > 500


def size_of(path):
    with Image.open(path) as picture:
        return picture.size


def _pairs(summary):
    by = {(cell["policy"], cell["seed"]): cell for cell in summary["cells"]}
    return [(by[POLICIES[1], seed], by[POLICIES[2], seed]) for seed in (0, 1)]


def test_compare_again_trains_nothing_and_changes_no_number(study, capsys):
    before = numbers(study)
    stamp = (study / "cells.json").stat().st_mtime_ns
    assert compare(study) == 0
    assert numbers(study) == before
    assert (study / "cells.json").stat().st_mtime_ns == stamp
    assert "training" not in capsys.readouterr().out


def test_compare_elsewhere_gives_the_same_numbers(study, tmp_path):
    assert compare(tmp_path) == 0
    assert numbers(tmp_path) == numbers(study)


def test_every_run_folder_holds_its_config_and_the_config_repeats_the_study(study, capsys):
    run = next(study.glob("cells/compare/*/run.json"))
    assert json.loads(run.read_text())["learning_rate"] == 3e-3
    assert main(["compare", "--config", str(study / "config.yaml"), "--out", str(study), *ONE]) == 0
    capsys.readouterr()
    assert main(["compare", "--preset", "small", "--print_config"]) == 0
    assert "images: 50000" in capsys.readouterr().out


def test_another_study_in_the_same_folder_is_refused_by_name(study, capsys):
    assert compare(study, "--training.learning_rate=0.1") == 2
    assert "`recipe.training.learning_rate` is 0.003 there" in capsys.readouterr().err


def test_pretrain_then_evaluate(tmp_path, capsys):
    out = tmp_path / "run"
    words = ["pretrain", "scenes:count=100", "--policy", "rc:scale=0.6", *TINY, "--out", str(out)]
    assert main(words) == 0
    assert main(words) == 0, "the same command goes on, whatever `auto` precision stands for"
    assert main(["evaluate", str(out)]) == 0
    assert (
        "rc:scale=0.6, 4 steps on scenes:count=100, on scenes:count=100: linear (frozen)"
        in capsys.readouterr().out
    )
    other = ["--data", "scenes:count=120", "--labels", "0.1", "1"]
    assert main(["evaluate", str(out), *other]) == 0, "judged on data that it was not trained on"
    said = capsys.readouterr().out
    assert "4 steps on scenes:count=100, on scenes:count=120: linear" in said
    assert "linear with 10 % of the labels" in said
    assert main(["evaluate", str(out), "--labels", "2"]) == 2
    assert "`labels` must satisfy" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "no checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["scenes:count=60", "picture"])
def test_show_draws_a_sheet(tmp_path, source, capsys):
    if source == "picture":
        source = str(tmp_path / "picture.jpg")
        noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
        Image.fromarray(noise).save(source)
    out = tmp_path / "sheet.png"
    assert main(["show", source, "--policies", "rrc", "gcc:scale=0.4", "--out", str(out)]) == 0
    assert size_of(out)[1] > 200
    assert "2 crop policies" in capsys.readouterr().out


BAD = [
    (["comparre"], "did you mean compare"),
    (["compare", "scenes", "--polices", "rc"], "did you mean --policies"),
    (["compare", "scenes", "--policies", "gccc"], "did you mean 'gcc'"),
    (["compare", "scenes", "--policies", "gcc:scal=0.4"], "did you mean 'scale'"),
    (["compare", "scenes", "--policies", "rc:scale=1.3"], "0 < scale <= 1"),
    (["compare", "scenes", "--policies", "rc:scale=0"], "scale"),
    (["compare", "scenes", "--policies", "rc:scale=nan"], "scale"),
    (["compare", "scenes", "--policies", "rc", "rc"], "must differ"),
    (["compare", "cifra10"], "did you mean 'cifar10'"),
    (["compare", "missing/folder"], "must exist"),
    (["compare", "scenes", "--preset", "quik"], "did you mean 'quick'"),
    (["compare", "scenes", "--seeds", "0"], "seeds"),
    (["compare", "scenes", "--jobs", "0"], "jobs"),
    (["compare", "scenes", "--cells", "3/2"], "must be written PART/PARTS, as in 3/8, got '3/2'"),
    (["compare", "scenes", "--merge", "nowhere"], "`merge` must name folders or files"),
    (["compare", "scenes", "--training.epochs", "0"], "epochs"),
    (["compare", "scenes", "--training.epoch", "3"], "did you mean --training.epochs"),
    (["compare", "scenes", "--training.backbone", "resnet19"], "backbone"),
    (["compare", "scenes", "--training.photometric", "papr"], "did you mean 'paper'"),
    (["compare", "scenes", "--probe", "linear"], "unknown probe"),
    (["compare", "scenes:count=100"], "`batch_size` must be at most"),
    (["compare", "scenes", "--policies", "rrc"], "as in 'rrc:scale=0.2..1 @32'"),
    (["compare", "scenes:side=8", "--policies", "rc:scale=0.001"], "pixel"),
    (["show", "scenes", "--out", "sheet.jpg"], "must end in .png"),
    (["show", "missing.jpg"], "must exist"),
    (["evaluate"], "run"),
    (["pretrain", "scenes", "--policy", "gcc:sigma=-1"], "sigma"),
    (["pretrain", "scenes", "--training.workers", "-1"], "workers"),
    (["pretrain", "scenes", "--seed", "one"], "seed"),
    (["pretrain", "scenes", "--training.method", "simcrl"], "did you mean 'simclr'"),
    (["pretrain", "scenes", "--training.method", "byol:momentum=1"], "0 <= momentum < 1"),
    (["pretrain", "scenes", "--training.method", "moco:queue=9"], "a queue of at least a batch"),
    (["pretrain", "scenes", "--policy", "1x rc"], "simclr needs at least two views of an image"),
    (["compare", "scenes", "--training.backbone", "timm:resnet19"], "timm"),
    (["pretrain", "scenes:count=100", "--out", "/dev/null"], "must be a folder"),
    (["evaluate", "missing"], "no checkpoint"),
    (["evaluate", "missing", "--probe", "frozn"], "did you mean 'frozen'"),
    (["runs", "missing"], "must be an existing folder"),
    (["runs", "verify", "one", "two"], "must be one folder"),
    (["runs", "--jsn"], "did you mean --json"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_wrong_use_is_one_line_and_exit_two(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert "Traceback" not in error
    assert not list(tmp_path.rglob("cells.json"))


def test_the_list_of_wrong_uses_is_long_enough():
    assert len(BAD) >= 30
    figures.record("R28.lines", f"{len(BAD)} wrong command lines: exit 2, one line", n=len(BAD))


def test_debug_shows_where_an_error_arose(capsys):
    assert main(["compare", "scenes", "--policies", "gccc", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_folder_of_pictures_without_labels_cannot_be_compared(tmp_path, capsys):
    for number in range(50):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(tmp_path / f"{number}.png")
    assert load(tmp_path).classes is None
    assert main(["compare", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "has no labels" in capsys.readouterr().err


def test_help_is_quick_and_imports_no_torch():
    code = "import sys; from tamecrop.cli import main; main({}); assert 'torch' not in sys.modules"
    for words in (["--help"], ["compare", "--help"]):
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code.format(words)], capture_output=True, text=True, check=True
        )
        assert "usage" in done.stdout
        assert time.perf_counter() - started < 5


def test_ctrl_c_stops_at_a_step_saves_and_the_same_command_continues(tmp_path, study):
    words = ["compare", "scenes:count=100", *POLICIES, *TINY, "--seeds", "2", *ONE]
    words += ["--out", str(tmp_path)]
    code = (
        "import os, signal, sys\n"
        "from itertools import count\n"
        "from tamecrop.learning.methods.simclr import SimCLR\n"
        "from tamecrop.cli import main\n"
        "steps = count()\n"
        "def interrupted(self, progress):\n"
        "    if next(steps) == 2: os.kill(os.getpid(), signal.SIGINT)\n"
        "SimCLR.after_step = interrupted\n"
        f"sys.exit(main({words!r}))\n"
    )
    same_threads = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=same_threads
    )
    assert done.returncode == 130, done.stderr
    assert "the same command continues" in done.stderr
    assert not list(Path(tmp_path).rglob("cells.json"))
    assert list(Path(tmp_path).rglob("weights.safetensors"))
    assert compare(tmp_path) == 0
    assert numbers(tmp_path) == numbers(study)
