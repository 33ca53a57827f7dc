"""The record of an audit, curves at equal diversity, and the rule of the recommendation."""

import dataclasses

import numpy as np
import pytest

from tamecrop.audit import wording
from tamecrop.audit.halving import seconds
from tamecrop.audit.measures.geometry import measure_drawn
from tamecrop.audit.measures.pairs import Shapes, pair_views
from tamecrop.audit.recommend import Round, front, recommend, shortlist, with_rounds
from tamecrop.audit.records import FORMAT, Audit, Audited, Curve, Preservation, read_at_iou
from tamecrop.audit.subject import list_candidates
from tamecrop.geometry.parameters import read_sweep
from tamecrop.geometry.plans import plan
from tamecrop.reporting.environment import environment
from tamecrop.reporting.jsonfiles import read_json, write_json

SHAPE = measure_drawn(pair_views("rc"), Shapes(np.array([[8, 8]])), draws=10)


def law(name, iou, kept, curve=None):
    shape = dataclasses.replace(SHAPE, pair_iou_mean=iou)
    swept = None if curve is None else "sigma"
    return Audited(name, None, curve, swept, shape, Preservation(pair_share=kept))


def audit(*laws):
    return Audit(
        format=FORMAT,
        data="some",
        images=10,
        sizes=1,
        boxed_images=10,
        objects=10,
        classes=None,
        threshold=0.5,
        seed=0,
        current=laws[0].policy,
        reference=None,
        notes=(),
        seconds=1.0,
        policies=laws,
        environment=environment(),
    )


USED = law("rrc:scale=0.2..1", 0.5, 0.80)


def test_the_most_different_law_that_keeps_as_much_is_recommended():
    found = recommend(audit(USED, law("a", 0.40, 0.795), law("b", 0.2, 0.7), law("c", 0.45, 0.9)))
    assert found.policy == "a"
    assert "0.40 against 0.50" in found.reasons[0]
    assert "79.5 % against 80.0 %" in found.reasons[0]
    assert "3 of 4 laws" in found.reasons[1]


def test_what_loses_more_than_a_point_is_not():
    found = recommend(audit(USED, law("a", 0.40, 0.789)))
    assert found.policy == USED.policy
    assert found.reasons[0].startswith("Keep")


def test_without_a_measure_nothing_is_recommended():
    nothing = dataclasses.replace(USED, preservation=Preservation())
    with pytest.raises(ValueError, match="nothing tells what a view keeps"):
        recommend(audit(nothing))


def test_the_front_holds_what_nothing_beats():
    laws = [USED, law("a", 0.4, 0.9), law("b", 0.3, 0.5), law("c", 0.35, 0.4), law("d", 0.6, 0.95)]
    assert [each.policy for each in front(audit(*laws), "pair_share")] == ["b", "a", "d"]
    assert shortlist(audit(*laws), most=3) == (USED.policy, "a", "d")
    assert len(shortlist(audit(*laws), most=9)) == 4


def test_trainings_have_the_last_word():
    whole = audit(USED, law("a", 0.4, 0.9))
    rounds = [
        Round(2, 90, {USED.policy: 0.5, "a": 0.4, "b": 0.1}),
        Round(4, 90, {USED.policy: 0.6, "a": 0.5}),
    ]
    found = with_rounds(recommend(whole), rounds, whole)
    assert found.policy == USED.policy
    assert "3 laws" in found.reasons[0]
    assert "60.0 % against 50.0 %" in found.reasons[0]
    assert "90 validation images" in found.reasons[0]


def test_curves_are_read_at_an_iou():
    points = [
        law(f"g{i}", iou, kept, curve="g") for i, (iou, kept) in enumerate([(0.8, 1), (0.4, 0.6)])
    ]
    whole = audit(USED, *points)
    assert read_at_iou(whole, 0.5, "pair_share") == {Curve("g", "sigma"): pytest.approx(0.7)}
    assert read_at_iou(whole, 0.3, "pair_share") == {}


def test_sweeps_move_the_key_of_every_law_that_has_it():
    laws = [plan(text) for text in ("rc:scale=0.4", "gcc:scale=0.4", "rrc")]
    found = list_candidates(
        laws, plan("rrc"), [read_sweep("sigma=0.1:0.3:3"), read_sweep("scale=0.2:0.5:2")]
    )
    texts = [str(each.views) for each in found]
    assert texts[:3] == ["rrc:scale=0.2..1", "rc:scale=0.4", "gcc:scale=0.4,sigma=0.2165"]
    assert texts[3:6] == [f"gcc:scale=0.4,sigma={sigma}" for sigma in (0.1, 0.2, 0.3)]
    assert "rrc:scale=0.5..1" in texts
    with pytest.raises(ValueError, match="none of the policies has"):
        list_candidates(laws, plan("rrc"), [read_sweep("padding=0.1:0.3:3")])
    for wrong in ("sigma", "sigma=1:2", "sigma=a:2:3", "sigma=1:2:3:4"):
        with pytest.raises(ValueError, match="key=low:high:count"):
            read_sweep(wrong)
    with pytest.raises(ValueError, match="unknown parameter 'sigm'"):
        read_sweep("sigm=0.1:0.3:3")


def test_the_record_reads_back(tmp_path):
    whole = audit(USED, law("g1", 0.4, 0.5, curve=USED.policy))
    write_json(tmp_path / "audit.json", whole)
    assert read_json(Audit, tmp_path / "audit.json") == whole


def test_each_law_is_told_against_the_one_in_use():
    sentences = wording.write_verdict(audit(USED, law("a", 0.4, 0.7)))
    assert "80.0 %" in sentences[0]
    assert "more different" in sentences[1]
    assert "\N{MINUS SIGN}10.0 points" in sentences[1]


def test_budgets_are_times():
    assert [seconds(text) for text in ("90s", "1.5m", "2h")] == [90, 90, 7200]
    for wrong in ("10", "m", "tenm", ""):
        with pytest.raises(ValueError, match="budget"):
            seconds(wrong)
    with pytest.raises(ValueError, match="0 < budget"):
        seconds("-3m")
