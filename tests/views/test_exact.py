"""Exact cuts: the same bits as a slow loop, and as torchvision where that has an answer."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

import tamecrop as tc
from tamecrop.views import exact, sampling
from tamecrop.views.cut import cut
from tamecrop.views.tensors import cut_one

LAWS = (
    "rc:scale=0.4",
    "gcc:scale=0.4,sigma=0.4",
    "gcc:scale=0.4,sigma=0.4,border=recenter",
    "gcc:scale=0.8,sigma=3",
)


def photographs(n=7, channels=3, side=(17, 23), dtype=torch.uint8):
    noise = torch.randint(1, 256, (n, channels, *side), generator=torch.Generator().manual_seed(0))
    return noise.to(dtype)


def one_by_one(image, box, *, fill, centered):
    """A view, pixel by pixel."""
    x1, y1, x2, y2 = box.tolist()
    view = fill[:, None, None].expand(-1, y2 - y1, x2 - x1).clone().to(image.dtype)
    rows = [y for y in range(y1, y2) if 0 <= y < image.shape[1]]
    columns = [x for x in range(x1, x2) if 0 <= x < image.shape[2]]
    down = (y2 - y1 - len(rows)) // 2 if centered else (rows or [0])[0] - y1
    across = (x2 - x1 - len(columns)) // 2 if centered else (columns or [0])[0] - x1
    for i, y in enumerate(rows):
        for j, x in enumerate(columns):
            view[:, down + i, across + j] = image[:, y, x]
    return view


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_cut_copies_the_pixels_that_the_box_names(law, channels):
    images = photographs(channels=channels)
    policy = tc.policy(law)
    boxes = policy.draw((17, 23), index=np.arange(7))
    fill = torch.arange(channels)
    views = cut(images, boxes, fill=fill.tolist(), content=policy.content)
    for image, its_boxes, its_views in zip(images, boxes, views, strict=True):
        for box, view in zip(its_boxes, its_views, strict=True):
            centered = policy.content == "centered"
            assert torch.equal(view, one_by_one(image, box, fill=fill, centered=centered))


def test_a_shifted_box_does_not_pass():
    images = photographs()
    boxes = tc.policy("rc:scale=0.4").draw((17, 23), index=np.arange(7))
    views = cut(images, boxes)
    shifted = one_by_one(images[0], boxes[0, 0] + 1, fill=torch.zeros(3), centered=False)
    assert not torch.equal(views[0, 0], shifted)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16])
def test_host_and_device_paths_give_the_same_bits(law, dtype):
    images = photographs(n=600, dtype=dtype)
    policy = tc.policy(law)
    boxes = policy.draw((17, 23), index=np.arange(600))
    width, height = (boxes[0, 0, 2:] - boxes[0, 0, :2]).tolist()
    across = sampling.runs(boxes[..., 0], width, 23, policy.content)
    down = sampling.runs(boxes[..., 1], height, 17, policy.content)
    fill = torch.tensor([7, 8, 9]).to(dtype)
    there = exact.on_device(images, across, down, (height, width), fill)
    here = cut(images, boxes, fill=[7, 8, 9], content=policy.content)
    assert here.dtype == dtype
    assert torch.equal(here, there)


def test_torchvision_cuts_the_same_with_black_fill():
    images = photographs()
    boxes = tc.policy("gcc:scale=0.4,sigma=0.4").draw((17, 23), index=np.arange(7))
    views = cut(images, boxes)
    for image, (x1, y1, x2, y2), view in zip(
        images, boxes[:, 1].tolist(), views[:, 1], strict=True
    ):
        assert torch.equal(functional.crop(image, y1, x1, y2 - y1, x2 - x1), view)


def test_lists_of_images_of_many_sizes_are_cut_one_by_one():
    images = [torch.full((3, 20 + n, 30), n, dtype=torch.uint8) for n in range(4)]
    boxes = np.tile(np.array([[[1, 2, 11, 9], [0, 0, 10, 7]]]), (4, 1, 1))
    views = cut(images, boxes)
    assert views.shape == (4, 2, 3, 7, 10)
    assert [int(view.max()) for view in views] == [0, 1, 2, 3]
    assert torch.equal(cut_one(images[2], boxes[2]), views[2])


def test_inputs_stay_as_they_were():
    images, boxes = photographs(), np.array([[[-3, -3, 7, 7]]] * 7)
    before = images.clone(), boxes.copy()
    cut(images, boxes, fill=255)
    assert torch.equal(images, before[0])
    assert (boxes == before[1]).all()


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (np.zeros((7, 1, 4), dtype=np.int64), "empty box"),
        (np.zeros((7, 4), dtype=np.int64), "shape"),
        (np.ones((7, 1, 4)), "integers"),
        (np.array([[[0, 0, 2, 2], [0, 0, 3, 2]]] * 7), "equal sides"),
    ],
)
def test_boxes_of_the_wrong_kind_are_refused(boxes, message):
    with pytest.raises(ValueError, match=message):
        cut(photographs(), boxes)


def test_a_fill_for_other_channels_is_refused():
    with pytest.raises(ValueError, match="`fill` must be one number or 3, got 2"):
        cut(photographs(), np.array([[[0, 0, 2, 2]]] * 7), fill=[1, 2])
