"""A folder is decoded once; what changes is noticed by name; damaged memories count as none."""

import io
import json
import os

import pytest
from PIL import Image

from tamecrop.audit import checking
from tamecrop.cli import main
from tamecrop.data import folders, headers, quarantine
from tamecrop.data.decode import DecodeError
from tamecrop.data.sources import load


@pytest.fixture
def root(tmp_path):
    picture = io.BytesIO()
    Image.new("RGB", (20, 16)).save(picture, "PNG")
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(60):
            (tmp_path / "pets" / name / f"{number}.png").write_bytes(picture.getvalue())
    return tmp_path / "pets"


@pytest.fixture
def decoded(monkeypatch):
    """Names of the files that are decoded for their size."""
    names = []

    def watched(path):
        names.append(path.name)
        return whole(path)

    whole = quarantine.decode
    monkeypatch.setattr(quarantine, "decode", watched)
    return names


def damage(path):
    path.write_bytes(path.read_bytes()[:50])


def test_a_second_load_decodes_nothing_again(root, decoded):
    first = folders.read(root)
    assert len(decoded) == 120
    second = folders.read(root)
    assert len(decoded) == 120
    assert (second.train.sizes == first.train.sizes).all()
    assert second.train.paths == first.train.paths
    assert not first.notes
    assert not second.notes
    assert {path.name for path in root.iterdir()} == {"cat", "dog"}


def test_only_what_changed_is_decoded_again_and_it_is_named(root, decoded):
    folders.read(root)
    decoded.clear()
    Image.new("RGB", (30, 30)).save(root / "cat" / "3.png")
    Image.new("RGB", (9, 9)).save(root / "dog" / "new.png")
    (root / "dog" / "59.png").unlink()
    found = folders.read(root)
    assert sorted(decoded) == ["3.png", "new.png"]
    sizes = dict(zip(found.train.paths, found.train.sizes.tolist(), strict=True))
    assert sizes[root / "cat" / "3.png"] == [30, 30]
    (note,) = found.notes
    for said in ("1 new, such as dog/new.png", "1 changed, such as cat/3.png", "such as dog/59"):
        assert said in note
    assert not folders.read(root).notes


def test_a_change_that_keeps_the_length_is_noticed_by_its_time(root, decoded):
    folders.read(root)
    decoded.clear()
    path = root / "cat" / "3.png"
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    folders.read(root)
    assert decoded == ["3.png"]


def test_a_check_is_what_a_load_then_finds(root, decoded):
    damage(root / "cat" / "7.png")
    damage(root / "dog" / "8.png")
    with pytest.raises(ValueError, match="2 of 120 files cannot be read, more than 1 %"):
        load(root)
    found = checking.check(root, checking.list_files(root), bad_share=0.05)
    assert found.place == root / quarantine.NAME
    assert [line.split(":")[0] for line in found.lines] == ["cat/7.png", "dog/8.png"]
    decoded.clear()
    data = load(root)
    assert sorted(decoded) == ["7.png", "8.png"], "only unreadable files are looked at again"
    assert [error.path.name for error in data.quarantined] == ["7.png", "8.png"]
    assert len(data.train) + len(data.validation) + len(data.test) == 118
    assert "2 of 120 files cannot be read and are left out; the first: cannot" in data.notes[0]


def test_a_check_decodes_everything_whatever_is_remembered(root, decoded):
    folders.read(root)
    path = root / "cat" / "7.png"
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[50] ^= 255
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not folders.read(root).quarantined
    assert [line[:9] for line in checking.check(root, checking.list_files(root)).lines] == [
        "cat/7.png"
    ]
    assert [error.path for error in folders.read(root).quarantined] == [path]


def test_a_folder_that_cannot_be_written_is_remembered_apart(root, monkeypatch, decoded):
    monkeypatch.setattr(checking.os, "access", lambda path, mode: False)
    found = checking.check(root, checking.list_files(root))
    assert found.place == quarantine.apart(root)
    assert not (root / quarantine.NAME).exists()
    decoded.clear()
    folders.read(root)
    assert not decoded


def test_a_disk_that_cannot_remember_is_said_and_stops_nobody(root, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TAMECROP_DATA", str(tmp_path / "file"))
    found = folders.read(root)
    assert len(found.train) == 120
    assert "its files will be decoded again next time" in found.notes[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda stored: stored | {"format": 99},
        lambda stored: stored | {"pillow": "1.0"},
        lambda stored: stored | {"bad_share": 7},
        lambda stored: stored | {"readable": [["cat/1.png", 1, 1, -5, 2]]},
        lambda stored: stored | {"readable": [["cat/1.png", 1]]},
        lambda stored: stored | {"unreadable": 3},
        lambda stored: [],
    ],
)
def test_a_memory_that_does_not_fit_counts_as_none(root, decoded, change):
    place = checking.check(root, checking.list_files(root)).place
    decoded.clear()
    place.write_text(json.dumps(change(json.loads(place.read_text()))))
    assert len(folders.read(root).train) == 120
    assert len(decoded) == 120


def test_sizes_from_headers_are_not_remembered_as_proof_of_pixels(root, decoded):
    folders.read(root, sizing=headers.header_size)
    assert not decoded
    folders.read(root)
    assert len(decoded) == 120


def test_a_file_of_another_size_than_it_had_is_an_error_where_it_is_used(root):
    images = folders.read(root).train
    Image.new("RGB", (30, 30)).save(images.paths[0])
    with pytest.raises(DecodeError, match="has changed: it has 30 x 30 pixels, and had 16 x 20"):
        images.image(0)


def test_data_check_lists_sums_up_and_exits_by_the_share(root, capsys):
    damage(root / "cat" / "7.png")
    (root / "cat" / "8\x1b[2J\n.png").write_bytes(b"nothing")
    assert main(["data", "check", str(root)]) == 1
    said = capsys.readouterr()
    first, second, summary, *account = said.out.splitlines()
    assert not account, "what is refused is not accounted for"
    assert first.startswith("cat/7.png: decode: ")
    assert second == r"cat/8\x1b[2J\n.png: open: not an image of a known format"
    assert "121 files, 2 unreadable (1.65 %)" in summary
    assert str(root / quarantine.NAME) in summary
    assert said.err.count("\n") == 1
    assert main(["data", "check", str(root), "--bad_share", "0.02"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek", "."], "did you mean 'check'"),
        (["check", "no/thing"], "`data` must exist, got no/thing"),
        (["check", "."], "must hold image files, got none"),
        (["check", ".", "--bad_share", "2"], "`bad_share` must satisfy"),
        (["check"], "data"),
    ],
)
def test_wrong_use_of_data_check_is_one_line(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(["data", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
