"""Policies at equal time: who gets how many epochs, and what the page says of it."""

import csv
import dataclasses
import json

import pytest

from commands.test_grid import DATA
from studies.test_report import POLICIES, cell
from tamecrop.cli import main
from tamecrop.geometry import plan
from tamecrop.learning.config import Pretraining
from tamecrop.studies import equal_time
from tamecrop.studies.arms import arm
from tamecrop.studies.cells import Key, Provenance, summarize
from tamecrop.studies.recipes import Recipe

TRAINING = Pretraining(epochs=20, warmup_epochs=5, size=32)


def arms(*texts, equal=("epochs", "time"), **changes):
    recipe = Recipe(policies=("rrc",), training=dataclasses.replace(TRAINING, **changes))
    return equal_time.arms_of([arm(text, recipe, "compare") for text in texts], equal, (40, 40))


@pytest.mark.parametrize(
    ("text", "epochs"),
    [
        ("2of4x rrc", 12),  # 4 forward, and 2 forward and backward: 10 passes for 6
        ("2of3x rrc", 13),
        ("2x rrc @32 + 6x rrc @16", 11),  # six views of a quarter of the pixels
        ("1x rrc @32 + 1x rrc @16", 32),
        ("2x rrc @64", 5),
    ],
)
def test_an_arm_gets_the_epochs_that_cost_what_the_baselines_do(text, epochs):
    first, same, other = arms("rrc", text)
    assert (first.recipe, same.recipe) == (same.recipe, first.recipe)
    assert other.recipe.training.epochs == epochs
    assert other.recipe.training.warmup_epochs == round(epochs / 4)
    assert other.key == (str(plan(text)), f"compare/equal time, {epochs} epochs")


def test_views_that_are_cut_exactly_cost_their_boxes():
    _, _, half = arms("rc:scale=1", "rc:scale=0.25", size=None)
    assert half.recipe.training.epochs == 80


def test_arms_of_one_cost_are_one_arm_and_epochs_alone_change_nothing():
    assert len(arms("rrc", "gcc")) == 2
    assert [each.protocol for each in arms("rrc", "2of4x rrc", equal=["epochs"])] == ["compare"] * 2
    only = arms("rrc", "2of4x rrc", equal=["time"])
    assert [each.recipe.training.epochs for each in only] == [20, 12]


def test_no_arm_is_left_without_an_epoch_that_is_no_warmup():
    _, _, other = arms("rrc", "2x rrc @320", epochs=3, warmup_epochs=2)
    assert (other.recipe.training.epochs, other.recipe.training.warmup_epochs) == (1, 0)


@pytest.mark.parametrize("equal", [["hours"], [], ["epochs", "Time"]])
def test_another_word_is_refused(equal):
    with pytest.raises(ValueError, match=r"`equal` must name epochs, time or both, got"):
        arms("rrc", equal=equal)


def test_a_policy_that_moves_gets_no_other_epochs():
    moving = "2of4x rrc:scale=0.5..1->0.2..1,over=20"
    with pytest.raises(ValueError, match="`equal` must be epochs where a policy moves, got 12"):
        arms("rrc", moving)


def summary_of(speed):
    """The baseline, and a rival at equal epochs and at equal time that is trained at a speed."""
    at_time = "compare/equal time, 1 epoch"
    recipe = {"probe": "frozen", "training": {"epochs": 1}}
    cells = [
        cell(POLICIES[0], 0, 0.5),
        dataclasses.replace(cell(POLICIES[1], 0, 0.6), images_per_second=speed),
        dataclasses.replace(
            cell(POLICIES[1], 0, 0.4),
            images_per_second=speed,
            protocol=at_time,
            provenance=Provenance(1, "ab" * 32, recipe),
        ),
    ]
    return summarize(cells, [each.key for each in cells])


def test_the_baseline_is_that_of_the_arms_at_equal_time_too():
    gaps = [record.difference for record in summary_of(450.0).arms]
    assert [gap and round(gap.mean, 3) for gap in gaps] == [None, 0.1, -0.1]


def test_arms_under_another_protocol_have_no_baseline():
    cells = [
        cell(POLICIES[0], 0, 0.5),
        dataclasses.replace(cell(POLICIES[0], 0, 0.4), protocol="b"),
    ]
    records = summarize(cells, [Key(each.policy, each.protocol, 0) for each in cells]).arms
    assert [record.difference for record in records] == [None, None]


@pytest.mark.parametrize(
    ("speed", "one", "whole"), [(450.0, "2.00", "1.00"), (300.0, "3.00", "1.50")]
)
def test_the_page_says_what_the_epochs_took(speed, one, whole):
    (said,) = equal_time.notes(summary_of(speed))
    assert said.startswith(f"{POLICIES[1]} (equal time, 1 epoch): an epoch took {one} times")
    assert f"and all epochs {whole} times" in said


def test_equal_epochs_need_no_note():
    found = summarize([cell(POLICIES[0], 0, 0.5)], [Key(POLICIES[0], "compare", 0)])
    assert equal_time.notes(found) == ()


def test_the_cost_is_that_of_what_a_method_gets():
    assert equal_time.cost(plan("2x rrc @8"), (32, 32)) == 3 * 2 * 64


def test_compare_trains_hard_views_at_equal_epochs_and_equal_time(tmp_path):
    words = ["compare", DATA, "--out", str(tmp_path), "--images=32", "--jobs", "1", "--seeds", "2"]
    words += ["--training.epochs=5", "--training.warmup_epochs=1", "--training.batch_size=16"]
    words += ["--equal", "epochs", "time", "--policies", "rc:scale=0.6", "2of4x rc:scale=0.6"]
    assert main(words) == 0
    assert main(words) == 0  # finished: nothing is trained again, nothing refused
    cells = json.loads((tmp_path / "cells.json").read_text())["cells"]
    epochs = {(each["policy"], len(each["losses"])) for each in cells}
    hard = "2of4x rc:scale=0.6"
    assert epochs == {("rc:scale=0.6", 5), (hard, 5), (hard, 3)}
    with (tmp_path / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["difference"] == "" for row in rows] == [True, False, False]
    page = (tmp_path / "report.html").read_text()
    assert "2 crop policies, 2 seeds each" in page
    for said in (f"{hard} (equal time, 3 epochs)", "for 3 to 5 epochs", "and all epochs"):
        assert said in page
