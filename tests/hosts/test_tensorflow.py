"""Crops in pipelines of tf.data."""

import numpy as np
import pytest

import tamecrop as tc
from hosts import common

tf = common.need("tensorflow")

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"


def pipeline(policy=GAUSS, epoch=0, dtype=np.uint8, channels=3):
    policy = tc.policy(policy)

    def views_of(index, image):
        boxes = policy.draw(image.shape[:2], index=[index], epoch=epoch, seed=5)[0]
        return tc.cut(image, boxes, size=24), boxes

    def crop(index, image):
        views, boxes = tf.numpy_function(views_of, [index, image], [dtype, tf.int64])
        return index, tf.ensure_shape(views, (2, 24, 24, channels)), boxes

    images = [common.pixels(number, channels=channels, dtype=dtype) for number in range(8)]
    return tf.data.Dataset.from_tensor_slices(np.stack(images)).enumerate().map(crop)


def test_the_page_runs():
    names = common.run_page("tensorflow")
    assert names["views"].shape == (4, 2, 32, 32, 3)
    boxes = tc.policy("mgcc:scale=0.4").draw((64, 96), index=range(4))
    assert np.array_equal(names["boxes"], boxes)


def test_boxes_are_those_of_the_key_however_shuffled_and_read():
    dataset = pipeline(epoch=2).shuffle(8, seed=1).prefetch(2)
    seen = set()
    for index, views, boxes in dataset.as_numpy_iterator():
        expected = common.keyed_box(GAUSS, int(index), epoch=2, seed=5, views=2)
        assert np.array_equal(boxes, expected)
        for view, box in zip(views, expected, strict=True):
            cut = common.by_pillow(common.pixels(int(index)), box, 24)
            assert common.levels_apart(view, cut) <= 1
        seen.add(int(index))
    assert seen == {*range(8)}


@pytest.mark.parametrize("channels", [1, 5])
def test_channels_and_sixteen_bits(channels):
    dataset = pipeline(dtype=np.uint16, channels=channels)
    _, views, _ = next(dataset.as_numpy_iterator())
    assert views.dtype == np.uint16


def test_twenty_steps_train():
    """With a network of torch: the losses of the other hosts, on views of this one."""
    import torch

    steps = []
    for epoch in range(20):
        dataset = pipeline("gcc:scale=0.6,sigma=0.1", epoch).batch(8)
        _, views, _ = next(dataset.as_numpy_iterator())
        steps.append([*(torch.from_numpy(views).movedim(-1, -3) / 255).unbind(1)])
    assert common.has_learned(common.train(steps))


def test_a_wrong_policy_is_refused_at_construction():
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        pipeline("gccc")
