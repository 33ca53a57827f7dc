"""Shares of shown objects against brute force over pixels: within half a point, here equal."""

import numpy as np
import pytest
import torch

from references.objects import shares
from tamecrop.audit.measures.objects import Objects, measure_objects
from tamecrop.audit.measures.view_pairs import Shapes, draw_pairs, pair_views
from tamecrop.data.images import ImageSet

NAMES = (
    "object_share", "any_share", "pair_share", "largest_share", "false_positive_share",
    "different_share", "none_share",
)  # fmt: skip
LAWS = ["gcc:scale=0.3,sigma=0.3", "rc:scale=0.3", "rrc:scale=0.1..0.6", "jointcrop"]


def images(n=40, side=20, most=3):
    rng = np.random.default_rng(1)
    near = [rng.integers(0, side - 3, (rng.integers(0, most + 1), 2)) for _ in range(n)]
    boxes = [
        np.concatenate([each, np.minimum(each + rng.integers(2, 9, each.shape), side)], axis=1)
        for each in near
    ]
    pixels = torch.zeros(n, 3, side, side, dtype=torch.uint8)
    return ImageSet.in_memory(pixels, boxes=tuple(boxes))


def brute(views, data, *, threshold=0.5, draws=5, shift=0):
    kept = [i for i, boxes in enumerate(data.boxes) if len(boxes)]
    (batch,) = draw_pairs(views, Shapes.of(data).take(np.array(kept)), draws=draws)
    objects = [data.boxes[kept[i]] for i in batch.image]
    sizes = [tuple(data.sizes[kept[i]]) for i in batch.image]
    return shares(list(batch.boxes + shift), objects, sizes, threshold)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("threshold", [0.5, 1.0])
def test_shares_are_those_of_brute_force(law, threshold):
    data, views = images(), pair_views(law)
    found = measure_objects(views, Shapes.of(data), threshold=threshold, draws=5)
    wanted = brute(views, data, threshold=threshold)
    assert {name: getattr(found, name) for name in NAMES} == pytest.approx(wanted, abs=1e-12)
    assert found.false_positive_share == pytest.approx(1 - found.pair_share)


def test_a_pixel_or_another_threshold_is_seen():
    data, views = images(), pair_views("rc:scale=0.3")
    found = measure_objects(views, Shapes.of(data), draws=5)
    for wrong in (brute(views, data, shift=2), brute(views, data, threshold=0.7)):
        assert abs(found.pair_share - wrong["pair_share"]) > 0.005


def test_images_without_objects_are_counted_and_left_out():
    data = images()
    found = measure_objects(pair_views("rc"), Shapes.of(data))
    with_objects = sum(len(boxes) > 0 for boxes in data.boxes)
    assert (found.images, found.images_without) == (with_objects, len(data) - with_objects)
    assert found.objects == sum(map(len, data.boxes))
    nothing = ImageSet.in_memory(data.pixels, boxes=(np.empty((0, 4), dtype=np.int64),) * 40)
    assert measure_objects(pair_views("rc"), Shapes.of(nothing)) is None
    assert measure_objects(pair_views("rc"), Shapes.of(ImageSet.in_memory(data.pixels))) is None


def test_a_whole_image_shows_everything_and_two_corners_do_not():
    corners = (np.array([[0, 0, 4, 4], [16, 16, 20, 20]]),)
    data = ImageSet.in_memory(torch.zeros(1, 3, 20, 20, dtype=torch.uint8), boxes=corners)
    whole = measure_objects(pair_views("rc:scale=1"), Shapes.of(data))
    assert (whole.object_share, whole.pair_share) == (1, 1)
    half = measure_objects(pair_views("rc:scale=0.3,pair=iou,iou=0..0"), Shapes.of(data), draws=400)
    assert half.different_share > 0.05
    assert half.different_share + half.none_share == pytest.approx(half.false_positive_share)


def test_rows_name_every_object_of_each_image():
    objects = Objects.of([np.zeros((2, 4), int), np.zeros((1, 4), int), np.zeros((3, 4), int)])
    row, place = objects.rows(np.array([2, 0, 2]))
    assert row.tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    assert place.tolist() == [3, 4, 5, 0, 1, 3, 4, 5]


def test_the_threshold_is_a_share():
    with pytest.raises(ValueError, match="0 < threshold <= 1"):
        measure_objects(pair_views("rc"), Shapes.of(images()), threshold=1.5)


def draw_freely(rng, count, side, scale, spread):
    """Clamped Gaussian boxes of one size by NumPy's own generator: `(count, 2, 4)`."""
    crop = round(scale**0.5 * side)
    center = rng.normal(side / 2, spread * side, (count, 2, 2))
    near = np.clip(np.rint(center - crop / 2), 0, side - crop)
    return np.concatenate([near, near + crop], axis=-1)


@pytest.mark.parametrize("spread", [0.2, 0.35])
def test_shares_agree_with_draws_of_another_generator_to_half_a_point(spread):
    data, side, count = images(n=30, side=32), 32, 6000
    views = pair_views(f"cgcc:scale=0.4,sigma={spread}")
    found = measure_objects(views, Shapes.of(data), draws=4000)
    rng, shown = np.random.default_rng(7), []
    for boxes in filter(len, data.boxes):
        drawn = draw_freely(rng, count, side, 0.4, spread)[:, :, None]
        wide = np.minimum(drawn[..., 2:], boxes[:, 2:]) - np.maximum(drawn[..., :2], boxes[:, :2])
        inside = np.maximum(wide, 0).prod(axis=-1)
        area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=-1)
        both = inside >= 0.5 * area
        shown.append(
            (
                both.any(axis=-1).all(axis=-1).mean(),
                both.all(axis=1).any(axis=-1).mean(),
                both.all(axis=1)[:, np.argmax(area)].mean(),
            )
        )
    wanted = np.mean(shown, axis=0)
    ours = np.array([found.any_share, found.pair_share, found.largest_share])
    assert np.abs(ours - wanted).max() < 0.005
    assert wanted[0] > wanted[1] > wanted[2]
    other = measure_objects(pair_views("cgcc:scale=0.4,sigma=0.27"), Shapes.of(data), draws=200)
    assert abs(other.pair_share - wanted[1]) > 0.005
