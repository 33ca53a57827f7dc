"""Where boxes sit, against closed forms written here: whole tables, marginals, and atoms."""

import numpy as np
import pytest
from scipy import stats

import tamecrop as tc
from references import statistics
from references.center_laws import clamped, gaussian, truncated, uniform

N = 50_000


def edges(law, size, column=0):
    boxes = tc.policy(law).draw(size, index=np.arange(N), views=1)[:, 0]
    return boxes[:, column], int(boxes[0, column + 2] - boxes[0, column])


def table(values, probability, first):
    """Probability of counts at least as far from the law, over `first ..`."""
    counts = np.bincount(
        np.clip(values - first, 0, len(probability) - 1), minlength=len(probability)
    )
    return statistics.chi_square(counts, probability)


CONFIGURATIONS = [
    ((32, 32), 0.4, 0.2165),
    ((3, 5000), 0.3, 0.1),
    ((40, 17), 0.8, 0.5),
    ((1, 9), 0.5, 0.3),
]


@pytest.mark.parametrize(("size", "scale", "sigma"), CONFIGURATIONS)
@pytest.mark.parametrize("border", ["pad", "recenter", "clamp", "truncate"])
@pytest.mark.parametrize("column", [0, 1])
def test_gaussian_edges_have_their_law(size, scale, sigma, border, column):
    values, crop = edges(f"gcc:scale={scale},sigma={sigma},border={border}", size, column)
    side = size[1 - column]
    law = gaussian(side, crop, sigma)
    if border == "clamp":
        law = clamped(law, side, crop)
    if border == "truncate":
        law = truncated(law, side, crop)
    assert table(values, *law) > statistics.LEVEL
    for atom in (0, side - crop):
        probability = law[0][atom - law[1]]
        assert statistics.binomial((values == atom).sum(), N, probability) > statistics.LEVEL


@pytest.mark.parametrize("border", ["pad", "clamp", "truncate", "reflect"])
def test_a_spread_five_percent_off_is_noticed(border):
    law = "gcc:scale=0.4,sigma={},border=" + border
    right, _ = edges(law.format(0.1), (64, 64))
    wrong, _ = edges(law.format(0.105), (64, 64))
    policy = tc.policy(law.format(0.1))
    expected = tc.expectations.axis_laws(policy, (64, 64))[1]
    assert table(right, expected.probability, expected.first) > statistics.LEVEL
    assert table(wrong, expected.probability, expected.first) < statistics.LEVEL


def test_an_edge_one_pixel_off_is_noticed():
    values, crop = edges("gcc:scale=0.4,sigma=0.2165", (32, 32))
    assert table(values + 1, *gaussian(32, crop, 0.2165)) < statistics.LEVEL


@pytest.mark.parametrize(
    ("law", "low", "high"), [("rc:scale=0.4", 0, 12), ("rc_pad:scale=0.4", -8, 20)]
)
def test_uniform_edges_are_uniform(law, low, high):
    values, _ = edges(law, (32, 32))
    assert (values.min(), values.max()) == (low, high)
    assert table(values, *uniform(low, high)) > statistics.LEVEL


def test_the_continuous_marginal_is_gaussian():
    values, crop = edges("gcc:scale=0.4,sigma=0.2", (10**6, 10**6))
    law = stats.norm((10**6 - crop) / 2, 2e5)
    assert statistics.ks(values.astype(float), law.cdf) > statistics.LEVEL
    wide = stats.norm((10**6 - crop) / 2, 2.1e5)
    assert statistics.ks(values.astype(float), wide.cdf) < statistics.LEVEL


def test_a_shared_mean_is_uniform_in_its_range():
    boxes = tc.policy("mgcc:scale=0.1,sigma=0.0001").draw((10**6, 10**6), index=np.arange(N))
    centers = (boxes[..., 0] + boxes[..., 2]) / 2e6
    assert np.abs(centers[:, 0] - centers[:, 1]).max() < 0.002
    assert statistics.ks(centers[:, 0], stats.uniform(0.25, 0.5).cdf) > 1e-6
