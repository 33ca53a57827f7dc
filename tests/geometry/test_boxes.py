"""Laws of the box arithmetic; every law also refuses a wrong implementation."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from tamecrop.geometry import boxes

ROWS = st.integers(0, 6).flatmap(
    lambda n: arrays(np.int64, (2, n, 4), elements=st.integers(-30, 30))
)
IMAGE = np.array([20, 25])
PUBLIC = ("area", "intersection", "iou", "coverage", "clip", "content_share", "flip")


def iou_is_symmetric(box, a, b):
    np.testing.assert_array_equal(box.iou(a, b), box.iou(b, a))


def iou_is_a_share(box, a, b):
    iou = box.iou(a, b)
    assert ((iou >= 0) & (iou <= 1)).all()
    np.testing.assert_array_equal(box.iou(a, a), box.area(a) > 0)


def iou_counts_pixels(box, a, b):
    grid = np.mgrid[-30:30, -30:30]

    def pixels(row):
        (x1, y1, x2, y2), (y, x) = row, grid
        return (x >= x1) & (x < x2) & (y >= y1) & (y < y2)

    for first, second in zip(a, b, strict=True):
        shared, union = pixels(first) & pixels(second), pixels(first) | pixels(second)
        assert box.iou(first, second) == shared.sum() / max(union.sum(), 1)


def intersection_is_inside_both(box, a, b):
    shared = box.intersection(a, b)
    kept = box.area(shared) > 0
    assert (shared[..., :2] >= np.maximum(a, b)[..., :2])[kept].all()
    assert (shared[..., 2:] <= np.minimum(a, b)[..., 2:])[kept].all()
    assert (box.area(shared) <= np.minimum(box.area(a), box.area(b))).all()


def coverage_is_full_of_itself(box, a, b):
    full = box.area(a) > 0
    assert (box.coverage(a, a)[full] == 1).all()
    assert (box.coverage(a, b) <= 1).all()
    np.testing.assert_array_equal(box.coverage(a, b)[box.area(b) == 0], 0)


def clip_is_the_part_inside(box, a, b):
    content = box.clip(a, IMAGE)
    some = box.area(content) > 0
    assert (content[some] >= 0).all()
    assert (content[some][:, 2:] <= IMAGE[::-1]).all()
    np.testing.assert_array_equal(box.clip(content, IMAGE)[some], content[some])


def content_share_is_one_inside(box, a, b):
    inside = (a >= 0).all(-1) & (a[:, 2:] <= IMAGE[::-1]).all(-1) & (box.area(a) > 0)
    share = box.content_share(a, IMAGE)
    assert (share[inside] == 1).all()
    np.testing.assert_allclose(share * box.area(a), box.area(box.clip(a, IMAGE)))


def flip_mirrors(box, a, b):
    mirrored = box.flip(a, 25)
    np.testing.assert_array_equal(box.flip(mirrored, 25), a)
    np.testing.assert_array_equal(mirrored[:, [1, 3]], a[:, [1, 3]])
    np.testing.assert_array_equal(box.area(mirrored), box.area(a))
    np.testing.assert_array_equal(box.iou(mirrored, box.flip(b, 25)), box.iou(a, b))


def iou_does_not_move(box, a, b):
    np.testing.assert_array_equal(box.iou(a + 7, b + 7), box.iou(a, b))


def whole_batch_is_one_by_one(box, a, b):
    singles = [box.iou(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_array_equal(box.iou(a, b), np.array(singles).reshape(len(a)))


def wrong(**functions):
    """The module with some functions replaced."""
    return SimpleNamespace(**{name: getattr(boxes, name) for name in PUBLIC} | functions)


def closed(a):
    """Area of closed boxes: one pixel too many a side."""
    a = np.asarray(a)
    return np.maximum(a[..., 2] - a[..., 0] + 1, 0) * np.maximum(a[..., 3] - a[..., 1] + 1, 0)


def unordered(a, b):
    """Intersection that forgets the empty case."""
    near, far = np.maximum(a, b)[..., :2], np.minimum(a, b)[..., 2:]
    return np.concatenate([near, far], axis=-1)[..., [0, 1, 0, 3]]


def swapped_image(a, sizes):
    """Clip with width and height exchanged."""
    return boxes.clip(a, np.asarray(sizes)[::-1])


def negated(a, width):
    """A flip that forgets to swap near and far edge."""
    return width - np.asarray(a)


WRONG = {
    iou_is_symmetric: wrong(iou=boxes.coverage),
    iou_is_a_share: wrong(iou=lambda a, b: boxes.iou(a, b) * 1.01),
    iou_counts_pixels: wrong(
        iou=lambda a, b: (s := boxes.area(boxes.intersection(a, b))) / (boxes.area(a) + s + 1)
    ),
    intersection_is_inside_both: wrong(intersection=lambda a, b: np.maximum(a, b)),
    coverage_is_full_of_itself: wrong(coverage=lambda a, b: closed(a) / (boxes.area(b) + 1)),
    clip_is_the_part_inside: wrong(clip=swapped_image),
    content_share_is_one_inside: wrong(clip=unordered, content_share=lambda a, s: closed(a) * 0.5),
    flip_mirrors: wrong(flip=negated),
    iou_does_not_move: wrong(iou=lambda a, b: boxes.iou(a, b) + a[..., 0]),
    whole_batch_is_one_by_one: wrong(iou=lambda a, b: boxes.iou(a, b) + np.shape(a)[0]),
}


@pytest.mark.parametrize("law", WRONG, ids=lambda law: law.__name__)
@given(pair=ROWS)
def test_law(law, pair):
    law(boxes, *pair)


@pytest.mark.parametrize("law", WRONG, ids=lambda law: law.__name__)
def test_a_wrong_answer_is_refused(law):
    pair = np.random.default_rng(0).integers(-30, 30, (2, 200, 4))
    with pytest.raises(AssertionError):
        law(WRONG[law], *pair)


def results(a, b):
    return {
        "area": boxes.area(a),
        "intersection": boxes.intersection(a, b),
        "iou": boxes.iou(a, b),
        "coverage": boxes.coverage(a, b),
        "clip": boxes.clip(a, IMAGE),
        "content_share": boxes.content_share(a, IMAGE),
        "flip": boxes.flip(a, 25),
    }


def test_no_boxes_give_no_answers():
    none = np.empty((0, 4), dtype=np.int64)
    assert {name: len(out) for name, out in results(none, none).items()} == dict.fromkeys(PUBLIC, 0)


def test_arguments_are_untouched():
    a, b = np.random.default_rng(0).integers(-30, 30, (2, 50, 4))
    kept = a.copy(), b.copy()
    results(a, b)
    np.testing.assert_array_equal((a, b), kept)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float32, np.float64])
def test_dtype_is_kept(dtype):
    a, b = np.random.default_rng(0).integers(-30, 30, (2, 50, 4)).astype(dtype)
    image = IMAGE.astype(dtype)
    assert boxes.intersection(a, b).dtype == dtype
    assert boxes.clip(a, image).dtype == dtype
    assert boxes.flip(a, 25).dtype == dtype
    assert boxes.iou(a, b).dtype == np.float64


def test_leading_dimensions_broadcast():
    a, b = np.random.default_rng(0).integers(-30, 30, (2, 5, 3, 4))
    table = boxes.iou(a[:, :, None], b[:, None])
    assert table.shape == (5, 3, 3)
    assert table[4, 2, 1] == boxes.iou(a[4, 2], b[4, 1])


def test_narrow_integers_do_not_overflow():
    large = np.array([0, 0, 100_000, 100_000], dtype=np.int32)
    assert boxes.area(large) == 10**10
    assert boxes.iou(large, large) == 1
    assert boxes.area(np.array([9, 9, 3, 3], dtype=np.uint8)) == 0
