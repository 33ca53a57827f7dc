"""The boxes of one image, drawn in Python's numbers: the same bits as in a batch."""

import numpy as np
import pytest

import tamecrop as tc
from references.policies import EVERY
from tamecrop.geometry import distributions, elementwise as of, keys

RANDOM = np.random.default_rng(3)
N = 300
SIZES = np.maximum(np.exp(RANDOM.uniform(0, np.log(3000), (N, 2))).astype(np.int64), 3)
OBJECTS = np.stack(
    [SIZES[:, 1] / 4, SIZES[:, 0] / 4, SIZES[:, 1] / 2 + 1, SIZES[:, 0] / 2 + 1], axis=1
)
OBJECTS[::5] = np.nan
MORE = (
    "rrc:center=beta,a=0.5",
    "rrc:center=beta,a=1",
    "rrc:center=beta,a=0.01",
    "gcc:scale=0.9,sigma=20,border=truncate",
    "rrc:ratio=1/50..50",
)


def draw_singly(policy, **key):
    return [
        policy.draw_one(*map(int, SIZES[i]), views=2, index=i, object_box=OBJECTS[i], **key)
        for i in range(N)
    ]


@pytest.mark.parametrize("text", EVERY + MORE)
@pytest.mark.parametrize(
    "key", [{}, {"seed": -(2**63), "epoch": 7, "first_view": 3}], ids=["plain", "keyed"]
)
def test_one_image_gets_the_boxes_that_a_batch_gives_it(text, key):
    policy = tc.policy(text)
    together = policy.draw(SIZES, object_boxes=OBJECTS, **key)
    singly = draw_singly(policy, **key)
    assert np.array_equal(together, singly)
    assert all(type(edge) is int for box in singly[0] for edge in box)


def test_another_key_does_not_pass():
    policy = tc.policy("rrc")
    assert not np.array_equal(policy.draw(SIZES, object_boxes=OBJECTS), draw_singly(policy, seed=1))


@pytest.mark.parametrize(
    "function", [of.exp, of.log, of.cos, of.sqrt, of.erfc, distributions.normal_quantile]
)
def test_one_number_has_the_bits_that_it_has_in_an_array(function):
    numbers = keys.uniform(0, 0, np.arange(2000), 0, 0)
    assert [function(x) for x in numbers.tolist()] == function(numbers).tolist()


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0, 3.7])
def test_powers_have_the_bits_that_they_have_in_an_array(exponent):
    numbers = keys.uniform(0, 0, np.arange(2000), 0, 0)
    singly = [of.power(x, exponent) for x in numbers.tolist()]
    assert singly == of.power(numbers, exponent).tolist()


def test_what_one_image_cannot_have_is_refused():
    with pytest.raises(ValueError, match="at least one pixel a side, got 0x32"):
        tc.policy("rc").draw_one(0, 32)
    with pytest.raises(ValueError, match="`views` must be 2 with extent=joint, got 1"):
        tc.policy("jointcrop").draw_one(32, 32)
    with pytest.raises(ValueError, match="`views` must be 2 with a band of IoU, got 3"):
        tc.policy("rrc:pair=iou").draw_one(32, 32, views=3)
    with pytest.raises(ValueError, match="of a 8x8 image"):
        tc.policy("rc:scale=0.001,rounding=faithful").draw_one(8, 8)
