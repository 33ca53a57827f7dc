import pytest
from scipy import stats

from tamecrop.reporting.intervals import paired_difference, spread


def test_the_interval_is_scipys_paired_one():
    ours, theirs = {0: 0.61, 1: 0.64, 2: 0.60}, {2: 0.58, 1: 0.60, 0: 0.60}
    found = paired_difference(ours, theirs)
    expected = stats.ttest_rel([0.61, 0.64, 0.60], [0.60, 0.60, 0.58]).confidence_interval(0.95)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    unpaired = stats.ttest_ind([0.61, 0.64, 0.60], [0.60, 0.60, 0.58]).confidence_interval(0.95)
    assert found.low != pytest.approx(unpaired.low)


def test_only_common_seeds_make_pairs():
    found = paired_difference({0: 0.5, 1: 0.9}, {1: 0.8, 7: 0.1})
    assert found is not None
    assert (found.n, found.mean) == (1, pytest.approx(0.1))
    assert (found.low, found.high) == (None, None)
    assert paired_difference({0: 0.5}, {1: 0.5}) is None


def test_the_spread_is_a_sample_deviation_and_honest_about_one_seed():
    assert spread([0.1, 0.3]) == pytest.approx(0.02**0.5)
    assert spread([0.4]) is None
