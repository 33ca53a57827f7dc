"""K1: tables beside images, in the forms in which competitions, hubs and authors give them.

A row makes images and a table, and states classes, splits and what must be said; or the reason for
which whoever needs labels is refused.
"""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from tamecrop.cli import main
from tamecrop.data import folders
from tamecrop.data.sources import load


def picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (12, 8), (90, 0, 0)).save(content, "PNG")
    return content.getvalue()


PICTURE = picture()


def fill(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(PICTURE)


def kind(number):
    return "cat" if number % 3 else "dog"


def lines(text, numbers=range(20)):
    """A line for each number."""
    return "".join(text.format(n=n, kind=kind(n), bit=int(n % 3 > 0)) + "\n" for n in numbers)


FLAT = [f"images/{n}.png" for n in range(20)]
SPLIT = [f"{split}/{n}.png" for split in ("train", "test") for n in range(20)]
RECORDS = "".join(
    json.dumps({"file_name": f"{n}.png", "label": int(n % 3 > 0)}) + "\n" for n in range(20)
)
BOTH = ("train", "test")
READ = {
    "file, label": (FLAT, {"labels.csv": "file,label\n" + lines("{n}.png,{kind}")}, (20, 0, 0)),
    "ids without a suffix": (FLAT, {"train.csv": "Id,Species\n" + lines("{n},{kind}")}, (20, 0, 0)),
    "paths": (FLAT, {"a.csv": "path,class\n" + lines("images/{n}.png,{kind}")}, (20, 0, 0)),
    "paths of Windows": (
        FLAT, {"a.csv": "path,y\n" + lines("d\\images\\{n}.png,{kind}")}, (20, 0, 0),
    ),
    "semicolons and a byte order mark": (
        FLAT,
        {"a.csv": "\ufeffimage;category\n" + lines("{n}.png;{kind}")},
        (20, 0, 0),
    ),
    "tabs": (FLAT, {"a.tsv": "image\tlabel\n" + lines("{n}.png\t{kind}")}, (20, 0, 0)),
    "quotes and spaces": (
        FLAT, {"a.csv": "image, label\n" + lines('"{n}.png", {kind}')}, (20, 0, 0),
    ),
    "no head": (FLAT, {"labels.csv": lines("{n}.png,{kind}")}, (20, 0, 0)),
    "many columns, one of them a label": (
        FLAT,
        {"HAM_metadata.csv": "lesion_id,image_id,dx,age\n" + lines("L{n},{n},{kind},{n}")},
        (20, 0, 0),
    ),
    "one other column, of any name": (
        FLAT, {"a.csv": "image,animal\n" + lines("{n}.png,{kind}")}, (20, 0, 0),
    ),
    "the metadata of an image folder of Hugging Face": (
        [f"train/{n}.png" for n in range(20)] + [f"test/{n}.png" for n in range(20)],
        {f"{s}/metadata.csv": "file_name,label\n" + lines("{n}.png,{kind}") for s in BOTH},
        (20, 0, 20),
    ),
    "a table a split, with files of equal names": (
        SPLIT,
        {f"{s}.csv": "id,label\n" + lines("{n},{kind}") for s in ("train", "test")},
        (20, 0, 20),
    ),
    "tables that divide one folder": (
        FLAT,
        {
            "train.csv": "id,label\n" + lines("{n},{kind}", range(15)),
            "test.csv": "id,label\n" + lines("{n},{kind}", range(15, 20)),
        },
        (15, 0, 5),
    ),
    "a column that divides one folder": (
        FLAT,
        {
            "meta.csv": "id,split,label\n"
            + lines("{n},train,{kind}", range(14))
            + lines("{n},val,{kind}", range(14, 17))
            + lines("{n},test,{kind}", range(17, 20))
        },
        (14, 3, 3),
    ),
    "numbered parts of a set": (
        [f"part_{1 + n // 10}/{n}.png" for n in range(20)],
        {"labels.csv": "image,label\n" + lines("{n},{kind}")},
        (20, 0, 0),
    ),
    "one folder with the set's name": (
        [f"img_align_celeba/{n}.png" for n in range(20)],
        {"labels.csv": "image,label\n" + lines("{n}.png,{kind}")},
        (20, 0, 0),
    ),
    "a folder of labels": (
        FLAT, {"labels/a.csv": "image,label\n" + lines("{n},{kind}")}, (20, 0, 0),
    ),
    "images that are not there": (
        FLAT, {"a.csv": "image,label\n" + lines("{n},{kind}", range(200))}, (20, 0, 0),
    ),
}  # fmt: skip


def made(root, files, tables):
    fill(root, *files)
    for name, text in tables.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("name", READ)
def test_a_table_gives_labels_and_splits(tmp_path, name):
    files, tables, splits = READ[name]
    found = folders.read(made(tmp_path / "ds", files, tables))
    sets = (found.train, found.validation, found.test)
    assert tuple(0 if part is None else len(part) for part in sets) == splits
    assert found.classes == ("cat", "dog")
    for part in (part for part in sets if part is not None):
        right = [("cat", "dog").index(kind(int(path.stem))) for path in part.paths]
        assert part.labels.tolist() == right
    assert any(note.startswith("labels are ") for note in found.notes)
    assert "not read" not in found.account
    assert not any("1 class" in note for note in found.notes)


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ("e\u0301{n}.png", "\u00e9{n}.png"),  # as macOS writes an accent, and as others do
        ("\u00e9{n}.png", "e\u0301{n}"),
        ("IMG_{n}.PNG", "img_{n}.png"),
        ("images/{n}.png", "Images/{n}.PNG"),
    ],
)
def test_a_name_is_the_same_in_other_letters(tmp_path, there, named):
    files = [there.format(n=n) for n in range(20)]
    found = folders.read(
        made(tmp_path / "ds", files, {"a.csv": "id,label\n" + lines(named + ",{kind}")})
    )
    right = [
        "cat" if int("".join(filter(str.isdigit, p.stem))) % 3 else "dog" for p in found.train.paths
    ]
    assert [found.classes[label] for label in found.train.labels] == right


def test_names_that_differ_in_case_alone_are_two(tmp_path):
    files = [f"{letter}{n}.png" for letter in "aA" for n in range(4)]
    rows = "".join(f"a{n},cat\nA{n},dog\n" for n in range(4))
    found = folders.read(made(tmp_path / "ds", files, {"a.csv": "id,label\n" + rows}))
    assert [found.classes[label] for label in found.train.labels] == ["dog"] * 4 + ["cat"] * 4


def test_the_suffix_decides_between_equal_names(tmp_path):
    files = [f"{n}.{suffix}" for n in range(20) for suffix in ("png", "jpg")]
    rows = lines("{n}.png,{kind}") + lines("{n}.jpg,owl")
    found = folders.read(made(tmp_path / "ds", files, {"a.csv": "file,label\n" + rows}))
    owls = [found.classes[label] == "owl" for label in found.train.labels]
    assert owls == [path.suffix == ".jpg" for path in found.train.paths]


def test_numbers_and_records_are_labels_too(tmp_path):
    tables = {"train/metadata.jsonl": RECORDS}
    found = folders.read(made(tmp_path / "a", [f"train/{n}.png" for n in range(20)], tables))
    assert found.classes == ("0", "1")
    assert found.train.labels.tolist() == [int(int(p.stem) % 3 > 0) for p in found.train.paths]
    many = {"a.csv": "id,label\n" + "".join(f"{n},{8 + n % 4}\n" for n in range(20))}
    assert folders.read(made(tmp_path / "b", FLAT, many)).classes == ("8", "9", "10", "11")


REFUSED = {
    "a submission that says nothing true": (
        SPLIT,
        {
            "train.csv": "id,label\n" + lines("{n},{kind}"),
            "sample_submission.csv": "id,label\n" + lines("{n},cat"),
        },
        r"20 test images are in no table of labels, such as \S+/test/0\.png",
    ),
    "some images only": (
        FLAT,
        {"labels.csv": "id,label\n" + lines("{n},{kind}", range(12))},
        r"12 of 20 train images have a label in \S+labels\.csv",
    ),
    "real numbers": (
        FLAT,
        {"ages.csv": "image,age\n" + lines("{n}.png,{n}.5")},
        r"ages\.csv names images, and none of its columns \(age\) is called a label",
    ),
    "a row for each object": (
        FLAT,
        {"boxes.csv": "image,class\n" + lines("{n}.png,cat") + lines("{n}.png,dog")},
        r"boxes\.csv gives 0\.png several labels",
    ),
    "columns of bits": (
        FLAT,
        {"train.csv": "image,rust,scab\n" + lines("{n},{bit},1")},
        r"none of its columns \(rust, scab\) is called a label",
    ),
    "no table of images": (
        FLAT,
        {"prices.csv": "day,price\n" + lines("mon{n},3")},
        r"train has no class folders",
    ),
    "numbers without their zeros": (
        [f"{n:03}.png" for n in range(20)],
        {"labels.csv": "id,label\n" + lines("{n},{kind}")},
        r"column 'label', and its column 'id' does not name the images: '0' is none, and '000.png'",
    ),
    "ids that two images have": (
        [f"{n}.{suffix}" for n in range(20) for suffix in ("jpg", "png")],
        {"labels.csv": "id,label\n" + lines("{n},{kind}")},
        r"'id' does not tell images apart: '0' means 0.jpg and 0.png",
    ),
    "no table": (FLAT, {"labels.csv": '"\n'}, "train has no class folders"),
    "tables of every broken kind": (
        FLAT,
        {
            "a.csv": "\0\0",
            "b.csv": "",
            "c.csv": "file,label\n",
            "d.csv": "a," * 10_000 + "\n",
            "e.csv": "x" * 200_000,
            "f.jsonl": "[1, 2]\n",
            "g.jsonl": "{",
            "h.tsv": "file\tlabel\n\t\t\t\n",
        },
        "train has no class folders",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_gives_no_labels_is_said_to_who_needs_them(tmp_path, name, capsys):
    files, tables, said = REFUSED[name]
    root = made(tmp_path / "ds", files, tables)
    assert len(load(root, needs=("pixels",)).train) > 10
    with pytest.raises(ValueError, match=said):
        load(root, needs=("labels",))
    words = ["--policies", "rc:scale=0.5", "--out", str(tmp_path / "out")]
    assert main(["compare", str(root), *words]) == 2
    assert not (tmp_path / "out").exists(), "found before any work"
    capsys.readouterr()
    main(["data", "check", str(root)])
    assert re.search(said, capsys.readouterr().out) or "class folders" in said or "/test/0" in said


def test_a_table_has_any_coding(tmp_path):
    root = made(tmp_path / "ds", FLAT, {})
    text = "file,label\n" + lines("{n}.png,{kind}")
    for coding in ("utf-8", "utf-8-sig", "utf-16"):
        (root / "labels.csv").write_bytes(text.encode(coding))
        assert folders.read(root).classes == ("cat", "dog"), coding


def test_folders_that_are_classes_come_before_tables(tmp_path):
    files = [f"{kind}/{n}.png" for kind in ("a", "b") for n in range(10)]
    tables = {"labels.csv": "id,label\n" + lines("{n},{kind}", range(10))}
    found = folders.read(made(tmp_path / "ds", files, tables))
    assert found.classes == ("a", "b")
    assert "not read: 1 .csv" in found.account


def test_whatever_a_table_holds_it_is_read_or_said(tmp_path):
    """The rule behind the rows: for random tables labels are those of their rows, or none."""
    random = np.random.default_rng(0)
    root = made(tmp_path / "ds", FLAT, {})
    for _ in range(40):
        column = ["label", "class", "breed"][random.integers(3)]
        sign = ",;\t|"[random.integers(4)]
        order = random.permutation(20)
        there = order[: random.integers(1, 21)]
        rows = [f"{n}.png{sign}x{sign}{kind(n)}" for n in there]
        text = "\r\n".join([f"file{sign}other{sign}{column}", *rows, ""])
        (root / "t.csv").write_text(text)
        found = folders.read(root)
        if len(there) < 20:
            assert found.train.labels is None
            assert "have a label in" in " ".join(found.lacking["labels"])
        else:
            right = [("cat", "dog").index(kind(int(path.stem))) for path in found.train.paths]
            assert found.train.labels.tolist() == right
