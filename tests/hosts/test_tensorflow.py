"""Crops in pipelines of tf.data."""

import subprocess
import sys

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


def test_the_example_draws_its_figure():
    """In a process of its own: here TensorFlow came before torchvision, which would crash."""
    code = 'from hosts import common; assert common.run_example("tensorflow").axes'
    subprocess.run([sys.executable, "-c", code], check=True)


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
    """SimCLR's loss, a network and an optimizer of TensorFlow."""
    tf.keras.utils.set_random_seed(0)
    network = tf.keras.Sequential(
        [
            tf.keras.layers.Conv2D(16, 5, strides=2),
            tf.keras.layers.BatchNormalization(),
            tf.keras.layers.ReLU(),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(32),
            tf.keras.layers.BatchNormalization(),
        ]
    )
    optimizer, losses = tf.keras.optimizers.Adam(0.01), []
    for epoch in range(20):
        _, views, _ = next(iter(pipeline("gcc:scale=0.6,sigma=0.1", epoch).batch(8)))
        both = tf.concat(tf.unstack(tf.cast(views, tf.float32) / 255, axis=1), axis=0)
        with tf.GradientTape() as tape:
            features = tf.math.l2_normalize(network(both, training=True), axis=1)
            alike = features @ tf.transpose(features) / 0.2 - 1e9 * tf.eye(16)
            partner = tf.roll(tf.range(16), 8, axis=0)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(partner, alike))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        losses.append(float(loss))
    assert common.has_learned(losses)


def test_a_wrong_policy_is_refused_at_construction():
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        pipeline("gccc")
