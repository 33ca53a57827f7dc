"""`data check` tells what makes data lie: the same image in two splits or classes, frames unread,
boxes that are no corners."""

import numpy as np
import pytest
from PIL import Image

from tamecrop.cli import main
from tamecrop.data.sources import load


def pixels(seed):
    return np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)


def fill(root, names, *, first=0, suffix="png"):
    for place, name in enumerate(names):
        path = root / f"{name}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(first + place)).save(path)


def said(root, capsys):
    capsys.readouterr()
    assert main(["data", "check", str(root)]) == 0
    return capsys.readouterr().out


def test_images_that_two_splits_have_are_told(tmp_path, capsys):
    fill(tmp_path, [f"train/{kind}/{n}" for kind in "ab" for n in range(6)])
    assert "also in" not in said(tmp_path, capsys)
    fill(tmp_path, [f"val/{kind}/x{n}" for kind in "ab" for n in range(3)], first=100)
    assert "also in" not in said(tmp_path, capsys)
    fill(tmp_path, [f"val/a/y{n}" for n in range(2)])
    out = said(tmp_path, capsys)
    one, other = tmp_path / "train" / "a" / "0.png", tmp_path / "val" / "a" / "y0.png"
    assert f"2 val images are also in train, such as {one} and {other}" in out


def test_images_with_two_labels_are_told(tmp_path, capsys):
    fill(tmp_path, [f"{kind}/{n}" for kind in "ab" for n in range(6)])
    fill(tmp_path, ["b/copy"])
    out = said(tmp_path, capsys)
    assert f"1 train images are in another class too, such as {tmp_path / 'a' / '0.png'}" in out
    fill(tmp_path, ["a/copy"])  # in the same class too: nothing new to say of that one
    assert "1 train images are in another class too" in said(tmp_path, capsys)


def test_files_of_equal_edges_are_read_whole(tmp_path, capsys):
    for split in ("train", "val"):
        for n in range(4):
            image = np.zeros((80, 80, 3), np.uint8)
            image[40, 40] = n + 4 * (split == "val")
            (tmp_path / split).mkdir(exist_ok=True)
            Image.fromarray(image).save(tmp_path / split / f"{n}.bmp")
    assert "also in" not in said(tmp_path, capsys)


def test_an_archive_is_looked_at_too(tmp_path, capsys):
    images = np.stack([pixels(n) for n in range(20)])
    arrays = {"train_images": images, "test_images": images[4:6]}
    np.savez(tmp_path / "a.npz", **arrays)
    out = said(tmp_path / "a.npz", capsys)
    assert "2 test images are also in train, such as train_images[4] and test_images[0]" in out


@pytest.mark.parametrize("suffix", ["gif", "tif", "webp"])
def test_frames_that_are_not_read_are_told(tmp_path, capsys, suffix):
    fill(tmp_path, range(4), suffix=suffix)
    assert "several frames" not in said(tmp_path, capsys)
    first, *others = (Image.fromarray(pixels(n)) for n in range(3))
    first.save(tmp_path / f"z.{suffix}", save_all=True, append_images=others)
    told = "1 files hold several frames or pages, of which the first is read, such as"
    assert f"{told} {tmp_path / 'z'}.{suffix}, of 3" in said(tmp_path, capsys)


def test_boxes_of_an_archive_that_are_no_corners_are_refused(tmp_path):
    images = np.stack([pixels(n) for n in range(20)])
    boxes = np.tile([8, 8, 4, 4], (20, 1))
    np.savez(tmp_path / "a.npz", train_images=images, train_boxes=boxes)
    with pytest.raises(
        ValueError, match=r"x1, y1, x2, y2, got \[8, 8, 4, 4\]: are they x, y, width"
    ):
        load(tmp_path / "a.npz")
    assert len(load(tmp_path / "a.npz", needs=("pixels",)).train) > 10


def test_an_archive_of_no_images_says_so(tmp_path):
    np.savez(tmp_path / "a.npz", train_images=np.zeros((0, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="`train_images` must hold images, got uint8"):
        load(tmp_path / "a.npz")
