"""Crops in pipelines of WebDataset."""

import io
import tarfile

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchvision.transforms import v2

import tamecrop as tc
from hosts import common

wds = common.need("webdataset")

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"


@pytest.fixture
def shards(tmp_path):
    for shard in range(2):
        with tarfile.open(tmp_path / f"{shard}.tar", "w") as file:
            for number in range(4 * shard, 4 * shard + 4):
                picture = io.BytesIO()
                common.picture(number).save(picture, "png")
                entry = tarfile.TarInfo(f"{number:06d}.png")
                entry.size = picture.tell()
                file.addfile(entry, io.BytesIO(picture.getvalue()))
    return str(tmp_path / "{0..1}.tar")


def on_image(policy=GAUSS, **settings):
    to_tensor = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    views = tc.transforms.Views(policy, 2, 24, then=to_tensor)
    settings = {"index": "__key__", "seed": 5, "boxes": "boxes"} | settings
    return tc.datasets.OnEntry(views, "png", **settings)


def pipeline(shards, step, shuffle=0):
    dataset = wds.WebDataset(shards, shardshuffle=False, empty_check=False)
    return dataset.shuffle(shuffle).decode("pil").map(step).to_tuple("__key__", "png", "boxes")


def expected(key, epoch=0):
    index = tc.datasets.index_of(key)
    return common.keyed_box(GAUSS, index, epoch=epoch, seed=5, views=2)


def check(samples, epoch=0):
    keys = set()
    for key, views, boxes in samples:
        keys.add(key)
        assert np.array_equal(boxes, expected(key, epoch))
        for view, box in zip(views, boxes, strict=True):
            cut = common.by_pillow(common.pixels(int(key)), box, 24)
            assert common.levels_apart(view.movedim(0, 2) * 255, cut) <= 1
    assert len(keys) == 8


def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = common.run_page("webdataset")
    index = tc.datasets.index_of("000000")
    boxes = tc.policy("mgcc:scale=0.4").draw((64, 96), index=[index], epoch=1)[0]
    assert np.array_equal(names["boxes"], boxes)
    assert names["first"].size == names["second"].size == (32, 32)


def test_the_example_draws_its_figure():
    assert common.run_example("webdataset").axes


def test_boxes_are_those_of_the_key_however_shuffled(shards):
    check(pipeline(shards, on_image()))
    check(pipeline(shards, on_image(), shuffle=8))
    with pytest.raises(AssertionError):
        check(pipeline(shards, on_image(index=None)))


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers_draw_the_same_and_see_the_epoch(shards, context):
    step = on_image()
    loader = DataLoader(
        pipeline(shards, step, shuffle=4),
        batch_size=None,
        num_workers=2,
        persistent_workers=True,
        multiprocessing_context=context,
    )
    for epoch in range(2):
        step.set_epoch(epoch)
        check(loader, epoch)


def test_a_crop_is_a_callable_for_map_dict(shards):
    crop = tc.transforms.Crop("rrc", 16)
    dataset = wds.WebDataset(shards, shardshuffle=False).decode("torchrgb").map_dict(png=crop)
    assert next(iter(dataset))["png"].shape == (3, 16, 16)


def test_twenty_steps_train(shards):
    step, steps = on_image("gcc:scale=0.6,sigma=0.1"), []
    for epoch in range(20):
        step.set_epoch(epoch)
        samples = [views for _, views, _ in pipeline(shards, step)]
        steps.append([torch.stack(views) for views in zip(*samples, strict=True)])
    assert common.has_learned(common.train(steps))


def test_wrong_settings_are_refused(shards):
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        on_image("gccc")
    with pytest.raises(ValueError, match="the sample lacks 'number'"):
        next(iter(pipeline(shards, on_image(index="number"))))
