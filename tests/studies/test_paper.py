"""The paper's studies: what they ask for, what they accept as one study, what they say."""

import dataclasses
import json

import numpy as np
import pytest

import tamecrop as tc
from tamecrop.cli import main
from tamecrop.data.sources import load
from tamecrop.geometry import boxes
from tamecrop.learning.config import Pretraining
from tamecrop.learning.stopping import Interrupted, StopFlag
from tamecrop.paper import cells, ordinary, plans, protocols, published, run, why
from tamecrop.paper.cells import PaperCell, merged
from tamecrop.paper.rows import rows
from tamecrop.paper.studies import study
from tamecrop.reporting.environment import bare_code, code_digest
from tamecrop.studies.cell import Watch
from tamecrop.studies.listening import Silence

BASE = PaperCell(
    law="rc",
    scale=0.8,
    alpha=None,
    policy="rc:scale=0.8,rounding=faithful",
    seed=0,
    protocol="paper",
    epochs=200,
    linear_accuracy=0.5415,
    knn_accuracy=0.5,
    validation_accuracy=0.53,
    loss=1.0,
    seconds=100.0,
    compile_seconds=10.0,
    images_per_second=1000.0,
    train_images=50000,
    test_images=10000,
    hardware="a machine",
    threads=2,
    versions={"torch": "2"},
    commit="abc",
    code="c0de",
    settings="5e77",
    data="da7a",
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
        execution="compiled",
    )
    assert (recipe.probe, recipe.images, recipe.pretrained_on) == (
        "paper",
        None,
        "train+validation",
    )


def test_a_control_differs_from_the_paper_in_one_setting():
    first = protocols.protocol("paper").decisive()["training"]
    for name, setting in (("resize", "size"), ("color", "photometric"), ("head", "method")):
        other = protocols.protocol(f"paper-{name}").decisive()["training"]
        assert [key for key in first if first[key] != other[key]] == [setting]
    with pytest.raises(ValueError, match="unknown protocol 'papre': did you mean 'paper'"):
        protocols.protocol("papre")


@pytest.mark.parametrize("scale", why.SCALES)
def test_matched_laws_have_the_overlap_and_the_content_of_the_gaussian_one(scale):
    """By 100,000 draws, which know nothing of the closed forms that solved the match."""
    found = {arm.name: arm.policy for q in why.questions(scale) for arm in (q.reference, *q.arms)}
    iou, area = measured(found["gcc pad"])
    for name in ("rc_pad matched", "gcc recenter"):
        theirs = measured(found[name])
        assert theirs[0] == pytest.approx(iou, abs=0.005)
        assert theirs[1] == pytest.approx(area, abs=0.01)
    assert abs(measured(found["rc"])[0] - iou) > 0.1


def measured(policy):
    drawn = policy.draw((32, 32), index=np.arange(100_000), seed=5)
    content = boxes.clip(drawn, (32, 32))
    pair = boxes.iou(content[:, 0], content[:, 1]).mean()
    return pair, boxes.area(content).mean() / 32**2


def test_random_extents_have_the_mean_area_of_the_fixed_ones():
    for scale in why.SCALES:
        arms = [arm for q in why.questions(scale) for arm in (q.reference, *q.arms)]
        found = {arm.name: arm.policy for arm in arms}
        fixed, random = (measured(found[name])[1] for name in ("rc", "rc random"))
        assert random == pytest.approx(fixed, abs=0.003)
        assert found["gcc pad random"].extent == found["rc random"].extent


def test_the_table_takes_the_best_published_alpha_and_borrows_it_for_a_drawn_mean():
    places = plans.table_cells(plans.LAWS, [0.6])
    assert [(place.law, place.alpha) for place in places] == [
        ("rc", None),
        ("gcc", 2.0),
        ("cgcc", 0.5),
        ("mgcc", 2.0),
        ("cmgcc", 0.5),
    ]
    assert len(plans.table_cells(["gcc"], [0.2], "all")) == 14
    assert [place.alpha for place in plans.table_cells(["gcc", "rc"], [0.3], [1.0])] == [1.0, None]


@pytest.mark.parametrize(
    ("laws", "scales", "alphas", "said"),
    [
        (["gccc"], [0.4], "best", "did you mean 'gcc'"),
        (["gcc"], [1.4], "best", "0 < scales <= 1"),
        (["gcc"], [0.3], "best", "no best one is published for gcc"),
        (["gcc"], [0.4], [-1.0], "0 < alphas"),
    ],
)
def test_a_wrong_place_of_the_table_is_refused(laws, scales, alphas, said):
    with pytest.raises(ValueError, match=said):
        plans.table_cells(laws, scales, alphas)


def test_published_cells_are_found_exactly_or_not_at_all():
    assert published.find("cgcc", 0.4, 1.5).accuracy == 0.6208
    assert published.find("cgcc", 0.4, 1.5, epochs=500).accuracy == 0.5981
    assert published.find("gcc", 0.4, 1.51) is None
    assert published.best("mgcc", 0.8).accuracy == 0.6522
    assert len(published.sweep()) == 116


def test_a_row_says_missing_and_flags_what_is_more_than_a_point_off():
    places = plans.table_cells(["rc", "gcc"], [0.8, 0.3], [2.0])
    near, far, none, _ = rows([cell(), cell(seed=1), gcc(0.68)], places, "full")
    assert (near.n, near.difference, near.outside) == (2, pytest.approx(0.0), False)
    assert (far.difference, far.outside) == (pytest.approx(0.0136), True)
    assert (none.published, none.mean, none.difference) == (None, None, None)
    lines = "\n".join(study("table", scales=[0.3], laws=["rc"]).lines([]))
    assert "missing |   | 0 | missing" in lines


def gcc(accuracy, **changes):
    law = str(published.faithful("gcc", 0.8, 2.0))
    return cell(law="gcc", alpha=2.0, policy=law, linear_accuracy=accuracy, **changes)


def test_cells_of_the_small_size_do_not_fill_the_full_table():
    places = plans.table_cells(["rc"], [0.8])
    assert rows([cell(protocol="paper@small")], places, "full")[0].mean is None


def test_cells_from_elsewhere_are_merged_once():
    every = merged([cell()], [cell(), cell(seed=1)], source="there")
    assert [each.seed for each in every] == [0, 1]


@pytest.mark.parametrize("name", ["code", "settings", "data"])
def test_cells_of_another_origin_are_refused_by_name(name):
    other = cell(seed=1, **{name: "0ther"})
    with pytest.raises(ValueError, match=rf"there: rc:scale=0\.8.* seed 1 \(paper\).*other {name}"):
        merged([cell()], [other], source="there")
    with pytest.raises(ValueError, match=f"other {name}"):
        merged([], [cell(), other], source="there")
    assert len(merged([cell()], [other], source="there", across=True)) == 2
    assert len(merged([cell()], [dataclasses.replace(other, protocol="simclr")], source="x")) == 2


def test_two_results_for_one_cell_are_refused():
    with pytest.raises(ValueError, match="is there already, with other numbers"):
        merged([cell()], [cell(linear_accuracy=0.6)], source="there")


def test_a_file_that_is_no_list_of_cells_is_refused_by_name(tmp_path):
    (tmp_path / "cells.json").write_text("{}")
    with pytest.raises(ValueError, match=r"cells\.json: must hold a list, got dict"):
        cells.read(tmp_path)
    wrong = dataclasses.asdict(cell()) | {"linear_accuracy": 54.15}
    (tmp_path / "cells.json").write_text(json.dumps([wrong]))
    with pytest.raises(ValueError, match=r"linear_accuracy <= 1 \(a fraction\), got 54.15"):
        cells.read(tmp_path)


def test_the_code_digest_knows_code_from_words():
    code = 'def f(x):\n    """Doc."""\n    return x + 1  # why\n'
    assert bare_code(code) == bare_code("def f(x):\n    return x + 1")
    assert bare_code(code) != bare_code("def f(x):\n    return x + 2")
    assert code_digest() != code_digest(("geometry",))


def trial(law, validation, test, seed=ordinary.CHOICE_SEED):
    return cell(
        policy=str(tc.policy(law)),
        scale=None,
        seed=seed,
        protocol="simclr",
        validation_accuracy=validation,
        linear_accuracy=test,
    )


def test_spreads_are_chosen_on_validation_once_all_were_tried():
    laws = [law for each in ordinary.RIVALS.values() for law in each]
    tried = [trial(law, 0.5 + 0.01 * place, 0.9 - 0.01 * place) for place, law in enumerate(laws)]
    plan = ordinary.ordinary((0, 1), "full")
    assert {wanted.seed for wanted in plan(tried[1:])} == {ordinary.CHOICE_SEED}
    wanted = plan(tried)
    chosen = {str(each.policy) for each in wanted if each.seed == 0}
    assert chosen == {str(tc.policy(each[-1])) for each in ordinary.RIVALS.values()} | {
        ordinary.REFERENCE
    }
    assert len(wanted) == len(laws) + 2 * 4


def test_a_choosing_seed_takes_no_part_in_the_comparison():
    laws = [law for each in ordinary.RIVALS.values() for law in each]
    every = [trial(law, 0.5, 0.9) for law in laws]
    every += [trial(ordinary.REFERENCE, 0.5, 0.8, seed=0), trial(laws[0], 0.5, 0.85, seed=0)]
    reference, clamp, *_ = ordinary.standings(every, (0,), "full")
    assert (reference.n, clamp.n) == (1, 1)
    assert clamp.difference.mean == pytest.approx(0.05)


TINY = protocols.Small(images=64, epochs=2, batch_size=32)
WORDS = ["paper", "--data", "scenes:count=150", "--size", "small", "--laws", "rc", "gcc"]
WORDS += ["--scales", "0.8"]


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(protocols, "Small", lambda: TINY)


def paper(out, *more):
    return main([*WORDS, "--out", str(out), *more])


def numbers(out):
    names = ("policy", "seed", "linear_accuracy", "knn_accuracy", "loss")
    return [[getattr(each, name) for name in names] for each in cells.read(out)]


def test_a_table_is_built_from_several_visits(tiny, tmp_path, capsys):
    here, there, whole = (tmp_path / name for name in ("here", "there", "whole"))
    assert paper(whole, "--seeds", "2") == 0
    assert paper(here, "--seeds", "2", "--most", "1") == 0
    assert len(cells.read(here)) == 1
    assert paper(there, "--laws", "gcc", "--seeds", "2") == 0
    capsys.readouterr()
    assert paper(here, "--seeds", "2", "--merge", str(there), "--list") == 0
    said = capsys.readouterr().out
    assert "1 cells are missing" in said
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


class StopsAt(Silence):
    def __init__(self, flag, step):
        self.flag, self.step = flag, step

    def stepped(self, progress):
        self.flag.raised = progress.step >= self.step


def test_a_stopped_study_goes_on_and_ends_with_the_same_numbers(tiny, tmp_path):
    data = load("scenes:count=150")
    plan = study("table", size="small", laws=["rc", "gcc"], scales=[0.8]).plan
    whole, parts = (run.Job(data, tmp_path / name, plan) for name in ("whole", "parts"))
    run.run(whole, Watch(Silence(), StopFlag()))
    for step in (1, 3):
        flag = StopFlag()
        with pytest.raises(Interrupted, match="the same command continues"):
            run.run(parts, Watch(StopsAt(flag, step), flag))
        assert cells.read(parts.out) == ()
    run.run(parts, Watch(Silence(), StopFlag()))
    assert numbers(parts.out) == numbers(whole.out)


def test_cells_of_other_settings_are_refused_before_training(tiny, tmp_path, monkeypatch, capsys):
    assert paper(tmp_path, "--most", "1") == 0
    monkeypatch.setattr(protocols, "Small", lambda: dataclasses.replace(TINY, epochs=1))
    assert paper(tmp_path) == 2
    assert "was made with other settings" in capsys.readouterr().err
    assert len(cells.read(tmp_path)) == 1


BAD = [
    (["--study", "whi"], "did you mean 'why'"),
    (["--size", "tiny"], "unknown size"),
    (["--alphas", "few"], "`alphas` must be best, all or numbers"),
    (["--laws", "rrc"], "unknown law of the paper"),
    (["--study", "why", "--scales", "0.6"], "one of (0.8, 0.4)"),
    (["--merge", "nowhere"], "`merge` must name folders or files"),
    (["--data", "nothing.npz"], "must exist"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_wrong_use_is_one_line_and_exit_two(tmp_path, capsys, words, said):
    assert paper(tmp_path, *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
