"""Figures of the reliability tests: merged, ordered, and written only when asked for."""

import json

import pytest

from reliability.figures import VARIABLE


def test_figures_are_merged_and_ordered(tmp_path, monkeypatch, record):
    path = tmp_path / "figures.json"
    monkeypatch.setenv(VARIABLE, str(path))
    record("R10", "3 orders, all equal", n=3)
    record("R2", "5 calls in order", n=5, calls=["write", "fsync"])
    record("R10", "4 orders, all equal", n=4)
    found = json.loads(path.read_text())
    assert list(found) == ["R2", "R10", "environment"]
    assert found["R10"] == {"figure": "4 orders, all equal", "n": 4}
    assert found["environment"]["cores"] >= 1


def test_nothing_is_written_unless_asked_for(tmp_path, monkeypatch, record):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    record("R1", "1 kill", n=1)
    assert not list(tmp_path.iterdir())


def test_a_figure_without_its_number_of_cases_is_refused(record):
    with pytest.raises(ValueError, match="`n`, the number of cases"):
        record("R1", "all well")
    with pytest.raises(ValueError, match="must be a number such as R1"):
        record("one", "all well", n=1)
