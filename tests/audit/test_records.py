"""The record of an audit, curves at equal diversity, and the rule of the recommendation."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tamecrop.audit import evidence, wording
from tamecrop.audit.measures.geometry import measure_drawn
from tamecrop.audit.measures.view_pairs import Shapes, pair_views
from tamecrop.audit.race import seconds
from tamecrop.audit.recommend import (
    CANDIDATES,
    Recommendation,
    choose_candidates,
    find_front,
    needs_reference,
    recommend,
    shortlist,
)
from tamecrop.audit.records import FORMAT, Audit, Audited, Curve, Preservation, read_at_iou
from tamecrop.audit.report import draw_trade_off
from tamecrop.audit.subject import find_subject, list_candidates
from tamecrop.geometry.parameters import read_sweep
from tamecrop.geometry.plans import plan
from tamecrop.geometry.policy import policy
from tamecrop.geometry.presets import PRESETS
from tamecrop.reporting.environment import environment
from tamecrop.reporting.jsonfiles import read_json, write_json

RESULTS = Path(__file__).parents[2] / "results"
SHAPE = measure_drawn(pair_views("rc"), Shapes(np.array([[8, 8]])), draws=10)


def law(name, iou, kept, curve=None, *, place=0.2, scale=0.47, fill=0.0):
    shape = dataclasses.replace(
        SHAPE,
        pair_iou_mean=iou,
        center_distance_mean=place,
        log_area_ratio_mean=scale,
        content_share_mean=1 - fill,
    )
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


def test_policies_that_evidence_supports_are_named_with_what_they_give_up():
    found = recommend(
        audit(
            USED,
            law("jointcrop:scale=0.2..1", 0.41, 0.7, scale=0.79),
            law("dominated", 0.42, 0.6, scale=0.6),
            law("too different", 0.3, 0.95, place=0.4, scale=0.9),
            law("of one size", 0.42, 0.9, place=0.4, scale=0.0),
            law("with fill", 0.42, 0.99, place=0.5, scale=0.9, fill=0.2),
        )
    )
    assert [each.policy for each in found.choices] == ["jointcrop:scale=0.2..1"]
    assert found.policy == "jointcrop:scale=0.2..1"
    (choice,) = found.choices
    assert (choice.preserved, choice.scale, choice.fill) == (0.7, 0.79, 0.0)
    assert "70.0 % (\N{MINUS SIGN}10.0 points)" in choice.reason
    assert "difference in scale 0.79 against 0.47" in choice.reason
    assert "difference in place the same within error" in choice.reason
    assert "+0.57 on ImageNet" in choice.evidence
    assert "AAAI 2025" in choice.evidence
    assert "Instead of rrc:scale=0.2..1" in found.reasons[0]
    *_, opening, league, _ = found.reasons
    assert "none of these was shown to be above rrc:scale=0.2..1" in opening
    said = "jointcrop:scale=0.2..1: +0.0 on CIFAR-10 (\N{MINUS SIGN}0.7 to +0.7, n = 5), "
    assert league.startswith(said)
    assert found.reasons[-1] == "Apart, since their views show fill: with fill (20 %)."


def test_what_one_has_is_kept_when_nothing_differs_by_more_than_the_error():
    found = recommend(audit(USED, law("a", 0.42, 0.795, place=0.205)))
    assert (found.policy, found.choices) == (USED.policy, ())
    assert found.reasons[0].startswith("Keep")
    inside = law("rrc:scale=0.14..1", 0.42, 0.8, scale=0.6)
    other = law("ccrop:a=0.1", 0.42, 0.7, place=0.4)
    both = recommend(audit(inside, USED, other))
    assert both.policy == inside.policy
    assert [each.policy for each in both.choices] == ["ccrop:a=0.1"]
    assert "or try one of these" in both.reasons[0]


def test_the_band_is_that_of_published_gains_and_moves_with_the_images():
    square = evidence.measure_band()
    for each in evidence.EVIDENCE:
        assert each.accuracy > each.baseline_accuracy
        iou, scale = evidence._measure_square(each.policy)
        assert square.iou[0] <= iou <= square.iou[1]
        assert scale >= square.least_scale
    iou, _ = evidence._measure_square(evidence.BASELINE)
    assert iou == pytest.approx(0.508, abs=0.01)
    assert iou > square.iou[1]
    wide = evidence.measure_band(0.46)
    assert wide.iou[1] == pytest.approx(square.iou[1] * 0.46 / iou)
    assert "no published gain" in evidence.find_evidence("cgcc:scale=0.4")
    joint, boxed = (
        law(str(policy(name)), iou, 0.7) for name, iou in (("jointcrop", 0.5), ("ccrop:a=0.1", 0.6))
    )
    assert evidence.find_band(audit(USED, joint)).holds(joint), "what the evidence is of"
    assert evidence.find_band(audit(USED, joint)).iou[1] == pytest.approx(0.51, abs=0.001)
    assert evidence.find_band(audit(USED, boxed)) == evidence.find_band(audit(USED))
    bare = [dataclasses.replace(each, preservation=Preservation()) for each in (USED, boxed)]
    assert evidence.find_band(audit(*bare)).holds(boxed), "no boxes: those of the encoder's start"


def test_every_preset_policy_is_a_candidate():
    kinds = {text.partition(":")[0] for text in CANDIDATES}
    assert set(PRESETS) <= kinds
    assert len({policy(text) for text in CANDIDATES}) == len(CANDIDATES)
    several = {kind for kind in kinds if sum(t.partition(":")[0] == kind for t in CANDIDATES) > 1}
    assert several == set(PRESETS), "each at several parameters"


def test_policies_of_object_boxes_are_no_candidates_where_there_are_none():
    """Without a box `object:scale=0.08..1` is `rrc:scale=0.08..1`, and would be named beside it."""
    bare, boxed = (choose_candidates(boxed=each) for each in (False, True))
    assert boxed == CANDIDATES
    assert {text.partition(":")[0] for text in set(boxed) - set(bare)} == {"object", "cast"}
    assert find_subject("scenes:count=60").is_boxed
    assert not find_subject(np.zeros((4, 3, 8, 8), np.uint8)).is_boxed


def test_the_reference_looks_at_policies_that_can_be_named():
    whole = audit(
        USED, law("far", 0.2, 0.7), law("near", 0.42, 0.7), law("fill", 0.42, 1, fill=0.3)
    )
    assert [needs_reference(whole, each) for each in whole.policies] == [True, False, True, False]
    unjudged = dataclasses.replace(whole.policies[2], preservation=Preservation())
    assert recommend(audit(USED, unjudged)).choices == ()


def test_without_a_measure_nothing_is_recommended():
    nothing = dataclasses.replace(USED, preservation=Preservation())
    with pytest.raises(ValueError, match="nothing tells what a view keeps"):
        recommend(audit(nothing))


def test_the_front_holds_what_nothing_beats():
    policies = [
        USED,
        law("a", 0.4, 0.9, place=0.3),
        law("b", 0.4, 0.7, place=0.3),
        law("c", 0.4, 0.5, place=0.4),
        law("d", 0.4, 0.895, place=0.3),
    ]
    assert [each.policy for each in find_front(policies, "pair_share")] == ["a", "d", "c"]
    assert shortlist(audit(*policies), most=3)[0] == USED.policy
    assert len(shortlist(audit(*policies), most=3)) == 3
    assert set(shortlist(audit(*policies), most=9)) == {USED.policy, "a", "c", "d"}


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


def test_pairs_that_miss_the_band_they_ask_for_are_said():
    far = law("disjoint", 0.1, 0.4)
    missing = dataclasses.replace(
        far, geometry=dataclasses.replace(far.geometry, missed_band_share=0.953)
    )
    assert "disjoint: 95.3 % of pairs miss the band of IoU" in wording.write_verdict(
        audit(USED, missing)
    )[-1]  # fmt: skip
    assert "miss the band" not in " ".join(wording.write_verdict(audit(USED, far)))


def test_views_that_find_no_box_that_fits_are_said():
    shape = USED.geometry
    often, hardly = (
        dataclasses.replace(USED, geometry=dataclasses.replace(shape, fallback_share=share))
        for share in (0.01, 0.009)
    )
    (said,) = wording.say_fallbacks(audit(often))
    assert said.startswith("rrc:scale=0.2..1: 1.0 % of views find no stated box")
    assert wording.say_fallbacks(audit(hardly)) == ()


def test_budgets_are_times():
    assert [seconds(text) for text in ("90s", "1.5m", "2h")] == [90, 90, 7200]
    for wrong in ("10", "m", "tenm", ""):
        with pytest.raises(ValueError, match="budget"):
            seconds(wrong)
    with pytest.raises(ValueError, match="0 < budget"):
        seconds("-3m")


def test_every_policy_looks_like_no_other_where_there_are_more_than_colors():
    audited = read_json(Audit, RESULTS / "audit" / "cifar10.json")
    assert len(audited.named) == 10
    panel = draw_trade_off(audited).axes[0]
    looks = {(line.get_color(), line.get_marker()) for line in panel.lines}
    assert len(looks) == len(panel.lines) == 10


def test_the_stored_judgments_of_cifar10_are_those_that_the_page_names():
    """Pad-4, which keeps what it shows, and every policy with a published gain, judged."""
    audited = read_json(Audit, RESULTS / "audit" / "cifar10.json")
    kept = {each.name: each.preservation.pair_label_agreement for each in audited.named}
    assert kept["rc_pad:scale=1,padding=0.125"] >= 0.65
    advice = read_json(Recommendation, RESULTS / "recommend" / "cifar10.json")
    named = {each.policy for each in advice.choices}
    for name in ("ccrop:scale=0.2..1,a=0.1", "simccrop:scale=0.2..1", "jointcrop:scale=0.2..1"):
        assert kept[name] is not None
        assert name in named
