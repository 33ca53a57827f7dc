"""R19: how the two views of an image relate: quantiles against a million reference pairs."""

import numpy as np
import pytest

import tamecrop as tc
from references import pairs

N = 1_000_000
SIZE = (1200, 1600)
AT = np.arange(0.05, 1, 0.05)
BAR = 0.005
LAWS = {
    "rc": "rc:scale=0.4",
    "gcc": "gcc:scale=0.4,sigma=0.2",
    "cgcc": "cgcc:scale=0.4,sigma=0.2",
    "mgcc": "mgcc:scale=0.4,sigma=0.2",
    "cmgcc": "cmgcc:scale=0.4,sigma=0.2",
    "rrc": "rrc:scale=0.2..1",
}


def quantiles(boxes):
    """Of the IoU of the contents and of both offsets, and the shares of disjoint views."""
    iou, (across, down) = pairs.iou(boxes, SIZE), pairs.offset(boxes, SIZE).T
    table = [np.quantile(each, AT) for each in (iou, across, down)]
    return np.concatenate([*table, [(iou == 0).mean()]])


def ours(law, n=N):
    return quantiles(tc.policy(law).draw(SIZE, index=np.arange(n)))


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_pairs_have_the_reference_quantiles(name, record):
    reference = quantiles(pairs.boxes(name, SIZE, N, np.random.default_rng(19)))
    gap = np.abs(ours(LAWS[name]) - reference).max()
    assert gap < BAR
    record(f"R19.{name}", f"{LAWS[name]}: largest gap of a quantile {gap:.4f}", n=N, gap=gap)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("gcc:scale=0.4,sigma=0.21", "gcc"),
        ("mgcc:scale=0.4,sigma=0.2,pair=independent", "mgcc"),
        ("cgcc:scale=0.4,sigma=0.2", "gcc"),
        ("rrc:scale=0.25..1", "rrc"),
        ("rc:scale=0.41", "rc"),
    ],
)
def test_another_relation_is_seen(wrong, right):
    reference = quantiles(pairs.boxes(right, SIZE, N // 5, np.random.default_rng(19)))
    assert np.abs(ours(wrong, N // 5) - reference).max() > BAR
