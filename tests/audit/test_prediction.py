"""The prediction holds on published cells it has not seen, and says where it has nothing to say."""

import functools
import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from references import surface as reference
from tamecrop.paper import prediction, published, surface
from tamecrop.paper.prediction import (
    LEVEL,
    NESTED_ERROR,
    list_sweep_figures,
    predict,
    rank,
    take_half_width,
)
from tamecrop.paper.surface import scale_figures

ROOT = Path(__file__).parents[2]
QUALITY = ROOT / "results" / "predict" / "quality.json"
SCRIPT = ROOT / "benchmarks" / "predict.py"
CELLS = published.sweep()
TRUTH = np.array([cell.accuracy for cell in CELLS])
SCALES = np.array([cell.scale for cell in CELLS])
RULES = np.array([cell.law for cell in CELLS])


@pytest.fixture(scope="module")
def table():
    return scale_figures([*list_sweep_figures()])


def quality(table, truth, groups):
    predicted = surface.predict_left_out(table, truth, groups)
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


def test_the_surface_is_that_of_the_closed_form(table):
    judge = reference.fit(table[::2], TRUTH[::2])
    ours = surface.make_surface().fit(table[::2], TRUTH[::2]).predict(table[1::2])
    np.testing.assert_allclose(ours, judge(table[1::2]), atol=1e-9)
    other = surface.make_surface().fit(table[::3], TRUTH[::3]).predict(table[1::2])
    assert not np.allclose(other, ours, atol=1e-4)
    left_out = surface.predict_left_out(table, TRUTH, SCALES)
    np.testing.assert_allclose(left_out, reference.left_out(table, TRUTH, SCALES), atol=1e-9)
    assert not np.allclose(left_out, reference.left_out(table, TRUTH, RULES), atol=1e-3)


def test_the_published_quality_is_what_comes_out(table):
    stored = json.loads(QUALITY.read_text())
    for name, groups in (("scale_left_out", SCALES), ("rule_left_out", RULES)):
        rank, error = quality(table, TRUTH, groups)
        assert stored[name]["spearman"] == pytest.approx(rank, abs=1e-3)
        assert stored[name]["mean_absolute_error"] == pytest.approx(error, abs=0.01)
    assert len(stored["residuals"]) == stored["cells"] == len(CELLS)


def test_ranges_are_those_of_figures_chosen_without_the_cells_left_out():
    """Ranges of figures that were chosen with all cells in view hold 60 % of those cells."""
    stored = json.loads(QUALITY.read_text())
    honest = stored["scale_left_out_nested"]["half_width"]
    assert honest == pytest.approx(100 * NESTED_ERROR, abs=0.01)
    known, other = (predict(f"gcc:scale=0.4,alpha=2,border={rule}") for rule in ("recenter", "pad"))
    assert known.high - known.accuracy == pytest.approx(NESTED_ERROR)
    assert other.high - other.accuracy > NESTED_ERROR


def test_the_choice_of_figures_saw_no_cell_that_was_left_out():
    """By the script: other accuracies of a size left out change neither its figures nor others'."""
    spec = importlib.util.spec_from_file_location("quality", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    two = SCALES <= 0.6
    script.candidate_figures = functools.partial(only, script.candidate_figures(), two)
    changed = np.where(SCALES == 0.2, 0.5, TRUTH)[two]
    one, other = (script.nested(values, SCALES[two]) for values in (TRUTH[two], changed))
    assert one["chosen"]["0.2"] == other["chosen"]["0.2"]
    assert one["chosen"] != other["chosen"], "figures of the sizes that are kept may follow it"
    assert one["mean_absolute_error"] != other["mean_absolute_error"]


def only(pool, rows):
    return {name: values[rows] for name, values in pool.items()}


def test_half_width_is_the_conformal_quantile():
    assert take_half_width(np.arange(-9.0, 1)) == 9
    assert take_half_width(-np.arange(1.0, 100)) == 90


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


@pytest.mark.parametrize("training", [{"side": 64}, {"epochs": 500}, {"side": 224, "epochs": 100}])
def test_no_number_is_given_for_another_training(training):
    found = predict("gcc:scale=0.4,sigma=0.2", **training)
    assert (found.accuracy, found.low, found.high, found.in_regime) == (None, None, None, False)
    assert "only 32 px and 200 epochs are predicted" in found.reason
    assert "--rank" in found.reason


def test_policies_are_ordered_without_numbers_at_any_side():
    texts = ["rrc", "gcc:scale=0.4,alpha=0.01", "gcc:scale=0.4,alpha=1.5"]
    ranked = rank(texts)
    assert [each.place for each in ranked] == [1, 2, None]
    assert ranked[0].policy == "gcc:scale=0.4,alpha=1.5"
    by_number = sorted(texts[1:], key=lambda text: -predict(text).accuracy)
    assert [each.policy for each in ranked[:2]] == by_number
    at_64 = rank(["gcc:scale=0.4,alpha=3", f"gcc:scale=0.4,sigma={(1.5 / 64) ** 0.5!r}"], side=64)
    assert at_64[0].policy == "gcc:scale=0.4,alpha=3"
    assert ranked[2].reason == "views of random area are resized; no published cell is"


def test_little_spread_around_a_shared_mean_gets_the_widest_range():
    narrow, wide = (predict(f"mgcc:scale=0.4,alpha={alpha}") for alpha in (0.1, 1.5))
    assert narrow.high - narrow.low == pytest.approx(2 * prediction.fit_model().of_a_narrow_mean)
    assert wide.high - wide.low == pytest.approx(2 * prediction.fit_model().of_another_rule)
    assert narrow.high - narrow.low > 2 * (wide.high - wide.low)


def test_another_law_has_a_wider_interval():
    widths = [
        found.high - found.low
        for found in map(predict, ("gcc:border=recenter", "cgcc", "rc", "gcc", "rc_pad", "mgcc"))
    ]
    assert widths[:3] == pytest.approx([2 * prediction.fit_model().of_a_known_rule] * 3)
    assert widths[3:] == pytest.approx([2 * prediction.fit_model().of_another_rule] * 3)
    assert widths[3] > 1.1 * widths[0]


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
    assert prediction.fit_model().of_a_known_rule < 0.035
