"""The geometry of policies on real sizes: closed forms and draws agree, and brute force agrees."""

import numpy as np
import pytest

import tamecrop as tc
from references.objects import seen
from tamecrop.audit.measures.closed_forms import compute_exactly, count_placements
from tamecrop.audit.measures.geometry import count_seen, measure_drawn, measure_geometry
from tamecrop.audit.measures.view_pairs import Shapes, draw_pairs, pair_views

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
    return Shapes(np.full((n, 2), side))


@pytest.mark.parametrize("law", LAWS)
def test_closed_forms_and_draws_agree_to_half_a_point(law):
    sizes = Shapes(np.tile([[24, 36]], (4, 1)))
    exact = compute_exactly(pair_views(law), sizes)
    drawn = measure_drawn(pair_views(law), sizes)
    assert len(exact) >= 6
    for name, value in exact.items():
        assert getattr(drawn, name) == pytest.approx(value, abs=HALF_A_POINT), name


def test_another_spread_is_seen():
    exact = compute_exactly(pair_views("gcc:scale=0.4,sigma=0.25"), square())
    drawn = measure_drawn(pair_views("gcc:scale=0.4,sigma=0.2165"), square())
    assert abs(drawn.pair_iou_mean - exact["pair_iou_mean"]) > 2 * HALF_A_POINT


def test_the_report_says_what_is_exact():
    fixed, random = (measure_geometry(pair_views(law), square()) for law in ("gcc", "rrc"))
    assert {"pair_iou_mean", "empty_share", "realized_area_mean"} <= set(fixed.closed_form)
    assert "pair_iou_mean" not in random.closed_form
    assert measure_geometry(pair_views("jointcrop"), square()).closed_form == ()


def test_published_geometry_of_random_resized_crop():
    found = measure_geometry(pair_views("rrc:scale=0.2..1"), square(100))
    assert found.pair_iou_mean == pytest.approx(0.508, abs=0.01)
    assert found.pair_iou_zero_share < 0.001
    assert (found.stated_area, found.stated_ratio) == (0.6, (0.75, 4 / 3))
    assert found.realized_area_mean == pytest.approx(0.54, abs=0.01)
    wide = measure_geometry(pair_views("rrc:scale=0.08..1"), Shapes(np.array([[3, 5000]])))
    assert wide.fallback_share == 1


def test_placements_are_counted():
    assert count_placements(
        pair_views("rc:scale=0.8,rounding=faithful"), square()
    ) == pytest.approx(25)
    free = pair_views("rc:scale=0.8,rounding=faithful,pair=iou,iou=0..1")
    assert count_placements(free, square()) == pytest.approx(25, rel=1e-3)


@pytest.mark.parametrize("law", ["gcc:scale=0.3,sigma=0.6", "rrc"])
def test_the_map_counts_what_is_seen(law):
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 40, (60, 2))
    sizes[:, 0] += 8
    sizes[:, 1] += 8
    boxes = tc.policy(law).draw(sizes)[:, 0]
    contents = tc.boxes.clip(boxes, sizes)
    counts = count_seen(contents, sizes, grid=7)
    assert np.array_equal(counts, seen(contents, sizes, 7))
    assert not np.array_equal(counts, seen(contents + np.array([1, 0, 1, 0]), sizes, 7))


def test_the_map_of_a_law_is_a_share_of_views():
    found = measure_geometry(pair_views("rc:scale=1"), square())
    assert np.array(found.coverage_map).min() == 1
    centered = np.array(measure_geometry(pair_views("cgcc:scale=0.4"), square()).coverage_map)
    assert centered[16, 16] > 0.9 > 0.2 > centered[0, 0]


def test_one_image_and_many_sizes_are_drawn_alike():
    one = measure_drawn(pair_views("gcc:scale=0.4"), Shapes(np.array([[32, 32]])))
    many = measure_drawn(pair_views("gcc:scale=0.4"), square(32, 500))
    assert one.pair_iou_mean == pytest.approx(many.pair_iou_mean, abs=HALF_A_POINT)
    assert one.pairs >= 40_000


def test_draws_are_those_of_training_and_do_not_repeat():
    shapes = Shapes(np.full((5, 2), 32), np.array([3, 4, 8, 9, 20]))
    views = pair_views("gcc:scale=0.4,sigma=0.3")
    (batch,) = draw_pairs(views, shapes, draws=40, seed=7)
    drawn = views.policies[0].draw(shapes.sizes, index=shapes.index, seed=7)
    assert np.array_equal(batch.boxes[:5], drawn)
    assert len(np.unique(batch.boxes[:, 0], axis=0)) > 150
