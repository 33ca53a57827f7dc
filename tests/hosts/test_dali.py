"""Crops in CPU pipelines of DALI."""

import io
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import tamecrop as tc
from hosts import common

dali = common.need("nvidia.dali")
from nvidia.dali import fn  # noqa: E402

from tamecrop.views.adapters.dali import Windows, cut  # noqa: E402

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"


class Files:
    """Encoded images, which worker processes can read."""

    def __call__(self, sample):
        if sample.idx_in_epoch >= 8:
            raise StopIteration
        file = io.BytesIO()
        common.picture(sample.idx_in_epoch).save(file, "png")
        return np.frombuffer(file.getvalue(), np.uint8)


def windows_of(policy=GAUSS, **settings):
    return Windows(policy, [(60, 90)] * 8, views=2, seed=5, **settings)


def run(policy=GAUSS, epochs=1, **settings):
    """For each epoch the exact views, the resized views and the boxes of 8 samples."""
    pipe = dali.Pipeline(
        batch_size=4, num_threads=1, device_id=None, **({"prefetch_queue_depth": 1} | settings)
    )
    parallel = {"parallel": True} if settings else {}
    with pipe:
        encoded = fn.external_source(Files(), batch=False, dtype=dali.types.UINT8, **parallel)
        image = fn.decoders.image(encoded)
        out = []
        for window in windows_of(policy).source(**parallel):
            exact = cut(image, window, fill=7)
            resized = fn.resize(exact, size=(24, 24), interp_type=dali.types.INTERP_LINEAR)
            out += [exact, resized, *window]
        pipe.set_outputs(*out)
    pipe.build()
    for _ in range(epochs):
        samples = []
        for _ in range(2):
            outputs = pipe.run()
            samples += [[np.asarray(each[at]) for each in outputs] for at in range(4)]
        with pytest.raises(StopIteration):
            pipe.run()
        pipe.reset()
        yield samples


def check(samples, policy, epoch):
    for index, sample in enumerate(samples):
        boxes = common.keyed_box(policy, index, epoch=epoch, seed=5, views=2)
        for view, (x1, y1, x2, y2) in enumerate(boxes):
            exact, resized, anchor, shape = sample[4 * view : 4 * view + 4]
            assert anchor.tolist() == [y1, x1]
            assert shape.tolist() == [y2 - y1, x2 - x1]
            image, box = [common.pixels(index)], np.array([[[x1, y1, x2, y2]]])
            assert np.array_equal(exact, tc.cut(image, box, fill=7)[0, 0])
            ours = tc.cut(image, box, fill=7, size=24)[0, 0]
            limit = 12 if policy == GAUSS else 24  # beside fill edges are steepest
            assert common.levels_apart(resized, ours) <= limit
            assert np.abs(resized.astype(float) - ours).mean() < 1


def test_the_page_runs():
    names = common.run_page("dali")
    assert names["first_views"].at(0).shape == (32, 32, 3)
    x1, y1, x2, y2 = tc.policy("mgcc:scale=0.4").draw((64, 96), index=[2])[0, 0]
    assert names["anchor"].at(2).tolist() == [y1, x1]
    assert names["shape"].at(2).tolist() == [y2 - y1, x2 - x1]


def test_the_example_draws_its_figure():
    assert common.run_example("dali").axes


@pytest.mark.parametrize("policy", [GAUSS, common.LEAVES])
def test_windows_are_those_of_the_key_in_every_epoch(policy):
    for epoch, samples in enumerate(run(policy, epochs=2)):
        check(samples, policy, epoch)


def test_spawned_workers_draw_the_same():
    for samples in run(py_start_method="spawn", py_num_workers=1):
        check(samples, GAUSS, 0)


def test_an_order_says_which_image_a_sample_is():
    order = [3, 1, 2, 0, 7, 6, 5, 4]
    windows = pickle.loads(pickle.dumps(windows_of(order=order)))
    anchor, shape, *_ = windows(SimpleNamespace(idx_in_epoch=0, epoch_idx=2))
    x1, y1, x2, y2 = common.keyed_box(GAUSS, 3, epoch=2, seed=5)[0]
    assert [*anchor, *shape] == [y1, x1, y2 - y1, x2 - x1]
    with pytest.raises(StopIteration):
        windows(SimpleNamespace(idx_in_epoch=8, epoch_idx=0))


def test_twenty_steps_train():
    steps = []
    for samples in run("gcc:scale=0.6,sigma=0.1", epochs=20):
        views = [np.stack([sample[at] for sample in samples]) for at in (1, 5)]
        steps.append([torch.from_numpy(view).movedim(3, 1) / 255 for view in views])
    assert common.has_learned(common.train(steps))


def test_wrong_settings_are_refused_at_construction():
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        windows_of("gccc")
    with pytest.raises(ValueError, match="must leave content in place"):
        windows_of("gcc:scale=0.5,sigma=0.5,border=recenter")
    with pytest.raises(ValueError, match="at least one pixel a side"):
        Windows("rrc", [(0, 4)])
