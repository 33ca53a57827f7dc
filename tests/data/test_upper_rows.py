"""JPEGs of which the upper rows alone are decoded, and views that are written into a batch."""

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from reliability.test_r34_fast_decoding import FILES, PLANS, SIZES, needs_simplejpeg, saved
from tamecrop.data import scaled
from tamecrop.data.cutting import Cutting
from tamecrop.data.decode import PLAIN, decode
from tamecrop.data.images import ImageSet
from tamecrop.data.scaled import read_scaled
from tamecrop.geometry.plans import plan
from tamecrop.views.shrunk import cut_scaled, rows_for, shrink_for


@pytest.fixture(scope="module")
def photographs():
    return [Image.fromarray(load_sample_image(name)) for name in ("china.jpg", "flower.jpg")]


SEQUENTIAL = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "gray": {"mode": "L"},
}


@needs_simplejpeg
@pytest.mark.parametrize("kind", SEQUENTIAL)
def test_upper_rows_have_the_bits_of_the_whole(tmp_path, photographs, kind):
    """At least the rows that were asked for, and fewer than all where that saves any."""
    path = saved(tmp_path / "a.jpg", photographs[0].resize((323, 217)), **SEQUENTIAL[kind])
    for shrink in (1, 2, 4, 8):
        every = read_scaled(path, PLAIN, shrink)
        for rows in (1, 15, 16, 17, 100, 190, 217):
            upper = read_scaled(path, PLAIN, shrink, rows)
            given = upper.pixels.shape[1]
            wanted = -(-rows // shrink)
            assert given >= wanted
            assert given + upper.below == every.pixels.shape[1]
            assert (upper.below > 0) == (rows <= 190)
            assert torch.equal(upper.pixels[:, :wanted], every.pixels[:, :wanted]), (shrink, rows)


@needs_simplejpeg
def test_without_rows_to_mix_in_the_last_ones_differ(tmp_path, photographs, monkeypatch):
    monkeypatch.setattr(scaled, "_MIXED", 0)
    path = saved(tmp_path / "a.jpg", photographs[0].resize((323, 217)), subsampling=2)
    every, upper = (read_scaled(path, PLAIN, 1, rows).pixels for rows in (None, 96))
    assert torch.equal(upper[:, :95], every[:, :95])
    assert not torch.equal(upper[:, :96], every[:, :96])


@needs_simplejpeg
def test_other_files_are_decoded_whole(tmp_path, photographs):
    others = {kind: how for kind, how in FILES.items() if kind not in SEQUENTIAL}
    others |= {"restarts": {"restart_marker_rows": 1}, "often": {"restart_marker_blocks": 7}}
    for kind, how in others.items():
        path = saved(tmp_path / "a.jpg", photographs[0].resize((323, 217)), **how)
        assert read_scaled(path, PLAIN, 1, 16).below == 0, kind


@pytest.mark.parametrize("text", [*PLANS.values(), "2x rrc @32 + 1x gcc:border=recenter @32"])
def test_views_do_not_depend_on_the_rows_that_are_read(tmp_path, photographs, text):
    views, fewer = plan(text.replace("4x", "1x").replace("6x", "1x")), 0
    for number, size in enumerate(SIZES * 4):
        path = saved(tmp_path / "a.jpg", photographs[number % 2].resize(size))
        boxes = [group[0] for group in views.draw(decode(path).shape[1:], index=[number])]
        shrink = shrink_for(views, boxes)
        images = [read_scaled(path, PLAIN, shrink, rows) for rows in (None, rows_for(views, boxes))]
        made = [cut_scaled(image, views, boxes, fill=90) for image in images]
        assert all(map(torch.equal, *made)), size
        fewer += images[1].below > 0
    assert fewer > 0 or scaled._simplejpeg() is None or "recenter" in text


def test_a_batch_holds_the_views_of_each_file(tmp_path, photographs):
    """Also those that are not written straight into it, of content that is moved."""
    paths = [saved(tmp_path / f"{n}.jpg", photographs[n % 2].resize(SIZES[n])) for n in range(3)]
    images = ImageSet(
        sizes=np.array([decode(path).shape[1:] for path in paths]), paths=tuple(paths)
    )
    views = plan("2x rrc:scale=0.4..1 @96 + 2x gcc:scale=0.5,sigma=0.3,border=recenter @32")
    for how in ("full", "fast"):
        cutting = Cutting(views, fill=0, decode=how)
        index = np.array([2, 0, 1])
        boxes = views.draw(images.sizes[index], index=index)
        found = cutting.of_some(images, index, boxes, torch.empty)
        for row, sample in enumerate(index):
            alone = cutting.of_file(images, sample, tuple(group[row] for group in boxes))
            assert all(
                torch.equal(batch[row], one) for batch, one in zip(found, alone, strict=True)
            )
