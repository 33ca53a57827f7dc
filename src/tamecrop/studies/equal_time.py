"""Equal time: arms whose epochs cost more get fewer of them, so that all of them train as long.

What an epoch costs follows from the plan alone, so that the number of epochs depends neither on the
machine nor on what else runs on it. What the training then took is measured, and told beside it.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from tamecrop.geometry import ViewPlan
from tamecrop.studies.arms import Arm
from tamecrop.studies.cells import ArmRecord, Summary, paired

Equal = Literal["epochs", "time"]

_TRAINED = 3
"""Forward passes that a view costs that is trained on: the backward pass is two."""


def cost(plan: ViewPlan, image: tuple[int, int]) -> float:
    """Pixels that pass the network forward for one image in one epoch.

    Those of a view that is trained on count three times, forward and backward; all views of a group
    `2of4x` pass once more, to be chosen from.

    Args:
        plan: of the views.
        image: (height, width) of the images, for groups whose views are cut exactly.

    >>> from tamecrop.geometry import plan
    >>> hard, usual = (cost(plan(f"{views}x rrc @32"), (32, 32)) for views in ("2of4", "2"))
    >>> round(hard / usual, 2)
    1.67
    """
    total = 0.0
    for group in plan.groups:
        x1, y1, x2, y2 = group.policy.draw(image, views=group.views, index=[0])[0, 0].tolist()
        height, width = group.size or (y2 - y1, x2 - x1)
        passes = _TRAINED * (group.kept or group.views) + (group.views if group.kept else 0)
        total += passes * height * width
    return total


def arms_of(arms: Sequence[Arm], equal: Iterable[Equal], image: tuple[int, int]) -> tuple[Arm, ...]:
    """The arms of a comparison at equal epochs, at equal time, or both; the first is the baseline.

    Args:
        arms: with as many epochs each.
        equal: what they have in common.
        image: (height, width) of the images.

    Raises:
        ValueError: for another word or none; for a policy that moves with the epoch and would get
            other epochs.
    """
    wanted = read_equal(equal)
    epochs = arms if "epochs" in wanted else arms[:1]
    times = [_as_long(arms[0], each, image) for each in arms[1:]] if "time" in wanted else []
    return tuple({each.key: each for each in (*epochs, *times)}.values())


def read_equal(words: Iterable[str]) -> tuple[Equal, ...]:
    """What policies are compared at.

    Raises:
        ValueError: for another word, or none.
    """
    wanted = tuple(words)
    if not wanted or not {*wanted} <= {"epochs", "time"}:
        raise ValueError(
            f"`equal` must name epochs, time or both, got {' '.join(wanted) or 'none'}"
        )
    return wanted  # type: ignore[return-value]


def _as_long(first: Arm, arm: Arm, image: tuple[int, int]) -> Arm:
    """An arm with the epochs that cost what those of the first do, to the nearest whole one."""
    size, training = arm.recipe.training.size, arm.recipe.training
    costs = [cost(each.plan.at_size(size), image) for each in (first, arm)]
    epochs = max(round(training.epochs * costs[0] / costs[1]), 1)
    if epochs == training.epochs:
        return arm
    if any(group.policy.later is not None for group in arm.plan.groups):
        got = f"{epochs} epochs for {arm.plan}, which moves over those that it states"
        raise ValueError(f"`equal` must be epochs where a policy moves, got {got}")
    warmup = min(round(training.warmup_epochs * epochs / training.epochs), epochs - 1)
    shorter = replace(training, epochs=epochs, warmup_epochs=warmup)
    protocol = f"{arm.protocol}/equal time, {epochs} epoch{'s' * (epochs > 1)}"
    return Arm(protocol, arm.plan, replace(arm.recipe, training=shorter))


def epoch_ratio(summary: Summary, record: ArmRecord) -> float:
    """Measured time of an epoch of an arm, in epochs of the baseline."""
    here, first = _seconds(summary, record), _seconds(summary, summary.arms[0])
    return here / first


def notes(summary: Summary) -> tuple[str, ...]:
    """What was measured of the arms that were given as much time as the baseline, in sentences."""
    sentences = []
    for record in summary.arms:
        ratio, first = epoch_ratio(summary, record), summary.arms[0]
        if paired(record.protocol) != record.protocol:
            whole = ratio * summary.of(record)[0].epochs / summary.of(first)[0].epochs
            sentences.append(
                f"{summary.name(record)}: an epoch took {ratio:.2f} times as long as one of "
                f"{summary.name(first)}, and all epochs {whole:.2f} times as long as all of those."
            )
    return tuple(sentences)


def _seconds(summary: Summary, record: ArmRecord) -> float:
    """Of training on one image."""
    return statistics.fmean(1 / max(each.images_per_second, 1e-9) for each in summary.of(record))
