"""Shards and tables as every command reads them: object boxes, and a check of what is wrong."""

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from tamecrop.cli import main
from tamecrop.data.box_records import Problems, states_boxes
from tamecrop.data.sources import find, load

HEIGHT, WIDTH = 20, 40


def picture(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def shard(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def shards(root, records, *, broken=(), each=10):
    """A source with a sample for each record."""
    for start in range(0, len(records), each):
        members = []
        for number in range(start, min(start + each, len(records))):
            record = records[number]
            text = record if isinstance(record, bytes) else json.dumps(record).encode()
            image = b"no image" if number in broken else picture(number)
            members += [(f"{number:03d}.png", image), (f"{number:03d}.json", text)]
        shard(root / f"part-{start:03d}.tar", members)
    return f"wds:{root}"


READ = {
    "COCO's annotations": (
        {"annotations": [{"bbox": [4, 2, 10, 5]}, {"bbox": [0, 0, 3, 3]}]},
        [[4, 2, 14, 7], [0, 0, 3, 3]],
    ),
    "columns of objects": (
        {"objects": {"bbox": [[4, 2, 10, 5]], "category": [1]}},
        [[4, 2, 14, 7]],
    ),
    "a list of objects": ({"objects": [{"bbox": [4, 2, 10, 5], "id": 3}]}, [[4, 2, 14, 7]]),
    "corners": ({"boxes": [[4, 2, 14, 7]], "labels": [1]}, [[4, 2, 14, 7]]),
    "one box alone": ({"bbox": [4, 2, 10, 5]}, [[4, 2, 14, 7]]),
    "no object": ({"objects": {"bbox": [], "category": []}}, []),
    "nothing": ({"boxes": None}, []),
    "out of the image": ({"boxes": [[-9, 2, 14, 90]]}, [[0, 2, 14, 20]]),
    "beside a caption": ({"caption": "a box", "boxes": [[1, 2, 3, 4]]}, [[1, 2, 3, 4]]),
}


@pytest.mark.parametrize("name", READ)
def test_boxes_that_records_state(tmp_path, name):
    record, right = READ[name]
    others = [{"boxes": [[0, 0, number + 1, 5]]} for number in range(11)]
    found = find(shards(tmp_path, [record, *others]))
    assert found.train.boxes[0].tolist() == right
    assert found.train.boxes[11].tolist() == [[0, 0, 11, 5]], "in the order of the keys"
    assert "not read" not in found.account
    assert f"object boxes: {12 if right else 11} of 12 images" in found.account
    assert ("1 object boxes reached out" in " ".join(found.notes)) == (name == "out of the image")


def test_records_without_boxes_are_not_read_and_pixels_need_none(tmp_path):
    source = shards(tmp_path / "a", [{"caption": "a cat"}] * 12)
    found = find(source)
    assert found.train.boxes is None
    assert "not read: 12 .json" in found.account
    with pytest.raises(ValueError, match=r"no \.json of a sample states object boxes"):
        load(source, needs=("boxes",))
    wrong = shards(tmp_path / "b", [{"boxes": "none"}] * 12)
    assert find(wrong, needs=("pixels",)).train.boxes is None
    assert states_boxes({"bboxes": []})
    assert not states_boxes([1])


WRONG = [
    {"boxes": [[1, 2, 3]]},
    {"annotations": [{"bbox": ["a", 1, 2, 3]}]},
    {"objects": {"bbox": [[0, 0, float("inf"), 2]]}},
    b"{",
    {"boxes": {"x1": 3}},
]


def test_every_record_that_is_wrong_is_listed(tmp_path, capsys):
    good = [{"boxes": [[1, 2, 3, 4]]}] * 8
    source = shards(tmp_path, [*good, *WRONG])
    with pytest.raises(Problems, match=r"008\.json: must have boxes .*\(and 4 more: `tamecrop"):
        load(source)
    assert main(["data", "check", source]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(".json: must have")[0][-3:] for line in lines[:5]] == [
        f"{number:03d}" for number in range(8, 13)
    ]
    assert f"{source}: 13 images, 0 unreadable (0.00 %), 5 other problems" in lines[5]
    with pytest.raises(Problems, match="must be pixels, got fractions from 0 to 1"):
        load(shards(tmp_path / "c", [{"boxes": [[0.1, 0.1, 0.5, 0.5]]}] * 12))


def test_a_check_of_shards_lists_broken_images_and_is_remembered(tmp_path, capsys):
    source = shards(tmp_path, [{"boxes": [[1, 2, 3, 4]]}] * 20, broken=(3, 12))
    with pytest.raises(ValueError, match=r"2 of 20 images cannot be read, more than 1 %"):
        load(source)
    assert main(["data", "check", source]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "part-000.tar/003.png: open: not an image of a known format",
        "part-010.tar/012.png: open: not an image of a known format",
    ]
    assert len(lines) == 3, "no account of what a load refuses"
    assert main(["data", "check", source, "--bad_share", "0.2"]) == 0
    said = capsys.readouterr().out
    assert "left out: 2 unreadable" in said
    assert len(find(source).train) == 18, "what was accepted stays accepted"
    assert len(find(source).train.boxes) == 18


def test_a_check_names_every_shard_that_is_cut_off(tmp_path, capsys):
    source = shards(tmp_path, [{"boxes": [[1, 2, 3, 4]]}] * 30)
    for name in ("part-000.tar", "part-020.tar"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:3000])
    assert main(["data", "check", source]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert ["part-000.tar" in lines[0], "part-020.tar" in lines[1], len(lines)] == [True, True, 2]


@pytest.mark.parametrize("command", ["show", "audit", "recommend", "pretrain"])
def test_commands_work_on_shards_with_boxes(tmp_path, command, capsys):
    source = shards(tmp_path / "s", [{"boxes": [[1, 2, 30, 14]]}] * 30)
    out = tmp_path / "out"
    words = {
        "show": ["--out", f"{out}.png"],
        "audit": ["--policies", "rc:scale=0.3", "--reference", "none", "--draws", "20"],
        "recommend": ["--policies", "rc:scale=0.3", "rc:scale=0.9", "--reference", "none"],
        "pretrain": [
            "--policy", "ccrop", "--training.epochs=1", "--training.warmup_epochs=0",
            "--training.batch_size=8", "--training.size=8", "--training.photometric=none",
        ],
    }[command]  # fmt: skip
    words += [] if command == "show" else ["--out", str(out)]
    assert main([command, source, *words]) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    if command == "audit":
        audit = json.loads((out / "audit.json").read_text())
        assert "object boxes: 30 of 30" in audit["account"]
    if command == "pretrain":
        assert "object boxes: 27 of 27" in said or "object boxes: 30 of 30" in said
        assert "no object box" not in said


def test_a_name_and_a_missing_path_are_checked_too(tmp_path, capsys):
    assert main(["data", "check", "scenes:count=60"]) == 0
    assert "data: classes: 0, 1, 2" in capsys.readouterr().out
    assert main(["data", "check", str(tmp_path / "nothing")]) == 2
    assert "`data` must exist, got" in capsys.readouterr().err
    assert main(["data", "check", f"wds:{tmp_path}/no-*.tar"]) != 0
    assert "must name at least one shard" in capsys.readouterr().err
