"""What the statistical rules do in simulated studies: how often they err, and what they can show.

Run: .venv/bin/python benchmarks/power.py
Writes results/statistics/power.json, five minutes of one core, and prints the tables of
docs/results.md (with `--tables` those of the file that is there).

Accuracies are `mean of the policy + effect of the seed + rest`, all normal, the deviation of the
rest 1; gaps are in such deviations. 0.77 points are one for `fixed` on CIFAR-10
(results/compare/cifar10_small.json), 2.4 points one for the demo. Every share comes with its
number of studies `n` and its standard error `se`.
"""

import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import ndtr

from tamecrop.audit.dropping import ERROR, find_left
from tamecrop.reporting import (
    MARGIN,
    compare_arms,
    critical_value,
    is_different,
    is_equal,
    noncentrality,
)
from tamecrop.reporting.environment import environment
from tamecrop.studies.seeds import LEAST, LEVEL

TARGET = Path(__file__).parents[1] / "results" / "statistics" / "power.json"
NAMES = tuple("abcd")
DEVIATION = 0.0077
"""Of one accuracy of `fixed` on CIFAR-10, a fraction."""


def main() -> None:
    content = {
        "environment": asdict(environment()),
        "family_wise": [family(rivals) for rivals in (3, 5, 9)],
        "unequal_deviations": [
            family(rivals, first=first) for first in (3.0, 1 / 3) for rivals in (3, 9)
        ],
        "detectable": [detectable(rivals, seeds) for rivals in (1, 3, 9) for seeds in (3, 10)],
        "best": [lead(gap, seeds) for seeds in (3, 10) for gap in (0.0, 1.0, 2.0, 4.0)],
        "equal": [equal(rivals, seeds) for rivals in (1, 3) for seeds in (3, 10, 30, 60, 120)],
        "auto": [
            auto(rivals, gap)
            for rivals in (1, 2, 4, 8)
            for gap in (0.5, 0.65, 0.8, 1.0, 1.25, 1.6, 2.0, 3.0)
        ],
        "auto_without_correction": [
            auto(1, gap, level=0.95, least=3) for gap in (0.8, 1.0, 1.25, 1.6)
        ],
        "race": [race(gap) for gap in (0.0, 0.26, 0.65, 1.3, 2.6)],
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(content, indent=1) + "\n")
    print("\n".join(write_tables(content)))


def write_tables(content: dict[str, Any]) -> list[str]:
    """The tables of docs/results.md: family-wise errors, seeds that are added, races."""
    families = [
        f"| {row['rivals']} | {row['deviation_of_the_baseline']:g} | {per(row['corrected'])} "
        f"| {per(row['each_on_its_own'])} |"
        for row in (*content["family_wise"], *content["unequal_deviations"])
    ]
    detected = [
        f"| {row['rivals']} | {row['seeds']} | {row['gap']:.2f} | {per(row['shown'])} |"
        for row in content["detectable"]
    ]
    leads = [
        f"| {row['seeds']} | {row['gap']:g} | {per(row['told'])} | {per(row['another_told'])} |"
        for row in content["best"]
    ]
    equals = [
        f"| {row['rivals']} | {row['seeds']} | {per(row['equal'])} | {per(row['wrongly_equal'])} |"
        for row in content["equal"]
    ]
    autos = [
        f"| {row['rivals']} | {row['gap']:g} | {row['seeds']:.1f} | {per(row['intervals_hold'])} "
        f"| {per(row['gap_shown'])} |"
        for row in content["auto"]
        if row["gap"] in (0.5, 1.0, 2.0)
    ]
    races = [
        f"| {row['gap']:g} | {within['cells']} | {per(within['best_named'])} "
        f"| {per(within['another_named'])} | {per(within['cannot_tell'])} |"
        for row in content["race"]
        for within in row["within"]
        if within["cells"] in (20, 40, 80)
    ]
    return [*families, *detected, *leads, *equals, *autos, *races]


def per(found: dict[str, float]) -> str:
    """A share in percent with its standard error."""
    return f"{100 * found['share']:.1f} ± {100 * found['se']:.1f}"


def share(hits: Sequence[float] | np.ndarray) -> dict[str, float]:
    """Mean of some values in [0, 1], with its standard error."""
    values = np.asarray(hits, float)
    error = values.std(ddof=1) / math.sqrt(len(values))
    return {"share": round(float(values.mean()), 4), "se": round(float(error), 4)}


def family(rivals: int, *, first: float = 1.0, seeds: int = 3, n: int = 2000) -> dict[str, object]:
    """How often some rival is called different although none is.

    `first` is the deviation of the baseline.
    """
    rng = np.random.default_rng(rivals)
    rest = rng.normal(size=(n, seeds, rivals + 1))
    rest[..., 0] *= first
    values = rest + rng.normal(size=(n, seeds, 1))
    told = [
        any(is_different(gap) for gap in compare_arms(by_seed(each), 0)[0].values())
        for each in values
    ]
    alone = (stats.ttest_rel(values[..., 1:], values[..., :1], axis=1).pvalue < 0.05).any(axis=1)
    return {
        "rivals": rivals,
        "seeds": seeds,
        "deviation_of_the_baseline": round(first, 3),
        "n": n,
        "corrected": share(told),
        "each_on_its_own": share(alone),
    }


def simulate(truth: Sequence[float], seeds: int, n: int) -> Iterator[dict[int, dict[int, float]]]:
    """Studies of arms with these true accuracies, in deviations."""
    rng = np.random.default_rng(seeds)
    rest = rng.normal(size=(n, seeds, len(truth))) + rng.normal(size=(n, seeds, 1))
    yield from map(by_seed, rest + np.asarray(truth))


def detectable(rivals: int, seeds: int, *, n: int = 2000) -> dict[str, object]:
    """How often the difference is shown that a page calls detectable at the true deviation."""
    freedom = rivals * (seeds - 1)
    gap = noncentrality(critical_value(rivals, freedom, 0.95), freedom) * math.sqrt(2 / seeds)
    truth = [0.0, gap, *[0.0] * (rivals - 1)]
    shown = [is_different(compare_arms(each, 0)[0][1]) for each in simulate(truth, seeds, n)]
    return {"rivals": rivals, "seeds": seeds, "gap": round(gap, 3), "n": n, "shown": share(shown)}


def lead(gap: float, seeds: int, *, arms: int = 4, n: int = 2000) -> dict[str, object]:
    """How often one of some policies is called the best, when one is by `gap` or, at 0, none is."""
    told = {True: [], False: []}
    for each in simulate([*[0.0] * (arms - 1), gap], seeds, n):
        _, found = compare_arms(each, 0)
        is_told = found.lead.least > 0
        right = gap > 0 and found.lead.candidates[0] == arms - 1
        for kind, hits in told.items():
            hits.append(is_told and right == kind)
    return {
        "arms": arms,
        "seeds": seeds,
        "gap": gap,
        "n": n,
        "told": share(told[True]),
        "another_told": share(told[False]),
    }


def equal(rivals: int, seeds: int, *, n: int = 1000) -> dict[str, object]:
    """How often a rival is called equal that is, and any that differs by the whole margin."""
    margin = MARGIN / DEVIATION
    same, apart = (
        [
            [is_equal(gap, margin) for gap in compare_arms(each, 0)[0].values()]
            for each in simulate([0.0, *[gap] * rivals], seeds, n)
        ]
        for gap in (0.0, margin)
    )
    return {
        "rivals": rivals,
        "seeds": seeds,
        "margin": round(margin, 3),
        "n": n,
        "equal": share([each[0] for each in same]),
        "wrongly_equal": share([any(each) for each in apart]),
    }


def by_seed(values: np.ndarray) -> dict[int, dict[int, float]]:
    """`(seeds, arms)` accuracies as a comparison takes them."""
    return {place: dict(enumerate(column)) for place, column in enumerate(values.T.tolist())}


def auto(
    rivals: int, gap: float, *, level: float = LEVEL, least: int = LEAST, n: int = 4000
) -> dict[str, object]:
    """Studies that add seeds until `gap` is detectable; the deviation alone decides when to stop.

    Means are independent of the deviations of a normal sample, so that only the latter are drawn;
    the probability that all intervals hold follows from the deviation at the end.
    """
    rng = np.random.default_rng(0)
    squares, ends = np.zeros(n), np.zeros(n, int)
    held, shown, seeds = np.zeros(n), np.zeros(n), 1
    while not ends.all():
        seeds += 1
        squares += rng.chisquare(rivals, n)
        if seeds < least:
            continue
        freedom = rivals * (seeds - 1)
        critical = critical_value(rivals, freedom, level)
        deviation, error = np.sqrt(squares / freedom), math.sqrt(2 / seeds)
        enough = (ends == 0) & (noncentrality(critical, freedom) * deviation * error <= gap)
        ends[enough] = seeds
        held[enough] = largest_below(rivals, critical * deviation[enough])
        shown[enough] = ndtr(gap / error - critical * deviation[enough])
    return {
        "rivals": rivals,
        "gap": gap,
        "level": level,
        "n": n,
        "intervals_hold": share(held),
        "gap_shown": share(shown),
        "seeds": round(float(ends.mean()), 1),
    }


def largest_below(rivals: int, values: np.ndarray) -> np.ndarray:
    """Probability that the largest of `rivals` normal values in size, correlation 0.5, is below."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(96)
    common, own = math.sqrt(0.5) * nodes, math.sqrt(0.5)
    x = values[:, None]
    inside = ndtr((x + common) / own) - ndtr((common - x) / own)
    return (inside**rivals) @ weights / math.sqrt(2 * math.pi)


def race(gap: float, *, n: int = 1000) -> dict[str, object]:
    """Four policies whose true accuracies are `gap` apart: what a race says within some cells."""
    budgets = (20, 40, 80)
    rng = np.random.default_rng(1)
    truth = -gap * np.arange(4)
    best, wrong, unknown = ({cells: [] for cells in budgets} for _ in range(3))
    dropped, spent = [], []
    for _ in range(n):
        values = rng.normal(size=(40, 4)) + rng.normal(size=(40, 1)) + truth
        stations, cells = run_race(values, max(budgets))
        for budget in budgets:
            left = [names for used, names in stations if used <= budget][-1]
            best[budget].append(left == ("a",))
            wrong[budget].append(len(left) == 1 and left != ("a",))
            unknown[budget].append(len(left) > 1)
        dropped.append("a" not in stations[-1][1])
        spent.append(cells)
    return {
        "gap": gap,
        "n": n,
        "error_allowed": ERROR,
        "best_dropped": share(dropped),
        "cells_used_of_80": round(float(np.mean(spent)), 1),
        "within": [
            {
                "cells": cells,
                "best_named": share(best[cells]),
                "another_named": share(wrong[cells]),
                "cannot_tell": share(unknown[cells]),
            }
            for cells in budgets
        ],
        "one_seed_halving_names_the_best": share(
            [halve(rng.normal(size=(2, 4)) + truth) == 0 for _ in range(n)]
        ),
    }


def run_race(values: np.ndarray, most: int) -> tuple[list[tuple[int, tuple[str, ...]]], int]:
    """Policies left after so many cells, seed by seed; and the cells in all."""
    left, accuracy = NAMES, {name: [] for name in NAMES}
    stations, used = [(0, left)], 0
    for row in values.tolist():
        if len(left) == 1 or used + len(left) > most:
            break
        used += len(left)
        for name, value in zip(NAMES, row, strict=True):
            if name in left:
                accuracy[name].append(value)
        left = find_left(tuple(accuracy.items()), left)
        stations.append((used, left))
    return stations, used


def halve(values: np.ndarray) -> int:
    """What halving named before: two of four go on after a round, the better of a second is it."""
    first = np.argsort(-values[0])[:2]
    return int(first[np.argmax(values[1][first])])


if __name__ == "__main__":
    if "--tables" in sys.argv:
        print("\n".join(write_tables(json.loads(TARGET.read_text()))))
    else:
        main()
