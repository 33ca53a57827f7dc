"""Crops in data sets of Ray."""

import numpy as np
import pytest
import torch

import tamecrop as tc
from hosts import common

ray = common.need("ray")
common.need("ray.data")

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"


@pytest.fixture(scope="module", autouse=True)
def _cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


class Cropped:
    def __init__(self, policy=GAUSS):
        self.policy = tc.policy(policy)

    def __call__(self, batch, epoch=0):
        images = list(batch["image"])
        sizes = [image.shape[:2] for image in images]
        boxes = self.policy.draw(sizes, index=batch["index"], epoch=epoch, seed=5)
        return {**batch, "views": tc.cut(images, boxes, size=24), "boxes": boxes}


def rows(**settings):
    each = [{"index": n, "image": common.pixels(n, **settings)} for n in range(8)]
    return ray.data.from_items(each)


def test_the_page_runs():
    names = common.run_page("ray")
    boxes = tc.policy("mgcc:scale=0.4").draw((64, 96), index=names["batch"]["index"])
    assert np.array_equal(names["batch"]["boxes"], boxes)
    assert names["batch"]["views"].shape == (8, 2, 32, 32, 3)


def test_the_example_draws_its_figure():
    assert common.run_example("ray").axes


@pytest.mark.parametrize("batch_size", [3, 8])
def test_boxes_are_those_of_the_key_in_any_batch(batch_size):
    dataset = rows().random_shuffle(seed=1)
    dataset = dataset.map_batches(
        Cropped(), batch_size=batch_size, fn_kwargs={"epoch": 2}, batch_format="numpy"
    )
    seen = set()
    for row in dataset.iter_rows():
        boxes = common.keyed_box(GAUSS, row["index"], epoch=2, seed=5, views=2)
        assert np.array_equal(row["boxes"], boxes)
        for view, box in zip(row["views"], boxes, strict=True):
            cut = common.by_pillow(common.pixels(row["index"]), box, 24)
            assert common.levels_apart(view, cut) <= 1
        seen.add(row["index"])
    assert seen == {*range(8)}


@pytest.mark.parametrize("channels", [1, 5])
def test_channels_and_sixteen_bits(channels):
    dataset = rows(channels=channels, dtype=np.uint16).map_batches(Cropped())
    row = dataset.take(1)[0]
    assert row["views"].shape == (2, 24, 24, channels)
    assert row["views"].dtype == np.uint16


def test_twenty_steps_train():
    dataset, steps = rows(), []
    for epoch in range(20):
        views = dataset.map_batches(Cropped("gcc:scale=0.6,sigma=0.1"), fn_kwargs={"epoch": epoch})
        (batch,) = views.iter_torch_batches(batch_size=8)
        steps.append([*(batch["views"].movedim(-1, -3) / 255).unbind(1)])
    assert all(first.dtype == torch.float32 for first, _ in steps)
    assert common.has_learned(common.train(steps))


def test_a_wrong_policy_is_refused_at_construction():
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        Cropped("gccc")
