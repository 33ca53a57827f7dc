"""Masks as runs against arrays of pixels, and CAST on masks against its definition, written out."""

import pickle

import numpy as np
import pytest

import tamecrop as tc
from tamecrop.geometry import object_masks
from tamecrop.geometry.draws import choose_objects
from tamecrop.geometry.object_masks import MaskedBoxes, Masks, join_boxes, keep_masks, polygon_runs

SIZE = (40, 60)


def blobs(count=6, seed=0):
    """Masks of several pieces with holes; the last one is a single pixel."""
    rng = np.random.default_rng(seed)
    found = np.zeros((count, *SIZE), dtype=bool)
    for mask in found:
        for _ in range(3):
            y, x = rng.integers(0, SIZE[0] - 8), rng.integers(0, SIZE[1] - 8)
            mask[y : y + rng.integers(2, 12), x : x + rng.integers(2, 12)] = True
        mask &= rng.random(SIZE) < 0.9
    found[-1] = False
    found[-1, 3, 59] = True
    return found


def slowly(masks, boxes):
    """Pixels of each mask in boxes `(N, V, 4)`, which may leave the image."""
    return np.array(
        [
            [mask[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)].sum() for x1, y1, x2, y2 in of]
            for mask, of in zip(masks, boxes.tolist(), strict=True)
        ]
    )


def some_boxes(count, views=3):
    rng = np.random.default_rng(1)
    near = rng.integers(-10, 50, (count, views, 2))
    return np.concatenate([near, near + rng.integers(1, 40, near.shape)], axis=-1)


@pytest.mark.parametrize("block", [2**20, 10])
def test_runs_say_what_arrays_of_pixels_say(monkeypatch, block):
    monkeypatch.setattr(object_masks, "_BLOCK", block)
    arrays, boxes = blobs(), some_boxes(6)
    masks = Masks.of(list(arrays))
    assert np.array_equal(masks.draw(SIZE), arrays)
    assert np.array_equal(masks.areas, arrays.sum((1, 2)))
    assert np.array_equal(masks.count_inside(boxes), slowly(arrays, boxes))
    y, x = np.indices(SIZE) + 0.5
    centroids = [(x[mask].mean(), y[mask].mean()) for mask in arrays]
    assert np.allclose(masks.centroids, centroids, rtol=1e-12)
    rows = np.array([5, 0, 0])
    assert np.array_equal(masks.take(rows).draw(SIZE), arrays[rows])
    assert np.array_equal(Masks.joined([masks, masks.take(rows)]).draw(SIZE)[6:], arrays[rows])
    assert masks.boxes_around()[5].tolist() == [59, 3, 60, 4]


def test_a_mask_that_is_not_known_counts_as_none():
    masks = Masks.of([np.zeros(SIZE), np.ones(SIZE)])
    assert masks.areas.tolist() == [0, 2400]
    assert np.isnan(masks.centroids[0]).all()
    assert masks.centroids[1].tolist() == [30, 20]
    with pytest.raises(ValueError, match="`masks` must have a pixel each that is not 0"):
        MaskedBoxes.of([np.zeros(SIZE)])
    with pytest.raises(ValueError, match=r"`masks` must be arrays \(H, W\), one an object, got a"):
        MaskedBoxes.of(np.ones((1, 1, *SIZE)))
    with pytest.raises(ValueError, match="`masks` must be one a box, got 2 for 1 boxes"):
        MaskedBoxes([[0, 0, 1, 1]], masks)


@pytest.mark.parametrize("seed", range(5))
def test_a_polygon_has_the_pixels_whose_middle_lies_in_it(seed):
    points = np.random.default_rng(seed).uniform(-10, 70, (7, 2))
    drawn = Masks.of_runs([polygon_runs(points, SIZE)]).draw(SIZE)[0]
    inside = np.zeros(SIZE, dtype=bool)
    for row, column in np.ndindex(SIZE):
        x, y = column + 0.5, row + 0.5
        crossings = 0
        for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, axis=0), strict=True):
            is_between = (y1 <= y) != (y2 <= y)
            crossings += is_between and x1 + (y - y1) / (y2 - y1) * (x2 - x1) > x
        inside[row, column] = crossings % 2
    assert inside.any()
    assert np.array_equal(drawn, inside)
    assert not polygon_runs([(1.2, 1.2), (1.3, 1.2), (1.3, 1.4)], SIZE).size


def test_boxes_keep_masks_where_they_are_handed_on_and_nowhere_else():
    boxes = MaskedBoxes.of(list(blobs()))
    again = pickle.loads(pickle.dumps(boxes))
    assert np.array_equal(again, boxes)
    assert np.array_equal(again.masks.draw(SIZE), boxes.masks.draw(SIZE))
    assert (boxes * 2).masks is None
    assert boxes[:2].masks is None
    assert pickle.loads(pickle.dumps(boxes[:2])).tolist() == boxes[:2].tolist()
    kept = keep_masks(np.asarray(boxes)[:2], boxes, [0, 1])
    assert np.array_equal(kept.masks.draw(SIZE), blobs()[:2])
    plain = np.array([[1.0, 2, 3, 4]])
    assert join_boxes([plain, boxes]).masks.areas.tolist() == [0, *boxes.masks.areas]
    assert not hasattr(join_boxes([plain, plain]), "masks")


# A pair of pieces in two corners: most boxes that show a fifth of its box show nothing of it.
CORNERS = np.zeros((100, 120), dtype=bool)
CORNERS[2:10, 2:10] = CORNERS[80:98, 90:118] = True
INDEX = np.arange(400)
FREE = "crop:extent=random,scale=0.05..0.5,center=gaussian,sigma=0.25,border=truncate"


def around(text, mask=CORNERS, **key):
    objects = choose_objects([MaskedBoxes.of([mask])] * len(INDEX), index=INDEX)
    return tc.policy(text).draw((100, 120), index=INDEX, object_boxes=objects, **key)


def test_cast_accepts_what_shows_enough_of_the_mask_and_not_of_its_box():
    need = min(0.2 * CORNERS.sum(), 0.05 * 100 * 120)
    boxes = around("cast:scale=0.05..0.5")
    assert (slowly([CORNERS] * 400, boxes) >= need).all()
    first = around("rrc:scale=0.05..0.5,center=gaussian,sigma=0.25,mean=given,border=truncate")
    shown = slowly([CORNERS] * 400, first)
    kept = shown >= need
    assert 0.1 < kept.mean() < 0.9
    assert np.array_equal(boxes[kept], first[kept])
    assert (boxes[~kept] != first[~kept]).any(-1).all()
    # By its box nearly every view would have been accepted.
    box = np.broadcast_to(MaskedBoxes.of([CORNERS]), (400, 4))
    plain = tc.policy("cast:scale=0.05..0.5").draw((100, 120), index=INDEX, object_boxes=box)
    assert (slowly([CORNERS] * 400, plain) < need).mean() > 0.3


def test_cast_falls_back_to_the_smallest_box_around_the_mask():
    boxes = around("cast:scale=0.01..0.02,tries=1,cover=1,sigma=9,ratio=0.1..9")
    assert (boxes == [2, 2, 118, 98]).all(-1).mean() > 0.5


def test_the_mean_that_is_given_is_the_centroid_of_the_mask():
    narrow = "gcc:scale=0.01,sigma=0.0001,mean=given"
    y, x = np.argwhere(CORNERS).mean(0) + 0.5
    middles = around(narrow).reshape(-1, 2, 2).mean(1)
    assert np.abs(middles - (x, y)).max() <= 1
    assert np.hypot(x - 60, y - 50) > 30  # the box's middle is far off


@pytest.mark.parametrize("text", ["object", "ccrop", "rrc"])
def test_policies_of_boxes_look_at_boxes_alone(text):
    box = np.broadcast_to(MaskedBoxes.of([CORNERS]), (400, 4))
    plain = tc.policy(text).draw((100, 120), index=INDEX, object_boxes=box)
    assert np.array_equal(around(text), plain)


@pytest.mark.parametrize("text", ["cast:scale=0.05..0.5", "gcc:scale=0.1,sigma=0.1,mean=given"])
def test_a_mask_that_fills_its_box_is_that_box(text):
    full = np.zeros((100, 120), dtype=bool)
    full[20:90, 70:100] = True
    box = np.broadcast_to([70.0, 20, 100, 90], (400, 4))
    plain = tc.policy(text).draw((100, 120), index=INDEX, object_boxes=box)
    assert np.array_equal(around(text, full), plain)


@pytest.mark.parametrize(
    "text", ["cast:scale=0.05..0.5", "gcc:scale=0.1,sigma=0.1,mean=given", "object", "ccrop"]
)
def test_one_image_has_the_boxes_of_a_batch(text):
    batch = around(text, seed=3, epoch=2)
    for n in range(0, 400, 5):
        one = tc.policy(text).draw_one(
            100, 120, views=2, seed=3, epoch=2, index=n, object_box=MaskedBoxes.of([CORNERS])
        )
        assert one == [tuple(box) for box in batch[n].tolist()]


def test_of_several_images_each_gets_the_mask_of_the_object_that_is_chosen():
    every = [MaskedBoxes.of(list(blobs(4, seed))) for seed in range(3)]
    plain = np.array([[1.0, 2, 30, 20], [5, 5, 9, 9]])
    candidates = [every[0], plain, every[1], np.empty((0, 4)), every[0], every[2]] * 20
    index = np.arange(len(candidates))
    epochs = index % 7
    chosen = choose_objects(candidates, seed=1, epoch=epochs, index=index)
    numbers = set()
    for n, of in enumerate(candidates):
        (alone,) = choose_objects([of], seed=1, epoch=int(epochs[n]), index=[n])
        assert np.array_equal(alone, chosen[n], equal_nan=True)
        masks = getattr(of, "masks", None)
        if masks is None:
            assert chosen.masks.areas[n] == 0
            continue
        (place,) = np.flatnonzero((np.asarray(of) == chosen[n]).all(1))
        numbers.add(int(place))
        assert np.array_equal(chosen.masks.take([n]).draw(SIZE)[0], masks.draw(SIZE)[place])
    assert numbers == {0, 1, 2, 3}
