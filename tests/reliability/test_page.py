"""docs/reliability.md is what the recorded figures say, and names tests that exist."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def writer():
    path = ROOT / "benchmarks" / "reliability.py"
    spec = importlib.util.spec_from_file_location("reliability_page", path)
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its own module up while it is made.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(importlib.import_module("sys").modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module


def test_the_page_is_what_the_results_say(writer):
    figures = json.loads(writer.RESULTS.read_text())
    assert writer.PAGE.read_text() == writer.page(figures)


def test_another_figure_gives_another_page(writer):
    figures = json.loads(writer.RESULTS.read_text())
    figures["R17"] = {"figure": "39/40 refused", "n": 40}
    assert writer.PAGE.read_text() != writer.page(figures)


def test_every_promise_names_a_test_that_exists_and_speaks_of_it(writer):
    numbers = [each.number for each in writer.promises()]
    assert numbers == [f"R{k}" for k in (*range(1, 29), 31, 33, 34)]
    for each in writer.promises():
        assert f"{each.number}" in (ROOT / each.proof).read_text(), each
    assert all((ROOT / file).exists() for files in writer.ELSEWHERE.values() for file in files)


def test_figures_are_shown_whole_or_counted(writer):
    figures = {"R1": {"figure": "50 kills", "n": 50}, "R1.torn": {"figure": "9 torn", "n": 9}}
    assert writer.reached("R1", figures) == "50 kills; 9 torn"
    many = {f"R2.{letter}": {"figure": "x", "n": 4} for letter in "abc"}
    assert writer.reached("R2", many) == "3 parts below, 12 cases, all passed"
    assert writer.reached("R3", figures) == "not recorded yet"
