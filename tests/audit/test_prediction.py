"""The prediction holds on published cells it has not seen, and says where it has nothing to say."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from tamecrop.paper import prediction, published, surface
from tamecrop.paper.prediction import LEVEL, half_width, predict, scaled, sweep_figures

QUALITY = Path(__file__).parents[2] / "results" / "predict" / "quality.json"
CELLS = published.sweep()
TRUTH = np.array([cell.accuracy for cell in CELLS])
SCALES = np.array([cell.scale for cell in CELLS])
RULES = np.array([cell.law for cell in CELLS])


@pytest.fixture(scope="module")
def table():
    return scaled([*sweep_figures()])


def quality(table, truth, groups):
    predicted = surface.left_out(table, truth, groups)
    return spearmanr(predicted, truth).statistic, 100 * np.abs(predicted - truth).mean()


def test_a_crop_size_it_has_not_seen(table):
    rank, error = quality(table, TRUTH, SCALES)
    assert rank >= 0.97
    assert error <= 1.5


def test_a_border_rule_it_has_not_seen(table):
    rank, error = quality(table, TRUTH, RULES)
    assert rank > 0.9
    assert error < 2


@pytest.mark.parametrize("missing", range(4))
def test_every_figure_earns_its_place(table, missing):
    """Without one of them a left-out crop size or border rule is predicted worse."""
    fewer = np.delete(table, missing, axis=1)
    whole, part = (
        sum(quality(each, TRUTH, groups)[1] for groups in (SCALES, RULES))
        for each in (table, fewer)
    )
    assert part > 1.05 * whole


def test_figures_of_other_cells_predict_nothing(table):
    shuffled = np.random.default_rng(0).permutation(table)
    rank, error = quality(shuffled, TRUTH, SCALES)
    assert rank < 0.5
    assert error > 5


def test_the_surface_is_that_of_scikit_learn(table):
    judge = make_pipeline(PolynomialFeatures(2, include_bias=False), Ridge(surface.RIDGE))
    judge.fit(table[::2], TRUTH[::2])
    ours = surface.fit(table[::2], TRUTH[::2])(table[1::2])
    np.testing.assert_allclose(ours, judge.predict(table[1::2]), atol=1e-9)
    assert not np.allclose(surface.fit(table[::3], TRUTH[::3])(table[1::2]), ours, atol=1e-4)


def test_the_published_quality_is_what_comes_out(table):
    stored = json.loads(QUALITY.read_text())
    for name, groups in (("scale_left_out", SCALES), ("rule_left_out", RULES)):
        rank, error = quality(table, TRUTH, groups)
        assert stored[name]["spearman"] == pytest.approx(rank, abs=1e-3)
        assert stored[name]["mean_absolute_error"] == pytest.approx(error, abs=0.01)
    assert len(stored["residuals"]) == stored["cells"] == len(CELLS)


def test_intervals_hold_their_share_of_cells_of_a_scale_left_out(table):
    residuals = surface.left_out(table, TRUTH, SCALES) - TRUTH
    inside = [
        np.abs(residuals[scale == SCALES]) <= half_width(residuals[scale != SCALES])
        for scale in np.unique(SCALES)
    ]
    assert np.concatenate(inside).mean() >= LEVEL - 0.03


def test_half_width_is_the_conformal_quantile():
    assert half_width(np.arange(-9.0, 1)) == 9
    assert half_width(-np.arange(1.0, 100)) == 90


@pytest.mark.parametrize("cell", [c for c in published.others() if c.epochs == 200], ids=str)
def test_the_best_of_a_law_it_has_not_seen_is_in_the_interval(cell):
    alphas = {each.alpha for each in CELLS if each.alpha}
    laws = [published.faithful(cell.law, cell.scale, alpha) for alpha in sorted(alphas)]
    best = max(map(predict, laws), key=lambda found: found.accuracy)
    assert best.low <= cell.accuracy <= best.high


@pytest.mark.parametrize("law", ["gcc", "mgcc"])
@pytest.mark.parametrize("scale", [0.2, 0.4, 0.6, 0.8])
def test_accuracy_rises_with_the_spread_to_one_top_and_falls(law, scale):
    spreads = np.geomspace(0.01, 2, 12)
    found = [predict(f"{law}:scale={scale},sigma={each!r}").accuracy for each in spreads.tolist()]
    top = int(np.argmax(found))
    assert 0.1 < spreads[top] < 0.5
    assert (np.diff(found[: top + 1]) > -0.002).all()
    assert (np.diff(found[top:]) < 0.002).all()
    assert 0.25 < found[-1] < 0.36


def test_sigma_carries_over_to_another_resolution_and_alpha_does_not():
    assert predict("gcc:scale=0.4,sigma=0.2", side=64) == predict("gcc:scale=0.4,sigma=0.2")
    found = predict("gcc:scale=0.4,alpha=1.5", side=64)
    assert (found.accuracy, found.low, found.high, found.in_regime) == (None, None, None, False)
    assert found.reason == "alpha does not carry over to 64 px; state sigma=0.1531"
    for scale in (0.2, 0.4, 0.6, 0.8):
        narrow, wide = (
            predict(f"gcc:scale={scale},sigma={(alpha / 64) ** 0.5!r}", side=64).accuracy
            for alpha in (1.5, 3)
        )
        assert wide > narrow


def test_another_law_has_a_wider_interval():
    widths = [
        found.high - found.low
        for found in map(predict, ("gcc:border=recenter", "cgcc", "rc", "gcc", "rc_pad", "mgcc"))
    ]
    assert widths[:3] == pytest.approx([2 * prediction.fitted().of_a_known_rule] * 3)
    assert widths[3:] == pytest.approx([2 * prediction.fitted().of_another_rule] * 3)
    assert widths[3] > 1.5 * widths[0]


OUT = [
    ("rrc", "random area are resized"),
    ("jointcrop", "joint area are resized"),
    ("rc:pair=iou", "redrawn for their IoU"),
    ("gcc:mean=given", "boxes of the images"),
    ("crop:scale=0.4,center=beta", "boxes of the images"),
    ("rc:scale=0.1", "scale 0.1 is outside 0.2..0.8"),
    ("rc:scale=0.9", "scale 0.9 is outside 0.2..0.8"),
    ("gcc:sigma=3", "sigma 3 is outside 0.00559..2.5"),
    ("gcc:alpha=0.0001", "sigma 0.00177 is outside"),
    ("rc_pad:scale=0.2,padding=5", "% of image, less than any published cell's"),
]


@pytest.mark.parametrize(("law", "reason"), OUT)
def test_out_of_its_regime_it_gives_a_reason_and_no_number(law, reason):
    found = predict(law)
    assert (found.accuracy, found.low, found.high, found.in_regime) == (None, None, None, False)
    assert re.search(re.escape(reason), found.reason)


def test_every_published_cell_is_in_the_regime_and_most_in_the_interval():
    laws = [published.faithful(cell.law, cell.scale, cell.alpha) for cell in CELLS]
    found = [predict(law) for law in laws]
    assert all(each.in_regime and each.reason is None for each in found)
    inside = [p.low <= c.accuracy <= p.high for p, c in zip(found, CELLS, strict=True)]
    assert np.mean(inside) >= LEVEL
    assert prediction.fitted().of_a_known_rule < 0.02
