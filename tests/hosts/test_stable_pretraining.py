"""Crops inside stable-pretraining's data sets and transforms."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import tamecrop as tc
from hosts import common

spt = common.need("stable_pretraining.data")
from stable_pretraining.data import transforms  # noqa: E402

from tamecrop.views.adapters.stable_pretraining import Crop, Views  # noqa: E402

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"


class Plain(common.Pictures):
    """Pairs of image and label."""

    def __init__(self):
        super().__init__(None)

    def __getitem__(self, index):
        return common.picture(index), index


def dataset_of(transform, epoch=None):
    dataset = spt.FromTorchDataset(Plain(), names=["image", "label"], transform=transform)
    if epoch is not None:
        dataset._trainer = SimpleNamespace(global_step=0, current_epoch=epoch)
    return dataset


def two_views(policy=GAUSS, **settings):
    return Views(policy, [transforms.ToImage(scale=True)] * 2, 24, seed=5, **settings)


def boxes_of(batch):
    found = torch.stack([view["Crop"] for view in batch["views"]], dim=-2)
    top, left, height, width = found.unbind(-1)
    return torch.stack([left, top, left + width, top + height], dim=-1)


def test_the_page_runs():
    names = common.run_page("stable_pretraining")
    assert names["first"]["image"].shape == names["second"]["image"].shape == (3, 32, 32)
    assert names["height"] > 0
    sample = names["dino"]({"image": common.picture()})
    assert list(sample) == names["names"]
    assert sample["local_3"]["image"].shape == (3, 32, 32)


def test_the_example_draws_its_figure():
    assert common.run_example("stable_pretraining").axes


def test_spawned_and_persistent_workers_are_keyed_by_keyed():
    keyed = tc.datasets.Keyed(dataset_of(two_views(), epoch=1), seed=5)
    loader = DataLoader(
        keyed, 4, num_workers=1, persistent_workers=True, multiprocessing_context="spawn"
    )
    for epoch in (0, 3):
        keyed.set_epoch(epoch)
        boxes = torch.cat([boxes_of(batch) for batch in loader])
        expected = [common.keyed_box(GAUSS, at, epoch=epoch, seed=5, views=2) for at in range(8)]
        assert np.array_equal(boxes, expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_key_is_the_sample_and_the_epoch(workers):
    for epoch in (0, 3):
        dataset = dataset_of(pickle.loads(pickle.dumps(two_views())), epoch)
        loader = DataLoader(dataset, 4, num_workers=workers)
        boxes = torch.cat([boxes_of(batch) for batch in loader])
        expected = [common.keyed_box(GAUSS, at, epoch=epoch, seed=5, views=2) for at in range(8)]
        assert np.array_equal(boxes, expected)


def test_pixels_are_within_one_level():
    sample = dataset_of(two_views())[2]
    for view, box in zip(sample["views"], boxes_of(sample), strict=True):
        cut = common.by_pillow(common.pixels(2), box, 24)
        assert common.levels_apart(view["image"].movedim(0, 2) * 255, cut) <= 1
        assert view["label"] == 2
    assert not torch.equal(boxes_of(dataset_of(two_views())[2]), boxes_of(sample)), "unkeyed"


def test_crop_takes_the_place_of_the_hosts():
    torch.manual_seed(0)
    chain = transforms.Compose(Crop(GAUSS, 24, seed=5), transforms.ToImage(scale=True))
    theirs = transforms.Compose(transforms.RandomResizedCrop(24), transforms.ToImage(scale=True))
    ours, host = dataset_of(chain, 1)[4], dataset_of(theirs, 1)[4]
    assert ours["image"].shape == host["image"].shape
    assert set(ours) ^ set(host) == {"Crop", "RandomResizedCrop"}
    x1, y1, x2, y2 = common.keyed_box(GAUSS, 4, epoch=1, seed=5)[0]
    assert ours["Crop"].tolist() == [y1, x1, y2 - y1, x2 - x1]
    pair = transforms.MultiViewTransform(
        [transforms.Compose(Crop(GAUSS, 24, view=view, seed=5)) for view in (0, 1)]
    )
    boxes = boxes_of(dataset_of(pair, 1)[4])
    assert np.array_equal(boxes, common.keyed_box(GAUSS, 4, epoch=1, seed=5, views=2))


def test_twenty_steps_train():
    steps = []
    for epoch in range(20):
        data = dataset_of(two_views("gcc:scale=0.6,sigma=0.1"), epoch)
        for batch in DataLoader(data, 8):
            steps.append([view["image"] for view in batch["views"]])
    assert common.has_learned(common.train(steps))


def test_wrong_settings_are_refused_at_construction():
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        two_views("gccc")
    with pytest.raises(ValueError, match=r"use Views\('mgcc"):
        Crop("mgcc:scale=0.4")
    with pytest.raises(ValueError, match="a transform for each of 8 views"):
        two_views("2x rrc + 6x rrc")
    with pytest.raises(ValueError, match="must be told it"):
        two_views("rrc:scale=0.5..1->0.2..1,over=4")({"image": common.picture()})
    tc.plan("2x rrc + 6x rrc")
