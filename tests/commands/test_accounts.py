"""Every command that reads data says what it read, and what makes its accuracies say little."""

import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tamecrop.audit.explore import open_album
from tamecrop.cli import main
from tamecrop.data import load, splits
from tamecrop.reporting.intervals import points

SMALL = ["--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=8"]
SMALL += ["--training.backbone=resnet7w16"]


def fill(root, **counts):
    random = np.random.default_rng(0)
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for n in range(count):
            pixels = random.integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(root / name / f"{n}.png")
    (root / "old.heic").write_bytes(b"x")
    return root


def test_every_command_says_what_it_read(tmp_path, capsys):
    root, out = str(fill(tmp_path / "ds", cat=20, dog=20)), str(tmp_path / "out")
    policies = ["--policies", "rc:scale=0.5"]
    assert main(["pretrain", root, "--policy", "rc:scale=0.5", *SMALL, "--out", out]) == 0
    for words in (
        ["evaluate", out, "--data", root],
        ["audit", root, *policies, "--reference", "none", "--out", f"{out}a", "--draws", "2"],
        ["show", root, *policies, "--out", f"{out}.png"],
        ["data", "check", root],
    ):
        capsys.readouterr()
        assert main(words) == 0
        said = capsys.readouterr().out
        assert re.search(r"^data: classes: cat, dog \(2\); splits: .*1 \.heic", said, re.M), words
        assert ("the test split has 4 images: one more" in said) == (words[0] == "evaluate")
    assert main(["recommend", root, "--reference", "none", "--out", f"{out}r"]) == 2
    assert "\ndata: classes: cat, dog (2)" in capsys.readouterr().out
    assert open_album(root).notes[0].startswith("data: classes: cat, dog (2)")


def test_a_test_split_of_one_class_or_of_few_images_is_told(tmp_path):
    root = fill(tmp_path / "ds", big=60, small=2)
    said = load(root, needs=("labels",)).notes
    assert (
        "100 % of the test images are of class 'big': who always says it has that accuracy" in said
    )
    assert "the test split has 6 images: one more that is right is 16.7 points" in said
    assert load(root, needs=("pixels",)).notes == ()


@pytest.mark.parametrize(
    ("labels", "many"),
    [
        ([0] * 76 + [1] * 24, True),
        ([0] * 74 + [1] * 26, False),
        ([*range(10)] * 6 + [3] * 60, True),
        ([*range(10)] * 20, False),
    ],
)
def test_a_class_that_most_test_images_have_is_named(labels, many):
    data = load("scenes:count=100")
    indices = np.resize(np.arange(len(data.test)), len(labels))
    test = data.test.subset(indices)
    object.__setattr__(test, "labels", data.test.labels.new_tensor(labels))
    names = [f"c{n}" for n in range(max(labels) + 1)]
    told = splits.doubts(test, names)
    assert len(told) == many
    assert all("who always says it" in each for each in told)


def test_no_difference_has_one_sign():
    assert {points(0.0), points(-0.0), points(-1e-17)} == {"+0.0"}
    assert points(-0.0003) == "\N{MINUS SIGN}0.0"


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_what_it_lacks(tmp_path):
    script = tmp_path / "study.py"
    script.write_text(
        "import tamecrop as tc\n"
        'tc.compare("scenes:count=200", ["rc:scale=0.5", "gcc"], seeds=1, jobs=2)\n'
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert 'needs its calls below `if __name__ == "__main__":`' in last
