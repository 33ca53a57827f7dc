"""Crop policies in the transforms of Lightly."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchvision.transforms import v2

import tamecrop as tc
from hosts import common

common.need("lightly")
from lightly import transforms as theirs  # noqa: E402
from lightly.data import LightlyDataset  # noqa: E402
from lightly.transforms.multi_view_transform import MultiViewTransform  # noqa: E402

from tamecrop.views.adapters.lightly import PolicyViews  # noqa: E402

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"
SERVED = [
    *("BYOL", "DINO", "DenseCL", "FDA", "FastSiam", "IBOT", "MMCR", "MSN", "MoCoV1", "MoCoV2"),
    *("SMoG", "SimCLR", "SimSiam", "SwaV", "TiCo", "VICReg", "WMSE"),
]


def of_lightly(name, **settings):
    return getattr(theirs, f"{name}Transform")(**settings)


class Untouched(MultiViewTransform):
    """A transform as a user writes one: Lightly's class, and crops alone."""

    def __init__(self, *sizes):
        steps = [[v2.RandomResizedCrop(size), v2.ToImage()] for size in sizes]
        super().__init__([v2.Compose(each) for each in steps])


def test_the_page_runs():
    names = common.run_page("lightly")
    assert names["first"].shape == names["second"].shape == (8, 3, 32, 32)
    assert names["boxes"].shape == (8, 2, 4)
    sizes = [(group.views, group.size) for group in names["dino"].plan.groups]
    assert sizes == [(2, (224, 224)), (6, (96, 96))]


@pytest.mark.parametrize("name", SERVED)
def test_every_transform_is_served(name):
    transform = of_lightly(name)
    views = PolicyViews("rrc:scale={scale}", transform)(common.picture())
    assert [view.shape for view in views] == [view.shape for view in transform(common.picture())]
    assert all(view.dtype == torch.float32 for view in views)
    ranges = {
        str(group.policy.extent.scale): group.size
        for group in PolicyViews("rrc:scale={scale}", transform).plan.groups
    }
    assert len(ranges) == len({view.shape for view in views})


def test_all_of_lightlys_transforms_are_served_or_known_not_to_be():
    names = {
        name.removesuffix("Transform")
        for name in dir(theirs)
        if name.endswith("Transform") and "View" not in name
    }
    images = {"PIRL", "DetConS", "VICRegL", "MAE", "AIM", "CAPI"}
    parts = {"AmplitudeRescale", "IRFFT2D", "PhaseShift", "RFFT2D", "RandomFrequencyMask"}
    assert names - images - parts - {"AddGrid"} == {*SERVED}


@pytest.mark.parametrize("name", ["PIRL", "DetConS", "VICRegL", "MAE", "AIM", "CAPI"])
def test_others_are_refused_at_construction(name):
    transform = of_lightly(name)
    with pytest.raises((TypeError, ValueError), match=r"must (be|have)"):
        PolicyViews("rrc", transform)


def test_views_are_cut_along_the_boxes_that_are_handed_back():
    transform = PolicyViews(GAUSS, Untouched(24, 16, 24), return_boxes=True)
    first, second, third, boxes = transform(common.picture())
    assert boxes.shape == (3, 4)
    for view, box, size in zip((first, second, third), boxes, (24, 16, 24), strict=True):
        expected = common.by_pillow(common.pixels(), box, size)
        assert common.levels_apart(view.movedim(0, 2), expected) <= 1


def test_views_of_one_size_are_drawn_together():
    transform = PolicyViews("mgcc:scale=0.1,sigma=0.001", Untouched(24, 16, 24), return_boxes=True)
    boxes = [transform(common.picture())[-1] for _ in range(20)]
    assert max((each[0] - each[2]).abs().max() for each in boxes) <= 1
    assert max((each[0] - each[1]).abs().max() for each in boxes) > 5


def test_wmse_colors_before_it_crops():
    seen = []
    transform = of_lightly("WMSE", input_size=24)
    transform.transforms[0].transforms.insert(0, v2.Lambda(lambda x: seen.append(x.size) or x))
    PolicyViews(GAUSS, transform)(common.picture())
    assert seen == [(90, 60)] * 2


@pytest.mark.parametrize(
    ("workers", "context"),
    [(0, None), (2, "fork"), pytest.param(1, "spawn", marks=pytest.mark.slow)],
)
def test_keys_decide_in_any_worker_and_boxes_collate(workers, context):
    transform = PolicyViews(GAUSS, of_lightly("SimCLR", input_size=16), return_boxes=True)
    keyed = tc.datasets.Keyed(common.Pictures(pickle.loads(pickle.dumps(transform))), seed=5)
    for epoch in (0, 2):
        keyed.set_epoch(epoch)
        loader = DataLoader(keyed, 4, num_workers=workers, multiprocessing_context=context)
        boxes = torch.cat([batch[-1] for batch in loader])
        expected = [common.keyed_box(GAUSS, at, epoch=epoch, seed=5, views=2) for at in range(8)]
        assert np.array_equal(boxes, expected)


def test_twenty_steps_train_in_lightlys_data_set():
    torch.manual_seed(0)
    data = [(common.picture(number), number) for number in range(8)]
    mild = {"cj_prob": 0, "random_gray_scale": 0, "gaussian_blur": 0}
    simclr = of_lightly("SimCLR", input_size=32, **mild)
    transform = PolicyViews("gcc:scale=0.6,sigma=0.1", simclr)
    dataset = LightlyDataset.from_torch_dataset(Labeled(data), transform=transform)
    steps = [views for _ in range(20) for views, _, _ in DataLoader(dataset, 8)]
    assert common.has_learned(common.train(steps))


class Labeled(torch.utils.data.Dataset):
    def __init__(self, data):
        self.data, self.transform = data, None

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        image, label = self.data[index]
        return self.transform(image), label


def test_wrong_policies_are_refused_at_construction():
    transform = of_lightly("DINO")
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        PolicyViews("gccc", transform)
    with pytest.raises(ValueError, match=r"groups of \[2, 6\] views, got \[2, 4\]"):
        PolicyViews("2x rrc + 4x rrc", transform)
    with pytest.raises(ValueError, match=r"the host's size \(96, 96\), got \(64, 64\)"):
        PolicyViews("2x rrc + 6x rrc @64", transform)
    with pytest.raises(TypeError, match="must be a MultiViewTransform"):
        PolicyViews("rrc", v2.RandomResizedCrop(8))
