"""How a benchmark measures: rivals take turns in one run, the median counts, JSON is written."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from tamecrop.reporting.environment import environment
from tamecrop.studies.turns import Turn, measure

RESULTS = Path(
    os.environ.get("TAMECROP_RESULTS", Path(__file__).parents[1] / "results" / "benchmarks")
)
"""Where figures go: into the checkout, or the folder that the variable names."""


def rates(
    rivals: Mapping[str, tuple[Callable[[], object], int]], *, repeats: int = 7
) -> dict[str, float]:
    """Items per second of each rival: the median over rounds in which all take a turn.

    Args:
        rivals: name to (work, items that it does); each is run once before to warm up.
        repeats: rounds.
    """

    def turn(work: Callable[[], object], items: int) -> Turn:
        return lambda _: (work(), items)[1]

    turns = {name: turn(*rival) for name, rival in rivals.items()}
    return {each.name: each.per_second for each in measure(turns, rounds=repeats, seconds=0)}


def report(title: str, unit: str, measured: Mapping[str, float]) -> dict[str, object]:
    """Print the rates with the ratio of the first to each other; the same as plain values."""
    first = next(iter(measured.values()))
    print(f"\n{title}")
    for name, rate in measured.items():
        print(f"  {name:<44} {rate:>12,.0f} {unit}   x {first / rate:.2f}")
    ratios = {name: first / rate for name, rate in measured.items()}
    return {"title": title, "unit": unit, "rates": dict(measured), "first_over_each": ratios}


def write(name: str, parts: list[dict[str, object]]) -> None:
    """Write `<name>.json` into `RESULTS` with hardware and versions."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    content = {"environment": asdict(environment()), "parts": parts}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
