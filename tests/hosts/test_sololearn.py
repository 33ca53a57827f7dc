"""Crop policies in pipelines that solo-learn's own code builds."""

import importlib.util
import os
import pickle
import sys
from importlib.metadata import PackageNotFoundError, distribution

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import tamecrop as tc
from hosts import common
from tamecrop.views.adapters.sololearn import policy_views

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"


def load():
    """solo-learn's file of pipelines; the package itself imports what its pins keep away."""
    try:
        host = distribution("solo-learn")
    except PackageNotFoundError:
        if "TAMECROP_HOST" in os.environ:
            raise
        pytest.skip("solo-learn is not installed: make test-hosts", allow_module_level=True)
    path = host.locate_file("solo/utils/pretrain_dataloader.py")
    spec = importlib.util.spec_from_file_location("solo_pretrain_dataloader", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


solo = load()
MILD = {"brightness": 0.1, "contrast": 0.1, "saturation": 0.1, "hue": 0.0}


def pipeline_of(counts=(2,), sizes=(24,), scales=((0.2, 1.0),), **settings):
    settings = MILD | {"gray_scale_prob": 0.0, "gaussian_prob": 0.0} | settings
    each = [
        solo.prepare_transform("custom", crop_size=size, min_scale=low, max_scale=high, **settings)
        for size, (low, high) in zip(sizes, scales, strict=True)
    ]
    return solo.prepare_n_crop_transform(each, num_crops_per_aug=[*counts])


def test_the_page_runs():
    names = common.run_page("sololearn", prepare_n_crop_transform=solo.prepare_n_crop_transform)
    assert names["first"].shape == names["second"].shape == (3, 32, 32)
    assert names["boxes"].shape == (2, 4)


def test_views_are_cut_along_the_boxes_with_the_recipes_interpolation():
    no_color = dict.fromkeys(MILD, 0.0) | {"horizontal_flip_prob": 0.0}
    no_color |= {"mean": (0, 0, 0), "std": (1, 1, 1), "color_jitter_prob": 0.0}
    transform = policy_views(GAUSS, pipeline_of(**no_color), return_boxes=True)
    *views, boxes = transform(common.picture())
    for view, box in zip(views, boxes.tolist(), strict=True):
        cut = common.picture().crop(tuple(box)).resize((24, 24), 3)
        assert common.levels_apart(view.movedim(0, 2) * 255, cut) <= 1


def test_a_recipe_of_several_augmentations_has_groups():
    sizes = {"counts": (2, 4), "sizes": (24, 16), "scales": ((0.4, 1.0), (0.05, 0.4))}
    views = policy_views("rrc:scale={scale}", pipeline_of(**sizes))
    assert [str(group) for group in views.plan.groups] == [
        "2x rrc:scale=0.4..1 @24",
        "4x rrc:scale=0.05..0.4 @16",
    ]
    shapes = [view.shape for view in views(common.picture())]
    assert shapes == [view.shape for view in pipeline_of(**sizes)(common.picture())]
    plan = policy_views("2x mgcc:scale=0.6 + 4x gcc:scale=0.2", pipeline_of(**sizes))
    assert plan.plan.views == 6


def test_keys_decide_in_any_worker():
    transform = pickle.loads(pickle.dumps(policy_views(GAUSS, pipeline_of(), return_boxes=True)))
    keyed = tc.datasets.Keyed(common.Pictures(transform), seed=5)
    for epoch, workers in ((0, 0), (2, 2)):
        keyed.set_epoch(epoch)
        boxes = torch.cat([batch[-1] for batch in DataLoader(keyed, 4, num_workers=workers)])
        expected = [common.keyed_box(GAUSS, at, epoch=epoch, seed=5, views=2) for at in range(8)]
        assert np.array_equal(boxes, expected)


def test_twenty_steps_train():
    torch.manual_seed(0)
    transform = policy_views("gcc:scale=0.6,sigma=0.1", pipeline_of())
    data = common.Pictures(transform)
    steps = [views for _ in range(20) for views in DataLoader(data, 8)]
    assert common.has_learned(common.train(steps))


def test_wrong_settings_are_refused_at_construction():
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        policy_views("gccc", pipeline_of())
    with pytest.raises(TypeError, match="must be prepare_n_crop_transform's, got int"):
        policy_views("rrc", 3)
    without = pipeline_of()
    steps = without.transforms[0].transform.transform.transforms
    del steps[0]
    with pytest.raises(ValueError, match="a view must have one RandomResizedCrop, got 0"):
        policy_views("rrc", without)
