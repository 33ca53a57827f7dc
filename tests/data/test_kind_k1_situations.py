"""K1 to K7: situations beyond the reported ones, each with all that must come out of it.

A row makes data and states what its account, its notes and its labels say, or the words of the
refusal that who needs labels gets. What is `harmless` must still train without labels.
"""

import io
import json
import os
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamecrop.cli import main
from tamecrop.data.sources import find, load

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 8, 12, 3), np.uint8)
BITS = np.arange(40) % 2
WORDS = np.array(["cat", "dog"])


def picture(kind="PNG", size=(12, 8), mode="RGB", **how) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, (90, 30, 200)).convert(mode).save(content, kind, **how)
    return content.getvalue()


PICTURE = picture()


def fill(*places: str, count: int = 8, **files: bytes | str) -> Callable[[Path], Path]:
    """Folders of some images each, and other files by name."""

    def make(root: Path) -> Path:
        for place in places:
            (root / place).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                (root / place / f"{number}.png").write_bytes(PICTURE)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return make


def npz(**arrays) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        root.mkdir(parents=True, exist_ok=True)
        np.savez(root / "a.npz", **arrays)
        return root / "a.npz"

    return make


def also(make: Callable[[Path], Path], more: Callable[[Path], object]) -> Callable[[Path], Path]:
    def both(root: Path) -> Path:
        path = make(root)
        more(root)
        return path

    return both


def bomb() -> bytes:
    """The header of a PNG of 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b""))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + data + chunk(b"IEND", b"")


def trimaps(folder: str, image: str = "images") -> Callable[[Path], object]:
    mask = np.full((8, 12), 2, np.uint8)
    mask[2:7, 3:10], mask[3:6, 4:9] = 3, 1

    def make(root: Path) -> None:
        (root / folder).mkdir(parents=True)
        for path in (root / image).glob("*.png"):
            Image.fromarray(mask).save(root / folder / path.name)

    return make


@dataclass
class Row:
    """What a situation is, and what must come out.

    Args:
        make: makes it below a folder and gives what the user names.
        classes: their names, or None.
        account: a part of the account.
        notes: a part of the notes, or an empty text where there must be none.
        refused: words for who needs labels; others train.
        refused_at_all: words for everybody.
    """

    make: Callable[[Path], Path]
    classes: str | None = None
    account: str = ""
    notes: str = ""
    refused: str = ""
    refused_at_all: str = ""


ALIKE = "differ in case, spaces, signs or zeros alone"
DOMAINS = "hold the same folders, .*: which are the classes is not known"
LOOSE = {"cat/Thumbs.db": b"", "cat/thumbs.DB": b"", "Desktop.ini": b"", "__MacOSX/._0.png": b"\0"}
SMALL, GRAY = IMAGES[:, :4, :6], IMAGES[..., 0]
MASK = np.zeros((40, 8, 12), np.uint8)
MASK[:, 2:5, 3:7] = 1
LABELED = {"train_images": IMAGES, "train_labels": BITS}

ROWS = {
    # what systems and tools leave behind
    "leftovers of Windows and macOS in any case": Row(
        fill("cat", "dog", **LOOSE), "cat dog", "not read: folder __MacOSX"
    ),
    "a recycle bin of a NAS": Row(fill("cat", "dog", "#recycle"), "cat dog", "folder #recycle"),
    "links that lead nowhere, up, and to themselves": Row(
        also(
            fill("cat", "dog"),
            lambda root: (
                (root / "up").symlink_to(root),
                (root / "self").symlink_to("self"),
                (root / "cat" / "again").symlink_to(root / "cat"),
                (root / "none").symlink_to(root / "nothing"),
            ),
        ),
        "cat dog",
    ),
    # names of classes
    "classes that differ in case": Row(fill("Cat", "cat", "dog"), "Cat cat dog", notes=ALIKE),
    "case that differs between splits": Row(
        fill("train/Cat", "train/dog", "test/cat", "test/dog"),
        "Cat cat dog",
        notes=ALIKE,
        refused="no train image of class 'cat'; is it 'Cat'",
    ),
    "spaces after a name in one split": Row(
        fill("train/cat ", "train/dog", "test/cat", "test/dog"),
        notes="classes 'cat' and 'cat '",
        refused="no train image of class 'cat'; is it 'cat '",
    ),
    "zeros before numbers in one split": Row(
        fill("train/1", "train/2", "val/01", "val/02"),
        "01 02 1 2",
        notes=ALIKE,
        refused=r"no train image of class '01' \(and 1 more\); is it '1'",
    ),
    "underscores for spaces in one split": Row(
        fill("train/maine coon", "train/dog", "val/maine_coon", "val/dog"),
        notes=ALIKE,
        refused="class 'maine_coon'; is it 'maine coon'",
    ),
    "a class that is in val alone": Row(
        fill("train/cat", "train/dog", "val/bird"),
        "bird cat dog",
        refused="class 'bird': all of its images are in val or test",
    ),
    "class folders without images": Row(
        also(
            fill("train/cat", "train/dog", "val/cat"),
            lambda root: ((root / "train/bird").mkdir(), (root / "val/dog").mkdir()),
        ),
        "cat dog",
        "not read: folder train/bird without images, folder val/dog without images",
    ),
    "a class with one image": Row(fill("cat", "dog", **{"owl/0.png": PICTURE}), "cat dog owl"),
    # what outer folders are
    "domains outermost": Row(
        fill("photo/cat", "photo/dog", "sketch/cat", "sketch/dog"),
        notes=DOMAINS,
        refused=rf"photo/, sketch/ {DOMAINS}.*such as \S+/photo, or",
    ),
    "domains with images/ inside": Row(
        fill("amazon/images/bag", "amazon/images/pen", "dslr/images/bag", "dslr/images/pen"),
        notes=DOMAINS,
        refused=r"such as \S+/amazon/images, or",
    ),
    "folds that are called otherwise": Row(
        fill("cv0/a", "cv0/b", "cv1/a", "cv1/b"), notes=DOMAINS, refused=DOMAINS
    ),
    "folds that are numbers": Row(fill("0/a", "0/b", "1/a", "1/b"), notes=DOMAINS, refused=DOMAINS),
    "domains in splits": Row(
        fill("train/photo/cat", "train/photo/dog", "train/art/cat", "train/art/dog", "test/photo"),
        notes=DOMAINS,
        refused=DOMAINS,
    ),
    "images and masks of each class": Row(
        fill("cat/images", "cat/masks", "dog/images", "dog/masks"),
        "cat dog",
        "object boxes: 16 of 16",
        notes="hold folders, such as cat/images",
    ),
    "splits inside classes": Row(
        fill("cat/train", "cat/val", "dog/train", "dog/val"),
        refused_at_all=r"splits inside its folders \(cat/train\)",
    ),
    "folds with splits inside": Row(
        fill("fold1/train/a", "fold1/val/a", "fold2/train/a", "fold2/val/a"),
        refused_at_all="splits inside its folders",
    ),
    # files
    "suffixes that lie": Row(
        fill("cat", "dog", **{"cat/a.jpg": PICTURE, "dog/b.png": picture("WEBP")}), "cat dog"
    ),
    "an image that is called a text": Row(
        fill("cat", "dog", **{"cat/a.txt": PICTURE}), "cat dog", "not read: 1 .txt"
    ),
    "files without suffix alone": Row(
        fill(**{"cat/a": PICTURE, "dog/b": PICTURE}), refused_at_all="none; not read: 2 without"
    ),
    "one empty file of many": Row(
        fill("cat", "dog", count=60, **{"cat/z.jpg": b""}),
        "cat dog",
        "left out: 1 unreadable",
        notes="the file is empty",
    ),
    "mostly empty files": Row(
        fill("cat", count=2, **{f"cat/z{n}.jpg": b"" for n in range(3)}),
        refused_at_all="3 of 5 files cannot be read",
    ),
    "a header of 3.6 thousand million pixels": Row(
        fill("cat", "dog", count=60, **{"cat/z.png": bomb()}),
        "cat dog",
        "left out: 1 unreadable",
        notes="3600000000 pixels",
    ),
    "a progressive JPEG that ends early": Row(
        fill(
            "cat",
            "dog",
            count=60,
            **{"cat/z.jpg": picture("JPEG", (200, 200), progressive=True)[:-90]},
        ),
        "cat dog",
        "left out: 1 unreadable",
        notes="truncated",
    ),
    "bytes behind the end of a JPEG": Row(
        fill("cat", "dog", **{"cat/z.jpg": picture("JPEG") + b"more" * 9}), "cat dog"
    ),
    "archives of images": Row(
        fill(**{"a.zip": b"PK", "b.tar": b""}), refused_at_all="unpack the archives first"
    ),
    "shards without their prefix": Row(
        fill(**{"train-000.tar": b"", "a/b.txt": b""}),
        refused_at_all=r"not read: 1 \.tar, 1 \.txt; unpack .* shards are .* wds:\S+ds$",
    ),
    "a table of a hub without its prefix": Row(
        fill(**{"data/train-0.parquet": b"PAR1"}), refused_at_all=r"is read as hf:\S+/ds$"
    ),
    "the folder of an archive": Row(
        fill(**{"a.npz": b""}), refused_at_all=r"not read: 1 \.npz; give the \.npz archive itself$"
    ),
    # masks
    "trimaps of Oxford's pets": Row(
        also(fill("images", count=20), trimaps("annotations/trimaps")),
        account="object boxes: 20 of 20 images, around each value",
        refused="train has no class folders",
    ),
    "a folder of trimaps": Row(
        also(fill("images", count=20), trimaps("trimaps")),
        account="object boxes: 20 of 20 images, around each value",
        refused="train has no class folders",
    ),
    "a class that is called after masks": Row(fill("trimap", "photo"), "photo trimap"),
    # arrays
    "rows of pixels": Row(
        npz(train_images=IMAGES.reshape(40, -1)), refused_at_all="must be uint8, uint16 or float"
    ),
    "one image": Row(npz(train_images=IMAGES[0]), refused_at_all="is it one image"),
    "videos": Row(
        npz(train_images=np.stack([IMAGES] * 2, 1)), refused_at_all=r"got uint8 \(40, 2, 8, 12, 3\)"
    ),
    "complex numbers": Row(
        npz(train_images=IMAGES.astype(np.complex64)), refused_at_all="got complex64"
    ),
    "the number of the image last": Row(
        npz(train_images=IMAGES.repeat(3, 1).transpose(1, 2, 3, 0), train_labels=BITS),
        refused="must have one entry per image, got 40 for 24",
        account="channels: 12",
        notes="labels are not needed and were left out",
    ),
    "numbers from 0 to 1 as integers": Row(
        npz(train_images=(IMAGES > 99).astype(np.int32), train_labels=BITS),
        "0 1",
        "whole numbers: 0 to 1 became 0 to 255",
    ),
    "pixels of 8 bits that are 0 or 1": Row(
        npz(train_images=(IMAGES > 99).astype(np.uint8), train_labels=BITS),
        "0 1",
        "whole numbers: 0 to 1 became 0 to 255",
    ),
    "real numbers from 0 to 255": Row(
        npz(train_images=IMAGES * 1.0, train_labels=BITS), "0 1", "0 to 255 became 0 to 255"
    ),
    "whole numbers below zero": Row(
        npz(train_images=IMAGES.astype(np.int16) - 128, train_labels=BITS),
        "0 1",
        "-128 to 127 became 0 to 255",
    ),
    "another order of bytes": Row(
        npz(train_images=IMAGES.astype(">u2"), train_labels=BITS.astype(">i4")), "0 1", "8 bits"
    ),
    "columns first in memory": Row(
        npz(train_images=np.asfortranarray(IMAGES), train_labels=BITS), "0 1"
    ),
    "a validation of another size": Row(
        npz(**LABELED, val_images=SMALL, val_labels=BITS),
        "0 1",
        "val 40",
        notes="`val_images` has 4 x 6 pixels, and `train_images` 8 x 12",
    ),
    "a validation in gray": Row(
        npz(**LABELED, val_images=GRAY, val_labels=BITS),
        "0 1",
        notes="`val_images` is gray, and `train_images` is not: gray becomes RGB",
    ),
    "a test of four channels": Row(
        npz(**LABELED, test_images=np.concatenate([IMAGES, GRAY[..., None]], -1), test_labels=BITS),
        "0 1",
        notes="the test images were left out",
        refused="`test_images` must have the 3 channels of `train_images`, got 4",
    ),
    "labels that count from 1 under names": Row(
        npz(train_images=IMAGES, train_labels=BITS + 1, classes=WORDS),
        "cat dog",
        notes="labels count from 1, as there are 2 names and a label 2",
    ),
    "labels from 1 to fewer than the names": Row(
        npz(train_images=IMAGES, train_labels=BITS + 1, classes=np.array(["a", "b", "c"])),
        "a b c",
        refused="no train image of class 'a'",
    ),
    "labels of -1": Row(
        npz(train_images=IMAGES, train_labels=BITS - 1),
        notes="labels are not needed and were left out",
        refused=r"must be integers from 0 on .*, got -1",
    ),
    "shares as labels": Row(
        npz(train_images=IMAGES, train_labels=np.eye(2)[BITS] * 0.8 + 0.1),
        notes="labels are not needed and were left out",
        refused="must be one integer an image",
    ),
    "a name twice": Row(
        npz(**LABELED, classes=np.array(["a", "a"])),
        notes="labels are not needed and were left out",
        refused="`classes` must name each class once, got 'a' twice",
    ),
    "names that are bytes": Row(npz(**LABELED, label_names=WORDS.astype("S")), "cat dog"),
    "texts with spaces": Row(
        npz(
            train_images=IMAGES,
            train_labels=np.array(["cat ", "dog"])[BITS],
            test_images=IMAGES,
            test_labels=WORDS[BITS],
        ),
        notes=ALIKE,
        refused="class 'cat'; is it 'cat '",
    ),
    "fine and coarse labels": Row(
        npz(train_images=IMAGES, train_fine_labels=BITS, train_coarse_labels=BITS),
        account="not read: `train_fine_labels` (40,), `train_coarse_labels`",
        refused="and train_fine_labels, train_coarse_labels are not read",
    ),
    "an array of splits": Row(
        npz(images=IMAGES, labels=BITS, split=WORDS[BITS]), "0 1", "not read: `split` (40,)"
    ),
    "masks of an archive": Row(
        npz(**LABELED, train_masks=MASK),
        "0 1",
        "object boxes: 40 of 40 images, around each value of their masks",
    ),
    "masks with an axis more": Row(
        npz(**LABELED, train_mask=MASK[..., None] > 0), "0 1", "object boxes: 40 of 40"
    ),
    "masks with soft edges": Row(
        npz(**LABELED, train_seg=MASK * 0.7 + 0.1), "0 1", "object boxes: 40 of 40"
    ),
    "masks beside boxes": Row(
        npz(**LABELED, train_masks=MASK, train_boxes=np.tile([1, 1, 5, 5], (40, 1))),
        "0 1",
        "object boxes: 40 of 40 images; not read: `train_masks` (40, 8, 12)",
    ),
    "masks of another size": Row(
        npz(**LABELED, train_masks=MASK[:, :4]),
        refused_at_all=r"`train_masks` must be \(N, H, W\) masks of its images' size \(40, 8, 12\)",
    ),
    "no names of ours": Row(npz(arr_0=IMAGES), refused_at_all="must have the key `train_images`"),
    "half of an archive": Row(
        also(
            npz(**LABELED),
            lambda root: (root / "a.npz").write_bytes((root / "a.npz").read_bytes()[:900]),
        ),
        refused_at_all="must be an .npz archive of plain arrays",
    ),
    "arrays beside each other": Row(
        also(
            fill(**{"note.txt": b""}),
            lambda root: (np.save(root / "x_train.npy", IMAGES), np.save(root / "y.npy", BITS)),
        ),
        refused_at_all=r"an array must be numbers \(H, W\)",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_situation_comes_out_right(tmp_path, name):
    row = ROWS[name]
    spec = row.make(tmp_path / "ds")
    if row.refused_at_all:
        with pytest.raises(ValueError, match=row.refused_at_all):
            find(spec)
        return
    found = find(spec, needs=("pixels", "known_boxes"))
    assert row.account in found.account
    if row.notes:
        assert any(_says(note, row.notes) for note in found.notes), found.notes
    else:
        assert not found.notes
    if row.classes is not None:
        assert found.classes == tuple(row.classes.split())
    if row.refused:
        with pytest.raises(ValueError, match=row.refused):
            load(spec, needs=("labels",))
        assert len(load(spec, needs=("pixels",)).train), "who needs no labels goes on"
    else:
        assert load(spec, needs=("labels",)).classes == found.classes


def _says(note: str, part: str) -> bool:
    return part in note or re.search(part, note) is not None


PATHS = (
    "100%s", "[a-z]*", "{0..3}", "new\nline", "tab\t", "quote'\"", "~home", "-dash", "a:b",
    "scenes", "wds:x", "hf:x", ":", "\u00fcn\u00ef", "x" * 200, " ", "a,b;c", "$HOME", "#1", "a=b",
)  # fmt: skip


@pytest.mark.parametrize("name", PATHS)
def test_data_lies_on_any_path(tmp_path, monkeypatch, name, capsys):
    """Absolute, as the shell completes it; a relative one with a colon is written `./a:b`."""
    fill("cat", "dog", count=10)(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for spec in (str(tmp_path / name), f"./{name}"):
        data = load(spec)
        assert (data.classes, len(data.train)) == (("cat", "dog"), 17)
        assert main(["data", "check", spec]) == 0
        assert "data: classes: cat, dog (2); splits: train 20" in capsys.readouterr().out


def test_boxes_of_trimaps_hold_the_animal_alone(tmp_path):
    root = also(fill("images"), trimaps("annotations/trimaps"))(tmp_path / "ds")
    assert find(root).train.boxes[0].tolist() == [[4, 3, 9, 6]]
    (tmp_path / "other").mkdir()
    values = npz(**LABELED, train_masks=MASK)(tmp_path / "other")
    assert find(values).train.boxes[0].tolist() == [[3, 2, 7, 5]]


SIZES = {
    "its own": ((8, 12), False),
    "turned, as a camera stored it": ((12, 8), False),
    "none": ((0, 0), False),
    "no number": (("x", None), False),
    "twice": ((16, 24), True),
    "another shape": ((8, 13), True),
    "as texts": (("16", "24.0"), True),
}


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("form", ["voc", "coco"])
def test_annotations_of_another_size_are_told(tmp_path, form, name):
    """Boxes of images before these were resized lie wrong, and nothing else shows it."""
    (height, width), is_told = SIZES[name]
    if form == "voc":
        text = (
            f"<annotation><size><width>{width}</width><height>{height}</height></size><object>"
            "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>"
            "</object></annotation>"
        )
        root = fill("JPEGImages", count=2, **{"Annotations/0.xml": text})(tmp_path / "ds")
    else:
        image = {"id": 0, "file_name": "0.png", "height": height, "width": width}
        objects = [{"image_id": 0, "bbox": [1, 1, 4, 4]}]
        text = json.dumps({"images": [image], "annotations": objects, "categories": []})
        root = fill("images", count=2, **{"annotations/instances.json": text})(tmp_path / "ds")
    found = find(root)
    assert found.train.boxes[0].tolist() == [[1, 1, 5, 5]]
    said = "another size than these have, and may lie wrong: 1, such as"
    assert any(said in note for note in found.notes) == is_told


def test_bits_are_black_and_white_and_other_pixels_stay(tmp_path):
    bits = npz(train_images=(IMAGES > 99).astype(np.uint8))(tmp_path / "a")
    assert set(find(bits).train.pixels.unique().tolist()) == {0, 255}
    dark = npz(train_images=(IMAGES > 99).astype(np.uint8) * 2)(tmp_path / "b")
    assert set(find(dark).train.pixels.unique().tolist()) == {0, 2}
    mixed = npz(train_images=(IMAGES > 99).astype(np.uint8), test_images=IMAGES)(tmp_path / "c")
    assert set(find(mixed).train.pixels.unique().tolist()) == {0, 1}


def test_labels_from_one_are_shifted_in_every_split(tmp_path):
    arrays = {"train_images": IMAGES, "train_labels": BITS + 1, "test_images": IMAGES}
    found = find(npz(**arrays, test_labels=BITS + 1, classes=WORDS)(tmp_path / "a"))
    assert found.train.labels.tolist() == found.test.labels.tolist() == BITS.tolist()


def test_results_do_not_go_among_images(tmp_path, monkeypatch, capsys):
    """A class would become results of ours, and be gone at the next load."""
    root = fill("cat", "dog", count=10)(tmp_path / "ds")
    monkeypatch.chdir(root)
    words = ["--policies", "rc:scale=0.5", "--reference", "none"]
    assert main(["audit", ".", *words, "--out", "cat"]) == 2
    assert (
        "`out` must not be a folder of the data's images, got cat/0.png" in capsys.readouterr().err
    )
    assert main(["audit", ".", *words, "--out", "cat/new"]) == 0
    assert main(["audit", ".", *words, "--out", "cat/new"]) == 0, "our own results give way"
    (root / "cat" / "new").rename(root / "audit")
    found = find(".")
    assert found.classes == ("cat", "dog")
    assert found.account.endswith("not read: our own results in audit"), "and said once"


def test_a_check_says_the_notes_too(tmp_path, capsys):
    root = fill("cat", count=10)(tmp_path / "ds")
    assert main(["data", "check", str(root)]) == 0
    assert "all train images are of 1 class, 'cat'" in capsys.readouterr().out
    path = npz(**LABELED, val_images=SMALL)(tmp_path / "other")
    assert main(["data", "check", str(path)]) == 0
    assert "`val_images` has 4 x 6 pixels" in capsys.readouterr().out


def test_an_archive_has_a_suffix_of_any_case(tmp_path):
    path = npz(**LABELED)(tmp_path / "ds")
    os.rename(path, path.with_suffix(".NPZ"))
    upper = str(path.with_suffix(".NPZ"))
    assert main(["show", upper, "--out", str(tmp_path / "v.png")]) == 0
    assert main(["data", "check", upper]) == 0


def test_images_of_one_pixel_are_cut(tmp_path):
    root = tmp_path / "ds"
    fill(**{f"{name}/{n}.png": picture(size=(1, 1)) for name in "ab" for n in range(10)})(root)
    words = ["--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=8"]
    words += ["--training.size=8", "--training.photometric=none", "--out", str(tmp_path / "out")]
    assert main(["pretrain", str(root), "--policy", "gcc:scale=0.4", *words]) == 0
    account = json.loads((tmp_path / "out" / "run.json").read_text())["account"]
    assert account.startswith("classes: a, b (2); splits: train 17")
