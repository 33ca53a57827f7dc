"""Folders of parquet files, written here by the `datasets` package and streamed: `hf:PATH`."""

import pickle
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from data.tables import picture, table
from tamecrop.cli import main
from tamecrop.data import arrow, loader, parquet
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.data.sources import find, load
from tamecrop.geometry import keys, plan

pytest.importorskip("datasets", reason="the extra `hf` is not installed")
pyarrow = pytest.importorskip("pyarrow")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of the package

FILES = ((0, 3), (3, 20), (20, 33))


def write(folder: Path, ends=FILES, *, rows: int = 4, name="train-{:05d}-of-00003.parquet", **more):
    """Files of unequal length, with row groups of few rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, (first, last) in enumerate(ends):
        file = folder / name.format(place)
        table(range(first, last), **more).to_parquet(file, batch_size=rows)
    return f"hf:{folder}"


@pytest.fixture
def reads(monkeypatch):
    """How often each row group was read."""
    read, counted = parquet._read, Counter()

    def watched(group, column):
        counted[group.file.name, group.number] += 1
        return read(group, column)

    parquet._HELD.clear()
    monkeypatch.setattr(parquet, "_read", watched)
    return counted


@pytest.fixture
def narrow(monkeypatch):
    """Room for three or four row groups, of the ten that there are."""
    for room in (loader, parquet):
        monkeypatch.setattr(room, "HELD", 4 * 4 * len(picture(0)))


def batches(images, *, workers=0, start=0, rank=0, world=1, epoch=1, seed=3):
    loading = Loading(
        batch_size=6, seed=seed, last="keep", workers=workers, rank=rank, world_size=world
    )
    made = ViewLoader(images, plan("2x rrc:scale=0.3..1 @16"), loading)
    return [
        ([int(images.paths[place].name) for place in batch.index], batch.boxes[0], batch.views[0])
        for batch in made.batches(epoch, start)
    ]


def same(one, other) -> bool:
    return [names for names, *_ in one] == [names for names, *_ in other] and all(
        torch.equal(a, b) for (*_, a), (*_, b) in zip(one, other, strict=True)
    )


def test_rows_of_all_files_are_one_table(tmp_path, reads):
    found = find(write(tmp_path))
    assert len(reads) == 10
    assert set(reads.values()) == {1}
    for row in (0, 3, 19, 32):
        assert found.train.paths[row].read_bytes() == picture(row)
    assert found.classes == ("cat", "dog")
    assert found.train.labels.tolist() == [row % 2 for row in range(33)]
    reads.clear()
    assert len(find(f"hf:{tmp_path}").train) == 33
    assert not reads


def test_a_set_that_may_be_held_is_shuffled_whole(tmp_path):
    images = find(write(tmp_path)).train
    order = [name for names, *_ in batches(images) for name in names]
    assert order == keys.permutation(33, seed=3, epoch=1).tolist()


def test_an_epoch_streams_each_row_group_once(tmp_path, narrow, reads):
    images = find(write(tmp_path)).train
    reads.clear()
    parquet._HELD.clear()
    whole = batches(images)
    order = [name for names, *_ in whole for name in names]
    assert sorted(order) == list(range(33))
    assert len(reads) == 10
    assert set(reads.values()) == {1}
    assert order != [name for names, *_ in batches(images, epoch=2) for name in names]
    assert order != [name for names, *_ in batches(images, seed=4) for name in names]
    jumps = np.abs(np.diff(order))  # shuffled within what is held, not only by row group
    assert (jumps > 4).mean() > 0.3


def test_an_epoch_resumes_and_is_divided_without_loss_or_repeat(tmp_path, narrow):
    images = find(write(tmp_path)).train
    whole = batches(images)
    assert same(batches(images, start=2), whole[2:])
    assert same(batches(images, workers=2), whole)
    parts = [batches(images, rank=rank, world=3, workers=rank) for rank in range(3)]
    for step, (names, _, tensor) in enumerate(whole):
        assert [name for part in parts for name in part[step][0]] == names
        assert torch.equal(torch.cat([part[step][2] for part in parts]), tensor)


def test_boxes_do_not_depend_on_how_rows_are_dealt_to_files(tmp_path, narrow):
    one = find(write(tmp_path / "one")).train
    other = find(write(tmp_path / "other", ((0, 25), (25, 33)), rows=7)).train
    each = [
        {
            name: box.tolist()
            for names, boxes, _ in batches(images)
            for name, box in zip(names, boxes, strict=True)
        }
        for images in (one, other)
    ]
    assert each[0] == each[1]
    assert not same(batches(one), batches(other))


def test_rows_are_pickled_for_workers_that_are_spawned(tmp_path):
    path = find(write(tmp_path)).train.paths[20]
    assert pickle.loads(pickle.dumps(path)).read_bytes() == picture(20)


def test_a_fingerprint_reads_no_image_and_tells_any_change(tmp_path, reads):
    data = load(write(tmp_path / "one"))
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    copied = load(f"hf:{tmp_path / 'copy'}")
    reads.clear()
    assert data.fingerprint() == copied.fingerprint()
    assert not reads
    file = tmp_path / "copy" / "train-00001-of-00003.parquet"
    content = bytearray(file.read_bytes())
    place = content.index(picture(9)) + 200  # in the pixels, far from both ends
    content[place] ^= 1
    file.write_bytes(content)
    one, other = (
        find(f"hf:{tmp_path / name}", sizing=lambda _: (20, 24)).train.paths
        for name in ("one", "copy")
    )
    changed = [row for row in range(33) if one[row].edges(16) != other[row].edges(16)]
    assert changed == [7, 8, 9, 10]  # those of its row group


def test_a_file_that_ends_early_is_named_before_any_work(tmp_path, reads):
    text = write(tmp_path)
    for place in (0, 2):
        file = tmp_path / f"train-{place:05d}-of-00003.parquet"
        file.write_bytes(file.read_bytes()[:-100])
    rule = r"train-00000-of-00003\.parquet must be a whole parquet file: .*and 1 more"
    with pytest.raises(ValueError, match=rule):
        find(text)
    assert not reads


def test_damage_inside_is_counted_and_named(tmp_path):
    text = write(tmp_path, ((0, 300),), rows=2, name="train.parquet")
    file = tmp_path / "train.parquet"
    content = bytearray(file.read_bytes())
    place = content.index(picture(7))
    content[place : place + 20] = bytes(20)
    file.write_bytes(content)
    found = find(text)
    assert len(found.train) == 299
    assert "train/000000007: not an image of a known format" in str(found.quarantined[0])
    assert found.train.labels[7] == 0  # that of row 8


def test_a_row_without_an_image_is_counted_and_named(tmp_path):
    found = find(write(tmp_path, ((0, 120),), broken=(7,)))
    assert len(found.train) == 119
    assert "train/000000007: the row holds no image" in str(found.quarantined[0])


def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path):
    images = find(write(tmp_path)).train
    parquet._HELD.clear()
    table(range(50, 53)).to_parquet(tmp_path / "train-00000-of-00003.parquet")
    with pytest.raises(ValueError, match=r"train/000000001: .*00000-of-00003\.parquet has changed"):
        images.image(1)


def test_folders_name_splits_too(tmp_path):
    write(tmp_path / "default" / "train", name="{:04d}.parquet")
    write(tmp_path / "default" / "test", ((40, 45),), name="{:04d}.parquet")
    found = find(f"hf:{tmp_path}")
    assert (len(found.train), len(found.test), found.validation) == (33, 5, None)
    assert found.test.paths[0].read_bytes() == picture(40)
    write(tmp_path, ((0, 2),), name="more.parquet")
    with pytest.raises(ValueError, match=r"more\.parquet says no split, and that of .*0000"):
        find(f"hf:{tmp_path}")


def test_what_is_unclear_is_refused(tmp_path):
    write(tmp_path, ((0, 2),), name="test.parquet")
    with pytest.raises(ValueError, match="must have a train split, got test"):
        find(f"hf:{tmp_path}")
    write(tmp_path / "two")
    table(range(3)).remove_columns("image").to_parquet(tmp_path / "two" / "train-x.parquet")
    rule = r"train-x\.parquet must have the column image, as .*00000-of-00003"
    with pytest.raises(ValueError, match=rule):
        find(f"hf:{tmp_path / 'two'}")


@pytest.mark.parametrize("shape", ["bytes", "struct"])
def test_images_that_no_package_declared_are_found(tmp_path, shape):
    """As pandas and others write them: bytes, or bytes with a path."""
    each = [picture(row) for row in range(20)]
    image = each if shape == "bytes" else [{"bytes": one, "path": "a.png"} for one in each]
    columns = {"image": image, "mask": each, "label": ["cat", "dog"] * 10}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet", row_group_size=6)
    found = find(f"hf:{tmp_path}")
    assert found.train.paths[13].read_bytes() == each[13]
    assert found.train.labels.tolist() == [0, 1] * 10
    assert "not read: column mask" in found.account
    columns = {"left": each, "right": each}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="must have one column of images, got left, right"):
        find(f"hf:{tmp_path}")


def test_row_groups_that_take_much_memory_are_said(tmp_path, monkeypatch):
    text = write(tmp_path)
    assert not any("row groups" in note for note in find(text).notes)
    monkeypatch.setattr(arrow, "HELD", 1000)
    assert any("row groups of up to 0 MiB" in note for note in find(text).notes)


def test_commands_take_it(tmp_path, capsys):
    text = write(tmp_path / "t")
    assert main(["data", "check", text]) == 0
    assert "33 images, 0 unreadable" in capsys.readouterr().out
    words = ["audit", text, "--policies", "gcc:scale=0.4", "--reference", "none"]
    assert main([*words, "--out", str(tmp_path / "audit")]) == 0
    words = (
        "--policy rrc --training.method simclr --training.backbone resnet10w16 --training.size 16"
    )
    more = "--training.epochs 2 --training.batch_size 8 --training.workers 1 --images null"
    assert (
        main(["pretrain", text, *words.split(), *more.split(), "--out", str(tmp_path / "r")]) == 0
    )
