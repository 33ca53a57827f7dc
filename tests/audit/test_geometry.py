"""The geometry of laws on real sizes: closed forms and draws agree, and brute force agrees."""

import numpy as np
import pytest

import tamecrop as tc
from references.objects import seen
from tamecrop.audit.measures.closed_forms import closed_forms, placements
from tamecrop.audit.measures.coverage_map import seen_counts
from tamecrop.audit.measures.geometry import drawn_geometry, geometry
from tamecrop.audit.measures.pairs import pairs

HALF_A_POINT = 0.005
LAWS = [
    "rc:scale=0.8",
    "rc_pad:scale=0.4,padding=0.2",
    "gcc:scale=0.4,sigma=0.2165",
    "cgcc:scale=0.6,sigma=0.3",
    "mgcc:scale=0.4",
    "rrc:scale=0.2..1",
]


def square(side=32, n=4):
    return np.full((n, 2), side)


@pytest.mark.parametrize("law", LAWS)
def test_closed_forms_and_draws_agree_to_half_a_point(law):
    sizes = np.tile([[24, 36]], (4, 1))
    exact = closed_forms(tc.policy(law), sizes)
    drawn = drawn_geometry(tc.policy(law), sizes)
    assert len(exact) >= 6
    for name, value in exact.items():
        assert getattr(drawn, name) == pytest.approx(value, abs=HALF_A_POINT), name


def test_another_spread_is_seen():
    exact = closed_forms(tc.policy("gcc:scale=0.4,sigma=0.25"), square())
    drawn = drawn_geometry(tc.policy("gcc:scale=0.4,sigma=0.2165"), square())
    assert abs(drawn.pair_iou_mean - exact["pair_iou_mean"]) > 2 * HALF_A_POINT


def test_the_report_says_what_is_exact():
    fixed, random = (geometry(tc.policy(law), square()) for law in ("gcc", "rrc"))
    assert {"pair_iou_mean", "empty_share", "realized_area_mean"} <= set(fixed.closed_form)
    assert "pair_iou_mean" not in random.closed_form
    assert geometry(tc.policy("jointcrop"), square()).closed_form == ()


def test_published_geometry_of_random_resized_crop():
    found = geometry(tc.policy("rrc:scale=0.2..1"), square(100))
    assert found.pair_iou_mean == pytest.approx(0.508, abs=0.01)
    assert found.pair_iou_zero_share < 0.001
    assert (found.stated_area, found.stated_ratio) == (0.6, (0.75, 4 / 3))
    assert found.realized_area_mean == pytest.approx(0.54, abs=0.01)
    wide = geometry(tc.policy("rrc:scale=0.08..1"), np.array([[3, 5000]]))
    assert wide.fallback_share == 1


def test_placements_are_counted():
    assert placements(tc.policy("rc:scale=0.8,rounding=faithful"), square()) == pytest.approx(25)
    free = tc.policy("rc:scale=0.8,rounding=faithful,pair=iou,iou=0..1")
    assert placements(free, square()) == pytest.approx(25, rel=1e-3)


@pytest.mark.parametrize("law", ["gcc:scale=0.3,sigma=0.6", "rrc"])
def test_the_map_counts_what_is_seen(law):
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 40, (60, 2))
    sizes[:, 0] += 8
    sizes[:, 1] += 8
    boxes = tc.policy(law).draw(sizes)[:, 0]
    contents = tc.boxes.clip(boxes, sizes)
    counts = seen_counts(contents, sizes, grid=7)
    assert np.array_equal(counts, seen(contents, sizes, 7))
    assert not np.array_equal(counts, seen(contents + np.array([1, 0, 1, 0]), sizes, 7))


def test_the_map_of_a_law_is_a_share_of_views():
    found = geometry(tc.policy("rc:scale=1"), square())
    assert np.array(found.coverage_map).min() == 1
    centered = np.array(geometry(tc.policy("cgcc:scale=0.4"), square()).coverage_map)
    assert centered[16, 16] > 0.9 > 0.2 > centered[0, 0]


def test_one_image_and_many_sizes_are_drawn_alike():
    one = drawn_geometry(tc.policy("gcc:scale=0.4"), np.array([[32, 32]]))
    many = drawn_geometry(tc.policy("gcc:scale=0.4"), square(32, 500))
    assert one.pair_iou_mean == pytest.approx(many.pair_iou_mean, abs=HALF_A_POINT)
    assert one.pairs >= 40_000


def test_draws_are_those_of_training_and_do_not_repeat():
    sizes, index = square(32, 5), np.array([3, 4, 8, 9, 20])
    policy = tc.policy("gcc:scale=0.4,sigma=0.3")
    (batch,) = pairs(policy, sizes, index=index, draws=40, seed=7)
    assert np.array_equal(batch.boxes[:5], policy.draw(sizes, index=index, seed=7))
    assert len(np.unique(batch.boxes[:, 0], axis=0)) > 150
