"""The paper's studies: what they ask for, what they accept as one study, what they say."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

import tamecrop as tc
from studies.test_records import CELL
from tamecrop.cli import main
from tamecrop.data.images import Dataset
from tamecrop.data.sources import load
from tamecrop.geometry import boxes
from tamecrop.learning.config import Pretraining
from tamecrop.learning.watching import Interrupted, StopFlag
from tamecrop.paper import controls, ordinary, protocols, published, table
from tamecrop.paper.pages import paper_study
from tamecrop.studies import store
from tamecrop.studies.arms import Study
from tamecrop.studies.engines import run
from tamecrop.studies.listening import Listener

BASE = dataclasses.replace(
    CELL, policy="rc:scale=0.8,rounding=faithful", protocol="paper", linear_accuracy=0.5415
)


def cell(**changes):
    return dataclasses.replace(BASE, **changes)


def test_the_paper_recipe_is_the_protocol_of_the_paper():
    recipe = protocols.protocol("paper")
    assert recipe.training == Pretraining(
        backbone="resnet18",
        stem="small",
        method="simclr:projector=linear,temperature=0.1",
        passes="per_view",
        optimizer="adam",
        learning_rate=0.01,
        weight_decay=0.0,
        epochs=200,
        warmup_epochs=0,
        batch_size=512,
        last="keep",
        size=None,
        photometric="paper",
        normalize="cifar10",
        execution="compiled",
    )
    assert (recipe.probe, recipe.images, recipe.pretrained_on) == (
        "paper",
        None,
        "train+validation",
    )


def test_a_control_differs_from_the_paper_in_one_setting():
    first = protocols.protocol("paper").decisive()["training"]
    changes = (
        ("resize", "size"),
        ("jitter", "photometric"),
        ("unblurred", "photometric"),
        ("color", "photometric"),
        ("head", "method"),
    )
    for name, setting in changes:
        other = protocols.protocol(f"paper-{name}").decisive()["training"]
        assert [key for key in first if first[key] != other[key]] == [setting]
    with pytest.raises(ValueError, match="unknown protocol 'papre': did you mean 'paper'"):
        protocols.protocol("papre")


def test_stored_cells_are_those_that_the_reduced_presets_make_today(tmp_path):
    """What they say stays true, and new cells go on with them."""
    results = Path(__file__).parents[2] / "results" / "paper"
    data = load("scenes:count=60,side=16")
    study = Study(data, tmp_path, lambda _: ())
    for file in ("cells.json", "medium.json", "medium_colors.json"):
        for each in store.read(results / file):
            now = study.provenance(protocols.protocol(each.protocol))
            assert (each.provenance.numbers, each.provenance.recipe) == (now.numbers, now.recipe)


def test_cells_of_the_papers_probe_from_before_it_was_mended_are_told_apart(tmp_path):
    study = Study(load("scenes:count=60,side=16"), tmp_path, lambda _: ())
    now = study.provenance(protocols.protocol("paper"))
    before = dataclasses.replace(now, recipe={**now.recipe, "probe": "paper"})
    said = "`recipe.probe` is paper there and paper, validated in eval mode here"
    assert before.difference(now) == said


@pytest.mark.parametrize("scale", controls.SCALES)
def test_matched_laws_have_the_overlap_and_the_content_of_the_gaussian_one(scale):
    """By 100,000 draws, which know nothing of the closed forms that solved the match."""
    found = {
        arm.name: arm.policy for q in controls.questions(scale) for arm in (q.baseline, *q.others)
    }
    iou, area = measured(found["gcc pad"])
    for name in ("rc_pad matched", "gcc recenter"):
        theirs = measured(found[name])
        assert theirs[0] == pytest.approx(iou, abs=0.005)
        assert theirs[1] == pytest.approx(area, abs=0.01)
    assert abs(measured(found["rc"])[0] - iou) > 0.1


def test_gain_trains_the_first_question_of_the_controls_alone():
    rule = paper_study("gain", preset="medium", seeds=2).rule
    keys = [wanted.key for wanted in rule([])]
    assert len(keys) == 2 * 2 * 6
    assert {key.protocol for key in keys} == {"paper@medium"}
    asked = {wanted.key for wanted in paper_study("controls", preset="medium", seeds=2).rule([])}
    assert asked > set(keys)


def measured(policy):
    drawn = policy.draw((32, 32), index=np.arange(100_000), seed=5)
    content = boxes.clip(drawn, (32, 32))
    pair = boxes.iou(content[:, 0], content[:, 1]).mean()
    return pair, boxes.area(content).mean() / 32**2


def test_random_extents_have_the_mean_area_of_the_fixed_ones():
    for scale in controls.SCALES:
        arms = [arm for q in controls.questions(scale) for arm in (q.baseline, *q.others)]
        found = {arm.name: arm.policy for arm in arms}
        fixed, random = (measured(found[name])[1] for name in ("rc", "rc random"))
        assert random == pytest.approx(fixed, abs=0.003)
        assert found["gcc pad random"].extent == found["rc random"].extent


def test_the_table_takes_the_best_published_alpha_and_borrows_it_for_a_drawn_mean():
    places = table.places(table.POLICIES, [0.6])
    assert [(place.name, place.alpha) for place in places] == [
        ("rc", None),
        ("gcc", 2.0),
        ("cgcc", 0.5),
        ("mgcc", 2.0),
        ("cmgcc", 0.5),
    ]
    assert len(table.places(["gcc"], [0.2], "all")) == 14
    assert [place.alpha for place in table.places(["gcc", "rc"], [0.3], [1.0])] == [1.0, None]


@pytest.mark.parametrize(
    ("names", "scales", "alphas", "said"),
    [
        (["gccc"], [0.4], "best", "did you mean 'gcc'"),
        (["gcc"], [1.4], "best", "0 < scales <= 1"),
        (["gcc"], [0.3], "best", "no best one is published for gcc"),
        (["gcc"], [0.4], [-1.0], "0 < alphas"),
    ],
)
def test_a_wrong_place_of_the_table_is_refused(names, scales, alphas, said):
    with pytest.raises(ValueError, match=said):
        table.places(names, scales, alphas)


def test_published_cells_are_found_exactly_or_not_at_all():
    assert published.find("cgcc", 0.4, 1.5).accuracy == 0.6208
    assert published.find("cgcc", 0.4, 1.5, epochs=500).accuracy == 0.5981
    assert published.find("gcc", 0.4, 1.51) is None
    assert published.best("mgcc", 0.8).accuracy == 0.6522
    assert len(published.sweep()) == 116


def test_a_row_says_missing_and_flags_what_is_more_than_a_point_off():
    places = table.places(["rc", "gcc"], [0.8, 0.3], [2.0])
    found = table.table([cell(), cell(seed=1), gcc(0.68)], places, "full")
    near, far, none, _ = found.rows
    assert near[3:] == ("54.15", "0.00", "2", "54.15", "+0.0")
    assert far[3:] == ("68.00", "", "1", "66.64", "+1.4 !")
    assert none[3:] == ("missing", "", "0", "missing", "")
    assert found.notes == ("!: outside 1.0 point, 1 of 2 places.",)
    lines = "\n".join(paper_study("table", scales=[0.3], policies=["rc"]).lines([]))
    assert "missing |   | 0 | missing" in lines


def test_a_drawn_mean_has_no_published_accuracy_at_its_alpha_to_differ_from():
    places = table.places(["mgcc", "gcc"], [0.8])
    policy = str(published.faithful("mgcc", 0.8, 2.0))
    found = table.table([cell(policy=policy, linear_accuracy=0.6), gcc(0.68)], places, "full")
    drawn, fixed = found.rows
    assert drawn[2:4] + drawn[6:] == ("2", "60.00", "best 65.22", "")
    assert fixed[6:] == ("66.64", "+1.4 !")
    assert found.notes[0] == "!: outside 1.0 point, 1 of 1 places."
    assert "at which was not kept" in found.notes[1]


def gcc(accuracy, **changes):
    policy = str(published.faithful("gcc", 0.8, 2.0))
    return cell(policy=policy, linear_accuracy=accuracy, **changes)


def test_cells_of_the_small_preset_do_not_fill_the_full_table():
    places = table.places(["rc"], [0.8])
    small = [cell(protocol="paper@small")]
    assert table.table(small, places, "full").rows[0][3] == "missing"
    assert table.table(small, places, "small").rows[0][3] == "54.15"


def trial(text, validation, test, seed=ordinary.CHOICE_SEED):
    return cell(
        policy=str(tc.policy(text)),
        seed=seed,
        protocol="simclr",
        validation_accuracy=validation,
        linear_accuracy=test,
    )


def test_spreads_are_chosen_on_validation_once_all_were_tried():
    texts = [text for each in ordinary.RIVALS.values() for text in each]
    tried = [trial(text, 0.5 + 0.01 * n, 0.9 - 0.01 * n) for n, text in enumerate(texts)]
    rule = ordinary.rule((0, 1), "full")
    assert {wanted.seed for wanted in rule(tried[1:])} == {ordinary.CHOICE_SEED}
    wanted = rule(tried)
    chosen = {each.key.policy for each in wanted if each.seed == 0}
    assert chosen == {str(tc.policy(each[-1])) for each in ordinary.RIVALS.values()} | {
        ordinary.BASELINE
    }
    assert len(wanted) == len(texts) + 2 * 4
    assert wanted[: len(texts)] == rule([]), "a part of the cells is the same before and after"


def test_a_choosing_seed_takes_no_part_in_the_comparison():
    texts = [text for each in ordinary.RIVALS.values() for text in each]
    every = [trial(text, 0.5, 0.9) for text in texts]
    every += [trial(ordinary.BASELINE, 0.5, 0.8, seed=0), trial(texts[0], 0.5, 0.85, seed=0)]
    baseline, clamp, *_ = ordinary.table(every, (0,), "full").rows
    assert (baseline[2:], clamp[2:]) == (
        ("80.00", "", "1"),
        ("85.00", "+5.0 (one seed)", "1"),
    )


TINY = (64, {**protocols._REDUCED["small"][1], "epochs": 2, "batch_size": 32})
WORDS = ["paper", "scenes:count=150,side=16", "--preset", "small", "--policies", "rc", "gcc"]
WORDS += ["--scales", "0.8", "--jobs", "1"]


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(protocols._REDUCED, "small", TINY)


def paper(out, *more):
    return main([*WORDS, "--out", str(out), *more])


def numbers(out):
    names = ("policy", "seed", "linear_accuracy", "knn_accuracy", "losses")
    return [[getattr(each, name) for name in names] for each in store.read(out)]


def test_a_table_is_built_from_several_visits(tiny, tmp_path, capsys):
    here, there, whole = (tmp_path / name for name in ("here", "there", "whole"))
    assert paper(whole, "--seeds", "2") == 0
    assert paper(here, "--seeds", "2", "--most", "1") == 0
    assert len(store.read(here)) == 1
    assert paper(there, "--policies", "gcc", "--seeds", "2") == 0
    capsys.readouterr()
    assert paper(here, "--seeds", "2", "--merge", str(there), "--list") == 0
    said = capsys.readouterr().out
    assert "1 cell missing" in said
    assert "rc:scale=0.8,rounding=faithful seed 1 (paper@small)" in said
    assert paper(here, "--seeds", "2") == 0
    assert numbers(here) == numbers(whole)
    capsys.readouterr()
    assert paper(here, "--seeds", "2") == 0
    said = capsys.readouterr().out
    assert "training" not in said
    assert "54.15" in said
    assert not list(here.rglob("weights.safetensors"))
    assert (here / "table.png").stat().st_size > 10_000
    assert "accuracy against overlap, 4 cells" in (here / "table.md").read_text()
    page = (here / "table.html").read_text()
    assert page.count("data:image/png;base64,") == 1
    assert "54.15" in page
    assert main(["runs", str(here)]) == 0
    said = capsys.readouterr().out
    assert said.count("finished ") == 2, "those that were merged were trained elsewhere"
    assert said.count(" linear ") == 2
    assert said.count("its weights were dropped") == 2


def test_kept_weights_take_the_papers_probe(tiny, tmp_path, capsys):
    assert paper(tmp_path, "--most", "1", "--keep_weights") == 0
    (weights,) = tmp_path.rglob("weights.safetensors")
    capsys.readouterr()
    assert main(["evaluate", str(weights.parents[2]), "--probe", "paper"]) == 0
    assert "linear (paper) " in capsys.readouterr().out


class StopsAt(Listener):
    def __init__(self, flag, step):
        self.flag, self.step = flag, step

    def stepped(self, key, progress):
        self.flag.raised = progress.step >= self.step


def test_a_stopped_study_goes_on_and_ends_with_the_same_numbers(tiny, tmp_path):
    data = load("scenes:count=150,side=16")
    rule = paper_study("table", preset="small", policies=["rc", "gcc"], scales=[0.8]).rule
    whole, parts = (
        Study(data, tmp_path / name, rule, keep_weights=False) for name in ("whole", "parts")
    )
    run(whole)
    for step in (1, 3):
        flag = StopFlag()
        with pytest.raises(Interrupted, match="the same command continues"):
            run(parts, listener=StopsAt(flag, step), stop=flag)
        assert store.read(parts.out) == ()
    run(parts)
    assert numbers(parts.out) == numbers(whole.out)


def test_cells_of_other_settings_are_refused_before_training(tiny, tmp_path, monkeypatch, capsys):
    assert paper(tmp_path, "--most", "1") == 0
    monkeypatch.setitem(protocols._REDUCED, "small", (64, {**TINY[1], "epochs": 1}))
    assert paper(tmp_path) == 2
    said = "`recipe.training.epochs` is 2 there and 1 here"
    assert said in capsys.readouterr().err
    assert len(store.read(tmp_path)) == 1


def test_the_projects_own_cells_are_accepted_in_a_checkout(tmp_path, monkeypatch, capsys):
    """On the data they were made on, which no test has: it is known by its fingerprint."""
    shutil.copy(Path(__file__).parents[2] / "results" / "paper" / "cells.json", tmp_path)
    made_on = store.read(tmp_path)[0].provenance.fingerprint
    words = ["paper", "scenes:count=6000,side=32", "--preset", "small", "--out", str(tmp_path)]
    words += ["--jobs", "1"]
    assert main(words) == 2, "they were made on other data"
    assert "holds something else: of " in capsys.readouterr().err
    monkeypatch.setattr(Dataset, "fingerprint", lambda _: made_on)
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "training" not in said
    assert "40.82" in said


BAD = [
    (["--study", "contrls"], "did you mean 'controls'"),
    (["--preset", "tiny"], "unknown preset"),
    (["--alphas", "few"], "`alphas` must be best, all or numbers"),
    (["--policies", "rrc"], "unknown policy of the paper"),
    (["--study", "controls", "--scales", "0.6"], "one of (0.8, 0.4)"),
    (["--merge", "nowhere"], "`merge` must name folders or files"),
    (["--cells", "9/8"], "must be written PART/PARTS"),
    (["--size", "small"], "unknown option --size"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_wrong_use_is_one_line_and_exit_two(tmp_path, capsys, words, said):
    assert paper(tmp_path, *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
