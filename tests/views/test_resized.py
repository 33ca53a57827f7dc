"""Resized cuts: within one gray level of torchvision's antialiased resize of the same box."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode, functional

import tamecrop as tc
from tamecrop.views.cut import cut
from tamecrop.views.tensors import cut_one


def noise(n=40, side=32):
    return torch.randint(0, 256, (n, 3, side, side), generator=torch.Generator().manual_seed(1)).to(
        torch.uint8
    )


def window(image, box):
    """Padded first: torchvision's own crop gives wrong sizes for a box wholly outside."""
    x1, y1, x2, y2 = box
    wide = functional.pad(image, [100])
    return functional.crop(wide, y1 + 100, x1 + 100, y2 - y1, x2 - x1)


def theirs(images, boxes, size, mode):
    return torch.stack(
        [
            functional.resize(window(image, box), [size, size], mode, antialias=True)
            for image, box in zip(images, boxes[:, 0].tolist(), strict=True)
        ]
    )


def worst(images, boxes, size):
    ours = cut(images, boxes, size=size)[:, 0].int()
    return (ours - theirs(images, boxes, size, InterpolationMode.BILINEAR).int()).abs().max()


@pytest.mark.parametrize("law", ["rrc:scale=0.08..1", "gcc:scale=0.4,sigma=0.4"])
@pytest.mark.parametrize("size", [9, 32, 50])
def test_bilinear_is_within_one_level_on_any_image(law, size):
    boxes = tc.policy(law).draw((32, 32), index=np.arange(40), views=1)
    assert worst(noise(), boxes, size) <= 1


def test_another_box_is_not_within_one_level():
    boxes = tc.policy("rc:scale=0.4").draw((32, 32), index=np.arange(40), views=1)
    ours = cut(noise(), boxes, size=32)[:, 0].int()
    shifted = theirs(noise(), boxes + 1, 32, InterpolationMode.BILINEAR).int()
    assert (ours - shifted).abs().max() > 1


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [9, 32, 50])
def test_floats_are_resized_without_rounding(mode, size):
    images = noise(8).float() / 255
    boxes = tc.policy("rrc:scale=0.08..1").draw((32, 32), index=np.arange(8), views=1)
    ours = cut(images, boxes, size=size, interpolation=mode)[:, 0]
    expected = theirs(images, boxes, size, InterpolationMode(mode))
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


def test_a_batch_gives_what_single_images_give():
    boxes = tc.policy("rrc").draw((32, 32), index=np.arange(6))
    together = cut(noise(6), boxes, size=24)
    alone = torch.cat([cut(noise(6)[i : i + 1], boxes[i : i + 1], size=24) for i in range(6)])
    assert torch.equal(together, alone)


@pytest.mark.parametrize("law", ["gcc:scale=0.4,sigma=0.4", "gcc:extent=random,scale=0.2..1"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_centered_content_is_what_one_image_at_a_time_gives(law, mode):
    images = noise(30).float() / 255
    boxes = tc.policy(law).draw((32, 32), index=np.arange(30))
    settings = {"size": 24, "content": "centered", "interpolation": mode}
    alone = [cut_one(image, box, **settings) for image, box in zip(images, boxes, strict=True)]
    together = cut(images, boxes, **settings)
    torch.testing.assert_close(together, torch.stack(alone), atol=1e-5, rtol=0)
    in_place = cut(images, boxes, size=24, interpolation=mode)
    assert (together - in_place).abs().max() > 0.1


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
def test_inputs_stay_as_they_were_and_the_rim_is_fill(dtype):
    images = noise(4).to(dtype)
    before = images.clone()
    boxes = np.array([[[-40, -40, -8, -8], [0, 0, 32, 32]]] * 4)
    views = cut(images, boxes, size=16, fill=[3, 4, 5])
    assert views.dtype == dtype
    assert torch.equal(images, before)
    assert (views[:, 0] == torch.tensor([3, 4, 5]).to(dtype)[:, None, None]).all()
