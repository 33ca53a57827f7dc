"""The paper's crops, box by box, against a slow reference written from its definitions."""

import numpy as np
import pytest

import tamecrop as tc
from references import paper
from tamecrop.geometry import keys
from tamecrop.geometry.keys import Draw

SIZES = [(32, 32), (64, 48), (7, 301), (1, 1)]
INDEX = np.arange(60)


def noise(kind, *numbers, view, **key):
    draws = [kind(key["seed"], key["epoch"], INDEX, view, number) for number in numbers]
    return list(zip(*draws, strict=True))


def drawn(law, size, **key):
    return tc.policy(law).draw(size, index=INDEX, **key)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("scale", "alpha"), [(0.2, 1.0), (0.4, 1.5), (0.8, 10), (1, 2)])
@pytest.mark.parametrize("border", ["recenter", "clamp"])
def test_gcc_and_cgcc_are_the_papers(size, scale, alpha, border):
    if min(size) * scale**0.5 < 1:
        pytest.skip("the paper's rounding has no box of this scale here")
    key = {"seed": 3, "epoch": 1}
    text = f"gcc:scale={scale},alpha={alpha},border={border},rounding=faithful"
    boxes = drawn(text, size, **key)
    for view in (0, 1):
        pairs = noise(keys.normal, Draw.X, Draw.Y, view=view, **key)
        for pair, box in zip(pairs, boxes[:, view].tolist(), strict=True):
            expected = paper.gcc(*size, scale, alpha, pair)
            if border == "clamp":
                expected = paper.pushed_inside(expected, *size)
            assert tuple(box) == expected


def test_mgcc_shares_its_mean_between_the_views():
    key = {"seed": 5, "epoch": 0}
    boxes = drawn("mgcc:scale=0.4,alpha=1.5,rounding=faithful,border=recenter", (64, 48), **key)
    means = noise(keys.uniform, Draw.MEAN_X, Draw.MEAN_Y, view=0, **key)
    for view in (0, 1):
        pairs = noise(keys.normal, Draw.X, Draw.Y, view=view, **key)
        for mean, pair, box in zip(means, pairs, boxes[:, view].tolist(), strict=True):
            assert tuple(box) == paper.mgcc(64, 48, 0.4, 1.5, mean, pair)


def test_rc_is_uniform_where_it_fits():
    key = {"seed": 1, "epoch": 2}
    boxes = drawn("rc:scale=0.8,rounding=faithful", (32, 40), **key)
    pairs = noise(keys.uniform, Draw.X, Draw.Y, view=0, **key)
    expected = [paper.rc(32, 40, 0.8, pair) for pair in pairs]
    assert [tuple(box) for box in boxes[:, 0].tolist()] == expected


def test_the_clean_rounding_is_rounded_once():
    key = {"seed": 1, "epoch": 2}
    boxes = drawn("gcc:scale=0.4,sigma=0.2", (33, 40), **key)
    pairs = noise(keys.normal, Draw.X, Draw.Y, view=1, **key)
    expected = [paper.gcc_nearest(33, 40, 0.4, 0.2, pair) for pair in pairs]
    assert [tuple(box) for box in boxes[:, 1].tolist()] == expected


@pytest.mark.parametrize(("scale", "side"), [(0.2, 14), (0.4, 20), (0.6, 24), (0.8, 28)])
def test_the_papers_sides_at_32_pixels(scale, side):
    boxes = drawn(f"rc:scale={scale},rounding=faithful", (32, 32), seed=0)
    assert (boxes[..., 2:] - boxes[..., :2] == side).all()


def test_a_mean_one_pixel_off_is_not_the_papers():
    key = {"seed": 3, "epoch": 1}
    boxes = drawn("gcc:scale=0.4,alpha=1.5,border=recenter,rounding=faithful", (32, 32), **key)
    pairs = noise(keys.normal, Draw.X, Draw.Y, view=0, **key)
    shifted = [np.add(paper.gcc(32, 32, 0.4, 1.5, pair), 1) for pair in pairs]
    assert not (boxes[:, 0] == shifted).all()
