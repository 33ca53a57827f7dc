"""The torchvision classes: the same pixels as `cut`, for every kind of input."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors

from tamecrop.views.adapters.lightly import SimCLRViews
from tamecrop.views.cut import cut_one
from tamecrop.views.transforms import Crop, Views

LAWS = ("rrc", "rc:scale=0.5", "gcc:scale=0.5,sigma=0.5", "gcc:scale=0.5,sigma=0.5,border=recenter")


def photograph():
    pixels = torch.randint(1, 256, (3, 40, 60), generator=torch.Generator().manual_seed(2))
    return pixels.to(torch.uint8)


@pytest.mark.parametrize("law", LAWS)
def test_views_are_what_cut_gives_for_their_boxes(law):
    torch.manual_seed(0)
    transform = Views(law, views=3, fill=9)
    for _ in range(5):
        views, boxes = transform.with_boxes(photograph())
        for view, box in zip(views, boxes, strict=True):
            expected = cut_one(photograph(), box[None], fill=9, content=transform.policy.content)
            assert torch.equal(view, expected[0])


def test_views_of_another_box_differ():
    torch.manual_seed(0)
    views, boxes = Views("rc:scale=0.5").with_boxes(photograph())
    assert not torch.equal(views[0], cut_one(photograph(), boxes[:1] + 1)[0])


@pytest.mark.parametrize("law", LAWS)
def test_a_seed_gives_the_same_crop_again_and_another_one_does_not(law):
    crop = Crop(law, size=16)
    crops = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        crops.append(crop(photograph()))
    assert torch.equal(crops[0], crops[1])
    assert not torch.equal(crops[0], crops[2])


def test_pil_gives_pil_of_the_same_mode_and_pixels():
    picture = Image.fromarray(photograph().permute(1, 2, 0).numpy())
    torch.manual_seed(0)
    cropped = Crop("gcc:scale=0.5,sigma=0.5")(picture)
    torch.manual_seed(0)
    tensor = Crop("gcc:scale=0.5,sigma=0.5")(photograph())
    assert cropped.mode == "RGB"
    assert np.array_equal(np.asarray(cropped), tensor.permute(1, 2, 0).numpy())


def test_masks_boxes_and_unknown_leaves_travel_along():
    image = tv_tensors.Image(photograph())
    mask = tv_tensors.Mask((photograph()[:1] > 128).to(torch.uint8))
    boxes = tv_tensors.BoundingBoxes(
        torch.tensor([[20, 15, 32, 25]]), format="XYXY", canvas_size=(40, 60)
    )
    points = tv_tensors.KeyPoints(torch.tensor([[20, 15], [31, 24]]), canvas_size=(40, 60))
    label = object()
    torch.manual_seed(1)
    sample = Crop("gcc:scale=0.9,sigma=0.1", fill=200)(
        {"image": image, "mask": mask, "boxes": boxes, "label": label, "points": points}
    )
    assert sample["label"] is label
    assert sample["mask"].shape[-2:] == sample["image"].shape[-2:] == sample["boxes"].canvas_size
    x1, y1, x2, y2 = sample["boxes"][0].tolist()
    assert torch.equal(sample["image"][:, y1:y2, x1:x2], image[:, 15:25, 20:32])
    assert sample["points"].tolist() == [[x1, y1], [x2 - 1, y2 - 1]]
    outside = (sample["image"] == 200).all(dim=0)
    assert (sample["mask"][0][outside] == 0).all()


def test_shared_means_hold_in_a_pair():
    torch.manual_seed(0)
    law = Views("mgcc:scale=0.1,sigma=0.001")
    centers = [law.with_boxes(photograph())[1][:, :2] for _ in range(20)]
    assert max(np.abs(each[0] - each[1]).max() for each in centers) <= 1
    assert np.ptp([each[0, 0] for each in centers]) > 5


def test_transforms_survive_pickling():
    again = pickle.loads(pickle.dumps(Crop("mgcc:scale=0.4", size=8)))
    assert repr(again) == "Crop('mgcc:scale=0.4,sigma=0.2165', size=8)"
    assert again(photograph()).shape == (3, 8, 8)


def test_wrong_settings_are_refused_at_once():
    with pytest.raises(ValueError, match="`size` must satisfy size >= 1, an integer, got 0"):
        Crop("rc", size=0)
    with pytest.raises(ValueError, match="did you mean 'bicubic'"):
        Crop("rc", interpolation="bicubi")
    with pytest.raises(TypeError, match="needs an image"):
        Crop("rc")({"label": 3})


def test_lightly_gets_a_list_of_normalized_views():
    picture = Image.fromarray(photograph().permute(1, 2, 0).numpy())
    views = SimCLRViews("gcc:scale=0.4", size=24)(picture)
    assert [tuple(view.shape) for view in views] == [(3, 24, 24)] * 2
    assert views[0].dtype == torch.float32
