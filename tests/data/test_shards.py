"""WebDataset shards, written here as `tar` writes them: `wds:PATTERN`."""

import hashlib
import io
import os
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tamecrop.cli import main
from tamecrop.data import header_size
from tamecrop.data.decode import decode
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.data.sources import find, load
from tamecrop.data.tar_index import expand
from tamecrop.geometry import plan
from tamecrop.members import Member, Slice, edges_of


def picture(number: int, kind: str = "png", size=(24, 20)) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (*size[::-1], 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG" if kind == "jpg" else kind.upper())
    return content.getvalue()


def sample(number: int, kind: str = "png", **more: bytes) -> list[tuple[str, bytes]]:
    key = f"pictures/{number:04d}"
    parts = {kind: picture(number, kind), "cls": str(number % 2).encode(), **more}
    return [(f"{key}.{name}", content) for name, content in parts.items() if content is not None]


def shard(path: Path, samples: list[list[tuple[str, bytes]]], *, how: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, how) as archive:
        for name, content in (entry for each in samples for entry in each):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def shards(root: Path, numbers, *, each: int = 10, name: str = "part-{:03d}.tar", kind="png"):
    numbers = list(numbers)
    for place, start in enumerate(range(0, len(numbers), each)):
        part = [sample(number, kind) for number in numbers[start : start + each]]
        shard(root / name.format(place), part)
    return f"wds:{root}"


def test_samples_are_images_with_labels_and_an_account(tmp_path):
    data = load(shards(tmp_path, range(43)))
    assert [len(each) for each in (data.train, data.validation, data.test)] == [36, 3, 4]
    assert data.classes == ("0", "1")
    assert data.account.startswith("classes: 0, 1 (2); splits: train 36, val carved from train 3,")
    for place in range(3):
        path = data.train.paths[place]
        number = int(path.stem)
        expected = np.asarray(Image.open(io.BytesIO(picture(number))))
        assert np.array_equal(data.train.image(place).permute(1, 2, 0).numpy(), expected)
        assert data.train.labels[place] == number % 2
        assert path.parent.parent.name == f"part-{number // 10:03d}.tar"


def test_the_word_for_a_split_in_names_makes_the_splits(tmp_path):
    shards(tmp_path, range(20), name="nature-train-{:05d}.tar")
    shards(tmp_path, range(20, 30), name="nature-val-{:05d}.tar")
    pattern = f"wds:{tmp_path}/nature-*-0000[0-9].tar"
    found = find(pattern)
    assert (len(found.train), len(found.validation), found.test) == (20, 10, None)
    assert find(f"wds:{tmp_path}/nature-train-{{00000..00001}}.tar").validation is None
    shards(tmp_path, range(30, 40), name="more-{:05d}.tar")
    with pytest.raises(ValueError, match=r"more-00000\.tar says no split, and that of .*train"):
        find(f"wds:{tmp_path}")


def views(images, *, workers: int = 0, epoch: int = 1, start: int = 0, rank: int = 0, world=1):
    loading = Loading(
        batch_size=8, seed=3, last="keep", workers=workers, rank=rank, world_size=world
    )
    loader = ViewLoader(images, plan("2x rrc:scale=0.3..1 @16"), loading)
    return [
        ([images.paths[place].name for place in batch.index], batch.views[0])
        for batch in loader.batches(epoch, start)
    ]


def same(one, other) -> bool:
    return [names for names, _ in one] == [names for names, _ in other] and all(
        torch.equal(a, b) for (_, a), (_, b) in zip(one, other, strict=True)
    )


def test_boxes_and_order_do_not_depend_on_how_samples_are_dealt_to_shards(tmp_path):
    """Shards of unequal length, in another order: the same batches, bit for bit."""
    numbers = list(range(30))
    one = find(shards(tmp_path / "one", numbers)).train
    dealt = np.random.default_rng(0).permutation(numbers).tolist()
    for place, part in enumerate((dealt[:3], dealt[3:20], dealt[20:])):
        shard(tmp_path / "other" / f"{place}.tar", [sample(number) for number in part])
    other = find(f"wds:{tmp_path / 'other'}").train
    assert same(views(one), views(other))
    assert not same(views(one), views(one, epoch=2))


def test_an_epoch_resumes_and_is_divided_without_loss_or_repeat(tmp_path):
    images = find(shards(tmp_path, range(30), each=7)).train
    whole = views(images)
    seen = [name for names, _ in whole for name in names]
    assert sorted(seen) == sorted(path.name for path in images.paths)
    assert same(views(images, start=2), whole[2:])
    assert same(views(images, workers=2), whole)
    parts = [views(images, rank=rank, world=3) for rank in range(3)]
    for step, (names, tensor) in enumerate(whole):
        assert [n for part in parts for n in part[step][0]] == names
        assert torch.equal(torch.cat([part[step][1] for part in parts]), tensor)


def test_a_broken_member_is_counted_and_named(tmp_path):
    samples = [sample(number) for number in range(120)]
    samples[7][0] = (samples[7][0][0], b"no picture")
    shard(tmp_path / "a.tar", samples)
    data = load(f"wds:{tmp_path}")
    assert len(data.train) + len(data.validation) + len(data.test) == 119
    (error,) = data.quarantined
    assert str(error.path).endswith("a.tar/pictures/0007.png")
    assert "left out: 1 unreadable" in data.account
    assert any("1 of 120 images cannot be read" in note for note in data.notes)
    samples[8][0] = (samples[8][0][0], b"")
    with pytest.raises(ValueError, match=r"2 of 120 images cannot be read, more than 1 %"):
        load(f"wds:{shard(tmp_path / 'b' / 'b.tar', samples)}")


def test_a_fingerprint_reads_the_edges_of_images_alone(tmp_path, monkeypatch):
    """It is the one of whole reads."""
    images = find(shards(tmp_path, range(3))).train
    whole = [edges_of(path.read_bytes(), 100) for path in images.paths]
    monkeypatch.setattr(Slice, "__call__", None)
    assert [path.edges(100) for path in images.paths] == whole
    assert len(set(whole)) == 3
    assert [len(part) for part in whole[0]] == [4, 100, 100]


def test_shards_are_remembered_as_folders_are(tmp_path, monkeypatch):
    """What changed is told, and a disk that cannot remember stops nobody."""
    text = f"wds:{shard(tmp_path / 'a' / 'a.tar', [sample(number) for number in range(20)])}"
    assert not find(text).notes
    assert not find(text).notes
    shard(tmp_path / "a" / "a.tar", [sample(number) for number in range(19)])
    assert any("1 gone, such as a.tar/pictures/0019.png" in note for note in find(text).notes)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TAMECROP_DATA", str(tmp_path / "file"))
    found = find(text)
    assert len(found.train) == 19
    assert any("will be decoded again next time" in note for note in found.notes)


def test_samples_without_image_or_label_are_counted(tmp_path):
    samples = [sample(number, seg_png=b"mask") for number in range(20)]
    samples[3] = [("pictures/0003.cls", b"1")]
    found = find(f"wds:{shard(tmp_path / 'a.tar', samples)}")
    assert len(found.train) == 19
    assert found.unread == ("19 .seg_png",)
    assert "1 samples have no image and are left out, such as pictures/0003" in found.notes
    samples[4] = sample(4, cls=None)
    found = find(f"wds:{shard(tmp_path / 'b.tar', samples)}")
    assert found.classes is None
    (why,) = found.lacking["labels"]
    assert why == "train: 1 of 19 samples have no .cls, such as pictures/0004"
    with pytest.raises(ValueError, match="no labels in every split"):
        load(f"wds:{tmp_path / 'b.tar'}", needs=("labels",))


@pytest.mark.parametrize("left", [0.3, 0.9999])
def test_a_shard_that_ends_early_is_an_error(tmp_path, left):
    path = shard(tmp_path / "a.tar", [sample(number) for number in range(20)])
    size = int(path.stat().st_size * left)
    with tarfile.open(path) as archive:
        last = archive.getmembers()[-1]
    if left > 0.9:  # the last member is whole, the end is missing
        size = -(-(last.offset_data + last.size) // 512) * 512
    os.truncate(path, size)
    with pytest.raises(ValueError, match=r"a\.tar (must be a whole tar|ends early)"):
        find(f"wds:{tmp_path}")


def test_a_shard_cut_off_after_it_was_indexed_is_named(tmp_path):
    path = shard(tmp_path / "a.tar", [sample(number) for number in range(20)])
    images = find(f"wds:{path}").train
    os.truncate(path, 5000)
    with pytest.raises(ValueError, match=r"cannot open .*0019\.png: .*a\.tar ends early"):
        images.image(19)


def test_what_is_no_plain_tar_is_refused(tmp_path):
    path = shard(tmp_path / "a.tar", [sample(1)], how="w:gz")
    with pytest.raises(ValueError, match=r"a\.tar must be a whole tar file without compression"):
        find(f"wds:{path}")
    two = [*sample(1), ("pictures/0001.jpg", picture(1, "jpg"))]
    with pytest.raises(ValueError, match=r"sample pictures/0001 must have one image, got two"):
        find(f"wds:{shard(tmp_path / 'b.tar', [two])}")
    with pytest.raises(ValueError, match=r"must hold images, got none in 1 shards"):
        find(f"wds:{shard(tmp_path / 'c.tar', [[('x.txt', b'')]])}")
    with pytest.raises(ValueError, match="must name at least one shard"):
        find(f"wds:{tmp_path}/*.nothing")


def test_patterns_count_as_wide_as_they_are_written(tmp_path):
    for name in ("t-08.tar", "t-09.tar", "t-10.tar"):
        shard(tmp_path / name, [sample(1)])
    found = expand(f"{tmp_path}/t-{{08..10}}.tar")
    assert [path.name for path in found] == ["t-08.tar", "t-09.tar", "t-10.tar"]
    with pytest.raises(ValueError, match=r"no shard .*t-11\.tar, the first of 2"):
        expand(f"{tmp_path}/t-{{08..12}}.tar")


def test_a_member_is_a_path_to_its_bytes(tmp_path):
    path = tmp_path / "some.bin"
    path.write_bytes(b"-" * 100 + picture(5, "jpg") + b"-" * 100)
    content = Slice(path, 100, len(picture(5, "jpg")))
    member = Member(path / "five.jpg", content, content.length, 12_345_678_901)
    for each in (member, pickle.loads(pickle.dumps(member))):
        assert each.read_bytes() == each.open("rb").read() == picture(5, "jpg")
        assert (each.stat().st_size, each.stat().st_mtime_ns) == (content.length, 12_345_678_901)
        assert str(each) == f"{path}/five.jpg"
        assert header_size(each) == (20, 24)
        assert decode(each).shape == (3, 20, 24)
    assert type(member.parent) is type(tmp_path)
    assert type(member.relative_to(tmp_path)) is type(tmp_path)
    with pytest.raises(ValueError, match="must be rb"):
        member.open("w")


@pytest.mark.parametrize("how", ["full", "fast"])
def test_jpegs_in_shards_are_decoded_as_in_files(tmp_path, how):
    images = find(shards(tmp_path / "in", range(12), kind="jpg")).train
    folder = tmp_path / "out"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:04d}.jpg").write_bytes(picture(number, "jpg"))
    files = find(folder).train
    loading = Loading(batch_size=12, decode=how)
    law = plan("2x rrc:scale=0.9..1 @4")
    one, other = (next(iter(ViewLoader(each, law, loading).batches(0))) for each in (images, files))
    assert torch.equal(one.views[0], other.views[0])


def test_a_second_load_decodes_nothing_again(tmp_path, monkeypatch):
    spec = shards(tmp_path, range(20))
    first = load(spec)
    monkeypatch.setattr("tamecrop.data.quarantine._seen", None)  # a call would fail
    assert load(spec).fingerprint() == first.fingerprint()


TINY = ["--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=16"]


def test_commands_work_on_shards(tmp_path, capsys):
    spec = shards(tmp_path / "data", range(40), kind="jpg")
    size = ["--training.size", "16", "--training.backbone", "resnet7w16"]
    words = ["pretrain", spec, *TINY, *size, "--policy", "rrc", "--out", str(tmp_path / "run")]
    assert main(words) == 0
    assert "data: classes: 0, 1 (2); splits: train 33" in capsys.readouterr().out
    assert main(["show", spec, "--size", "16", "--out", str(tmp_path / "views.png")]) == 0
    judged = ["audit", spec, "--policies", "gcc:scale=0.4", "--reference", "none"]
    assert main([*judged, "--out", str(tmp_path / "audit")]) == 0
    assert (tmp_path / "audit" / "audit.json").is_file()
    capsys.readouterr()
    assert main(["audit", "wds:/no/such-{0..3}.tar", "--out", str(tmp_path / "x")]) == 2
    assert "there is no shard /no/such-0.tar" in capsys.readouterr().err


THEIRS = """
import hashlib, sys, webdataset
for each in webdataset.WebDataset(sys.argv[1:], shardshuffle=False):
    print(each["__key__"], hashlib.sha256(each["png"]).hexdigest(), int(each["cls"]))
"""


def test_the_package_that_made_the_format_reads_the_same_samples(tmp_path):
    """In a process of its own: it leaves its files open."""
    pytest.importorskip("webdataset", reason="not installed")
    paths = [
        shard(tmp_path / f"{start}.tar", [sample(number) for number in range(start, start + 9)])
        for start in (0, 9)
    ]
    done = subprocess.run(
        [sys.executable, "-c", THEIRS, *map(str, paths)], capture_output=True, text=True, check=True
    )
    theirs = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    found = find(f"wds:{tmp_path}").train
    assert len(theirs) == len(found) == 18
    for place, path in enumerate(found.paths):
        digest, label = theirs[f"pictures/{path.stem}"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
        assert int(label) == found.labels[place]
