"""The geometry of policies on real sizes: closed forms and draws agree, and brute force agrees."""

import numpy as np
import pytest

import tamecrop as tc
from references import pairs
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


TEXTS = {
    "rc": "rc:scale=0.4",
    "gcc": "gcc:scale=0.4,sigma=0.2",
    "cgcc": "cgcc:scale=0.4,sigma=0.2",
    "mgcc": "mgcc:scale=0.4,sigma=0.2",
    "cmgcc": "cmgcc:scale=0.4,sigma=0.2",
    "rrc": "rrc:scale=0.2..1",
}
FIGURES = ("pair_iou_mean", "pair_iou_zero_share", "content_share_mean", "content_area_mean",
           "empty_share", "center_distance_mean")  # fmt: skip


def describe_freely(law, size, n=100_000):
    """Figures of pairs drawn by NumPy's own generator, contents and IoU by words alone."""
    height, width = size
    drawn = pairs.boxes(law, size, n, np.random.default_rng(3))
    low = np.clip(drawn[..., :2], 0, (width, height))
    high = np.clip(drawn[..., 2:], 0, (width, height))
    area = (high - low).prod(-1)
    common = np.clip(high.min(1) - low.max(1), 0, None).prod(-1)
    whole = (drawn[..., 2:] - drawn[..., :2]).prod(-1)
    union = np.maximum(area.sum(1) - common, 1)
    center = (drawn[..., :2] + drawn[..., 2:]) / 2 / (width, height)
    apart = np.hypot(*(center[:, 0] - center[:, 1]).T)
    return (
        (common / union).mean(),
        (common == 0).mean(),
        (area / whole).mean(),
        area.mean() / (height * width),
        (area == 0).mean(),
        apart.mean(),
    )


@pytest.mark.parametrize("law", TEXTS)
def test_figures_are_those_of_draws_of_another_generator_to_half_a_point(law):
    sizes = Shapes(np.tile([[32, 48]], (4, 1)))
    found = measure_geometry(pair_views(TEXTS[law]), sizes, placements=False)
    wanted = describe_freely(law, (32, 48))
    ours = [getattr(found, name) for name in FIGURES]
    assert ours == pytest.approx(wanted, abs=HALF_A_POINT)
    other = TEXTS[law].replace("0.2", "0.25").replace("rc:scale=0.4", "rc:scale=0.45")
    wrong = measure_geometry(pair_views(other), sizes, placements=False)
    theirs = [getattr(wrong, name) for name in FIGURES]
    assert np.abs(np.subtract(theirs, wanted)).max() > HALF_A_POINT


def test_pairs_that_miss_their_band_of_iou_are_counted():
    """No try of 8 reaches it: by the share that a single draw of another generator reaches."""
    band = "rrc:scale=0.2..1,pair=iou,iou=0..0.25,tries={}"
    drawn = pairs.boxes("rrc", (32, 48), 100_000, np.random.default_rng(3))
    low, high = drawn[..., :2].max(1), drawn[..., 2:].min(1)
    common = np.clip(high - low, 0, None).prod(-1)
    area = (drawn[..., 2:] - drawn[..., :2]).prod(-1).sum(1)
    reached = (common / (area - common) <= 0.25).mean()
    sizes = Shapes(np.tile([[32, 48]], (4, 1)))
    for tries in (1, 8):
        found = measure_geometry(pair_views(band.format(tries)), sizes, placements=False)
        assert found.missed_band_share == pytest.approx((1 - reached) ** tries, abs=0.01)
    assert measure_geometry(pair_views("rrc"), sizes, placements=False).missed_band_share is None
    easy = measure_drawn(pair_views("rrc:pair=iou,iou=0..1"), sizes, placements=False)
    assert easy.missed_band_share == 0
