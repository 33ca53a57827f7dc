"""K2: what a command needs is checked before work, and nothing else; every annotation is read."""

import json

import numpy as np
import pytest
from PIL import Image

from tamecrop.cli import main
from tamecrop.data import annotations, archives, folders, masks, yolo
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
        row = np.array(yolo._row(line, None)[0])
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
    "labels below zero": (
        {"train_images": IMAGES, "train_labels": CLASSES - 1},
        r"`train_labels` must be integers from 0 on .*, got -1",
    ),
    "labels that are not numbers": (
        {"train_images": IMAGES, "train_labels": np.where(CLASSES, np.nan, 0)},
        "`train_labels` must be one integer an image",
    ),
    "labels of Python objects": (
        {"train_images": IMAGES, "train_labels": np.array([["a"]] * 40, dtype=object)},
        r"got object \(40, 1\): Python objects are not unpickled",
    ),
    "a key that is misspelt": (
        {"train_images": IMAGES, "train_lables": CLASSES},
        "has no usable `train_labels`, and train_lables are not read",
    ),
    "texts and integers": (
        {"train_images": IMAGES, "train_labels": CLASSES, "test_images": IMAGES,
         "test_labels": CLASSES.astype(str)},
        "labels must be integers in every split, or texts in every split",
    ),
}  # fmt: skip


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


CATS = np.array(["dog", "cat"])
LABELS = {
    "from 1": ({"train_labels": CLASSES + 1}, ("1", "2"), [0, 1]),
    "with gaps": ({"train_labels": CLASSES * 1000}, ("0", "1000"), [0, 1]),
    "of 64 bits": (
        {"train_labels": CLASSES.astype(np.uint64) + np.uint64(2**63)},
        (str(2**63), str(2**63 + 1)),
        [0, 1],
    ),
    "truth values": ({"train_labels": CLASSES == 1}, ("False", "True"), [0, 1]),
    "real numbers": ({"train_labels": CLASSES * 1.0}, ("0", "1"), [0, 1]),
    "texts": ({"train_labels": CATS[CLASSES]}, ("cat", "dog"), [1, 0]),
    "bytes": ({"train_labels": CATS.astype("S")[CLASSES]}, ("cat", "dog"), [1, 0]),
    "named": ({"train_labels": CLASSES, "classes": CATS}, ("dog", "cat"), [0, 1]),
    "in another split too": (
        {"train_labels": CLASSES + 3, "test_images": IMAGES, "test_labels": CLASSES + 3},
        ("3", "4"),
        [0, 1],
    ),
    "beside what is not plain": (
        {"train_labels": CLASSES, "meta": np.array({"a": 1}, dtype=object)},
        ("0", "1"),
        [0, 1],
    ),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_numbered_by_those_that_there_are(tmp_path, name):
    keys, classes, first = LABELS[name]
    np.savez(tmp_path / "a.npz", train_images=IMAGES, **keys)
    found = archives.read(tmp_path / "a.npz")
    assert found.classes == classes
    assert found.train.labels[:2].tolist() == first
    if found.test is not None:
        assert found.test.labels[:2].tolist() == first


BOXES = {
    "negative": (np.tile([-3.0, -3, 4, 4], (40, 1)), [[0, 0, 4, 4]]),
    "not a number": (np.full((40, 4), np.nan), []),
    "swapped": (np.tile([6.0, 6, 2, 2], (40, 1)), "must be x1, y1, x2, y2, .* width, height"),
    "padded with zeros": (np.tile([[1.0, 1, 4, 4], [0, 0, 0, 0]], (40, 1, 1)), [[1, 1, 4, 4]]),
    "one pixel": (np.tile([0, 0, 1, 1], (40, 1)), [[0, 0, 1, 1]]),
    "fractions": (np.tile([0.2, 0.2, 0.8, 0.8], (40, 1)), "must be pixels, got fractions"),
    "objects": (
        np.array([np.zeros((k % 3, 4)) for k in range(40)], dtype=object),
        "Python objects are not unpickled",
    ),
}


@pytest.mark.parametrize("name", BOXES)
def test_boxes_of_an_archive(tmp_path, name):
    boxes, right = BOXES[name]
    np.savez(tmp_path / "a.npz", train_images=IMAGES, train_boxes=boxes)
    if isinstance(right, str):
        with pytest.raises(ValueError, match=f"`train_boxes` .*{right}"):
            load(tmp_path / "a.npz")
        assert load(tmp_path / "a.npz", needs=("pixels",)).train.boxes is None
        return
    assert archives.read(tmp_path / "a.npz").train.boxes[0].tolist() == right


def test_a_split_without_images_is_not_there(tmp_path):
    keys = {"train_images": IMAGES, "train_labels": CLASSES}
    np.savez(tmp_path / "a.npz", **keys, val_images=IMAGES[:0], val_labels=CLASSES[:0])
    found = archives.read(tmp_path / "a.npz")
    assert found.validation is None
    assert "`val_images` holds no image and is left out" in found.notes
    np.savez(tmp_path / "b.npz", train_images=IMAGES[:0])
    with pytest.raises(ValueError, match=r"`train_images` must hold images, got uint8 \(0, 8"):
        archives.read(tmp_path / "b.npz")


MASK = np.zeros((HEIGHT, WIDTH), np.uint8)
MASK[2:6, 4:10], MASK[10:15, 20:30], MASK[15, 30] = 1, 2, 255
SOFT = np.zeros((HEIGHT, WIDTH), np.uint8)
SOFT[4:12, 8:28] = np.linspace(130, 250, 160).reshape(8, 20)
MASKS = {
    "numbered objects, and a border": (MASK, [[4, 2, 10, 6], [20, 10, 30, 15]], "png"),
    "two values": ((MASK == 2) * np.uint8(255), [[20, 10, 30, 15]], "png"),
    "ones": ((MASK == 1) * np.uint8(1), [[4, 2, 10, 6]], "bmp"),
    "truth values": (MASK == 2, [[20, 10, 30, 15]], "png"),
    "colors": (
        np.stack([(MASK == 1) * 9, (MASK == 2) * 9, MASK * 0], -1).astype(np.uint8),
        [[20, 10, 30, 15], [4, 2, 10, 6]],
        "png",
    ),
    "16 bits": ((MASK == 1) * np.uint16(3000), [[4, 2, 10, 6]], "png"),
    "soft edges": (SOFT, [[8, 4, 28, 12]], "png"),
    "lossy": ((SOFT > 0) * np.uint8(255), [[8, 4, 28, 12]], "jpg"),
    "nothing": (MASK * 0, [], "png"),
    "only 255 and a border would be none": (
        (MASK == 255) * np.uint8(255),
        [[30, 15, 31, 16]],
        "png",
    ),
    "another size": (MASK[:10], r"must be a mask of its image's size, got 10 x 40 pixels", "png"),
    "no image": (b"nothing", "must be a mask: ", "png"),
}


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_has_a_box_around_each_value(tmp_path, name):
    mask, right, suffix = MASKS[name]
    picture(tmp_path / "images" / "a.png")
    path = tmp_path / "masks" / f"a_mask.{suffix}"
    path.parent.mkdir()
    if isinstance(mask, bytes):
        path.write_bytes(mask)
    else:
        Image.fromarray(mask).save(path)
    if isinstance(right, str):
        with pytest.raises(ValueError, match=rf"a_mask\.png: {right}"):
            folders.read(tmp_path)
        assert folders.read(tmp_path, needs=("pixels",)).train.boxes is None
        return
    found = folders.read(tmp_path)
    assert found.train.boxes[0].tolist() == right
    assert found.account.endswith(
        "1 images, around each value of their masks" if right else "masks"
    )


def test_a_box_around_a_value_holds_all_of_its_pixels_and_no_margin():
    """The rule behind the rows, against a search of every pixel."""
    random = np.random.default_rng(0)
    for _ in range(50):
        values = random.integers(0, 4, (6, 9)) * (random.uniform(size=(6, 9)) < 0.2)
        slow = [
            [min(x), min(y), max(x) + 1, max(y) + 1]
            for value in range(1, 4)
            if (places := np.argwhere(values == value)).size
            for y, x in [places.T.tolist()]
        ]
        assert masks.boxes_in(values).tolist() == slow


@pytest.mark.parametrize(
    ("place", "name", "content"),
    [
        ("Labels", "a.TXT", b"0 0.5 0.5 0.2 0.4"),
        ("labels", "a.txt", "0 0.5 0.5 0.2 0.4".encode("utf-16")),
        ("Annotation", "a.XML", VOC.format(database="", more="").encode()),
        ("annotations/xmls", "a.xml", VOC.format(database="", more="").encode()),
    ],
)
def test_names_of_label_files_have_any_case_and_their_text_any_coding(
    tmp_path, place, name, content
):
    picture(tmp_path / "Images" / "a.png")
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / name).write_bytes(content)
    found = folders.read(tmp_path)
    assert len(found.train.boxes[0]) == 1
    assert "not read" not in found.account


def test_label_files_of_no_image_are_told(tmp_path):
    picture(tmp_path / "images" / "1.png")
    (tmp_path / "labels").mkdir()
    for name in ("image_1", "classes"):
        (tmp_path / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.4")
    (note,) = folders.read(tmp_path).notes
    assert note.startswith("1 label files belong to no image, such as ")
    assert note.endswith("labels/image_1.txt")


def test_labels_in_pixels_and_kitti_files_are_no_yolo(tmp_path):
    picture(tmp_path / "images" / "1.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "1.txt").write_text("0 16 6 24 14")
    with pytest.raises(ValueError, match="as fractions, got '0 16 6 24 14'"):
        folders.read(tmp_path)
    picture(tmp_path / "kitti" / "image_2" / "1.png")
    (tmp_path / "kitti" / "label_2").mkdir()
    line = "Car 0.0 0 -1.5 16 6 24 14 1 1 1 1 1 1 0"
    (tmp_path / "kitti" / "label_2" / "1.txt").write_text(line)
    found = folders.read(tmp_path / "kitti")
    assert found.train.boxes is None
    assert "not read: 1 .txt" in found.account


def test_class_folders_of_a_yolo_set_are_classes(tmp_path):
    for name in ("cat", "dog"):
        picture(tmp_path / "images" / name / "1.png")
        (tmp_path / "labels" / name).mkdir(parents=True)
        (tmp_path / "labels" / name / "1.txt").write_text("0 0.5 0.5 0.2 0.4")
    found = folders.read(tmp_path)
    assert found.classes == ("cat", "dog")
    assert "object boxes: 2 of 2 images" in found.account


def test_ids_of_coco_are_the_same_as_numbers_and_as_texts(tmp_path):
    picture(tmp_path / "images" / "0.png")
    (tmp_path / "annotations").mkdir()
    text = coco([{"id": "7", "file_name": "0.png"}], [{"image_id": 7, "bbox": [1, 2, 3, 4]}])
    (tmp_path / "annotations" / "instances.json").write_text(text)
    assert folders.read(tmp_path).train.boxes[0].tolist() == [[1, 2, 4, 6]]


def test_coco_files_divide_the_images_of_one_folder(tmp_path):
    for number in range(5):
        picture(tmp_path / "images" / f"{number}.png")
    (tmp_path / "annotations").mkdir()
    for split, numbers in {"train": (0, 1, 2), "val": (3, 4)}.items():
        images = [{"id": number, "file_name": f"{number}.png"} for number in numbers]
        objects = [{"image_id": number, "bbox": [number, 1, 4, 4]} for number in numbers]
        path = tmp_path / "annotations" / f"{split}.json"
        path.write_text(coco(images, objects))
    found = folders.read(tmp_path)
    assert [path.stem for path in found.validation.paths] == ["3", "4"]
    assert found.validation.boxes[0].tolist() == [[3, 1, 7, 5]]
    assert "object boxes: 5 of 5 images" in found.account


def test_a_table_that_gives_no_labels_is_named(tmp_path):
    for number in range(20):
        picture(tmp_path / f"{number}.png")
    (tmp_path / "labels.csv").write_text("file,label\n0.png,cat\n")
    with pytest.raises(ValueError, match=r"1 of 20 train images have a label in \S+labels.csv"):
        load(tmp_path, needs=("labels",))
    (tmp_path / "labels.csv").rename(tmp_path / "labels.xlsx")
    with pytest.raises(ValueError, match=r"no \.xlsx file is read: write a \.csv"):
        load(tmp_path, needs=("labels",))


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


def test_one_class_and_a_batch_of_one_image_are_told(tmp_path, capsys):
    for number in range(3):
        picture(tmp_path / "ds" / "cat" / f"{number}.png")
    with pytest.raises(ValueError, match=r"/ds: too few images to carve .*: 3; it needs more"):
        load(tmp_path / "ds", needs=("pixels",))
    for number in range(3, 20):
        picture(tmp_path / "ds" / "cat" / f"{number}.png")
    words = ["pretrain", str(tmp_path / "ds"), "--policy", "rc:scale=0.5", "--images=2", *FEW]
    assert main([*words, "--training.batch_size=1", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "all train images are of 1 class, 'cat'; if it is no class, did you mean" in said
    assert "a batch of 1 image: with nothing to tell it from" in said


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
        "test_images": IMAGES,
        "test_boxes": boxes,
        "val_images": np.zeros((9, 8, 8, 5), np.uint8),
        "classes": np.array(["a", "a"]),
    }
    np.savez(tmp_path / "a.npz", **keys)
    assert main(["data", "check", str(tmp_path / "a.npz")]) == 1
    said = capsys.readouterr().out
    assert "`train_labels` must be one integer" in said
    assert "`test_boxes` must be pixels" in said
    assert "`classes` must name each class once" in said
    np.savez(tmp_path / "a.npz", train_images=IMAGES, val_images=keys["val_images"])
    assert main(["data", "check", str(tmp_path / "a.npz")]) == 1
    assert "`val_images` must have the 3 channels of" in capsys.readouterr().out
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
