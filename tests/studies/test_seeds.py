"""Seeds that are added until a difference can be told: the rule, its words, its simulated error."""

import dataclasses
import json
import math

import numpy as np
import pytest
from scipy import stats

from studies.test_records import CELL
from tamecrop.cli import main
from tamecrop.reporting.comparisons import Comparison, noncentrality
from tamecrop.studies import store
from tamecrop.studies.arms import arm
from tamecrop.studies.cells import summarize
from tamecrop.studies.recipes import recipe
from tamecrop.studies.seeds import LEAST, LEVEL, Auto, UntilTold, count_seeds, read_seeds
from tamecrop.studies.words import basis_notes

POLICIES = ("rc:scale=0.8", "rc:scale=0.4", "rc:scale=0.2")
ARMS = tuple(arm(policy, recipe("quick"), "compare") for policy in POLICIES)


def cells_of(values, seconds=60.0):
    """Finished cells with the accuracies `(seeds, arms)`."""
    return [
        dataclasses.replace(
            CELL, policy=str(each.plan), seed=seed, linear_accuracy=value, seconds=seconds
        )
        for seed, row in enumerate(np.asarray(values).tolist())
        for each, value in zip(ARMS, row, strict=False)
    ]


def seeds_run(rule, values):
    """Seeds of a study whose cells come out as told, cell by cell."""
    every = {cell.key: cell for cell in cells_of(values)}
    done = []
    while missing := [w.key for w in rule(done) if w.key not in {c.key for c in done}]:
        done.append(every[missing[0]])
    return len({cell.seed for cell in done}), done


def test_seeds_are_a_number_or_what_they_should_tell():
    assert read_seeds(3) == read_seeds("3") == range(3)
    assert read_seeds("auto:0.5") == Auto(0.5, 50)
    assert read_seeds("auto:1,most=8") == Auto(1.0, 8)
    for wrong in ("auto", "auto:", "auto:0.5,least=3", "-1", "many", "auto:.5.5"):
        with pytest.raises(ValueError, match=r"seeds|float"):
            read_seeds(wrong)
    for wrong in ("0", "auto:0", "auto:1,most=3"):
        with pytest.raises(ValueError, match="must"):
            read_seeds(wrong)
    with pytest.raises(ValueError, match="two policies"):
        UntilTold(ARMS[:1], Auto(0.5))


def test_seeds_are_added_round_by_round_until_the_difference_is_detectable():
    rng = np.random.default_rng(0)
    values = 0.5 + 0.003 * rng.normal(size=(40, 3)) + 0.05 * rng.normal(size=(40, 1))
    rule = UntilTold(ARMS, Auto(1.0))
    count, done = seeds_run(rule, values)
    assert len(done) == 3 * count
    found = summarize(done, [cell.key for cell in done], level=LEVEL).comparison
    assert found.detectable <= 0.01
    before = [cell for cell in done if cell.seed < count - 1]
    if count > LEAST:
        less = summarize(before, [cell.key for cell in before], level=LEVEL).comparison
        assert less.detectable > 0.01
    assert count == seeds_run(rule, values[:, ::-1] + [0.1, 0.2, 0.0])[0], (
        "differences do not count"
    )
    assert {wanted.seed for wanted in rule(done[::-1])} == set(range(count)), "nor does the order"
    tighter, _ = seeds_run(UntilTold(ARMS, Auto(0.5)), values)
    assert tighter > count
    assert rule([])[-1].seed == LEAST - 1
    assert seeds_run(UntilTold(ARMS, Auto(0.01, most=6)), values)[0] == 6


def test_a_round_is_finished_before_it_counts():
    values = 0.5 + 0.05 * np.random.default_rng(1).normal(size=(9, 3))
    rule, cells = UntilTold(ARMS, Auto(0.5)), cells_of(values)
    first = [wanted.key for wanted in rule(cells[:12])]
    assert first[:12] == [cell.key for cell in cells[:12]]
    assert [key.seed for key in first[12:]] == [4, 4, 4]
    assert [wanted.key for wanted in rule(cells[:14])] == first
    other = [dataclasses.replace(cell, policy="gcc") for cell in cells]
    assert len(rule(other)) == 3 * LEAST, "cells of other policies are no seeds of these"


def test_the_outlook_says_what_it_takes():
    values = 0.5 + 0.01 * np.random.default_rng(2).normal(size=(50, 3))
    rule = UntilTold(ARMS, Auto(0.5, most=10), jobs=2)
    assert rule.outlook([]).startswith("4 seeds first")
    found = rule.outlook(cells_of(values[:4]))
    needed = int(found.split("about ")[1].split()[0])
    assert "0.5 points take about" in found
    assert found.endswith(f"{2 * (needed - 4) // 60} h {2 * (needed - 4) % 60} min more "
                          "(at most 10 are run)")  # fmt: skip
    assert "no more were allowed" in rule.outlook(cells_of(values[:10]))
    assert "enough" in UntilTold(ARMS, Auto(5.0)).outlook(cells_of(values[:4]))


@pytest.mark.parametrize("rivals", [1, 4])
def test_the_number_of_seeds_is_the_least_that_makes_a_difference_detectable(rivals):
    from tamecrop.reporting.comparisons import critical_value

    def detectable(seeds):
        freedom = rivals * (seeds - 1)
        critical = critical_value(rivals, freedom, LEVEL)
        return 0.01 * noncentrality(critical, freedom) * math.sqrt(2 / seeds)

    for gap in (0.004, 0.01, 0.05):
        found = count_seeds(Comparison(rivals, 9, 0.01, None, None, None, LEVEL), gap)
        assert detectable(found) <= gap < detectable(found - 1)
    assert count_seeds(Comparison(rivals, 9, 0.0, None, None, None, LEVEL), 0.001) == 2


def sequential(level, least, *, gap, runs=6000, most=60):
    """Coverage and power of two arms, a deviation of 1, by Student's t and nothing of ours but
    the noncentrality: `(runs, seeds)` differences of pairs, looked at after each seed."""
    rng = np.random.default_rng(5)
    pairs = rng.normal(scale=math.sqrt(2), size=(runs, most))
    counts = np.arange(1, most + 1)
    mean = np.cumsum(pairs, 1) / counts
    squares = np.cumsum(pairs**2, 1) - counts * mean**2
    stop, inside, shown = np.zeros(runs, bool), np.zeros(runs, bool), np.zeros(runs, bool)
    ends = np.zeros(runs, int)
    for seeds in range(least, most + 1):
        error = np.sqrt(squares[:, seeds - 1] / (seeds - 1) / seeds)
        critical = stats.t.ppf(1 - (1 - level) / 2, seeds - 1)
        enough = ~stop & (noncentrality(critical, seeds - 1) * error <= gap)
        inside[enough] = np.abs(mean[enough, seeds - 1]) <= critical * error[enough]
        shown[enough] = mean[enough, seeds - 1] + gap > critical * error[enough]
        ends[enough] = seeds
        stop |= enough
    assert stop.all()
    return inside.mean(), shown.mean(), pairs, ends


def test_intervals_hold_although_their_spread_decided_when_to_stop():
    held, shown, pairs, ends = sequential(LEVEL, LEAST, gap=1.0)
    assert held > 0.95 - 3 * math.sqrt(0.05 * 0.95 / 6000)
    assert shown > 0.8 - 3 * math.sqrt(0.8 * 0.2 / 6000)
    wrong, *_ = sequential(0.95, 3, gap=1.0)
    assert wrong < 0.92, "what uncorrected intervals would do"
    rule = UntilTold(ARMS[:2], Auto(1.0))
    for run in range(3):
        values = np.stack([np.zeros(60), pairs[run]], 1) / 100 + 0.5
        assert seeds_run(rule, np.clip(values, 0, 1))[0] == min(ends[run], 50)


def test_the_page_says_that_the_spread_decided():
    cells = cells_of(0.5 + 0.01 * np.random.default_rng(3).normal(size=(4, 3)))
    keys = [cell.key for cell in cells]
    corrected, plain = (summarize(cells, keys, level=level) for level in (LEVEL, 0.95))
    assert "critical values of 97.5 %" in basis_notes(corrected.comparison)[0]
    assert "critical values" not in basis_notes(plain.comparison)[0]


TINY = ["--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=16"]
TINY += ["--images=32", "--policies", "rc:scale=0.6", "gcc:scale=0.6,alpha=2"]
DATA = "scenes:count=80,side=16"


@pytest.mark.parametrize("jobs", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_compare_adds_seeds_and_a_second_call_goes_on(tmp_path, capsys, jobs):
    words = ["compare", DATA, *TINY, "--jobs", jobs, "--out", str(tmp_path)]
    assert main([*words, "--seeds", "auto:80"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "4 seeds first" in said
    assert "enough, 80 points were asked for" in said
    assert len(store.read(tmp_path)) == 8
    assert main([*words, "--seeds", "auto:0.001,most=5"]) == 0
    said = capsys.readouterr().out
    assert "seed 3: training" not in said
    assert said.count("seed 4: training") == 2
    assert "and no more were allowed" in (tmp_path / "report.html").read_text()
    found = json.loads((tmp_path / "summary.json").read_text())
    assert found["complete"]
    assert found["comparison"]["level"] == LEVEL


def test_a_part_of_cells_that_nobody_knows_yet_is_refused(tmp_path, capsys):
    words = ["compare", DATA, *TINY, "--seeds", "auto:1", "--cells", "1/2"]
    assert main([*words, "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "`cells` names a part of cells that are known beforehand" in said
    assert said.count("\n") == 1
