"""Hugging Face data sets on disk, written here by the `datasets` package: `hf:PATH`."""

import io
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from data.tables import picture, table
from tamecrop.cli import main
from tamecrop.data import arrow
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.data.sources import find, load
from tamecrop.geometry import plan
from tamecrop.members import edges_of

datasets = pytest.importorskip("datasets", reason="the extra `hf` is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of the package


def test_a_saved_data_set_brings_splits_classes_and_an_account(tmp_path):
    words = ["a"] * 30
    splits = {"train": table(range(30), words=words), "validation": table(range(30, 40))}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    data = load(f"hf:{tmp_path / 'saved'}")
    assert (data.classes, len(data.train), len(data.validation)) == (("cat", "dog"), 27, 10)
    assert "not read: column words" in data.account
    for place in (0, 5):
        number = int(data.train.paths[place].name)
        expected = np.asarray(Image.open(io.BytesIO(picture(number))))
        assert np.array_equal(data.train.image(place).permute(1, 2, 0).numpy(), expected)
        assert data.train.labels[place] == number % 2


def test_one_table_is_train(tmp_path):
    table(range(20)).save_to_disk(tmp_path / "t")
    found = find(f"hf:{tmp_path / 't'}")
    assert len(found.train) == 20
    assert found.validation is None
    assert found.train.labels.tolist() == [number % 2 for number in range(20)]


def test_a_set_that_was_looked_at_is_opened_without_reading_an_image(tmp_path, monkeypatch):
    folder = tmp_path / "t"
    read, names = datasets.Dataset.__getitem__, []

    def watched(rows, key):
        names.extend([key] if isinstance(key, int) else [])
        return read(rows, key)

    monkeypatch.setattr(datasets.Dataset, "__getitem__", watched)
    table(range(20)).save_to_disk(folder)
    first = find(f"hf:{folder}")
    assert sorted(set(names)) == list(range(20))
    names.clear()
    again = find(f"hf:{folder}")
    assert names == []
    assert [*map(str, again.train.paths)] == [*map(str, first.train.paths)]
    assert [path.stat().st_size for path in again.train.paths] == [
        len(picture(number)) for number in range(20)
    ]
    table(range(5, 25)).save_to_disk(folder)
    other = find(f"hf:{folder}")
    assert len(set(names)) == 20
    assert "20 changed" in " ".join(other.notes)
    assert other.train.paths[0].read_bytes() == picture(5)


def test_a_fingerprint_reads_the_edges_of_images_alone(tmp_path, monkeypatch):
    """It is the one of whole reads, and of a copy of the set."""
    for name in ("one", "other"):
        table(range(20)).save_to_disk(tmp_path / name)
    whole = [(path, edges_of(path.read_bytes(), 16)) for path in paths_of(tmp_path / "one")]
    assert [path.edges(16) for path, _ in whole] == [edges for _, edges in whole]
    data = [load(f"hf:{tmp_path / name}") for name in ("one", "other")]
    monkeypatch.setattr(arrow._Cell, "__call__", None)
    assert data[0].fingerprint() == data[1].fingerprint()


def paths_of(folder):
    return find(f"hf:{folder}").train.paths


def test_workers_give_the_batches_of_one_process(tmp_path):
    table(range(20)).save_to_disk(tmp_path / "t")
    images = find(f"hf:{tmp_path / 't'}").train

    def batches(workers):
        loading = Loading(batch_size=8, workers=workers)
        return [b.views[0] for b in ViewLoader(images, plan("2x rrc @8"), loading).batches(0)]

    for one, other in zip(batches(0), batches(2), strict=True):
        assert torch.equal(one, other)
    again = pickle.loads(pickle.dumps(images.paths[3]))
    assert again.read_bytes() == images.paths[3].read_bytes() == picture(3)


def test_a_row_without_an_image_is_counted_and_named(tmp_path):
    table(range(120), broken=(7,)).save_to_disk(tmp_path / "t")
    found = find(f"hf:{tmp_path / 't'}")
    assert len(found.train) == 119
    assert found.train.labels[7] == 0  # that of row 8
    assert "train/000000007: the file is empty" in str(found.quarantined[0])
    table(range(120), broken=(7, 8)).save_to_disk(tmp_path / "two")
    with pytest.raises(ValueError, match="2 of 120 images cannot be read, more than 1 %"):
        find(f"hf:{tmp_path / 'two'}")


def test_what_is_unclear_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must name a folder"):
        find(f"hf:{tmp_path / 'nothing'}")
    with pytest.raises(ValueError, match=r"must hold a saved data set or \.parquet files"):
        find(f"hf:{tmp_path}")
    datasets.Dataset.from_dict({"x": [1]}).save_to_disk(tmp_path / "x")
    with pytest.raises(ValueError, match="train must have one column of images, got none"):
        find(f"hf:{tmp_path / 'x'}")
    datasets.DatasetDict({"test": table(range(3))}).save_to_disk(tmp_path / "only")
    with pytest.raises(ValueError, match="must have a train split, got test"):
        find(f"hf:{tmp_path / 'only'}")


def test_a_table_is_audited(tmp_path):
    table(range(20)).save_to_disk(tmp_path / "t")
    words = ["audit", f"hf:{tmp_path / 't'}", "--policies", "gcc:scale=0.4", "--reference", "none"]
    assert main([*words, "--out", str(tmp_path / "audit")]) == 0


def test_objects_and_plain_labels_are_read(tmp_path, capsys):
    boxes = [[[4.0, 2, 10, 5]] * (n % 3) for n in range(20)]
    objects = [{"bbox": datasets.Sequence(datasets.Value("float32"), length=4)}]
    kinds = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.Value("string"),
            "objects": objects,
        }
    )
    values = {
        "image": [{"bytes": picture(n), "path": None} for n in range(20)],
        "label": ["dog" if n % 2 else "cat" for n in range(20)],
        "objects": [[{"bbox": row} for row in each] for each in boxes],
    }
    datasets.Dataset.from_dict(values, features=kinds).save_to_disk(tmp_path / "t")
    found = find(f"hf:{tmp_path / 't'}")
    assert found.classes == ("cat", "dog")
    assert found.train.labels.tolist() == [n % 2 for n in range(20)]
    assert [len(each) for each in found.train.boxes] == [n % 3 for n in range(20)]
    assert found.train.boxes[1].tolist() == [[4, 2, 14, 7]]
    assert "object boxes: 13 of 20 images" in found.account
    assert "not read" not in found.account
    assert main(["data", "check", f"hf:{tmp_path / 't'}"]) == 0
    assert "20 images, 0 unreadable" in capsys.readouterr().out
