"""K3: a verdict of the moment is no property of a file. K4: data is what its fingerprint says."""

import builtins
import errno
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamecrop.audit import checking
from tamecrop.cli import main
from tamecrop.data import decode, folders, quarantine
from tamecrop.data.headers import header_size
from tamecrop.data.sources import load
from tamecrop.learning import run_folder


def fill(root, *places, count=20, size=(12, 8)):
    for place in places:
        (root / place).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.new("RGB", size, (number, 0, 0)).save(root / place / f"{number}.png")
    return root


def failing(monkeypatch, name, number, *, times):
    """Opening a file, named by the end of its path, fails with an error of the system, some times.

    One file: threads read, and two of one name would share the failures as they come.
    """
    left = [times]
    whole, pathlib_open = builtins.open, Path.open

    def check(path):
        if f"/{path}".endswith(f"/{name}") and left[0] > 0:
            left[0] -= 1
            raise OSError(number, os.strerror(number), str(path))

    def opened(file, *args, **options):
        check(file)
        return whole(file, *args, **options)

    def path_opened(self, *args, **options):
        check(self)
        return pathlib_open(self, *args, **options)

    monkeypatch.setattr(builtins, "open", opened)
    monkeypatch.setattr(io, "open", opened)
    monkeypatch.setattr(Path, "open", path_opened)
    return left


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE, errno.EMFILE])
@pytest.mark.parametrize("sizing", [quarantine.decoded_size, header_size])
def test_an_error_of_the_system_is_not_remembered(tmp_path, monkeypatch, number, sizing):
    root = fill(tmp_path / "ds", "cat", "dog", count=60)
    with monkeypatch.context() as broken:
        failing(broken, "cat/7.png", number, times=2)
        found = folders.read(root, sizing=sizing)
        assert [error.path.name for error in found.quarantined] == ["7.png"]
        assert "7.png" in found.notes[-1]
    found = folders.read(root, sizing=sizing)
    assert not found.quarantined
    assert len(found.train) == 120


def test_one_failure_is_tried_again_at_once(tmp_path, monkeypatch):
    root = fill(tmp_path / "ds", ".", count=120)
    with monkeypatch.context() as broken:
        left = failing(broken, "7.png", errno.EIO, times=1)
        assert len(folders.read(root).train) == 120
    assert left == [0]


def test_a_checks_memory_holds_no_error_of_the_system(tmp_path, monkeypatch):
    root = fill(tmp_path / "ds", ".", count=120)
    (root / "3.png").write_bytes(b"nothing")
    with monkeypatch.context() as broken:
        failing(broken, "7.png", errno.EIO, times=9)
        found = checking.check(root, checking.list_files(root), bad_share=0.5)
    assert [line.split(":")[0] for line in found.lines] == ["3.png", "7.png"]
    stored = json.loads((root / quarantine.NAME).read_text())
    assert [row[0] for row in stored["unreadable"]] == ["3.png"]


def test_a_file_that_was_unreadable_is_looked_at_again(tmp_path):
    """Another Pillow plug-in, another limit: the file is the same, and readable now."""
    root = fill(tmp_path / "ds", ".", count=120)
    path = root / "3.png"
    whole, times = path.read_bytes(), path.stat()
    path.write_bytes(whole[:40].ljust(len(whole), b"x"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert len(folders.read(root).quarantined) == 1
    path.write_bytes(whole)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert not folders.read(root).quarantined


def test_a_passing_error_is_told_from_a_damaged_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"nothing")
    with pytest.raises(decode.DecodeError) as damaged:
        decode.decode(path)
    assert not damaged.value.is_passing
    failing(monkeypatch, "a.png", errno.EIO, times=1)
    with pytest.raises(decode.DecodeError, match="Input/output error") as passing:
        decode.decode(path)
    assert passing.value.is_passing


def test_the_limit_of_pixels_is_an_option_and_remembered(tmp_path, monkeypatch, capsys):
    root = fill(tmp_path / "ds", "a", "b", count=20, size=(40, 30))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(ValueError, match=r"40 of 40 files cannot be read.*(500|limit)"):
        load(root)
    data = load(root, most_pixels=1200)
    assert len(data.train) == 33
    assert data.train.image(0).shape == (3, 30, 40), "decoding knows the limit too"
    assert data.train.resident(8).pixels.shape == (33, 3, 8, 8)
    assert len(load(root).train) == 33, "what was accepted stays accepted"
    with pytest.raises(ValueError, match=r"more than 1199 pixels"):
        load(root, most_pixels=1199)
    assert main(["data", "check", str(root), "--most_pixels", "1199"]) == 1
    capsys.readouterr()
    assert main(["data", "check", str(root), "--most_pixels", "2000"]) == 0
    assert len(load(root).train) == 33
    assert Image.MAX_IMAGE_PIXELS == 500, "the process's own limit is untouched"


@pytest.mark.parametrize(
    "suffix", ["png", "jpg", "gif", "bmp", "tiff", "webp", "ppm", "tga", "pcx", "jp2", "sgi"]
)
def test_every_format_is_opened_beyond_pillows_limit(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.arange(2700, dtype=np.uint32).astype(np.uint8).reshape(30, 30, 3)).save(path)
    pixels = decode.decode(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(decode.DecodeError, match="pixels"):
        decode.decode(path)
    assert decode.decode(path, decode.Decoding(most_pixels=900)).equal(pixels)
    assert header_size(path, 900) == (30, 30)
    with pytest.raises(decode.DecodeError, match="more than 899 pixels"):
        decode.decode(path, decode.Decoding(most_pixels=899))


FEW = [
    "--policy", "rc:scale=0.6", "--training.epochs=1", "--training.warmup_epochs=0",
    "--training.batch_size=8", "--training.photometric=none", "--images=16",
]  # fmt: skip


def test_the_same_data_under_every_name_is_the_same_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    root = fill(Path("d/g2"), "cat", "dog")
    assert main(["pretrain", "d/g2/", *FEW, "--out", "run"]) == 0
    for name in ("d/g2", "./d/g2", "d//g2", str(root.resolve()), "d/../d/g2"):
        assert main(["pretrain", name, *FEW, "--out", "run"]) == 0, capsys.readouterr().err
    Path("linked").symlink_to("d/g2")
    shutil.move("d/g2", "elsewhere")
    Path("linked").unlink()
    Path("linked").symlink_to("elsewhere")
    for name in ("elsewhere", "linked"):
        assert main(["pretrain", name, *FEW, "--out", "run"]) == 0, capsys.readouterr().err
    fill(Path("elsewhere"), "cat", size=(12, 9))
    assert main(["pretrain", "elsewhere", *FEW, "--out", "run"]) == 2
    assert "`fingerprint` is" in capsys.readouterr().err


def test_a_study_knows_its_data_under_another_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fill(Path("ds"), "cat", "dog", count=30)
    words = ["--policies", "rc:scale=0.5", *FEW[2:], "--seeds=1", "--out", "study"]
    assert main(["compare", "ds", *words]) == 0, capsys.readouterr().err
    assert main(["compare", "./ds/", *words]) == 0, capsys.readouterr().err


def test_names_and_descriptions_alone_are_no_difference():
    there = {"data": "d/g2", "fingerprint": "a", "seed": 0}
    run_folder.refuse_other(there, {**there, "data": "x", "account": "y"}, where=Path("run"))
    with pytest.raises(ValueError, match="`fingerprint` is a there and b here"):
        run_folder.refuse_other(there, {**there, "fingerprint": "b"}, where=Path("run"))


def test_names_are_bytes(tmp_path, capsys):
    latin = os.fsdecode("caf\u00e9".encode("latin-1"))
    try:
        fill(tmp_path / "ds", latin, "dog")
        shutil.copy(tmp_path / "ds" / "dog" / "0.png", tmp_path / "ds" / "dog" / f"{latin}.png")
    except OSError:
        pytest.skip("this disk takes UTF-8 names only")
    root = tmp_path / "ds"
    data = load(root)
    assert data.classes == (r"caf\xe9", "dog")
    assert len(data.fingerprint()) == 64
    (root / latin / "1.png").write_bytes(b"nothing")
    assert main(["data", "check", str(root), "--bad_share", "0.5"]) == 0
    assert r"\udce9/1.png" in capsys.readouterr().out
    assert len(load(root).quarantined) == 1
    assert main(["pretrain", str(root), *FEW, "--out", str(tmp_path / "run")]) == 0
    moved = tmp_path / latin
    shutil.move(root, moved)
    assert main(["pretrain", str(moved), *FEW, "--out", str(tmp_path / "run")]) == 0
    assert main(["runs", str(tmp_path)]) == 0


def test_a_fingerprint_is_of_bytes_not_of_spelling(tmp_path):
    """Two names that are one text in some encoding are two files."""
    for number, name in enumerate((b"\xc3\xa9", b"\xe9")):
        folder = os.fsencode(tmp_path / str(number))
        os.makedirs(folder + b"/a")
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(
            os.fsdecode(folder + b"/a/" + name) + ".png"
        )
    found = [folders.read(tmp_path / str(number)).train for number in range(2)]
    assert found[0].paths[0].name != found[1].paths[0].name
