"""The charts of a study: accuracy with intervals, loss curves, crop-center maps."""

import statistics
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from tamecrop.geometry import Boxes, Policy, content_iou, content_share
from tamecrop.reporting import INK, MUTED, bare, color, new_figure, percent, points, use_theme, wrap
from tamecrop.studies.cells import ArmRecord, Summary

_DRAWS = 20_000
_RIM = 0.25


def accuracy_figure(summary: Summary) -> Figure:
    """Seeds as dots, mean and spread as a bar, and paired differences with 95 % intervals.

    Args:
        summary: A study with at least one finished cell.

    Returns:
        Three panels: linear probe, nearest neighbors, difference to the baseline.
    """
    with use_theme():
        figure = new_figure(11, 1.5 + 0.62 * len(summary.arms))
        linear, knn, difference = figure.subplots(1, 3, sharey=True)
        _accuracy_panel(linear, summary, "linear_accuracy")
        _accuracy_panel(knn, summary, "knn_accuracy")
        linear.set_title("Linear probe, test accuracy")
        knn.set_title("Nearest neighbors, test accuracy")
        _difference_panel(difference, summary.arms)
        _name_rows(linear, [summary.name(record) for record in summary.arms])
    return figure


def _name_rows(axes: Axes, policies: Sequence[str]) -> None:
    axes.set_yticks(range(len(policies)), [wrap(policy) for policy in policies])
    axes.set_ylim(len(policies) - 0.4, -0.6)


def _accuracy_panel(axes: Axes, summary: Summary, name: str) -> None:
    knn = name == "knn_accuracy"
    for row, record in enumerate(summary.arms):
        values = [getattr(cell, name) for cell in summary.of(record)]
        axes.plot(values, [row + 0.2] * len(values), "o", color=color(row), alpha=0.4, markersize=5)
        mean, spread = (record.knn_mean, record.knn_spread) if knn else (record.mean, record.spread)
        axes.errorbar(
            mean, row, xerr=spread or 0, fmt="D", color=color(row), capsize=4, markersize=7
        )
        _label(axes, mean, row, percent(mean))
    axes.axvline(1 / summary.cells[0].classes, color=MUTED, linestyle=":", linewidth=1)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.set_xlabel("dots: seeds, bar: spread, dotted line: chance", fontsize=8)


def _difference_panel(axes: Axes, records: Sequence[ArmRecord]) -> None:
    axes.axvline(0, color=INK, linewidth=1)
    for row, record in enumerate(records):
        gap = record.difference
        if gap is None:
            _label(axes, 0.0, row, "baseline")
            continue
        half = 0.0 if gap.high is None else gap.high - gap.mean
        axes.errorbar(
            100 * gap.mean,
            row,
            xerr=100 * half,
            fmt="D",
            color=color(row),
            capsize=4,
            markersize=7,
        )
        _label(axes, 100 * gap.mean, row, points(gap.mean))
    axes.set_title("Linear probe, gain in points")
    axes.set_xlabel("over the baseline, bar: 95 % interval", fontsize=8)
    axes.margins(x=0.15)


def _label(axes: Axes, x: float, row: int, words: str) -> None:
    axes.annotate(words, (x, row), (0, 9), textcoords="offset points", ha="center")


def loss_figure(summary: Summary) -> Figure:
    """Mean training loss by epoch: one thin line a seed, one thick line their mean.

    Where nearest neighbors judged the features while they were trained, a second panel shows them.

    Args:
        summary: A study with at least one finished cell.
    """
    judged = any(cell.online_knn for cell in summary.cells)
    with use_theme():
        figure = new_figure(11, 3.6)
        panels = figure.subplots(1, 1 + judged, squeeze=False)[0]
        for row, record in enumerate(summary.arms):
            curves = [list(cell.losses) for cell in summary.of(record)]
            _curves(panels[0], curves, summary.name(record), color(row))
            for cell in summary.of(record) if judged else ():
                known = [(n, k) for n, k in enumerate(cell.online_knn, 1) if k is not None]
                panels[1].plot(*zip(*known, strict=True), "o-", color=color(row), markersize=4)
        for axes in panels:
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        panels[0].set_ylabel("training loss")
        panels[0].legend(loc="upper right")
        if judged:
            panels[1].set_ylabel("nearest neighbors, validation")
            panels[1].yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    return figure


def _curves(axes: Axes, curves: list[list[float]], policy: str, ink: str) -> None:
    for curve in curves:
        axes.plot(range(1, 1 + len(curve)), curve, color=ink, alpha=0.3, linewidth=1)
    middle = [statistics.fmean(losses) for losses in zip(*curves, strict=False)]
    axes.plot(
        range(1, 1 + len(middle)), middle, color=ink, linewidth=2.2, label=wrap(policy, width=40)
    )


def center_figure(policies: Sequence[Policy], size: tuple[int, int]) -> Figure:
    """Where each policy puts its box centers, over an outline of the image.

    Args:
        policies: The crop policies to draw.
        size: (height, width) of the image in pixels.

    Returns:
        One panel a policy, four to a row; the dashed box is the mean box.
    """
    columns = min(4, len(policies))
    rows = -(-len(policies) // columns)
    with use_theme():
        figure = new_figure(2.75 * columns, 3.5 * rows)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for place, axes in enumerate(panels):
            bare(axes)
            if place < len(policies):
                _center_panel(axes, policies[place], size, color(place))
    return figure


def _center_panel(axes: Axes, policy: Policy, size: tuple[int, int], ink: str) -> None:
    height, width = size
    boxes = policy.draw(size, index=np.arange(_DRAWS))
    centers = (boxes[..., :2] + boxes[..., 2:]).reshape(-1, 2) / 2
    edges = [_edges(side) for side in size]
    density, _, _ = np.histogram2d(centers[:, 1], centers[:, 0], bins=edges)
    axes.imshow(np.sqrt(density), cmap="Blues", extent=_reach(edges, size), aspect="auto")
    axes.set_box_aspect(height / width)
    axes.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor=INK, linewidth=1.4))
    x1, y1, x2, y2 = boxes.reshape(-1, 4).mean(axis=0) / (width, height, width, height)
    box = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=ink, linestyle="--")
    axes.add_patch(box)
    axes.set_title(wrap(str(policy)), color=ink)
    axes.set_xlabel(overlap_words(boxes, size), color=INK)


def _edges(side: int) -> NDArray[np.float64]:
    """Bin edges in whole pixels, a quarter off, so that no center of a whole box meets one."""
    step = max(1, round(side / 40))
    rim = round(_RIM * side / step)
    places = np.arange(-rim, round(side / step) + rim + 1, dtype=np.float64)
    return places * step - 0.25


def _reach(
    edges: Sequence[NDArray[np.float64]], size: tuple[int, int]
) -> tuple[float, float, float, float]:
    (top, bottom), (left, right) = ((ends[0], ends[-1]) for ends in edges)
    return left / size[1], right / size[1], bottom / size[0], top / size[0]


def overlap_words(boxes: Boxes, size: tuple[int, int]) -> str:
    """Mean IoU of the contents of the two views and mean content, in words for a caption.

    Args:
        boxes: `(N, 2, 4)` boxes of the two views.
        size: (height, width) of the images.
    """
    overlap = content_iou(boxes, size).mean()
    content = content_share(boxes, size).mean()
    return f"mean IoU {overlap:.2f} · content {100 * content:.0f} %"
