"""K1: what a folder or an archive means, for every layout that users of neighboring tools have.

A row makes a layout and states the whole of what must come out: images in the splits that the
data has, classes, and a part of the account; or the words of the refusal.
"""

import io
import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamecrop.cli import main
from tamecrop.data import folders
from tamecrop.data.names import SPLITS, split_word
from tamecrop.data.sources import find, load


def picture(size=(12, 8)):
    file = io.BytesIO()
    Image.new("RGB", size, (90, 0, 0)).save(file, "PNG")
    return file.getvalue()


PICTURE = picture()


def fill(root: Path, *places: str, count: int = 4, suffix: str = ".png") -> None:
    for place in places:
        (root / place).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (root / place / f"{number}{suffix}").write_bytes(PICTURE)


def labeled(root: Path, *places: str, line: str = "0 0.5 0.5 0.5 0.5\n") -> None:
    for place in places:
        (root / place).mkdir(parents=True, exist_ok=True)
        for number in range(4):
            (root / place / f"{number}.txt").write_text(line)


@dataclass
class Row:
    """A layout and what it is.

    Args:
        places: folders that get four images each.
        splits: images of train, validation and test as the data has them; 0 is none.
        classes: their names, or None.
        account: what the account must say.
        files: other files, by name.
        texts: folders that get a YOLO file for each image.
        notes: a part of some note.
    """

    places: str
    splits: tuple[int, int, int] = (0, 0, 0)
    classes: str | None = None
    account: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    texts: str = ""
    notes: str = ""


LISTS = {
    f"ImageSets/Main/{name}.txt": b"".join(b"%d\n" % n for n in numbers)
    for name, numbers in {"train": (0, 1), "val": (2,), "trainval": (0, 1, 2)}.items()
}
DEEP = "Train/cat Train/dog Test/cat Test/dog Validation/cat Validation/dog"
TINY = "train/n01/images train/n02/images val/images test/images"
INTEL = "train_set/training_set/a train_set/training_set/b test_set/test_set/a test_set/test_set/b"
CITIES = "leftImg8bit/train/a leftImg8bit/train/b leftImg8bit/val/a gtFine/train/a gtFine/val/a"
VEHICLES = "train/bus train/train train/test val/bus val/train val/test"

ROWS = {
    "class folders": Row("cat dog", (8, 0, 0), "cat dog"),
    "class folders that are numbers": Row("0 1 10", (12, 0, 0), "0 1 10"),
    "flat": Row(".", (4, 0, 0)),
    "split names in upper case": Row(DEEP, (8, 8, 8), "cat dog"),
    "synonyms": Row("training/a training/b testing/a dev/b", (8, 4, 4), "a b"),
    "split names with fillers": Row("Train_images val-set TestData", (4, 4, 4)),
    "split names that are numbered": Row("01_train 02_val 03_test", (4, 4, 4)),
    "split names after the set's": Row("pets_train pets_test", (4, 0, 4)),
    "years": Row("train2017 val2017", (4, 4, 0)),
    "the newest of two years": Row(
        "train2014 train2017 val2017", (4, 4, 0), account="not read: folder train2014"
    ),
    "a split twice": Row(
        "train val eval dev", (4, 4, 0), account="not read: folder dev, folder eval"
    ),
    "a class that is called train": Row(VEHICLES, (12, 12, 0), "bus test train"),
    "a folder that is no split": Row(
        "train/a train/b test/a unlabeled", (8, 0, 4), "a b", account="folder unlabeled"
    ),
    "YOLO, splits inside": Row(
        "images/train2017 images/val2017",
        (4, 4, 0),
        account="object boxes: 8 of 8 images",
        texts="labels/train2017 labels/val2017",
    ),
    "YOLO, splits outside": Row(
        "train/images valid/images test/images",
        (4, 4, 4),
        account="object boxes: 8 of 12 images",
        texts="train/labels valid/labels",
        files={"data.yaml": b"nc: 1"},
    ),
    "YOLO, no splits": Row("images", (4, 0, 0), account="boxes: 4 of 4", texts="labels"),
    "YOLO, renamed": Row("train_images", (4, 0, 0), account="boxes: 4 of 4", texts="train_labels"),
    "YOLO, beside the images": Row(
        "obj_train_data", (4, 0, 0), account="boxes: 4 of 4", texts="obj_train_data"
    ),
    "captions beside the images": Row(
        ".",
        (4, 0, 0),
        account="not read: 4 .txt",
        files={f"{n}.txt": b"a photo of a cat" for n in range(4)},
    ),
    "Tiny-ImageNet as unpacked": Row(
        TINY,
        (8, 4, 4),
        "n01 n02",
        account="val 4, test 4 without labels",
        files={
            "val/val_annotations.txt": b"".join(b"%d.png\tn02\t0\t0\t1\t1\n" % n for n in range(4))
        },
    ),
    "ImageNet as unpacked": Row(
        "Data/CLS-LOC/train/n01 Data/CLS-LOC/train/n02 Data/CLS-LOC/val",
        (8, 4, 0),
        "n01 n02",
        account="val 4 without labels",
    ),
    "a labeled train and a flat test": Row(
        "train/a train/b test", (8, 0, 4), "a b", account="test 4 without labels"
    ),
    "images/ above the classes": Row("images/a images/b", (8, 0, 0), "a b"),
    "data/train/data": Row("data/train/data data/val/data", (4, 4, 0)),
    "masks beside images": Row(
        "train/images train/masks val/images val/masks",
        (4, 4, 0),
        account="object boxes: 8 of 8 images, around each value of their masks",
    ),
    "train_masks beside train_images": Row(
        "train_images train_masks test_images", (4, 0, 4), account="object boxes: 4 of 8 images"
    ),
    "VOC": Row(
        "JPEGImages SegmentationClass SegmentationObject",
        (4, 0, 0),
        account="boxes: 4 of 4 images, around each value of their masks; not read: folder Segm",
    ),
    "one image beside class folders": Row(
        "cat dog",
        (8, 0, 0),
        "cat dog",
        files={"stray.png": PICTURE},
        notes="stray.png lies beside folders of images and is left out",
    ),
    "one image beside splits": Row(
        "train/a train/b val/a",
        (8, 4, 0),
        "a b",
        files={"logo.png": PICTURE},
        notes="logo.png lies beside",
    ),
    "one class": Row("cat", (4, 0, 0), "cat", notes="1 class, 'cat'; if it is no class"),
    "nested class folders": Row(
        "pets/cat pets/dog cars/bus cars/van",
        (16, 0, 0),
        "cars pets",
        notes="hold folders, such as cars/bus",
    ),
    "other suffixes": Row(
        "cat dog",
        (8, 0, 0),
        "cat dog",
        account="not read: 3 .heic, 1 .csv, 1 .zip, 1 without suffix",
        files={
            "cat/a.heic": b"",
            "cat/b.HEIC": b"",
            "dog/c.heic": b"",
            "labels.csv": b"",
            "all.zip": b"",
            "README": b"",
        },
    ),
    "suffixes in upper case": Row(".", (5, 0, 0), files={"X.PNG": PICTURE}),
    "what systems leave behind": Row(
        "cat dog lost+found __MACOSX",
        (8, 0, 0),
        "cat dog",
        account="not read: folder __MACOSX, folder lost+found",
        files={".DS_Store": b"", "cat/._0.png": b"", "cat/Thumbs.db": b""},
    ),
    "an empty folder beside classes": Row("cat dog", (8, 0, 0), "cat dog"),
    "a split inside of one by another of its words": Row(INTEL, (8, 0, 8), "a b"),
    "splits after one word, beside another folder": Row(
        "bounding_box_train bounding_box_test query", (4, 0, 4), account="not read: folder query"
    ),
    "splits of two words": Row("trainval test-dev2017", (4, 0, 4)),
    "train_val": Row("Train_Val test", (4, 0, 4)),
    "tests that are numbered": Row(
        "train test_stage1 test_stage2", (4, 0, 0), account="folder test_stage1, folder test_stage2"
    ),
    "numbered parts": Row(
        "HAM_images_part_1 HAM_images_part_2", (8, 0, 0), notes="numbered parts of one set"
    ),
    "numbered parts with images/ inside": Row(
        "images_001/images images_002/images", (8, 0, 0), notes="numbered parts of one set"
    ),
    "images with a number": Row("training/image_2 testing/image_2", (4, 0, 4)),
    "splits below the images, masks beside": Row(
        CITIES, (8, 4, 0), "a b", account="not read: folder gtFine"
    ),
    "masks inside of class folders": Row(
        "cat/images cat/masks dog/images dog/masks",
        (8, 0, 0),
        "cat dog",
        account="object boxes: 8 of 8 images",
        notes="hold folders, such as cat/images",
    ),
    "masks beside images in one folder": Row(
        "cat dog",
        (8, 0, 0),
        "cat dog",
        account="object boxes: 2 of 8 images",
        files={"cat/0_mask.png": PICTURE, "cat/0_mask_1.png": PICTURE, "dog/1-seg.png": PICTURE},
    ),
    "images and a folder of masks": Row(". masks", (4, 0, 0), account="boxes: 4 of 4 images"),
    "an image and a folder of more masks": Row(
        "masks",
        (1, 0, 0),
        account="object boxes: 1 of 1 images",
        files={"0.png": PICTURE},
    ),
    "a stray beside classes that are called after masks": Row(
        "depth surface", (8, 0, 0), "depth surface", files={"a.png": PICTURE}, notes="a.png lies"
    ),
    "classes that are called after masks": Row(
        "with_mask without_mask mask", (12, 0, 0), "mask with_mask without_mask"
    ),
    "lists of VOC": Row(
        "JPEGImages",
        (2, 1, 0),
        files=LISTS,
        account="not read: 1 .txt, 1 images that no list names",
        notes="the splits are those that",
    ),
    "lists of paths, and class folders": Row(
        "images/cat images/dog",
        (6, 0, 2),
        "cat dog",
        files={"test.txt": b"./images/cat/0.png\nimages\\dog\\3.png\n"},
        notes="the splits are those that",
    ),
    "text files that are no lists": Row(
        "images",
        (4, 0, 0),
        files={"test.txt": b"0 is the best\nof all\nthat I saw", "train.txt": b""},
        account="not read: 2 .txt",
    ),
    "an accent as one letter and as two": Row(
        "train/caf\u00e9 train/dog test/cafe\u0301 test/dog", (8, 0, 8), "caf\u00e9 dog"
    ),
    "what macOS packs": Row(
        "cat dog",
        (8, 0, 0),
        "cat dog",
        files={f"cat/._{n}.png": b"\0\5\x16\7" for n in range(4)},
    ),
    "our own results": Row(
        "cat dog run/checkpoints compare/figures audit show",
        (8, 0, 0),
        "cat dog",
        account="our own results in audit",
        files={
            "run/run.json": b"{}",
            "compare/study.json": b"{}",
            "audit/audit.json": b"{}",
            "show/run.json": b"{}",
        },
    ),
}


def made(tmp_path, row):
    root = tmp_path / "ds"
    root.mkdir()
    fill(root, *row.places.split())
    labeled(root, *row.texts.split())
    for name, content in row.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "nothing").mkdir()
    return root


def counts(found):
    return tuple(
        0 if part is None else len(part) for part in (found.train, found.validation, found.test)
    )


@pytest.mark.parametrize("name", ROWS)
def test_a_layout_is_read_and_accounted_for(tmp_path, name):
    row = ROWS[name]
    found = folders.read(made(tmp_path, row))
    assert counts(found) == row.splits
    assert found.classes == (None if row.classes is None else tuple(row.classes.split()))
    assert row.account in found.account
    assert row.notes in " ".join(found.notes)
    if not row.notes:
        assert not found.notes


REFUSALS = {
    "the folder above": (
        "up/ds/cat up/ds/dog",
        r"1 class, 'ds', which holds cat/, dog/: .* \S+/up/ds\?",
    ),
    "the folder above, with images/": (
        "up/ds/images",
        r"1 class, 'ds', .*did you mean \S+/up/ds/images\?",
    ),
    "the folder above splits": (
        "up/ds/train up/ds/val",
        r"holds train/, val/: did you mean \S+/up/ds\?",
    ),
    "no train": ("up/test up/val", r"has test/, val/ but no train/: give .*/up/test"),
    "splits among classes": (
        "up/cat up/dog up/test",
        r"has test/ among cat/, dog/: .*move the class",
    ),
    "train among flat folders": (
        "up/train up/extra",
        r"has train/ among extra/: .* give \S+/up/train;",
    ),
    "domains": (
        "up/trainA up/trainB up/testA up/testB",
        r"look like splits .*such as \S+/up/trainA",
    ),
    "splits inside classes": (
        "up/cat/train up/cat/test up/dog/train",
        r"\(cat/test\).*such as \S+/up/cat",
    ),
    "splits after other words": (
        "up/real_train up/real_test up/sketch_train up/sketch_test",
        r"look like splits .*such as \S+/up/real_train",
    ),
    "folds": (
        "up/fold1/cat up/fold1/dog up/fold2/cat up/fold2/dog",
        r"numbered parts of a set \(fold1/, fold2/\).*such as \S+/up/fold1",
    ),
    "masks with the splits outermost": (
        "up/GT/train up/GT/val up/camera/train up/camera/val up/more/test",
        r"\(GT/train\): give one of them, such as \S+/up/camera",
    ),
    "no image": ("", "must hold image files, got none; not read: 1 .heic"),
    "packed": (
        "",
        "got none; not read: 1 .heic, 1 .zip; unpack the archives first",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_harmful_guess_is_refused_with_the_way_out(tmp_path, name):
    places, said = REFUSALS[name]
    root = tmp_path / "up"
    root.mkdir()
    fill(tmp_path, *places.split())
    (root / "a.heic").write_bytes(b"")
    if name == "packed":
        (root / "b.zip").write_bytes(b"")
    with pytest.raises(ValueError, match=said):
        folders.read(root)


def test_two_splits_that_a_link_makes_one_are_told(tmp_path):
    fill(tmp_path / "ds", "train/a", "train/b")
    (tmp_path / "ds" / "val").symlink_to(tmp_path / "ds" / "train")
    assert "train and validation are the same images" in folders.read(tmp_path / "ds").notes[0]


def test_an_image_in_two_lists_is_not_learned(tmp_path):
    """The rule behind the rows: what a list of val or test names is never in train."""
    random = np.random.default_rng(0)
    fill(tmp_path, "JPEGImages", count=30)
    (tmp_path / "ImageSets").mkdir()
    for _ in range(10):
        lists = {name: random.choice(30, 12, replace=False) for name in ("train", "val", "test")}
        for name, numbers in lists.items():
            text = "".join(f"{number} {random.choice([-1, 1])}\n" for number in numbers)
            (tmp_path / "ImageSets" / f"{name}.txt").write_text(text)
        found = folders.read(tmp_path)
        seen = {int(path.stem) for path in found.train.paths}
        assert seen == {*lists["train"]} - {*lists["val"]} - {*lists["test"]}
        assert {int(path.stem) for path in found.validation.paths} == {*lists["val"]}


def test_the_way_out_of_a_wrong_root_is_right(tmp_path):
    fill(tmp_path / "up", "ds/cat", "ds/dog")
    with pytest.raises(ValueError, match="did you mean") as refused:
        folders.read(tmp_path / "up")
    meant = str(refused.value).rpartition("did you mean ")[2].rstrip("?")
    assert folders.read(Path(meant)).classes == ("cat", "dog")


def cased(word):
    return word.lower(), word.upper(), word.capitalize()


def test_every_word_for_a_split_is_known_in_every_dress():
    """The rule behind the rows; a word of a class is none."""
    shapes = ("{}", "{}2017", "{}_images", "{}-set", "{}set", "{} data", "{}_2019_jpg", "1_{}")
    for split, words in SPLITS.items():
        for word, shape in itertools.product(words, shapes):
            for name in (shape.format(each) for each in cased(word)):
                assert split_word(name) == (split, words.index(word)), name
    for name in (
        "test_tube",
        "train_station",
        "valley",
        "valve",
        "contest",
        "cat",
        "2017",
        "",
        "évaluation",
    ):
        assert split_word(name) is None, name


def test_order_and_case_of_names_change_nothing(tmp_path):
    """The same images under every way to name two splits are the same images."""
    found = set()
    for number, (train, val) in enumerate(
        [("train", "val"), ("Training", "VALID"), ("train2012", "dev_set")]
    ):
        root = tmp_path / str(number)
        fill(root, f"{train}/a", f"{train}/b", f"{val}/a")
        read = folders.read(root)
        found.add((counts(read), read.classes))
    assert found == {((8, 4, 0), ("a", "b"))}


def arrays(**keys):
    return {
        key: np.zeros((n, 8, 8, 3), np.uint8) if n > 0 else np.arange(-n) % 2
        for key, n in keys.items()
    }


ARCHIVES = {
    "MedMNIST": (
        arrays(
            train_images=20,
            train_labels=-20,
            val_images=4,
            val_labels=-4,
            test_images=6,
            test_labels=-6,
        ),
        (20, 4, 6),
        "",
    ),
    "Keras": (arrays(x_train=20, y_train=-20, x_test=6, y_test=-6), (20, 0, 6), ""),
    "scikit-learn": (arrays(X_train=20, y_train=-20, X_test=6, y_test=-6), (20, 0, 6), ""),
    "valid": (
        arrays(train_images=20, train_labels=-20, valid_images=4, valid_labels=-4),
        (20, 4, 0),
        "",
    ),
    "no split": (arrays(images=20, labels=-20), (20, 0, 0), ""),
    "data and targets": (arrays(data=20, targets=-20), (20, 0, 0), ""),
    "joined words": (arrays(trainX=20, trainY=-20, testX=4, testY=-4), (20, 0, 4), ""),
    "a key more": (
        arrays(images=20, labels=-20, embeddings=-20),
        (20, 0, 0),
        "not read: `embeddings` (20,)",
    ),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_keys_of_an_archive(tmp_path, name):
    keys, splits, account = ARCHIVES[name]
    np.savez(tmp_path / "a.npz", **keys)
    found = find(tmp_path / "a.npz")
    assert counts(found) == splits
    assert found.classes == ("0", "1")
    assert account in found.account
    assert all(part is None or part.labels is not None for part in (found.validation, found.test))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (arrays(test_images=4), "must have the key `train_images`, got test_images"),
        (arrays(train_images=4, x_train=4), "`train_images` and `x_train` are both train images"),
    ],
)
def test_keys_that_say_too_little_or_too_much(tmp_path, keys, said):
    np.savez(tmp_path / "a.npz", **keys)
    with pytest.raises(ValueError, match=said):
        find(tmp_path / "a.npz")


def test_one_account_for_load_terminal_and_run(tmp_path, capsys):
    fill(tmp_path / "ds", "train/cat", "train/dog", count=20)
    fill(tmp_path / "ds", "val/cat", "val/dog", "eval", count=5)
    (tmp_path / "ds" / "a.heic").write_bytes(b"")
    data = load(tmp_path / "ds")
    assert data.account == (
        "classes: cat, dog (2); splits: train 36, val 10, test carved from train 4; "
        "not read: 1 .heic, folder eval"
    )
    words = [
        "pretrain",
        str(tmp_path / "ds"),
        "--policy",
        "rc:scale=0.6",
        "--training.epochs=1",
        "--training.warmup_epochs=0",
        "--training.batch_size=8",
        "--images=16",
        "--training.photometric=none",
        "--out",
        str(tmp_path / "run"),
    ]
    assert main(words) == 0
    assert f"data: {data.account}\n" in capsys.readouterr().out
    assert json.loads((tmp_path / "run" / "run.json").read_text())["account"] == data.account


def test_a_shell_inside_the_data_never_trains_on_results(tmp_path, monkeypatch, capsys):
    root = tmp_path / "ds"
    fill(root, "cat", "dog", count=20)
    before = load(root).fingerprint()
    monkeypatch.chdir(root)
    assert main(["show", ".", "--policies", "rc:scale=0.5", "--images", "2"]) == 0
    words = [
        "pretrain",
        ".",
        "--policy",
        "rc:scale=0.6",
        "--training.epochs=1",
        "--images=16",
        "--training.warmup_epochs=0",
        "--training.batch_size=8",
        "--training.photometric=none",
    ]
    assert main(words) == 0
    assert {"views.png", "run"} <= {path.name for path in root.iterdir()}
    data = load(root)
    assert data.fingerprint() == before
    assert "our own views.png" in data.account
    assert "our own results in run" in data.account
    assert main(words) == 0, capsys.readouterr().err


def test_results_inside_the_data_are_told_and_never_take_their_place(tmp_path, capsys):
    root = fill(tmp_path / "ds", "cat", "dog", count=20) or tmp_path / "ds"
    (tmp_path / "link").symlink_to(root)
    words = ["audit", str(root), "--policies", "rc:scale=0.5", "--draws", "1", "--reference=none"]
    for out in (root, tmp_path / "link"):
        assert main([*words, "--out", str(out)]) == 2
        assert "`out` must not be the data itself" in capsys.readouterr().err
    assert main([*words, "--out", str(tmp_path / "link" / "deep" / "out")]) == 0
    assert "results there are never read as data" in capsys.readouterr().out
    assert "our own results in deep/out" in load(root).account
    assert len(folders.read(root).train) == 40
    sheet = ["show", str(root), "--policies", "rc:scale=0.5", "--out"]
    for name in ("cat/views.png", "sheet.png"):
        assert main([*sheet, str(root / name)]) == 2
        assert "`out` must lie outside of the data" in capsys.readouterr().err
    assert main([*sheet, str(root / "views.png")]) == 0
    assert main([*sheet, str(tmp_path / "sheet.png")]) == 0
    assert len(folders.read(root).train) == 40


def test_a_flat_folder_keeps_a_picture_that_is_not_ours(tmp_path):
    fill(tmp_path, ".")
    (tmp_path / "views.png").write_bytes(PICTURE)
    assert len(folders.read(tmp_path).train) == 5


def test_thirty_classes_of_one_image(tmp_path):
    fill(tmp_path, *(f"c{number}" for number in range(30)), count=1)
    data = load(tmp_path, needs=("pixels",))
    assert len(data.train) + len(data.validation) + len(data.test) == 30
    assert "classes have no image left to learn from" in " ".join(data.notes)
    with pytest.raises(ValueError, match=r"no train image of class 'c\d+'"):
        load(tmp_path, needs=("labels",))


def test_the_last_image_of_a_class_is_not_carved(tmp_path):
    fill(tmp_path, "a", "b", count=20)
    fill(tmp_path, *(f"c{number}" for number in range(20)), count=1)
    data = load(tmp_path)
    assert set(data.train.labels.tolist()) == set(range(22))
