"""What people type: a home's `~`, an unset variable, values of another kind, and what is refused
before any data is read."""

import numpy as np
import pytest
from PIL import Image

import tamecrop as tc
from tamecrop.cli import main
from tamecrop.data import sources


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    for n in range(24):
        path = tmp_path / "me" / "my photos" / "ab"[n % 2] / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((12, 12, 3), n, np.uint8)).save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "me"


def test_a_home_is_found_where_no_shell_looks_for_it(home, capsys):
    assert main(["show", "~/my photos", "--policies", "rrc", "--out=~/v.png"]) == 0
    assert (home / "v.png").is_file()
    small = ["--training.epochs", "1", "--training.warmup_epochs", "0"]
    small += ["--training.batch_size", "8", "--training.backbone", "resnet7w16"]
    words = ["pretrain", "~/my photos", "--policy", "rc:scale=0.5", "--out=~/r", *small]
    assert main(words) == 0
    assert (home / "r" / "run.json").is_file()
    assert main(["runs", "verify", "~/r"]) == 0
    assert main(["data", "check", "~/my photos"]) == 0
    assert not (home.parent / "~").exists()
    assert len(tc.load("~/my photos", needs=("pixels",)).train) > 10
    capsys.readouterr()


@pytest.mark.parametrize("words", [["data", "check", ""], ["show", ""], ["compare", ""]])
def test_an_unset_variable_is_not_the_folder_that_a_shell_is_in(home, words, capsys, monkeypatch):
    monkeypatch.chdir(home / "my photos")
    assert main(words) == 2
    assert "`data` must be a name or a path, got an empty text" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "--jobs", "0"], "`jobs` must be a whole number of at least 1, got 0"),
        (["compare", "--jobs", "two"], "`jobs` must be a whole number of at least 1, got two"),
        (["show", "x", "--images", "0"], "`images` must be a whole number of at least 1, got 0"),
        (["pretrain", "--seed", "1.5"], "`seed` must be a whole number, got 1.5"),
        (["pretrain", "--training.size", "x"], "`training.size` must be a whole number, got x"),
        (
            ["pretrain", "--training.learning_rate", "0,1"],
            "`training.learning_rate` must be a number, got 0,1",
        ),
        (["pretrain", "--training.stem", "s"], "`training.stem` must be one of small, imagenet"),
        (
            ["pretrain", "--training.precision", "fp16"],
            "must be one of auto, 32-true, bf16-mixed, 64-true, got fp16",
        ),
        (["evaluate", "run", "--labels", "10%"], "`labels` must be a number, got 10%"),
        (
            ["pretrain", "--training.epochs", "1"],
            "`warmup_epochs` must satisfy warmup_epochs < epochs, which is 1, got 1",
        ),
    ],
)
def test_a_value_of_another_kind_is_named_with_its_rule(words, said, capsys):
    assert main(words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "--training.method", "BYOL"], "unknown method 'BYOL': did you mean 'byol'"),
        (["pretrain", "--training.method", "dino:momentum=2"], "0 <= momentum < 1, got 2.0"),
        (["pretrain", "--policy", "1x rrc @32"], "simclr needs at least two views of an image"),
        (["pretrain", "--seed", str(2**70)], "`seed` must satisfy an integer of 64 bits"),
        (["compare", "--data_seed", str(2**70)], "`data_seed` must satisfy an integer of 64"),
        (["compare", "--seeds", "0"], "`seeds` must satisfy seeds >= 1"),
        (["compare", "--equal", "tme"], "`equal` must name epochs, time or both, got tme"),
    ],
)
def test_words_are_refused_before_data_is_read(words, said, capsys, monkeypatch, tmp_path):
    def read(*_, **__):
        pytest.fail("the data was read, which takes minutes the first time")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sources, "find", read)
    assert main(words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("data.yaml", "did you mean {}?"),
        ("a.png", "did you mean {}?"),
        ("a.zip", "unpack a.zip"),
        ("a.npy", "savez"),
    ],
)
def test_a_file_that_is_no_data_has_a_way_out(tmp_path, name, hint):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=f"must be a name, a folder .*{hint.format(tmp_path)}"):
        tc.load(tmp_path / name)
