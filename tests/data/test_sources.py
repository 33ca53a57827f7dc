"""Every kind of source, and what is said when one is wrong."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tamecrop.data import downloads, folders
from tamecrop.data.sources import load

SHARED = Path(__file__).parents[3] / "shared" / "data"


def picture(path, size=(20, 16), mode="RGB", value=90):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode in ("L", "I;16") else None).save(path)


def class_folders(root, n=20, splits=("",), classes=("cat", "dog")):
    for split in splits:
        for name in classes:
            for number in range(n):
                picture(root / split / name / f"{number}.png")
    return root


def archive(path, n=40, **changes):
    arrays = {
        "train_images": np.arange(n * 8 * 8 * 3).reshape(n, 8, 8, 3).astype(np.uint8),
        "train_labels": (np.arange(n) % 2).reshape(n, 1),
        **changes,
    }
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def test_an_archive_in_medmnist_layout_is_read_and_split(tmp_path):
    path = archive(tmp_path / "a.npz", classes=np.array(["no", "yes"]))
    data = load(path)
    assert (len(data.train), len(data.validation), len(data.test)) == (33, 3, 4)
    assert data.classes == ("no", "yes")
    assert data.train.pixels.shape[1:] == (3, 8, 8)
    assert load(path).fingerprint() == data.fingerprint()
    assert load(path, seed=1).fingerprint() != data.fingerprint()


def test_splits_of_an_archive_are_kept_and_gray_becomes_rgb(tmp_path):
    gray = np.full((30, 8, 8), 7, dtype=np.uint8)
    labels = np.arange(30) % 2
    path = archive(tmp_path / "a.npz", test_images=gray, test_labels=labels)
    assert len(load(path).test) == 30
    assert (load(path).test.pixels == 7).all()


def test_boxes_of_an_archive_hold_what_they_name(tmp_path):
    boxes = np.tile(np.array([1.5, 2.0, 4.2, 6.0], dtype=np.float32), (40, 1))
    data = load(archive(tmp_path / "a.npz", train_boxes=boxes))
    assert data.train.boxes[0] == pytest.approx(np.array([[1.5, 2.0, 4.2, 6.0]]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_images": None}, "must have the key `train_images`"),
        ({"train_images": np.zeros((40, 192))}, "`train_images` must be uint8, uint16 or float"),
        ({"train_labels": np.zeros((40, 2), dtype=int)}, "one integer an image"),
        ({"train_labels": np.full(40, -1)}, "must be integers from 0 on .*, got -1"),
        ({"train_images": np.array([{}] * 4, dtype=object)}, "objects are not unpickled"),
    ],
)
def test_a_wrong_archive_is_refused_by_key(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        load(archive(tmp_path / "a.npz", **changes))


def test_class_folders_give_labels(tmp_path):
    data = load(class_folders(tmp_path / "pets"))
    assert data.classes == ("cat", "dog")
    assert len(data.train) + len(data.validation) + len(data.test) == 40
    names = [path.parent.name for path in data.test.paths]
    assert names == [data.classes[label] for label in data.test.labels]


def test_folders_with_splits_keep_them(tmp_path):
    data = load(class_folders(tmp_path / "pets", n=3, splits=("train", "val", "test")))
    assert {path.parts[-3] for path in data.validation.paths} == {"val"}
    assert len(data.test) == 6


def test_flat_folders_have_no_labels_and_hidden_files_are_passed_over(tmp_path):
    for number in range(30):
        picture(tmp_path / f"{number}.png")
    picture(tmp_path / ".hidden.png")
    (tmp_path / "notes.txt").write_text("not an image")
    data = load(tmp_path)
    assert data.classes is None
    assert data.train.labels is None
    assert len(data.train) + len(data.validation) + len(data.test) == 30


def test_yolo_layout_gives_clipped_boxes_in_pixels(tmp_path):
    for number in range(20):
        picture(tmp_path / "images" / f"{number:02}.png", size=(20, 10))
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "00.txt").write_text("0 0.5 0.5 0.2 0.4\n3 1.0 0.5 0.5 0.2\n")
    (labels / "01.txt").write_text("")
    found = folders.read(tmp_path).train
    assert found.boxes[0] == pytest.approx(np.array([[8, 3, 12, 7], [15, 4, 20, 6]]))
    assert found.boxes[1].shape == found.boxes[2].shape == (0, 4)
    (labels / "02.txt").write_text("0 0.5 half 0.2 0.4")
    with pytest.raises(ValueError, match=r"02\.txt, line 1: must be `class x y width height`"):
        folders.read(tmp_path)


def test_unreadable_files_are_quarantined_up_to_a_share(tmp_path):
    class_folders(tmp_path, n=60)
    bad = tmp_path / "cat" / "7.png"
    bad.write_bytes(bad.read_bytes()[:40])
    data = load(tmp_path)
    assert [error.path for error in data.quarantined] == [bad]
    assert bad not in data.train.paths + data.validation.paths + data.test.paths
    for number in range(8, 12):
        (tmp_path / "cat" / f"{number}.png").write_bytes(b"nothing")
    with pytest.raises(
        ValueError, match=r"5 of 120 files cannot be read, more than 1 %; the first"
    ):
        load(tmp_path)


def test_wrong_names_and_folders_are_one_clear_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(ValueError, match="did you mean 'cifar10'"):
        load("cifar1")
    with pytest.raises(ValueError, match="must hold image files, got none"):
        load(tmp_path / "empty")
    with pytest.raises(ValueError, match="must exist"):
        load(tmp_path / "gone")
    with pytest.raises(ValueError, match=r"folder or an \.npz archive, got the file"):
        load(tmp_path / "note.txt")
    with pytest.raises(ValueError, match="did you mean 'offset'"):
        load("scenes:ofset=0.3")
    with pytest.raises(ValueError, match="`offset` must be a number, got 'far'"):
        load("scenes:offset=far")


def test_a_class_that_train_lacks_is_named(tmp_path):
    class_folders(tmp_path / "train")
    class_folders(tmp_path / "test", classes=("cat", "dog", "emu"))
    with pytest.raises(ValueError, match="no train image of class 'emu'"):
        load(tmp_path)


@pytest.mark.parametrize("name", downloads.NAMES)
def test_downloads_are_read_through_torchvision(tmp_path, monkeypatch, name):
    class Downloaded:
        classes = ("a", "b")

        def __init__(self, root, part=None, *, train=None, download):
            assert (Path(root), download) == (tmp_path, True)
            channels_first = name == "stl10"
            shape = (40, 3, 8, 8) if channels_first else (40, 8, 8, 3)
            self.data = np.zeros(shape, dtype=np.uint8)
            self.labels = np.arange(40) % 2
            self.targets = self.labels.tolist()

    monkeypatch.setattr(downloads.datasets, name.upper(), Downloaded)
    data = load(name, root=tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (36, 4, 40)
    assert data.train.pixels.dtype == torch.uint8


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not here")
def test_real_photographs_with_boxes():
    data = load(SHARED / "coco128")
    assert len(data.train.boxes) == len(data.train) > 80
    assert not data.quarantined
    assert all(0 < side < 1 for side in data.mean)
