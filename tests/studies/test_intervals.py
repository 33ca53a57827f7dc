"""Intervals of a comparison: scipy's where scipy has them, and simulated errors."""

import math

import numpy as np
import pytest
from scipy import stats

from tamecrop.reporting.comparisons import (
    compare_arms,
    critical_value,
    is_different,
    is_equal,
    noncentrality,
    seed_correlation,
)
from tamecrop.reporting.intervals import Interval, spread

OURS, THEIRS = {0: 0.61, 1: 0.64, 2: 0.60}, {2: 0.58, 1: 0.60, 0: 0.60}


def arms(values):
    """`(seeds, arms)` accuracies as the comparison takes them; the first is the baseline."""
    return {place: dict(enumerate(column)) for place, column in enumerate(values.T.tolist())}


def test_of_two_arms_the_interval_is_scipys_paired_one():
    gaps, kept = compare_arms({"theirs": THEIRS, "ours": OURS}, "theirs")
    expected = stats.ttest_rel([0.61, 0.64, 0.60], [0.60, 0.60, 0.58]).confidence_interval(0.95)
    assert (gaps["ours"].low, gaps["ours"].high) == pytest.approx((expected.low, expected.high))
    unpaired = stats.ttest_ind([0.61, 0.64, 0.60], [0.60, 0.60, 0.58]).confidence_interval(0.95)
    assert gaps["ours"].low != pytest.approx(unpaired.low)
    assert (kept.freedom, kept.rivals, gaps["ours"].n) == (2, 1, 3)


@pytest.mark.parametrize(("rivals", "freedom"), [(1, 2), (3, 6), (5, 10), (9, 18), (4, 200)])
@pytest.mark.parametrize("sides", [1, 2])
def test_critical_values_are_dunnetts(rivals, freedom, sides):
    """By scipy's multivariate t, whose integration errs by about 1e-4."""
    value = critical_value(rivals, freedom, 0.95, sides=sides)
    shape = 0.5 * np.eye(rivals) + 0.5
    law = stats.multivariate_t(np.zeros(rivals), shape, df=freedom, seed=0)
    low = np.full(rivals, -value if sides == 2 else -1e3)
    share = law.cdf(np.full(rivals, value), lower_limit=low, maxpts=200_000)
    assert share == pytest.approx(0.95, abs=1e-3)
    wrong = np.full(rivals, critical_value(3 * rivals, freedom, 0.95, sides=sides))
    assert law.cdf(wrong, lower_limit=-wrong if sides == 2 else low) > 0.96


def test_without_a_seed_effect_it_is_scipys_test_of_dunnett_but_for_the_freedom_of_seeds():
    values = np.random.default_rng(1).normal(size=(40, 4))
    gaps, kept = compare_arms(arms(values), 0)
    expected = stats.dunnett(*values.T[1:], control=values.T[0], rng=np.random.default_rng(0))
    bounds = expected.confidence_interval(0.95)
    assert kept.freedom == 39 * 3
    for place, low in enumerate(bounds.low, start=1):
        assert gaps[place].mean == pytest.approx(values.T[place].mean() - values.T[0].mean())
        assert gaps[place].low == pytest.approx(low, abs=0.06)


def simulated(rivals, seeds, *, gap=0.0, runs=3000):
    """Share of studies in which some rival is called different; the first has a true gap."""
    rng = np.random.default_rng(rivals)
    values = rng.normal(size=(runs, seeds, rivals + 1)) + 2 * rng.normal(size=(runs, seeds, 1))
    values[..., 1] += gap
    told = [[*compare_arms(arms(each), 0)[0].values()] for each in values]
    return np.mean([[is_different(each) for each in gaps] for gaps in told], axis=0), np.mean(
        [any(is_different(each) for each in gaps) for gaps in told]
    )


@pytest.mark.parametrize("rivals", [3, 5, 9])
def test_without_a_true_difference_few_studies_show_one(rivals):
    """A twentieth, where uncorrected paired intervals show one in 13, 21 and 32 %."""
    _, error = simulated(rivals, 3)
    assert error == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 3000))


@pytest.mark.parametrize("rivals", [3, 5, 9])
def test_uncorrected_pairs_would_show_one_far_too_often(rivals):
    """The wrong answer that the correction is for: each rival against the baseline on its own."""
    rng = np.random.default_rng(rivals)
    values = rng.normal(size=(1000, 3, rivals + 1))
    found = stats.ttest_rel(values[..., 1:], values[..., :1], axis=1).pvalue
    assert (found < 0.05).any(axis=1).mean() > 0.09


def test_a_detectable_difference_is_shown_in_four_of_five_studies():
    freedom = 4 * 3
    critical = critical_value(3, freedom, 0.95)
    gap = noncentrality(critical, freedom) * math.sqrt(2 / 5)
    power, _ = simulated(3, 5, gap=gap)
    assert power[0] == pytest.approx(0.8, abs=3 * math.sqrt(0.8 * 0.2 / 3000))
    assert power[1] < 0.05


def test_only_common_seeds_make_pairs():
    gaps, kept = compare_arms({"b": {1: 0.8, 7: 0.1}, "a": {0: 0.5, 1: 0.9}}, "b")
    assert (gaps["a"].n, gaps["a"].mean) == (1, pytest.approx(0.1))
    assert (gaps["a"].low, gaps["a"].high, kept.deviation) == (None, None, None)
    assert compare_arms({"b": {1: 0.5}, "a": {0: 0.5}}, "b") == ({}, None)
    assert compare_arms({"a": {0: 0.5}}, None) == ({}, None)


def test_an_arm_that_lags_behind_does_not_cost_the_others_their_seeds():
    values = np.random.default_rng(2).normal(size=(4, 3))
    whole = arms(values)
    part = {**whole, 2: {0: whole[2][0]}}
    gaps, kept = compare_arms(part, 0)
    assert (gaps[1].n, gaps[2].n, kept.freedom) == (4, 1, 3)
    assert gaps[1].mean == pytest.approx(values[:, 1].mean() - values[:, 0].mean())
    assert gaps[2].high - gaps[2].low > gaps[1].high - gaps[1].low


def test_the_best_is_told_from_the_second_or_shares_its_place():
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(5, 3)) * 0.001
    _, clear = compare_arms(arms(noise + np.array([0.5, 0.6, 0.7])), 0)
    assert clear.lead.candidates == (2,)
    assert clear.lead.gap == pytest.approx(0.1, abs=0.01)
    assert clear.lead.least > 0
    _, near = compare_arms(arms(noise + np.array([0.5, 0.7, 0.7])), 0)
    assert sorted(near.lead.candidates) == [1, 2]
    assert near.lead.least <= 0


def test_equality_needs_a_whole_interval_within_the_margin():
    assert is_equal(Interval(0.001, -0.003, 0.004, 9), 0.005)
    assert not is_equal(Interval(-0.0028, -0.0377, 0.0321, 3), 0.005), "no difference shown"
    assert not is_equal(Interval(0.0, None, None, 1), 0.005)
    assert not is_equal(Interval(0.0, -0.001, 0.005, 3), 0.005)


def test_whether_pairing_helps_is_measured():
    rng = np.random.default_rng(4)
    own, common = rng.normal(size=(400, 3)), rng.normal(size=(400, 1))
    for weight, expected in ((0, 0.0), (1, 0.5), (3, 0.9)):
        found = seed_correlation([*arms(own + weight * common).values()])
        assert found == pytest.approx(expected, abs=0.06)
    assert seed_correlation([{0: 0.5}, {0: 0.6}]) is None


def test_the_spread_is_a_sample_deviation_and_honest_about_one_seed():
    assert spread([0.1, 0.3]) == pytest.approx(0.02**0.5)
    assert spread([0.4]) is None
