"""What the commands that run a grid of trainings share: shards, merging, the table, Python."""

import io
import json

import pytest
from rich.console import Console

from studies.test_records import CELL, KEYS
from tamecrop.cli import main
from tamecrop.cli.display import LiveDisplay, PlainDisplay
from tamecrop.cli.tables import Board, break_text
from tamecrop.learning.watching import Progress
from tamecrop.studies import store
from tamecrop.studies.cells import Key, summarize
from tamecrop.studies.compare import compare
from tamecrop.studies.recipes import Recipe

POLICIES = ["rc:scale=0.8", "cgcc:scale=0.8,alpha=2", "gcc:scale=0.8,alpha=2"]
DATA = "scenes:count=80,side=16"
TINY = ["--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=16"]
TINY += ["--images=32", "--jobs", "1", "--policies", "rc:scale=0.6", "gcc:scale=0.6,alpha=2"]


def summary_of(policies, seeds, accuracy=0.5):
    from dataclasses import replace

    cells = [
        replace(CELL, policy=policy, seed=seed, linear_accuracy=accuracy + 0.02 * seed * place)
        for place, policy in enumerate(policies)
        for seed in seeds
    ]
    return summarize(cells, [cell.key for cell in cells])


def shown(board, width):
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    console.print(board.table(width))
    return console.file.getvalue()


LONG = [
    "gcc:extent=random,scale=0.2..1,sigma=0.2165,border=truncate",
    "rc_pad:scale=0.8,padding=5/16",
]


@pytest.mark.parametrize("policies", [POLICIES, LONG])
@pytest.mark.parametrize("count", [1, 3, 5, 10])
@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_column_is_cut_or_broken_inside_a_word(policies, count, width):
    found = summary_of(policies, range(count))
    board = Board([cell.key for cell in found.cells], found)
    text = shown(board, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for policy in policies:
        for piece in policy.replace(":", ": ").replace(",", ", ").split():
            assert piece.rstrip(" ") in text, piece
    for word in ("mean", "difference", "kNN", "baseline"):
        assert word in text
    if count > 1:
        low = f"{100 * found.arms[1].difference.low:+.1f}".replace("-", "\N{MINUS SIGN}")
        assert f"({low} to " in text


def test_a_table_that_is_not_fitted_is_seen_to_be_cut():
    found = summary_of(POLICIES, range(3))
    board = Board([cell.key for cell in found.cells], found)
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system=None)
    console.print(board.table(200))
    assert "…" in console.file.getvalue()


def test_running_cells_have_a_word_and_a_bar_each():
    keys = [Key(policy, "compare", 0) for policy in POLICIES]
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system=None)
    display = LiveDisplay(console)
    with display.live:
        display.study_started(keys, summarize([], keys))
        for key in keys[:2]:
            display.cell_started(key)
            display.stepped(key, Progress(3, 9, 1.5, 100.0, 6.0))
        display.evaluating(keys[1])
        text = "\n".join(str(part) for part in display.live.get_renderable().renderables[1:])
        assert shown(display._board, 80).count("train") == 1
        assert shown(display._board, 80).count("probe") == 1
        assert "rc:scale=0.8 seed 0: step 3/9, loss 1.500, 100 images/s, 6 s left" in text
        display.cell_stopped(keys[0])
        assert "train" not in shown(display._board, 80)


def test_plain_lines_name_the_protocol_where_there_are_several():
    console = Console(width=80, file=io.StringIO())
    display = PlainDisplay(console)
    keys = [KEYS[0], KEYS[0]._replace(protocol="paper")]
    display.study_started(keys, summarize([], keys))
    display.cell_started(keys[1])
    assert "rc:scale=0.8 seed 0 (paper): training" in console.file.getvalue()


def test_broken_policies_keep_their_words():
    assert break_text("a:b=1,c=22", 80) == "a:b=1,c=22"
    assert break_text("a:b=1,c=22", 6) == "a:b=1,\nc=22"
    assert break_text("2x rc:scale=0.5 + 1x rc @32", 12) == "2x rc:\nscale=0.5 +\n1x rc @32"


def numbers(out):
    return [(cell.key, cell.linear_accuracy, cell.losses) for cell in store.read(out)]


def test_parts_of_a_comparison_are_merged_to_the_whole(tmp_path, capsys):
    whole, one, two = (tmp_path / name for name in ("whole", "one", "two"))
    words = ["compare", DATA, *TINY, "--seeds", "2"]
    assert main([*words, "--out", str(whole)]) == 0
    assert main([*words, "--out", str(one), "--cells", "1/2"]) == 0
    assert main([*words, "--out", str(two), "--cells", "2/2"]) == 0
    assert [len(store.read(out)) for out in (whole, one, two)] == [4, 2, 2]
    assert "unfinished: 2 cells so far" in (one / "report.html").read_text()
    assert main([*words, "--out", str(one), "--merge", str(two)]) == 0
    assert numbers(one) == numbers(whole)
    assert json.loads((one / "summary.json").read_text())["complete"]
    capsys.readouterr()
    other = [*words, "--training.learning_rate=0.5", "--out", str(tmp_path / "other")]
    assert main([*other, "--merge", str(two)]) == 2
    said = capsys.readouterr().err
    assert "`recipe.training.learning_rate` is 0.003 there and 0.5 here" in said
    assert not (tmp_path / "other" / "cells.json").exists()


def test_compare_in_python_returns_records_and_writes_nowhere(tmp_path, monkeypatch):
    from reliability import children
    from tamecrop.data.sources import load

    monkeypatch.chdir(tmp_path)
    settings = Recipe(policies=("rc:scale=0.6",), images=32, training=children.TINY)
    found = compare(load(DATA), ["rc:scale=0.6", "2x gcc:scale=0.6"], settings=settings, seeds=1)
    assert [arm.policy for arm in found.arms] == ["rc:scale=0.6", "gcc:scale=0.6,sigma=0.2165"]
    assert found.complete
    assert list(tmp_path.iterdir()) == []
    again = compare(DATA, settings=settings, out="study")
    assert again.cells[0].linear_accuracy == found.cells[0].linear_accuracy
    assert (tmp_path / "study" / "report.html").exists()
