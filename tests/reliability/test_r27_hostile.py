"""R27: hostile files are refused, and nothing in them is executed; see `test_r27_source.py` too."""

import hashlib
import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import tamecrop as tc
from tamecrop.cli import main
from tamecrop.data import bands, folders
from tamecrop.data.decode import decode
from tamecrop.data.sources import load
from tamecrop.learning import checkpoint
from tamecrop.learning.checkpoint import Checkpoint

MARK = "executed-by-a-hostile-file"


class Payload:
    """Writes a file when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (MARK,)


def npy(header):
    """The bytes of an array file with any header."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"\0" * 192


def described(shape, kind="|u1"):
    return f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def archive_with(header, name="train_images.npy"):
    return lambda folder: zipped(folder / "a.npz", {name: npy(header)})


def object_arrays(folder):
    images = np.empty(4, dtype=object)
    images[:] = Payload()
    np.savez(folder / "a.npz", train_images=images)
    return folder / "a.npz"


def object_classes(folder):
    images = np.zeros((40, 8, 8, 3), dtype=np.uint8)
    classes = np.array([Payload(), Payload()], dtype=object)
    np.savez(folder / "a.npz", train_images=images, train_labels=np.arange(40) % 2, classes=classes)
    return folder / "a.npz"


def written(name, content):
    def make(folder):
        (folder / name).write_bytes(content)
        return folder / name

    return make


def unpacking_to_more_than_memory(folder):
    zeros = io.BytesIO()
    np.save(zeros, np.zeros((4000, 32, 32, 3), dtype=np.uint8))
    return zipped(folder / "a.npz", {"train_images.npy": zeros.getvalue()})


def png(*chunks):
    content = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        content += struct.pack(">I", len(body)) + kind + body
        content += struct.pack(">I", zlib.crc32(kind + body))
    return content


def header(width, height):
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


def pipe(folder):
    os.mkfifo(folder / "a.png")
    return folder


def boxes_of(line):
    def make(folder):
        (folder / "images").mkdir()
        (folder / "labels").mkdir()
        Image.new("RGB", (8, 8)).save(folder / "images" / "a.png")
        (folder / "labels" / "a.txt").write_bytes(line)
        return folder

    return make


def resealed(change):
    """A checkpoint of which a file was changed, and its checksum with it."""

    def make(folder):
        tensors = {"w": torch.zeros(2)}
        checkpoint.save(folder, Checkpoint(tensors, tensors, {"step": 1}), step=1)
        (place,) = folder.glob("step-*")
        manifest = json.loads((place / "manifest.json").read_text())
        name, content = change(place)
        (place / name).write_bytes(content)
        if name in manifest["sha256"]:
            manifest["sha256"][name] = hashlib.sha256(content).hexdigest()
            (place / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return make


def torch_file(_):
    file = io.BytesIO()
    torch.save(Payload(), file)
    return "weights.safetensors", file.getvalue()


def escaping_manifest(place):
    manifest = json.loads((place / "manifest.json").read_text())
    manifest["sha256"] = {"../../secret": "0" * 64}
    return "manifest.json", json.dumps(manifest).encode()


def config(text):
    return written("config.yaml", text.encode())


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(9 * [f'*{before}'])}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

HOSTILE = {
    "an array of pickled objects": (object_arrays, load),
    "pickled class names": (object_classes, load),
    "a pickle named .npz": (written("a.npz", pickle.dumps(Payload())), load),
    "an array file named .npz": (written("a.npz", npy(described((8, 8)))), load),
    "code in an array's header": (archive_with(f"__import__('os').mkdir('{MARK}')"), load),
    "an array of petabytes": (archive_with(described((10**9, 1000, 1000, 3))), load),
    "an array of negative size": (archive_with(described((-4, 8, 8))), load),
    "a deep header": (archive_with(9000 * "(" + 9000 * ")"), load),
    "an archive beyond memory": (unpacking_to_more_than_memory, load),
    "a name that climbs out": (archive_with(described((1, 8, 8, 3)), "../../up.npy"), load),
    "PostScript named .png": (
        written("a.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"),
        decode,
    ),
    "a picture of 900 million pixels": (written("a.png", png(header(30_000, 30_000))), decode),
    "a text that unpacks to 200 MB": (
        written(
            "a.png",
            png(
                header(4, 4), (b"zTXt", b"k\0\0" + zlib.compress(bytes(2 * 10**8))), (b"IEND", b"")
            ),
        ),
        decode,
    ),
    "a TIFF whose size overflows": (
        written(
            "a.tiff",
            b"II*\0\x08\0\0\0\x02\0"
            + struct.pack("<HHIIHHII", 256, 4, 1, 2**32 - 1, 257, 4, 1, 2**32 - 1)
            + bytes(4),
        ),
        decode,
    ),
    "a pipe named .png": (pipe, folders.read),
    "boxes of infinite size": (boxes_of(b"0 1e308 0.5 0.2 0.2\n"), load),
    "boxes that are no text": (boxes_of(b"\xff\xfe\x00__import__('os')"), load),
    "a torch file for weights": (resealed(torch_file), checkpoint.latest),
    "weights with an endless header": (
        resealed(lambda _: ("weights.safetensors", struct.pack("<Q", 2**62) + b"{}")),
        checkpoint.latest,
    ),
    "a manifest that climbs out": (resealed(escaping_manifest), checkpoint.latest),
    "a YAML tag that calls": (
        config(f'data: !!python/object/apply:os.mkdir ["{MARK}"]\n'),
        "compare",
    ),
    "a YAML tag that imports": (config("policies: !!python/name:os.system\n"), "compare"),
    "a class path": (
        config(f"training:\n  class_path: os.mkdir\n  init_args:\n    path: {MARK}\n"),
        "compare",
    ),
    "a YAML bomb": (config(BOMB), "compare"),
}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """The payloads leave their mark in the working folder; an archive may unpack to 5 MB."""
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    monkeypatch.setattr(bands, "_memory", lambda: 10**7)


def marked():
    return Path(MARK).exists()


def refusal(name, folder, capsys):
    """What is said of a hostile file in one line."""
    make, use = HOSTILE[name]
    path = make(folder)
    if use == "compare":
        assert main(["compare", "--config", str(path), "--out", str(folder / "out")]) == 2
        return capsys.readouterr().err.rstrip("\n")
    with pytest.raises(ValueError, match=r"\S") as refused:
        use(path)
    return " ".join(str(refused.value).split())


def test_hostile_files_are_refused_and_not_executed(tmp_path, capsys, record):
    for number, name in enumerate(HOSTILE):
        folder = tmp_path / str(number)
        folder.mkdir()
        said = refusal(name, folder, capsys)
        assert "\n" not in said, name
        assert "Traceback" not in said, name
        assert not marked(), name
    assert len(HOSTILE) == 24
    record("R27", "24/24 refused, nothing executed", n=24, refused=24, executed=0)


@pytest.mark.parametrize(
    "trusting",
    [
        lambda: np.load(object_arrays(Path()), allow_pickle=True)["train_images"],
        lambda: pickle.loads(pickle.dumps(Payload())),
        lambda: yaml.unsafe_load(f'!!python/object/apply:os.mkdir ["{MARK}"]'),
    ],
    ids=["an array", "a pickle", "a YAML tag"],
)
def test_the_payloads_do_harm_to_who_trusts_them(trusting):
    trusting()
    assert marked()


def test_a_text_of_a_law_is_never_code():
    for law in (f"rc:scale=__import__('os').mkdir('{MARK}')", "rc:__class__=1", "os.system"):
        with pytest.raises(ValueError, match=r"must satisfy|known"):
            tc.policy(law)
    assert not marked()
