"""The embedded set: repeatable, without a leak between splits, and able to teach."""

import numpy as np
import pytest
import torch

from tamecrop.data.scenes import REGIONS, Scenes, material, scenes
from tamecrop.data.sources import load
from tamecrop.learning.backbones import backbone
from tamecrop.views.photometric import normalize, photometric, unit


def test_scenes_are_a_function_of_their_seed():
    one, two, other = (scenes(Scenes(), "train", 50, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.pixels, two.pixels)
    assert not torch.equal(one.pixels, other.pixels)


def test_scenes_do_not_change_when_more_are_made():
    few, many = (scenes(Scenes(), "test", n, seed=0) for n in (40, 40))
    assert torch.equal(few.pixels, many.pixels)
    assert np.bincount(few.labels).tolist() == [4] * 10


def test_splits_share_no_digit_and_no_background():
    digits = {split: set(material(split).digits.tolist()) for split in REGIONS}
    assert sum(map(len, digits.values())) == len(set.union(*digits.values())) == 1797
    seen = np.zeros((427, 640), dtype=int)
    for rows, columns in REGIONS.values():
        seen[rows, columns] += 1
    assert seen.max() == 1


@pytest.mark.parametrize("objects", [1, 3])
def test_every_box_holds_its_digit_and_lies_inside(objects):
    made = scenes(Scenes(objects=objects, texture=0.0), "test", 30, seed=0)
    boxes = np.stack(made.boxes).astype(int)
    assert boxes.shape == (30, objects, 4)
    assert boxes.min() >= 0
    assert boxes.max() <= 32
    for image, (main, *_) in zip(made.pixels, boxes.tolist(), strict=True):
        x1, y1, x2, y2 = main
        outside = image.clone().float()
        spread_inside = outside[:, y1:y2, x1:x2].std(dim=(1, 2)).max()
        assert spread_inside > 10


def test_digits_sit_in_the_middle_unless_told_otherwise():
    spreads = []
    for offset in (0.0, 0.3):
        boxes = np.concatenate(scenes(Scenes(offset=offset), "test", 200, seed=0).boxes)
        spreads.append((boxes[:, 0] + boxes[:, 2]).std() / 2)
    assert spreads[0] < 1 < 3 < spreads[1]


def test_options_outside_their_range_are_refused():
    with pytest.raises(ValueError, match="`contrast` must satisfy"):
        Scenes(contrast=0.6)
    with pytest.raises(ValueError, match="`object` must satisfy 0 < object <= 1, got 2"):
        Scenes(object=2)


@pytest.mark.slow
def test_a_supervised_narrow_net_reaches_ninety_percent():
    data = load("scenes:count=6000")
    torch.manual_seed(0)
    model = torch.nn.Sequential(backbone("resnet10w16"), torch.nn.Linear(128, 10))
    epochs, size = 15, 128
    solver = torch.optim.Adam(model.parameters(), lr=3e-3)
    steps = epochs * (len(data.train) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(solver, 6e-3, total_steps=steps)
    colors = photometric("scenes")
    for epoch in range(epochs):
        order = torch.randperm(len(data.train))
        for chosen in order.split(size)[: len(data.train) // size]:
            views = colors.apply(data.train.pixels[chosen][:, None], epoch=epoch, index=chosen)
            scores = model(normalize(views[:, 0], data.mean, data.std))
            loss = torch.nn.functional.cross_entropy(scores, data.train.labels[chosen])
            solver.zero_grad()
            loss.backward()
            solver.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        scores = model(normalize(unit(data.test.pixels), data.mean, data.std))
    assert (scores.argmax(1) == data.test.labels).double().mean() >= 0.90
