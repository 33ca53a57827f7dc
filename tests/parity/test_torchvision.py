"""`rrc` has the law of torchvision's RandomResizedCrop."""

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

import tamecrop as tc
from references import statistics

N = 8000
SIZES = [(32, 32), (48, 64), (3, 400)]


def theirs(size, scale):
    torch.manual_seed(0)
    crop = v2.RandomResizedCrop(8, scale=scale)
    image = torch.empty(1, *size)
    found = [crop.make_params([image]) for _ in range(N)]
    return np.array([[p["left"], p["top"], p["width"], p["height"]] for p in found])


def ours(law, size):
    boxes = tc.policy(law).draw(size, views=1, index=np.arange(4 * N))[:, 0]
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def agreement(one, two):
    """The least probability over position, sides and their products."""
    columns = [(one[:, k], two[:, k]) for k in range(4)]
    columns.append((one[:, 2] * one[:, 3], two[:, 2] * two[:, 3]))
    return min(statistics.chi_square_two(a.astype(int), b.astype(int)) for a, b in columns)


@pytest.mark.parametrize("size", SIZES)
def test_rrc_has_torchvisions_law(size):
    assert agreement(ours("rrc:scale=0.2..1", size), theirs(size, (0.2, 1))) > statistics.LEVEL


def test_the_fallback_is_as_frequent():
    size = (3, 400)
    one, two = ours("rrc:scale=0.2..1", size), theirs(size, (0.2, 1))
    share = (one[:, 2:] == [4, 3]).all(axis=1).mean()
    hits = int((two[:, 2:] == [4, 3]).all(axis=1).sum())
    assert statistics.binomial(hits, N, share) > statistics.LEVEL


def test_another_scale_is_noticed():
    wrong = ours("rrc:scale=0.25..1", (48, 64))
    assert agreement(wrong, theirs((48, 64), (0.2, 1))) < statistics.LEVEL
