"""The figure of the paper's studies: accuracy against content IoU, a point for every cell."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tamecrop.geometry.policy import policy
from tamecrop.paper.cells import PaperCell
from tamecrop.paper.why import geometry
from tamecrop.reporting.theme import color, new_figure, themed

FAMILIES = (
    "uniform inside",
    "uniform, padded",
    "Gaussian, pad",
    "Gaussian, recenter",
    "Gaussian, kept inside",
)
_MARKS = {"paper": "o", "paper-resize": "s", "paper-color": "^", "paper-head": "D", "simclr": "P"}


def family(law: str) -> str:
    """What a law is to the question of the paper: uniform or Gaussian, inside or leaving.

    >>> family("gcc:scale=0.8,alpha=2,border=recenter")
    'Gaussian, recenter'
    """
    parsed = policy(law)
    if parsed.center.kind != "gaussian":
        return "uniform, padded" if parsed.center.kind == "padded" else "uniform inside"
    return "Gaussian, kept inside" if parsed.border.inside else f"Gaussian, {parsed.border.kind}"


def accuracy_against_overlap(cells: Sequence[PaperCell]) -> Figure:
    """Accuracy of every cell against the mean content IoU and the mean content area of its law.

    Args:
        cells: of one size, at least one.
    """
    with themed():
        figure = new_figure(10.5, 4.6)
        left, right = figure.subplots(1, 2, sharey=True)
        for axes, axis, title in (
            (left, 0, "mean content IoU of the two views"),
            (right, 1, "mean content area, share of the image"),
        ):
            _scatter(axes, cells, axis)
            axes.set_xlabel(title)
        left.set_ylabel("linear accuracy")
        left.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        _legend(figure, right, cells)
    return figure


def _scatter(axes: Axes, cells: Sequence[PaperCell], axis: int) -> None:
    for cell in cells:
        axes.scatter(
            geometry(policy(cell.policy))[axis],
            cell.linear_accuracy,
            color=color(FAMILIES.index(family(cell.policy))),
            marker=_MARKS[_base(cell)],
            s=34,
            alpha=0.75,
            linewidths=0,
        )


def _base(cell: PaperCell) -> str:
    return cell.protocol.partition("@")[0]


def _legend(figure: Figure, axes: Axes, cells: Sequence[PaperCell]) -> None:
    laws = [name for name in FAMILIES if any(family(cell.policy) == name for cell in cells)]
    protocols = [name for name in _MARKS if any(_base(cell) == name for cell in cells)]
    handles = [axes.scatter([], [], color=color(FAMILIES.index(name)), label=name) for name in laws]
    handles += [
        axes.scatter([], [], color="#69707f", marker=_MARKS[name], label=name) for name in protocols
    ]
    figure.legend(handles=handles, loc="outside right upper")
