"""R23: folders of many shapes have their documented outcome; none trains 0 steps and exits 0."""

import io

import pytest
from PIL import Image

from tamecrop.cli import main
from tamecrop.data.sources import load

FEW = [
    "--policy", "rc:scale=0.6", "--training.epochs=1", "--training.warmup_epochs=0",
    "--training.batch_size=8", "--training.precision=32-true", "--images=16",
    "--training.photometric=none", "--training.method=simclr:projector=linear",
]  # fmt: skip


def picture():
    file = io.BytesIO()
    Image.new("RGB", (12, 12), (90, 0, 0)).save(file, "PNG")
    return file.getvalue()


PICTURE = picture()


def fill(folder, count=20, content=PICTURE):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number}.png").write_bytes(content)


def classes(root, *names, count=20):
    for name in names:
        fill(root / name, count)


def empty(root):
    """Nothing at all."""


def empty_class(root):
    classes(root, "cat", "dog")
    (root / "emu").mkdir()


def hidden(root):
    classes(root, "cat", "dog", ".trash")
    (root / "cat" / ".x.png").write_bytes(b"hidden")


def loop(root):
    classes(root, "cat", "dog")
    (root / "cat" / "again").symlink_to(root)
    (root / "cat" / "dogs").symlink_to(root / "dog")
    (root / "dog" / "cats").symlink_to(root / "cat")


def linked_class(root):
    classes(root, "cat")
    fill(root.parent / "elsewhere")
    (root / "dog").symlink_to(root.parent / "elsewhere")


def all_unreadable(root):
    fill(root / "cat", content=b"no image")


def some_unreadable(root):
    classes(root, "cat", "dog", count=60)
    (root / "cat" / "0.png").write_bytes(PICTURE[:30])


def without_a_test_class(root):
    classes(root / "train", "cat")
    classes(root / "test", "cat", "dog")


def fewer_than_a_batch(root):
    for split in ("train", "val", "test"):
        classes(root / split, "cat", "dog", count=3)


def empty_split(root):
    classes(root / "train", "cat", "dog")
    (root / "val").mkdir()


def loose_file(root):
    classes(root, "cat", "dog")
    (root / "loose.png").write_bytes(PICTURE)


def no_images(root):
    root.joinpath("notes.txt").write_text("nothing to see")


OUTCOMES = {
    "empty": (empty, "must hold image files, got none"),
    "no image files": (no_images, "must hold image files, got none"),
    "flat": (lambda root: fill(root, 40), None),
    "class folders": (lambda root: classes(root, "cat", "dog"), ("cat", "dog")),
    "an empty class": (empty_class, ("cat", "dog")),
    "hidden": (hidden, ("cat", "dog")),
    "a loop of links": (loop, ("cat", "dog")),
    "a linked class": (linked_class, ("cat", "dog")),
    "all unreadable": (all_unreadable, "20 of 20 files cannot be read, more than 1 %"),
    "one unreadable": (some_unreadable, ("cat", "dog")),
    "one image": (lambda root: fill(root, 1), "too few images"),
    "one class": (lambda root: classes(root, "cat", count=40), ("cat",)),
    "fewer than a batch": (
        fewer_than_a_batch,
        "`batch_size` must be at most the number of train images, 6, got 8",
    ),
    "a class that train lacks": (without_a_test_class, ("cat", "dog")),
    "an empty split": (empty_split, ("cat", "dog")),
    "a loose file beside classes": (loose_file, ("cat", "dog")),
}


def made(name, tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    OUTCOMES[name][0](root)
    return root


def honest(code, steps):
    """Whether a command that says it is done has done something."""
    return code in (1, 2) or (code == 0 and steps > 0)


def trained(root, out, capsys):
    """Exit code and what was said of a tiny pre-training."""
    code = main(["pretrain", str(root), *FEW, "--out", str(out)])
    said = capsys.readouterr()
    steps = len((out / "metrics.jsonl").read_text().splitlines()) if code == 0 else 0
    return code, steps, said.err


def test_too_large_a_batch_is_refused_before_training_is_announced(tmp_path, capsys):
    root = made("fewer than a batch", tmp_path)
    assert main(["pretrain", str(root), *FEW, "--out", str(tmp_path / "out")]) == 2
    assert "training" not in capsys.readouterr().out


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_folder_has_its_outcome(name, tmp_path, capsys, record):
    root, outcome = made(name, tmp_path), OUTCOMES[name][1]
    code, steps, error = trained(root, tmp_path / "out", capsys)
    assert honest(code, steps)
    if isinstance(outcome, str):
        assert code in (1, 2)
        assert outcome in error
        assert error.count("\n") == 1
    else:
        assert code == 0, error
        assert steps == 2
        assert load(root, needs=("pixels",)).classes == outcome
    number = [*OUTCOMES].index(name)
    said = "refused in one line" if isinstance(outcome, str) else f"{steps} steps"
    record(f"R23.{'abcdefghijklmnop'[number]}", f"{name}: {said}", n=1, steps=steps)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (without_a_test_class, "no train image of class 'dog'"),
        (empty_split, "the validation split must hold images, got none"),
    ],
)
def test_what_pretraining_can_do_without_stops_who_needs_labels(tmp_path, make, said):
    make(tmp_path)
    for needs in (("labels",), None):
        with pytest.raises(ValueError, match=said):
            load(tmp_path, needs=needs)


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    classes(tmp_path / "data", "cat", "dog")

    def denied(top, onerror, **options):
        onerror(PermissionError(13, "Permission denied", str(top / "cat")))
        return iter(())

    monkeypatch.setattr("tamecrop.data.folders.os.walk", denied)
    with pytest.raises(PermissionError, match="cat"):
        load(tmp_path / "data")


def test_a_loop_counts_no_image_twice_on_its_way(tmp_path):
    data = load(made("a loop of links", tmp_path))
    paths = [path for split in (data.train, data.validation, data.test) for path in split.paths]
    assert len(paths) == 80
    assert max(len(path.relative_to(tmp_path / "data").parts) for path in paths) == 3
    labels = {path.relative_to(tmp_path / "data").parts[0] for path in paths}
    assert labels == {"cat", "dog"}


@pytest.mark.parametrize(("code", "steps"), [(0, 0), (0, -1)])
def test_a_run_of_no_steps_would_be_seen(code, steps):
    assert not honest(code, steps)
