"""`Crop` inside fastai's data loaders."""

import pickle

import numpy as np
import pytest
import torch

from hosts import common

fast = common.need("fastai.vision.all")
from tamecrop.views.adapters.fastai import Crop  # noqa: E402

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"


def image_of(number):
    return fast.PILImage.create(common.pixels(number))


def shaded(number):
    """An image whose brightness says its label."""
    return fast.PILImage.create(common.pixels(number) // (1 + 3 * label_of(number)))


def label_of(number):
    return number % 2


def loaders_of(policy=GAUSS, get_x=image_of, **settings):
    block = fast.DataBlock(
        blocks=(fast.ImageBlock, fast.CategoryBlock),
        get_x=get_x,
        get_y=label_of,
        splitter=fast.IndexSplitter([8, 9]),
        item_tfms=Crop(policy, 24),
    )
    return block.dataloaders(range(10), bs=8, device="cpu", **{"num_workers": 0} | settings)


def test_the_page_runs():
    names = common.run_page("fastai")
    assert names["views"].shape == (4, 3, 32, 32)


def test_the_example_draws_its_figure():
    assert common.run_example("fastai").axes


def test_pixels_are_within_one_level_along_the_box():
    crop = Crop(GAUSS, 24)
    for number in range(8):
        view = crop(image_of(number), split_idx=0)
        assert type(view) is fast.PILImage
        cut = common.by_pillow(common.pixels(number), crop.box, 24)
        assert common.levels_apart(view, cut) <= 1
    torch.manual_seed(1)
    first = pickle.loads(pickle.dumps(crop))(image_of(1), split_idx=0)
    torch.manual_seed(1)
    assert common.levels_apart(first, crop(image_of(1), split_idx=0)) == 0


@pytest.mark.parametrize(
    "policy", [GAUSS, common.LEAVES, "gcc:scale=0.5,sigma=0.5,border=recenter"]
)
def test_masks_points_and_boxes_follow_the_pixels(policy):
    """A bright square, its mask, its box and its middle are at one place in every view."""
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[24:36, 40:52] = 255
    as_fraction = torch.tensor([90.0, 60]) / 2
    corners = torch.tensor([[40.0, 24], [52, 36]]) / as_fraction - 1
    middle = corners.mean(0, keepdim=True)
    torch.manual_seed(0)
    crop, seen = Crop(policy, 64), 0
    for _ in range(200):
        view, mask, box, point = crop(
            (
                fast.PILImage.create(pixels),
                fast.PILMask.create(pixels[..., 0] // 255),
                fast.TensorBBox(corners.view(1, 4), img_size=(90, 60)),
                fast.TensorPoint(middle, img_size=(90, 60)),
            ),
            split_idx=0,
        )
        bright = np.asarray(view)[..., 0] > 127
        assert np.mean(bright != (np.asarray(mask) == 1)) < 0.02
        if common.covers(crop.box, (40, 24, 52, 36)):
            rows, columns = np.nonzero(bright)
            expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert common.levels_apart((box + 1) * 32, [expected]) <= 1.5
            center = [(expected[0] + expected[2]) / 2, (expected[1] + expected[3]) / 2]
            assert common.levels_apart((point + 1) * 32, [center]) <= 1.5
            seen += 1
    assert seen > 3


def test_validation_is_fastais():
    loaders = loaders_of()
    theirs = fast.RandomResizedCrop(24)(image_of(8), split_idx=1)
    ours = Crop(GAUSS, 24)(image_of(8), split_idx=1)
    assert common.levels_apart(theirs, ours) == 0
    assert loaders.valid.one_batch()[0].shape == (2, 3, 24, 24)


def test_workers_read_it():
    views, _ = loaders_of(num_workers=2).one_batch()
    assert views.shape == (8, 3, 24, 24)


def test_twenty_steps_train_with_fastais_learner():
    fast.set_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 5, stride=2),
        torch.nn.BatchNorm2d(16),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(3),
        torch.nn.Flatten(),
        torch.nn.Linear(144, 2),
    )
    learner = fast.Learner(
        loaders_of("gcc:scale=0.6,sigma=0.1", shaded),
        network,
        loss_func=fast.CrossEntropyLossFlat(),
    )
    with learner.no_bar(), learner.no_logging():
        learner.fit(20, 2e-2)
    losses = [float(loss) for loss in learner.recorder.losses]
    assert common.has_learned(losses)


def test_wrong_settings_are_refused_at_construction():
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        Crop("gccc", 24)
    with pytest.raises(ValueError, match=r"use Views\('mgcc"):
        Crop("mgcc:scale=0.4", 24)
    with pytest.raises(ValueError, match="`size` must be stated"):
        Crop("rrc", None)
