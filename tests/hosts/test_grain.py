"""Crops in pipelines of Grain, on arrays."""

import numpy as np
import pytest

import tamecrop as tc
from hosts import common

grain = common.need("grain.python")
jax = common.need("jax")
common.need("absl.flags").FLAGS.mark_as_parsed()  # what Grain asks of whoever has JAX; see its page

pytestmark = common.LENIENT
GAUSS = "gcc:scale=0.4,sigma=0.2165,border=clamp"


class Cropped:
    """Picklable, as Grain's worker processes ask."""

    def __init__(self, policy=GAUSS, epoch=0):
        self.policy, self.epoch = tc.policy(policy), epoch

    def __call__(self, index, image):
        key = {"index": [index], "epoch": self.epoch, "seed": 5}
        boxes = self.policy.draw(image.shape[:2], **key)[0]
        return {"at": index, "views": tc.cut(image, boxes, size=24), "boxes": boxes}


def images(**settings):
    return grain.MapDataset.source([common.pixels(number, **settings) for number in range(8)])


def test_the_page_runs():
    names = common.run_page("grain")
    assert names["batch"]["views"].shape == (4, 2, 32, 32, 3)
    boxes = tc.policy("mgcc:scale=0.4").draw((64, 96), index=[3], epoch=2)[0]
    assert np.array_equal(names["dataset"][19]["boxes"], boxes)
    every = {tuple(box) for n in range(2) for box in names["batch"]["boxes"][:, n].tolist()}
    assert len(every) > 4


def test_the_example_draws_its_figure():
    assert common.run_example("grain").axes


def test_boxes_are_those_of_the_key_however_shuffled():
    for element in images().map_with_index(Cropped(epoch=2)).shuffle(seed=1):
        boxes = common.keyed_box(GAUSS, element["at"], epoch=2, seed=5, views=2)
        assert np.array_equal(element["boxes"], boxes)
        for view, box in zip(element["views"], boxes, strict=True):
            cut = common.by_pillow(common.pixels(element["at"]), box, 24)
            assert common.levels_apart(view, cut) <= 1


def test_behind_a_shuffle_the_index_is_another():
    """The trap of the page: shown, so that the test above could fail."""
    late = images().shuffle(seed=1).map_with_index(Cropped())
    cuts = [common.by_pillow(common.pixels(each["at"]), each["boxes"][0], 24) for each in late]
    apart = [common.levels_apart(a["views"][0], b) for a, b in zip(late, cuts, strict=True)]
    assert max(apart) > 9


def test_worker_processes_draw_the_same():
    dataset = images().map_with_index(Cropped()).shuffle(seed=1).to_iter_dataset()
    dataset = dataset.mp_prefetch(grain.MultiprocessingOptions(num_workers=1))
    seen = [element["at"] for element in dataset]
    assert sorted(seen) == [*range(8)]
    for element in dataset:
        boxes = common.keyed_box(GAUSS, element["at"], seed=5, views=2)
        assert np.array_equal(element["boxes"], boxes)


@pytest.mark.parametrize("channels", [1, 5])
def test_channels_and_sixteen_bits(channels):
    element = images(channels=channels, dtype=np.uint16).map_with_index(Cropped())[1]
    assert element["views"].dtype == np.uint16
    assert element["views"].shape == (2, 24, 24, channels)


def make_weights(key):
    """A convolution of 5 x 5 over three channels, and a linear layer over 2 x 2 means of it."""
    first, second = jax.random.split(key)
    kernel = jax.random.normal(first, (5, 5, 3, 16)) / 75**0.5
    return {"kernel": kernel, "linear": jax.random.normal(second, (64, 32)) / 8}


def standardize(values, axes):
    return (values - values.mean(axes)) / (1e-3 + values.std(axes))


def loss_of(weights, both):
    """SimCLR's loss of `(2B, 24, 24, 3)`: the views of an image stand B apart."""
    axes = ("NHWC", "HWIO", "NHWC")
    maps = jax.lax.conv_general_dilated(both, weights["kernel"], (2, 2), "VALID", None, None, axes)
    maps = jax.nn.relu(standardize(maps, (0, 1, 2)))
    means = maps.reshape(len(both), 2, 5, 2, 5, -1).mean((2, 4)).reshape(len(both), -1)
    features = standardize(means @ weights["linear"], 0)
    features = features / jax.numpy.linalg.norm(features, axis=1, keepdims=True)
    alike = features @ features.T / 0.2 - 1e9 * jax.numpy.eye(len(both))
    partner = np.roll(np.arange(len(both)), len(both) // 2)
    return -jax.nn.log_softmax(alike, axis=1)[np.arange(len(both)), partner].mean()


def test_twenty_steps_train():
    """A network and gradients of JAX."""
    weights, losses = make_weights(jax.random.key(0)), []
    step = jax.jit(jax.value_and_grad(loss_of))
    for epoch in range(20):
        crop = Cropped("gcc:scale=0.6,sigma=0.1", epoch)
        batch = images().map_with_index(crop).shuffle(seed=epoch).batch(8)[0]
        both = np.concatenate([batch["views"][:, 0], batch["views"][:, 1]]) / np.float32(255)
        loss, slope = step(weights, both)
        weights = jax.tree.map(lambda weight, change: weight - 0.1 * change, weights, slope)
        losses.append(float(loss))
    assert common.has_learned(losses)


def test_a_wrong_policy_is_refused_at_construction():
    with pytest.raises(ValueError, match="did you mean 'gcc'"):
        Cropped("gccc")
