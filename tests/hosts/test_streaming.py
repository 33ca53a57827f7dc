"""Crops in data sets of MosaicML Streaming."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchvision.transforms import v2

import tamecrop as tc
from hosts import common

streaming = common.need("streaming")
from tamecrop.views.adapters.streaming import KeyedStream  # noqa: E402

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"


@pytest.fixture
def shards(tmp_path):
    streaming.base.util.clean_stale_shared_memory()
    columns = {"image": "png", "label": "int"}
    with streaming.MDSWriter(out=str(tmp_path), columns=columns, size_limit=20000) as writer:
        for number in range(8):
            writer.write({"image": common.picture(number), "label": number})
    yield str(tmp_path)
    streaming.base.util.clean_stale_shared_memory()


class Pictures(streaming.StreamingDataset):
    def __init__(self, local, policy=GAUSS, **settings):
        super().__init__(local=local, batch_size=4, **settings)
        to_tensor = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
        self.views = tc.transforms.Views(policy, 2, 24, then=to_tensor)

    def __getitem__(self, at):
        sample = super().__getitem__(at)
        return {**sample, "image": self.views(sample["image"])}


class Keyed(KeyedStream, Pictures):
    crop_seed, boxes = 5, "boxes"


def check(batches, epoch):
    seen = set()
    for batch in batches:
        for at, label in enumerate(batch["label"].tolist()):
            seen.add(label)
            boxes = common.keyed_box(GAUSS, label, epoch=epoch, seed=5, views=2)
            assert np.array_equal(batch["boxes"][at], boxes)
            for views, box in zip(batch["image"], boxes, strict=True):
                cut = common.by_pillow(common.pixels(label), box, 24)
                assert common.levels_apart(views[at].movedim(0, 2) * 255, cut) <= 1
    assert seen == {*range(8)}


def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = common.run_page("streaming")
    label = names["sample"]["label"]
    boxes = tc.policy("mgcc:scale=0.4").draw((64, 96), index=[label])[0]
    assert np.array_equal(names["sample"]["boxes"], boxes)
    del names


def test_the_example_draws_its_figure():
    assert common.run_example("streaming").axes


@pytest.mark.parametrize("settings", [{}, {"shuffle": True}])
def test_boxes_are_those_of_sample_and_epoch(shards, settings):
    dataset = Keyed(shards, **settings)
    for epoch in range(2):
        check(DataLoader(dataset, 4), epoch)
    with pytest.raises(KeyError):
        check(DataLoader(Pictures(shards), 4), 0)


def test_persistent_workers_see_the_epoch(shards):
    loader = DataLoader(Keyed(shards), 4, num_workers=2, persistent_workers=True)
    for epoch in range(2):
        check(loader, epoch)


def test_places_are_counted_from_both_ends(shards):
    dataset = Keyed(shards)
    fifth = dataset[5]
    assert np.array_equal(fifth["boxes"], common.keyed_box(GAUSS, 5, seed=5, views=2))
    assert np.array_equal(dataset[-3]["boxes"], fifth["boxes"])
    assert np.array_equal(dataset[np.int64(5)]["boxes"], fifth["boxes"])


def test_twenty_steps_train(shards):
    dataset = Keyed(shards, "gcc:scale=0.6,sigma=0.1", shuffle=True)
    steps = []
    for _ in range(20):
        batches = [batch["image"] for batch in DataLoader(dataset, 4)]
        steps.append([torch.cat(views) for views in zip(*batches, strict=True)])
    assert common.has_learned(common.train(steps))


def test_a_wrong_policy_is_refused_at_construction(shards):
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        Keyed(shards, "gccc")
