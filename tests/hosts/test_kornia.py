"""`Crop` inside Kornia's containers."""

import pickle

import numpy as np
import pytest
import torch

import tamecrop as tc
from hosts import common

K = common.need("kornia.augmentation")
from tamecrop.views.adapters.kornia import Crop, boxes_of  # noqa: E402

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"
LAWS = [GAUSS, common.LEAVES, "gcc:scale=0.5,sigma=0.5,border=recenter"]


def batch(channels=3, dtype=torch.float32, count=4):
    images = [common.pixels(number, channels=channels) for number in range(count)]
    return torch.from_numpy(np.stack(images)).movedim(3, 1).to(dtype) / 255


def test_the_page_runs():
    names = common.run_page("kornia")
    assert names["views"].shape == (8, 3, 224, 224)
    assert names["cut_masks"].shape == (8, 1, 224, 224)
    assert names["boxes"].shape == (8, 2, 4)
    assert names["first"].shape == names["second"].shape == (8, 3, 224, 224)


def test_the_example_draws_its_figure():
    assert common.run_example("kornia").axes


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("law", LAWS)
def test_views_have_the_bits_of_cut(law, channels):
    crop = Crop(law, 24, fill=0.25)
    views = crop(batch(channels))
    boxes = boxes_of(crop._params)
    content = tc.policy(law).content
    expected = tc.cut(batch(channels), boxes[:, None], size=24, fill=0.25, content=content)
    assert torch.equal(views, expected[:, 0])
    assert len({*map(tuple, boxes.tolist())}) > 1


def test_pixels_are_within_one_level_of_pillow():
    crop = Crop(GAUSS, 24)
    for number, (view, box) in enumerate(zip(crop(batch()), boxes_of(crop._params), strict=True)):
        expected = common.by_pillow(common.pixels(number), box, 24)
        assert common.levels_apart(view.movedim(0, 2) * 255, expected) <= 1


@pytest.mark.parametrize("law", LAWS)
def test_masks_boxes_and_key_points_follow_the_pixels(law):
    """A bright square, its mask, its box and its middle are at one place in every view."""
    images = torch.zeros(32, 1, 60, 90)
    images[:, :, 26:34, 42:50] = 1
    augment = K.AugmentationSequential(
        Crop(law, 64), data_keys=["input", "mask", "bbox_xyxy", "keypoints"]
    )
    torch.manual_seed(2)
    views, masks, boxes, points = augment(
        images,
        images.clone(),
        torch.tensor([[[42.0, 26, 50, 34]]]).expand(32, 1, 4).clone(),
        torch.tensor([[[45.5, 29.5]]]).expand(32, 1, 2).clone(),
    )
    assert set(masks.unique().tolist()) == {0, 1}
    seen = 0
    crop_boxes = boxes_of(augment._params[0].data)
    for crop_box, view, mask, box, point in zip(
        crop_boxes, views[:, 0], masks[:, 0], boxes, points, strict=True
    ):
        bright = view > 0.5
        assert (bright != (mask == 1)).float().mean() < 0.02
        if common.covers(crop_box, (42, 26, 50, 34)):
            rows, columns = bright.nonzero().unbind(1)
            near, far = (int(columns.min()), int(rows.min())), (columns.max() + 1, rows.max() + 1)
            assert common.levels_apart(box[0, :2] + 0.5, near) <= 1.5
            assert common.levels_apart(box[0, 2:] + 0.5, far) <= 1.5
            middle = [(a + int(b) - 1) / 2 for a, b in zip(near, far, strict=True)]
            assert common.levels_apart(point[0], middle) <= 1
            seen += 1
    assert seen > 3


def test_torchs_seed_and_given_parameters_repeat_a_view():
    crop = Crop("rrc", 16)
    torch.manual_seed(1)
    first = crop(batch())
    torch.manual_seed(1)
    assert torch.equal(first, pickle.loads(pickle.dumps(crop))(batch()))
    assert torch.equal(first, crop(batch(), params=crop._params))
    boxes = tc.policy("rrc").draw((60, 90), index=range(4), epoch=2)[:, 1]
    keyed = crop(batch(), params=crop.params(boxes, batch()))
    assert torch.equal(keyed, tc.cut(batch(), boxes[:, None], size=16)[:, 0])
    assert not torch.equal(first, keyed)


def test_one_box_for_a_batch_and_an_empty_batch():
    crop = Crop("rrc", 16, same_on_batch=True)
    crop(batch())
    assert len({*map(tuple, boxes_of(crop._params).tolist())}) == 1
    assert Crop("rrc", 16)(torch.zeros(0, 3, 60, 90)).shape == (0, 3, 16, 16)


def test_half_precision_and_gradients_pass():
    images = batch().requires_grad_()
    Crop("rrc", 16)(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert Crop("rrc", 16)(batch(dtype=torch.float64)).dtype == torch.float64


def test_twenty_steps_train():
    torch.manual_seed(0)
    augment = torch.nn.Sequential(Crop("gcc:scale=0.6,sigma=0.1", 32), K.RandomHorizontalFlip())
    images = batch(count=8)
    losses = common.train([(augment(images), augment(images)) for _ in range(20)])
    assert common.has_learned(losses)
    assert not common.has_learned(losses[::-1])


def test_wrong_settings_are_refused_at_construction():
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        Crop("gccc", 8)
    with pytest.raises(ValueError, match=r"use Views\('mgcc"):
        Crop("mgcc:scale=0.4", 8)
    with pytest.raises(ValueError, match="`size` must be stated"):
        Crop("rrc", None)
    with pytest.raises(ValueError, match="must be told it"):
        Crop("rrc:scale=0.5..1->0.2..1,over=4", 8)(batch())
