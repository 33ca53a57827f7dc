"""The accuracies that arXiv:2504.19824 published, as shipped with the package.

In `published_tables/` lie the whole alpha sweep of rc, gcc and cgcc at 200 epochs, and the cells
that are known by their best value alone (mgcc and cmgcc, whose alpha was not kept) or at 500
epochs.
"""

import csv
import functools
from dataclasses import dataclass
from importlib import resources

from tamecrop.geometry.policy import Policy, policy

SIDE = 32
"""Side in pixels of the images of every published cell: CIFAR-10."""

BORDERS = {"gcc": "recenter", "mgcc": "recenter"}
"""The border rule that produced the numbers of the policies whose boxes leave the image."""


@dataclass(frozen=True)
class Published:
    """One published cell: CIFAR-10, ResNet-18, the paper's probe.

    Args:
        law: `rc`, `gcc`, `cgcc`, `mgcc` or `cmgcc`.
        scale: share of the image's area.
        alpha: the paper's spread; None for `rc`, and where the best alpha was not kept.
        epochs: of pre-training.
        accuracy: of the probe on test, a fraction.
        spread: over trials that share one random state, a fraction; None where not published.
    """

    law: str
    scale: float
    alpha: float | None
    epochs: int
    accuracy: float
    spread: float | None


@functools.cache
def sweep() -> tuple[Published, ...]:
    """Every published cell of rc, gcc and cgcc at 200 epochs."""
    return _read("cifar10_200_epochs.csv")


@functools.cache
def others() -> tuple[Published, ...]:
    """The best of mgcc and cmgcc at 200 epochs, and rc, gcc and cgcc at 500."""
    return _read("cifar10_best.csv")


def find(law: str, scale: float, alpha: float | None, *, epochs: int = 200) -> Published | None:
    """The published cell of these settings, or None: never a neighbor of it.

    >>> find("gcc", 0.8, 2.0).accuracy
    0.6664
    >>> find("gcc", 0.8, 2.5) is None
    True
    """
    for cell in sweep() + others():
        if (cell.law, cell.scale, cell.alpha, cell.epochs) == (law, scale, alpha, epochs):
            return cell
    return None


def best(law: str, scale: float) -> Published | None:
    """The published cell of highest accuracy of a policy at one scale and 200 epochs.

    >>> best("gcc", 0.4).alpha
    1.5
    """
    cells = [cell for cell in sweep() + others() if cell.epochs == 200]
    found = [cell for cell in cells if (cell.law, cell.scale) == (law, scale)]
    return max(found, key=lambda cell: cell.accuracy, default=None)


def faithful(law: str, scale: float, alpha: float | None) -> Policy:
    """The crop policy of a published cell as its authors ran it.

    >>> faithful("gcc", 0.8, 2.0)
    Policy('gcc:scale=0.8,alpha=2,border=recenter,rounding=faithful')
    """
    border = f",border={BORDERS[law]}" if law in BORDERS else ""
    spread = "" if alpha is None else f",alpha={alpha!r}"
    return policy(f"{law}:scale={scale!r}{spread}{border},rounding=faithful")


def _read(name: str) -> tuple[Published, ...]:
    table = resources.files("tamecrop.paper").joinpath("published_tables", name).read_text()
    return tuple(_cell(row) for row in csv.DictReader(table.splitlines()))


def _cell(row: dict[str, str]) -> Published:
    return Published(
        law=row["crop"],
        scale=float(row["area"]),
        alpha=float(row["alpha"]) if row["alpha"] else None,
        epochs=int(row["epochs"]),
        accuracy=_fraction(row["accuracy"]),
        spread=_fraction(row["spread"]) if row.get("spread") else None,
    )


def _fraction(percentage: str) -> float:
    """A percentage of two decimals as the nearest fraction of four."""
    return round(float(percentage) / 100, 4)
