"""How well the prediction does on published cells it has not seen, and its figures.

Run: .venv/bin/python benchmarks/predict.py
Writes results/predict/quality.json, docs/predict_figures.png and docs/predict_sweep.png.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tamecrop.geometry import expectations
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.policy import policy
from tamecrop.paper import prediction, published, surface
from tamecrop.paper.prediction import LEVEL, list_sweep_figures, take_half_width
from tamecrop.paper.surface import LABELS, scale_figures
from tamecrop.reporting import theme
from tamecrop.reporting.environment import environment

ROOT = Path(__file__).parents[1]
LAWS = ("gcc", "cgcc", "rc")
SCALES = (0.2, 0.4, 0.6, 0.8)


def main() -> None:
    cells = published.sweep()
    table = scale_figures([*list_sweep_figures()])
    truth = np.array([cell.accuracy for cell in cells])
    scales, rules = (np.array([getattr(c, key) for c in cells]) for key in ("scale", "law"))
    by_scale = surface.predict_left_out(table, truth, scales)
    by_rule = surface.predict_left_out(table, truth, rules)
    content = {
        "environment": asdict(environment()),
        "cells": len(cells),
        "figures": list(LABELS),
        "unit": "errors in percentage points; share of cells left out inside the range",
        "scale_left_out": judged(by_scale, truth, scales),
        "rule_left_out": judged(by_rule, truth, rules),
        "fit": judged(prediction.fit_model().surface.predict(table), truth, rules),
        "intervals": intervals(by_rule - truth),
        "scale_left_out_nested": nested(truth, scales),
        "rule_left_out_nested": nested(truth, rules),
        "lookup": lookups(by_scale, truth),
        "best_of_other_laws": (others := other_laws()),
        "best_of_other_laws_mean_absolute_error": mean_error(others),
        "same_relative_spread_at_64_px": at_64_px(),
        "residuals": [
            {"law": c.law, "scale": c.scale, "alpha": c.alpha, "points": points(p - c.accuracy)}
            for c, p in zip(cells, by_scale.tolist(), strict=True)
        ],
    }
    target = ROOT / "results" / "predict" / "quality.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(content, indent=1) + "\n")
    print(json.dumps({k: v for k, v in content.items() if k not in ("residuals", "environment")}))
    with theme.use_theme():
        (ROOT / "docs" / "predict_figures.png").write_bytes(theme.png(figures_plot(), dpi=110))
        (ROOT / "docs" / "predict_sweep.png").write_bytes(theme.png(sweep_plot(by_scale), dpi=110))


def judged(predicted: Floats, truth: Floats, groups: np.ndarray) -> dict[str, object]:
    """Rank correlation and errors, over all and in each group."""
    gaps = 100 * np.abs(predicted - truth)
    return {
        "n": len(truth),
        "spearman": round(spearman(predicted, truth), 4),
        "mean_absolute_error": round(float(gaps.mean()), 3),
        "largest_error": round(float(gaps.max()), 3),
        "mean_absolute_error_of_each": {
            str(group): round(float(gaps[groups == group].mean()), 3) for group in np.unique(groups)
        },
    }


def spearman(first: Floats, second: Floats) -> float:
    """Pearson's correlation of the ranks; ties share their mean rank."""
    return float(np.corrcoef(ranks(first), ranks(second))[0, 1])


def ranks(values: Floats) -> Floats:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def intervals(by_rule: Floats) -> dict[str, object]:
    """Half widths of the ranges, and how many cells of a rule left out lie in the wider one."""
    model = prediction.fit_model()
    return {
        "level": LEVEL,
        "half_width_known_rule": points(model.of_a_known_rule),
        "half_width_other_rule": points(model.of_another_rule),
        "half_width_narrow_shared_mean": points(model.of_a_narrow_mean),
        "wide_interval_coverage_rule_left_out": float(
            np.mean(np.abs(by_rule) <= model.of_another_rule)
        ),
    }


def other_laws() -> list[dict[str, object]]:
    """The best published cell of mgcc and cmgcc against the best prediction over the sweep."""
    alphas = sorted({cell.alpha for cell in published.sweep() if cell.alpha})
    rows = []
    for cell in published.others():
        if cell.epochs != 200:
            continue
        laws = [published.faithful(cell.law, cell.scale, alpha) for alpha in alphas]
        best = max((prediction.predict(law) for law in laws), key=lambda p: p.accuracy or 0)
        rows.append(
            {
                "law": cell.law,
                "scale": cell.scale,
                "published": cell.accuracy,
                "predicted": round(best.accuracy, 4),
                "inside": best.low <= cell.accuracy <= best.high,
            }
        )
    return rows


def mean_error(rows: Sequence[dict[str, object]]) -> float:
    return points(float(np.mean([abs(row["predicted"] - row["published"]) for row in rows])))


def at_64_px() -> list[dict[str, object]]:
    """The order at 64 px of policies with the relative spreads of alpha 1.5 and 3, and rc."""
    rows = []
    for scale in SCALES:
        names = {
            str(policy(f"rc:scale={scale}")): "rc",
            str(policy(f"gcc:scale={scale},alpha=1.5,border=recenter")): "alpha 1.5",
            str(policy(f"gcc:scale={scale},alpha=3,border=recenter")): "alpha 3",
        }
        order = [names[each.policy] for each in prediction.rank([*names], side=64)]
        rows.append({"scale": scale, "best_first": order})
    return rows


def nested(truth: Floats, groups: np.ndarray) -> dict[str, object]:
    """Error with a group left out when the four figures too are chosen without it.

    Of eight figures, those four are taken for each group left out that do best with each of the
    other groups left out in turn.
    """
    pool = candidate_figures()
    names = list(pool)
    table = np.stack([pool[name] for name in names], axis=1)
    errors, chosen = np.empty(len(truth)), {}
    for group in np.unique(groups):
        kept = groups != group
        best = min(
            itertools.combinations(range(len(names)), 4),
            key=lambda columns: np.abs(
                surface.predict_left_out(table[kept][:, columns], truth[kept], groups[kept])
                - truth[kept]
            ).mean(),
        )
        fitted = surface.make_surface().fit(table[kept][:, best], truth[kept])
        errors[~kept] = np.abs(fitted.predict(table[~kept][:, best]) - truth[~kept])
        chosen[str(group)] = [names[column] for column in best]
    return {
        "pool": names,
        "chosen": chosen,
        "mean_absolute_error": points(errors.mean()),
        "mean_absolute_error_of_each": {
            str(group): points(errors[groups == group].mean()) for group in np.unique(groups)
        },
        "half_width": points(take_half_width(errors)),
        "coverage_of_each": {
            str(group): float(
                np.mean(errors[groups == group] <= take_half_width(errors[groups != group]))
            )
            for group in np.unique(groups)
        },
    }


def candidate_figures() -> dict[str, Floats]:
    """Eight figures of every published cell, each within about 1 of 0."""
    size = (published.SIDE,) * 2
    cells = published.sweep()
    views = [
        expectations.view_law(published.faithful(c.law, c.scale, c.alpha), size) for c in cells
    ]
    placements = np.log([each.placements for each in views])
    pool = dict(zip(LABELS, scale_figures([*list_sweep_figures()]).T, strict=True))
    return pool | {
        "content_area": 2 * np.array([each.content_area for each in views]) - 1,
        "empty_share": 2 * np.array([each.empty_share for each in views]) - 1,
        "edge_share": 2 * np.array([each.edge_share for each in views]) - 1,
        "placements": placements / 4 - 1,
    }


def lookups(by_scale: Floats, truth: Floats) -> dict[str, object]:
    """The rival without a model: the published accuracy of the nearest cell not left out."""
    cells = published.sweep()
    size = [nearest(cell, lambda other, cell: other.alpha == cell.alpha, "scale") for cell in cells]
    other = [cell for cell in published.others() if cell.epochs == 200]
    best = [published.best(cell.law.replace("m", ""), cell.scale) for cell in other]
    gaps = [abs(found.accuracy - cell.accuracy) for found, cell in zip(best, other, strict=True)]
    known = np.array([each is not None for each in size])
    looked_up = np.array([truth[0] if each is None else each for each in size])
    return {
        "scale_left_out": {
            "n": int(known.sum()),
            "lookup": points(np.abs(looked_up - truth)[known].mean()),
            "surface": points(np.abs(by_scale - truth)[known].mean()),
        },
        "best_of_mgcc_and_cmgcc": {"n": len(gaps), "lookup_of_gcc_and_cgcc": points(np.mean(gaps))},
    }


def nearest(cell, alike, key: str) -> float | None:
    """Accuracy of the cell of the same rule that is alike and nearest in another value of a key."""
    found = [
        other
        for other in published.sweep()
        if other.law == cell.law
        and alike(other, cell)
        and getattr(other, key) != getattr(cell, key)
    ]
    best = min(found, key=lambda o: abs(getattr(o, key) - getattr(cell, key)), default=None)
    return None if best is None else best.accuracy


def points(fraction: float) -> float:
    return round(100 * fraction, 3)


def figures_plot():
    """Each figure of the model against the published accuracy."""
    figure = theme.new_figure(11, 7)
    axes = figure.subplots(2, 2, sharey=True)
    cells, found = published.sweep(), list_sweep_figures()
    for axis, (name, label) in zip(axes.flat, LABELS.items(), strict=True):
        for place, law in enumerate(LAWS):
            rows = [
                (getattr(f, name), c) for f, c in zip(found, cells, strict=True) if c.law == law
            ]
            axis.scatter(
                [x for x, _ in rows],
                [100 * c.accuracy for _, c in rows],
                s=[60 * c.scale + 8 for _, c in rows],
                color=theme.color(place),
                alpha=0.75,
                label=law,
            )
        axis.set_xlabel(label)
    axes[0, 0].legend(title="policy (dot grows with scale)")
    for axis in axes[:, 0]:
        axis.set_ylabel("probe accuracy, %")
    figure.suptitle("Four figures of 116 published crop policies, against their accuracy")
    return figure


def sweep_plot(by_scale: Floats):
    """The published sweep, and the prediction of each scale from the other three."""
    figure = theme.new_figure(12, 6.4)
    axes = figure.subplots(2, 4, sharey=True, sharex=True)
    cells = published.sweep()
    for row, law in enumerate(("gcc", "cgcc")):
        for axis, scale in zip(axes[row], SCALES, strict=True):
            rows = [i for i, c in enumerate(cells) if (c.law, c.scale) == (law, scale)]
            alphas = [cells[i].alpha for i in rows]
            half = 100 * prediction.NESTED_ERROR
            middle = 100 * by_scale[rows]
            axis.fill_between(alphas, middle - half, middle + half, color=theme.FAINT)
            axis.plot(alphas, middle, color=theme.color(row), label="predicted, scale left out")
            published_ = [100 * cells[i].accuracy for i in rows]
            axis.plot(alphas, published_, "o", color=theme.INK, ms=4, label="published")
            axis.set_xscale("log")
            axis.set_title(f"{law}, scale {scale}")
    axes[0, 0].legend(loc="lower left", fontsize=8)
    for axis in axes[1]:
        axis.set_xlabel("alpha at 32 px")
    for axis in axes[:, 0]:
        axis.set_ylabel("probe accuracy, %")
    return figure


if __name__ == "__main__":
    main()
