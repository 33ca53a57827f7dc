"""Coverage of the best-covered object: the vectorized mean against a plain loop."""

import numpy as np
import pytest
import torch

import tamecrop as tc
from tamecrop.audit.measures.objects import ObjectCoverage
from tamecrop.data.images import ImageSet

SIDE = 32
OBJECTS = ([[2, 3, 12, 15], [20, 20, 40, 30]], [], [[8, 8, 24, 24]], [[5, 5, 5, 9]])


@pytest.fixture(scope="module")
def images():
    boxes = tuple(np.array(found, dtype=np.int64).reshape(-1, 4) for found in OBJECTS)
    pixels = torch.zeros(len(boxes), 3, SIDE, SIDE, dtype=torch.uint8)
    return ImageSet.in_memory(pixels, boxes=boxes)


def slow(law, rounds=4000):
    """One view at a time, pixels counted; images without an object left out."""
    drawn = tc.policy(law).draw((SIDE, SIDE), seed=5, index=np.arange(rounds))
    means = []
    for objects in ([[2, 3, 12, 15], [20, 20, 32, 30]], [[8, 8, 24, 24]]):
        best = []
        for view in drawn.reshape(-1, 4):
            near, far = np.maximum(view[:2], 0), np.minimum(view[2:], SIDE)
            shares = []
            for x1, y1, x2, y2 in objects:
                width = min(far[0], x2) - max(near[0], x1)
                height = min(far[1], y2) - max(near[1], y1)
                shares.append(max(width, 0) * max(height, 0) / ((x2 - x1) * (y2 - y1)))
            best.append(max(shares))
        means.append(np.mean(best))
    return np.mean(means)


@pytest.mark.parametrize("law", ["gcc:scale=0.4,sigma=0.3", "rc:scale=0.2", "rrc"])
def test_the_mean_is_that_of_a_plain_loop(images, law):
    covered = ObjectCoverage(images)
    assert covered.images == 2
    assert covered(tc.policy(law)) == pytest.approx(slow(law), abs=0.012)


def test_another_law_covers_otherwise(images):
    narrow, wide = (slow(f"gcc:scale=0.4,sigma={sigma}") for sigma in (0.05, 0.3))
    assert abs(narrow - wide) > 0.05


def test_the_whole_image_covers_every_object(images):
    assert ObjectCoverage(images)(tc.policy("rc:scale=1")) == 1


@pytest.mark.parametrize(
    ("objects", "message"), [(None, "needs data with object boxes"), (2 * [[]], "needs an image")]
)
def test_data_without_objects_is_refused(objects, message):
    pixels = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    if objects is not None:
        objects = tuple(np.zeros((0, 4), dtype=np.int64) for _ in objects)
    with pytest.raises(ValueError, match=message):
        ObjectCoverage(ImageSet.in_memory(pixels, boxes=objects))


def test_a_law_with_given_boxes_is_refused(images):
    with pytest.raises(ValueError, match="needs a policy without given boxes"):
        ObjectCoverage(images)(tc.policy("gcc:mean=given"))
