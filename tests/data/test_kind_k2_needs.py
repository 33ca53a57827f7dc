"""K2: what a command needs is checked before work, and nothing else; every annotation is read."""

import json

import numpy as np
import pytest
from PIL import Image

from tamecrop.cli import main
from tamecrop.data import annotations, folders, yolo
from tamecrop.data.sources import load

WIDTH, HEIGHT = 40, 20


def picture(path, size=(WIDTH, HEIGHT)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


LINES = {
    "a box": ("0 0.5 0.5 0.2 0.4", [16, 6, 24, 14]),
    "a fraction of a pixel": ("0 0.5 0.5 0.21 0.41", [15.8, 5.9, 24.2, 14.1]),
    "a box and a confidence": ("0 0.5 0.5 0.2 0.4 0.93", [16, 6, 24, 14]),
    "a box and a track": ("0 0.5 0.5 0.2 0.4 17", [16, 6, 24, 14]),
    "a box, a confidence and a track": ("0 0.5 0.5 0.2 0.4 0.9 17", [16, 6, 24, 14]),
    "a class by name": ("person 0.5 0.5 0.2 0.4", [16, 6, 24, 14]),
    "a class as a real number": ("0.0 0.5 0.5 0.2 0.4", [16, 6, 24, 14]),
    "a triangle": ("0 0.1 0.2 0.5 0.9 0.3 0.4", [4, 4, 20, 18]),
    "an oriented box": ("0 0.4 0.4 0.6 0.4 0.6 0.6 0.4 0.6", [16, 8, 24, 12]),
    "an oriented box and a confidence": ("0 0.4 0.4 0.6 0.4 0.6 0.6 0.4 0.6 0.8", [16, 8, 24, 12]),
    "a polygon of five points": ("2 .1 .1 .2 .1 .3 .3 .2 .5 .1 .4", [4, 2, 12, 10]),
    "a pose with visibility": ("0 0.5 0.5 0.2 0.4 0.45 0.4 2 0.55 0.6 1 0 0 0", [16, 6, 24, 14]),
    "a pose of one point": ("0 0.5 0.5 0.2 0.4 0.45 0.4 2", [16, 6, 24, 14]),
    "exponents and tabs": ("0\t5e-1\t5e-1\t2e-1\t4e-1", [16, 6, 24, 14]),
}
WRONG = [
    "0 0.5 0.5 0.2", "0", "0 0.5 half 0.2 0.4", "0 nan 0.5 0.2 0.4", "0 inf 0.5 0.2 0.4",
    "0,0.5,0.5,0.2,0.4", "0 1e308 0.5 0.2 0.2",
]  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_what_tools_write_into_yolo_files(tmp_path, name):
    line, box = LINES[name]
    (tmp_path / "a.txt").write_text(f"\ufeff{line}\n\n")
    boxes, problems = yolo.boxes(tmp_path / "a.txt", (HEIGHT, WIDTH))
    assert not problems
    assert boxes == pytest.approx(np.array([box], dtype=float))


def test_a_pose_without_visibility_is_told_by_the_sets_own_words(tmp_path):
    picture(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.4 0.45 0.4 0.55 0.6\n")
    around_points = [[0.2 * 40, 0.4 * 20, 0.55 * 40, 0.6 * 20]]
    assert folders.read(tmp_path).train.boxes[0] == pytest.approx(np.array(around_points))
    (tmp_path / "data.yaml").write_text("path: .\nkpt_shape: [2, 2]  # points\n")
    assert folders.read(tmp_path).train.boxes[0] == pytest.approx(np.array([[16, 6, 24, 14.0]]))


def test_a_polygon_is_never_a_box_and_points_by_chance():
    """The rule behind the rows: 2,000 polygons, each line's box holds exactly its points."""
    random = np.random.default_rng(0)
    for _ in range(2000):
        points = random.uniform(0, 1, (random.integers(3, 12), 2))
        line = "0 " + " ".join(f"{value:.6f}" for value in points.ravel())
        row = np.array(yolo._row(line, None))
        assert row == pytest.approx(np.concatenate([points.min(0), points.max(0)]), abs=1e-6)


def boxed(root, lines, count=20):
    for number in range(count):
        picture(root / "images" / f"{number:02}.png")
    (root / "labels").mkdir()
    for number, line in enumerate(lines):
        (root / "labels" / f"{number:02}.txt").write_text(f"0 0.5 0.5 0.2 0.2\n{line}\n")
    return root


FEW = [
    "--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=8",
    "--training.size=16", "--training.photometric=none",
]  # fmt: skip


def test_label_files_matter_where_boxes_are_used_and_a_check_lists_them_all(tmp_path, capsys):
    root = boxed(tmp_path / "ds", WRONG)
    with pytest.raises(
        ValueError, match=r"00\.txt, line 2: must be .*\(and 6 more: `tamecrop data"
    ):
        load(root)
    with pytest.raises(ValueError, match=r"00\.txt, line 2: must be"):
        load(root, needs=("boxes",))
    assert main(["data", "check", str(root)]) == 1
    said = capsys.readouterr()
    assert [line.split(", line 2: ")[0][-6:] for line in said.out.splitlines()[:7]] == [
        f"{number:02}.txt" for number in range(7)
    ]
    assert "20 files, 0 unreadable (0.00 %), 7 other problems" in said.out
    assert load(root, needs=("pixels",)).train.boxes is None
    out = str(tmp_path / "out")
    assert main(["pretrain", str(root), "--policy", "rc:scale=0.5", *FEW, "--out", out]) == 0


def test_a_policy_that_looks_at_objects_reads_them(tmp_path, capsys):
    root = boxed(tmp_path / "ds", WRONG[:1])
    words = ["pretrain", str(root), "--policy", "ccrop", *FEW, "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "00.txt, line 2" in capsys.readouterr().err


BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"
VOC = (
    "<annotation><source><database>{database}</database></source><object><name>cat</name>"
    + BOX.format(5, 3, 20, 10)
    + f"<part><name>head</name>{BOX.format(6, 4, 9, 8)}</part></object>"
    + "{more}</annotation>"
)
ROTATED = (
    "<object><robndbox><cx>20</cx><cy>10</cy><w>8</w><h>4</h><angle>1.5707963</angle></robndbox>"
    "</object>"
)
POLYGON = (
    "<object><polygon><x1>1</x1><y1>2</y1><x2>9</x2><y2>3</y2><x3>4</x3><y3>8</y3></polygon>"
    "</object>"
)


@pytest.mark.parametrize("place", ["Annotations", "annotations", "JPEGImages"])
def test_voc_files_are_read(tmp_path, place):
    for number in range(3):
        picture(tmp_path / "JPEGImages" / f"{number}.png")
    (tmp_path / place).mkdir(exist_ok=True)
    texts = [("Unknown", ROTATED + POLYGON), ("The VOC2007 Database", "")]
    for number, (database, more) in enumerate(texts):
        text = VOC.format(database=database, more=more)
        (tmp_path / place / f"{number}.xml").write_text(text)
    found = folders.read(tmp_path)
    first, second, third = found.train.boxes
    assert first == pytest.approx(
        np.array([[5, 3, 20, 10], [18, 6, 22, 14], [1, 2, 9, 8]]), abs=1e-5
    )
    assert second.tolist() == [[4, 2, 20, 10]], "VOC counts from 1"
    assert third.shape == (0, 4)
    assert "object boxes: 2 of 3 images" in found.account


BOMB = (
    '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'
    "<annotation>&c;</annotation>"
)
FILE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><annotation>&b;</annotation>'


@pytest.mark.parametrize(
    "content",
    [
        BOMB.encode(), FILE.encode(), BOMB.encode("utf-16"), b"<annotation><object></annotation>",
        b"<annotation><object><bndbox><xmin>a</xmin></bndbox></object></annotation>",
        b"<annotation><object/></annotation>", b"",
        VOC.format(database="", more="").replace("20", "inf").encode(),
    ],
)  # fmt: skip
def test_hostile_and_broken_xml_is_named_and_nothing_is_expanded(tmp_path, content):
    picture(tmp_path / "a.png")
    (tmp_path / "a.xml").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.xml: must be VOC XML"):
        load(tmp_path)
    assert len(folders.read(tmp_path, needs=("pixels",)).train) == 1


def coco(images, objects):
    return json.dumps({"images": images, "annotations": objects, "categories": []})


def test_coco_files_are_read_split_by_split(tmp_path):
    for split in ("train2017", "val2017"):
        for number in range(3):
            picture(tmp_path / "images" / split / f"{number}.png")
        images = [{"id": 10 + number, "file_name": f"{number}.png"} for number in range(4)]
        shift = 1 if split == "val2017" else 0
        objects = [
            {"image_id": 10, "bbox": [4.5 + shift, 2, 10.25, 5]},
            {"image_id": 10, "bbox": [0, 0, 40, 20], "iscrowd": 1},
            {"image_id": 11, "segmentation": [[1, 2, 9, 3], [4, 8, 5, 5]]},
        ]
        (tmp_path / "annotations").mkdir(exist_ok=True)
        path = tmp_path / "annotations" / f"instances_{split}.json"
        path.write_text(coco(images, objects))
        (tmp_path / "annotations" / f"captions_{split}.json").write_text("not read")
    found = folders.read(tmp_path)
    assert found.train.boxes[0].tolist() == [[4.5, 2, 14.75, 7]]
    assert found.validation.boxes[0].tolist() == [[5.5, 2, 15.75, 7]]
    assert found.train.boxes[1].tolist() == [[1, 2, 9, 8]]
    assert found.train.boxes[2].shape == (0, 4)
    assert "2 annotated images are not there" in found.notes
    assert "2 annotated crowds are no single object and were left out" in found.notes


def test_roboflows_coco_files_lie_with_their_images(tmp_path):
    for split in ("train", "valid"):
        for number in range(3):
            picture(tmp_path / split / f"{number}.png")
        place = tmp_path / split / "_annotations.coco.json"
        bbox = [1, 1, 4, 4] if split == "train" else [2, 2, 4, 4]
        place.write_text(coco([{"id": 0, "file_name": "1.png"}], [{"image_id": 0, "bbox": bbox}]))
    found = folders.read(tmp_path)
    assert found.train.boxes[1].tolist() == [[1, 1, 5, 5]]
    assert found.validation.boxes[1].tolist() == [[2, 2, 6, 6]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "must be COCO JSON"),
        (coco([{"id": 0, "file_name": "0.png"}], [{"image_id": 0, "bbox": [1, 2, "a", 4]}]),
         "annotation 0: must have"),
        (coco([{"id": 0, "file_name": "0.png"}], [{"image_id": 3, "bbox": [1, 2, 3, 4]}]),
         "annotation 0: must have"),
        (coco([{"id": 0}], []), "must be COCO JSON"),
    ],
)  # fmt: skip
def test_broken_coco_files_are_named(tmp_path, content, said):
    picture(tmp_path / "images" / "0.png")
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances.json").write_text(content)
    with pytest.raises(ValueError, match=rf"instances\.json.*{said}"):
        folders.read(tmp_path)


def test_boxes_keep_their_fractions_inside_their_images():
    boxes, changes = annotations.inside(
        [np.array([[-0.5, 0.25, 3.75, 4.5], [7.9, 0, 9, 9], [8, 0, 9, 9]])], np.array([[8, 8]])
    )
    assert boxes[0].tolist() == [[0, 0.25, 3.75, 4.5], [7.9, 0, 8, 8]]
    assert changes == ("1 object boxes had no pixel inside their image and were left out",)


IMAGES = np.zeros((40, 8, 8, 3), np.uint8)
CLASSES = np.arange(40) % 2
MANY = np.ones((40, 14), int)
ONE_HOT = np.eye(2, dtype=np.float32)[CLASSES]

ARCHIVES = {
    "test without labels": (
        {"train_images": IMAGES, "train_labels": CLASSES, "test_images": IMAGES},
        r"no labels in every split: .*a\.npz has no usable `test_labels`",
    ),
    "many labels an image": (
        {"train_images": IMAGES, "train_labels": MANY},
        r"`train_labels` must be one integer an image, got int64 \(40, 14\)",
    ),
    "labels that are real numbers": (
        {"train_images": IMAGES, "train_labels": np.linspace(0, 1, 40)},
        "`train_labels` must be one integer an image",
    ),
    "fewer labels than images": (
        {"train_images": IMAGES, "train_labels": CLASSES[:30]},
        "`train_labels` must have one entry per image, got 30 for 40",
    ),
    "no labels": ({"train_images": IMAGES}, "has no usable `train_labels`"),
    "one-hot labels": ({"train_images": IMAGES, "train_labels": ONE_HOT}, None),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_labels_of_an_archive_stop_who_needs_them(tmp_path, name, capsys):
    keys, said = ARCHIVES[name]
    np.savez(tmp_path / "a.npz", **keys)
    path = tmp_path / "a.npz"
    assert len(load(path, needs=("pixels",)).train) > 20
    if said is None:
        assert load(path, needs=("labels",)).classes == ("0", "1")
        return
    with pytest.raises(ValueError, match=said):
        load(path, needs=("labels",))
    words = ["--policies", "rc:scale=0.5", "rc:scale=0.6", *FEW, "--out", str(tmp_path / "out")]
    assert main(["compare", str(path), *words]) == 2
    assert not (tmp_path / "out" / "study.json").exists(), "found before any work"


FOLDERS = {
    "a flat test": (("train/a", "train/b", "test"), r"test has no class folders: \S+/test holds 0"),
    "a flat validation": (
        ("train/a", "train/b", "val"),
        r"validation has no class folders: \S+/val",
    ),
    "flat": ((".",), r"train has no class folders"),
    "boxes without classes": (("images",), r"has object boxes and no class folders"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_labels_of_a_folder_stop_who_needs_them(tmp_path, name):
    places, said = FOLDERS[name]
    for place in places:
        for number in range(20):
            picture(tmp_path / "ds" / place / f"{number}.png")
    if name == "boxes without classes":
        (tmp_path / "ds" / "labels").mkdir()
    assert len(load(tmp_path / "ds", needs=("pixels",)).train) > 10
    with pytest.raises(ValueError, match=said):
        load(tmp_path / "ds", needs=("labels",))


def test_boxes_are_needed_by_who_says_so(tmp_path):
    for number in range(20):
        picture(tmp_path / f"{number}.png")
    with pytest.raises(ValueError, match=r"has no annotations: YOLO text in labels/"):
        load(tmp_path, needs=("boxes",))
    assert load(tmp_path, needs=("known_boxes",)).train.boxes is None


def test_an_unknown_need_is_refused():
    with pytest.raises(ValueError, match="unknown need 'label': did you mean 'labels'"):
        load("scenes:count=60", needs=("label",))


def test_a_check_of_an_archive_lists_everything(tmp_path, capsys):
    boxes = np.zeros((40, 3))
    keys = {
        "train_images": IMAGES,
        "train_labels": MANY,
        "test_images": IMAGES[0],
        "test_boxes": boxes,
    }
    np.savez(tmp_path / "a.npz", **keys)
    assert main(["data", "check", str(tmp_path / "a.npz")]) == 1
    said = capsys.readouterr().out
    assert "`train_labels` must be one integer" in said
    assert "`test_boxes` must be pixels" in said
    np.savez(tmp_path / "a.npz", train_images=IMAGES, train_labels=CLASSES)
    assert main(["data", "check", str(tmp_path / "a.npz")]) == 0
    assert "data: classes: 0, 1 (2); splits: train 40" in capsys.readouterr().out


def test_a_check_says_what_is_wrong_with_the_layout_too(tmp_path, capsys):
    for place in ("cat", "dog", "test"):
        picture(tmp_path / place / "0.png")
    (tmp_path / "cat" / "1.png").write_bytes(b"nothing")
    assert main(["data", "check", str(tmp_path), "--bad_share", "0.5"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "cat/1.png: open: not an image of a known format"
    assert "has test/ among cat/, dog/" in lines[1]
