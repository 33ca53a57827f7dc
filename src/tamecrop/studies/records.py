"""The result files of a study: what was measured, how, and where."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tamecrop.reporting.environment import Environment
from tamecrop.reporting.intervals import Interval, paired_difference, spread

FORMAT = 1


def require_fraction(name: str, value: float) -> None:
    """Refuse an accuracy that is no fraction.

    Args:
        name: Name of the field, for the message.
        value: A number that must lie in [0, 1].

    Raises:
        ValueError: If it does not; a percentage is the usual culprit.
    """
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise ValueError(f"`{name}` must satisfy 0 <= {name} <= 1 (a fraction), got {value}")


@dataclass(frozen=True)
class Loss:
    """Mean training loss of one epoch.

    Attributes:
        epoch: Counted from 0.
        loss: Mean over the epoch's steps.
    """

    epoch: int
    loss: float


@dataclass(frozen=True)
class Cell:
    """One policy trained and probed with one seed.

    Attributes:
        policy: Text form of the policy.
        seed: Seed of weights, order, boxes and photometric draws.
        linear_accuracy: Test accuracy of the linear probe, a fraction.
        knn_accuracy: Test accuracy of k nearest neighbors, a fraction.
        seconds: Wall time of pre-training and evaluation, over all resumed parts.
        images_per_second: Source images trained on per second of pre-training.
        epochs: Epochs of pre-training.
        train_images: Images trained on, and probed with.
        test_images: Images tested on.
        probe: Name of the probe protocol.
        losses: The loss curve.
        environment: Hardware, versions and commit.
    """

    policy: str
    seed: int
    linear_accuracy: float
    knn_accuracy: float
    seconds: float
    images_per_second: float
    epochs: int
    train_images: int
    test_images: int
    probe: str
    losses: tuple[Loss, ...]
    environment: Environment

    def __post_init__(self) -> None:
        require_fraction("linear_accuracy", self.linear_accuracy)
        require_fraction("knn_accuracy", self.knn_accuracy)
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ValueError(f"`seconds` must satisfy seconds >= 0, got {self.seconds}")


@dataclass(frozen=True)
class PolicyRecord:
    """What the finished cells of one policy say together.

    Attributes:
        policy: Text form of the policy.
        n: Finished seeds.
        mean: Mean linear accuracy, a fraction.
        spread: Sample standard deviation of it over seeds; None for one seed.
        difference: Paired difference of it to the study's first policy; None for that one.
        knn_mean: Mean accuracy of k nearest neighbors.
        knn_spread: Its sample standard deviation.
        knn_difference: Its paired difference.
    """

    policy: str
    n: int
    mean: float
    spread: float | None
    difference: Interval | None
    knn_mean: float
    knn_spread: float | None
    knn_difference: Interval | None


@dataclass(frozen=True)
class Summary:
    """A whole study: `summary.json`.

    Attributes:
        format: Version of this file's layout.
        data: The data's name with its options.
        fingerprint: Content hash of the data.
        classes: Number of classes, the reciprocal of chance.
        recipe: The effective recipe, as plain values.
        seeds: Seeds asked for.
        complete: Whether every cell is finished.
        cells: The finished cells.
        policies: One entry per policy with at least one finished cell.
    """

    format: int
    data: str
    fingerprint: str
    classes: int
    recipe: dict[str, Any]
    seeds: tuple[int, ...]
    complete: bool
    cells: tuple[Cell, ...]
    policies: tuple[PolicyRecord, ...]

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"`format` must be {FORMAT}, got {self.format}")

    def of(self, policy: str) -> tuple[Cell, ...]:
        """The finished cells of one policy."""
        return tuple(cell for cell in self.cells if cell.policy == policy)


def policy_records(cells: Sequence[Cell], policies: Sequence[str]) -> tuple[PolicyRecord, ...]:
    """Summarize cells by policy; the first policy is the one that others are compared with.

    Args:
        cells: Finished cells, in any order.
        policies: Text forms, in the study's order.

    Returns:
        One record per policy with a finished cell, in the study's order.
    """
    done = [policy for policy in policies if any(cell.policy == policy for cell in cells)]
    return tuple(_policy_record(cells, policy, policies[0]) for policy in done)


def _policy_record(cells: Sequence[Cell], policy: str, first: str) -> PolicyRecord:
    linear, knn = (_by_seed(cells, policy, name) for name in ("linear_accuracy", "knn_accuracy"))
    return PolicyRecord(
        policy=policy,
        n=len(linear),
        mean=statistics.fmean(linear.values()),
        spread=spread(list(linear.values())),
        difference=_difference(cells, policy, first, "linear_accuracy"),
        knn_mean=statistics.fmean(knn.values()),
        knn_spread=spread(list(knn.values())),
        knn_difference=_difference(cells, policy, first, "knn_accuracy"),
    )


def _difference(cells: Sequence[Cell], policy: str, first: str, name: str) -> Interval | None:
    if policy == first:
        return None
    return paired_difference(_by_seed(cells, policy, name), _by_seed(cells, first, name))


def _by_seed(cells: Sequence[Cell], policy: str, name: str) -> dict[int, float]:
    return {cell.seed: getattr(cell, name) for cell in cells if cell.policy == policy}
