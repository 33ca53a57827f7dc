"""`Crop` inside timm's loaders."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import tamecrop as tc
from hosts import common

data = common.need("timm.data")

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"


class Labeled(common.Pictures):
    def __getitem__(self, index):
        return super().__getitem__(index), index


def loader_of(dataset, policy=GAUSS, **settings):
    settings = {"num_workers": 0, "hflip": 0.0, "color_jitter": 0.0} | settings
    loader = data.create_loader(
        dataset,
        24,
        4,
        is_training=True,
        use_prefetcher=False,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        **settings,
    )
    loader.dataset.transform.transforms[0] = tc.transforms.Crop(policy, 24)
    return loader


def by_label(loader):
    """Label to view."""
    return {
        int(label): view
        for views, labels in loader
        for view, label in zip(views, labels, strict=True)
    }


def test_the_page_runs():
    names = common.run_page("timm")
    assert names["views"].shape == (8, 3, 224, 224)
    assert type(names["loader"].dataset.transform.transforms[1]).__name__ == "RandomHorizontalFlip"


def test_the_example_draws_its_figure():
    assert common.run_example("timm").axes


def test_the_first_step_of_timms_transforms_is_the_crop():
    plain = data.create_transform(24, is_training=True)
    separate = data.create_transform(24, is_training=True, separate=True)
    split = data.AugMixDataset(Labeled(separate), 2)
    for first in (plain.transforms[0], separate[0].transforms[0], split.transform.transforms[0]):
        assert type(first).__name__ == "RandomResizedCropAndInterpolation"
    split.transform.transforms[0] = tc.transforms.Crop(GAUSS, 24)
    (clean, augmented), label = split[3]
    assert clean.shape == augmented.shape == (3, 24, 24)
    assert label == 3


@pytest.mark.parametrize("how", [{}, {"num_workers": 2}])
def test_views_are_those_of_the_key_within_one_level(how):
    loader = loader_of(tc.datasets.Keyed(Labeled(None), seed=5), **how)
    for epoch in (0, 2):
        loader.dataset.set_epoch(epoch)
        for index, view in by_label(loader).items():
            (box,) = common.keyed_box(GAUSS, index, epoch=epoch, seed=5)
            expected = common.by_pillow(common.pixels(index), box, 24)
            assert common.levels_apart(view.movedim(0, 2) * 255, expected) <= 1


@pytest.mark.slow
def test_spawned_and_persistent_workers_read_it():
    loader = loader_of(
        tc.datasets.Keyed(Labeled(None), seed=5),
        num_workers=1,
        persistent_workers=True,
        use_multi_epochs_loader=False,
    )
    loader.multiprocessing_context = "spawn"
    seen = []
    for epoch in range(2):
        loader.dataset.set_epoch(epoch)
        seen.append(by_label(loader))
        for index, view in seen[-1].items():
            (box,) = common.keyed_box(GAUSS, index, epoch=epoch, seed=5)
            expected = common.by_pillow(common.pixels(index), box, 24)
            assert common.levels_apart(view.movedim(0, 2) * 255, expected) <= 1
    assert not torch.equal(seen[0][0], seen[1][0])


def test_boxes_are_handed_back_in_a_loader_of_ones_own():
    transform = data.create_transform(24, is_training=True)
    transform.transforms[0] = tc.transforms.Crop(GAUSS, 24)
    keyed = tc.datasets.Keyed(Labeled(pickle.loads(pickle.dumps(transform))), return_boxes=True)
    (images, labels), boxes = next(iter(DataLoader(keyed, 8)))
    assert images.shape == (8, 3, 24, 24)
    expected = [common.keyed_box(GAUSS, int(label)) for label in labels]
    assert np.array_equal(boxes, expected)


def test_twenty_steps_train():
    keyed = tc.datasets.Keyed(Labeled(None), seed=5)
    steps = []
    loader = loader_of(keyed, "gcc:scale=0.6,sigma=0.1", hflip=0.5)
    for epoch in range(20):
        views = []
        for view in range(2):
            keyed.set_epoch(2 * epoch + view)
            found = by_label(loader)
            views.append(torch.stack([found[index] for index in sorted(found)]))
        steps.append(views)
    assert common.has_learned(common.train(steps))


def test_a_wrong_policy_is_refused_at_construction():
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        loader_of(Labeled(None), "gccc")
