"""The records of a study: its cells, and what they say together."""

import json
import math
import statistics
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from tamecrop.reporting import (
    CONFIDENCE,
    Comparison,
    Environment,
    Interval,
    compare_arms,
    flat,
    spread,
)

FORMAT = 2


class Key(NamedTuple):
    """What a cell is known by.

    Attributes:
        policy: Text form of the view plan.
        protocol: Name of the recipe.
        seed: The seed.
    """

    policy: str
    protocol: str
    seed: int

    def __str__(self) -> str:
        return f"{self.policy} seed {self.seed} ({self.protocol})"


@dataclass(frozen=True)
class Provenance:
    """What decides the numbers of a cell beside policy and seed.

    Attributes:
        numbers: `tamecrop.version.NUMBERS` of the code; 0 for code from before it was counted.
        fingerprint: Content hash of the whole data set.
        recipe: The recipe's settings that decide numbers, as plain values.
    """

    numbers: int
    fingerprint: str
    recipe: dict[str, Any]

    def __post_init__(self) -> None:
        plain = json.loads(json.dumps(self.recipe))
        if plain != self.recipe:
            object.__setattr__(self, "recipe", plain)

    def difference(self, other: "Provenance") -> str | None:
        """The first thing that differs, as `name` is VALUE there and VALUE here; None if equal.

        Args:
            other: What is asked for here; this is what is there.
        """
        there, here = (
            {
                "numbers": each.numbers,
                "data": each.fingerprint,
                **dict(flat(each.recipe, "recipe.")),
            }
            for each in (self, other)
        )
        for name in dict.fromkeys([*there, *here]):
            if there.get(name) != here.get(name):
                return f"`{name}` is {there.get(name)} there and {here.get(name)} here"
        return None


@dataclass(frozen=True)
class Cell:
    """One arm, pre-trained and judged with one seed.

    Attributes:
        policy: Text form of the view plan.
        protocol: Name of the recipe.
        seed: Seed of weights, order, boxes and photometric draws.
        data: Name of the data, as it was typed.
        linear_accuracy: Test accuracy of the linear probe, a fraction.
        knn_accuracy: Test accuracy of k nearest neighbors, a fraction.
        validation_accuracy: Of the linear probe, what choices are made by; None in cells that were
            converted from older records without it.
        losses: Mean training loss of each epoch; in cells converted from older records of `paper`
            that of the last epoch alone.
        seconds: Wall time of pre-training and evaluation, over all resumed parts.
        compile_seconds: Of compiling, not in `seconds`.
        precision: Of the forward pass: what the recipe's `auto` came to on that machine. Cells of
            machines with other instructions may be merged, and the page says that they were: a
            training in bfloat16 ends elsewhere, as another seed would.
        images_per_second: Source images trained on per second of pre-training.
        train_images: Images pre-trained on.
        test_images: Images tested on.
        classes: Number of classes, the reciprocal of chance.
        environment: Hardware, versions and commit.
        provenance: What decided the numbers.
        feature_std: How far normalized features varied in the last epoch: 0 when they are all
            alike, a collapse; None in older cells.
        whole_boxes: Share of the encoder's boxes that were the whole image in the last epoch; None
            where no boxes were found.
        online_knn: Accuracy of nearest neighbors on validation after each epoch, None after those
            that were not judged; empty when none was.
        account: What of the data was read, in one line; empty in older cells.
        waiting: Share of a step's time that was waited for views, the mean; None in older cells.
    """

    policy: str
    protocol: str
    seed: int
    data: str
    linear_accuracy: float
    knn_accuracy: float
    validation_accuracy: float | None
    losses: tuple[float, ...]
    seconds: float
    compile_seconds: float
    precision: str
    images_per_second: float
    train_images: int
    test_images: int
    classes: int
    environment: Environment
    provenance: Provenance
    feature_std: float | None = None
    whole_boxes: float | None = None
    online_knn: tuple[float | None, ...] = ()
    account: str = ""
    waiting: float | None = None

    def __post_init__(self) -> None:
        for name in ("linear_accuracy", "knn_accuracy", "validation_accuracy"):
            _require_fraction(name, getattr(self, name))
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ValueError(f"`seconds` must satisfy seconds >= 0, got {self.seconds}")

    @property
    def key(self) -> Key:
        """What the cell is known by."""
        return Key(self.policy, self.protocol, self.seed)

    @property
    def epochs(self) -> int:
        """Epochs of pre-training."""
        return int(self.provenance.recipe["training"]["epochs"])


def _require_fraction(name: str, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
        raise ValueError(f"`{name}` must satisfy 0 <= {name} <= 1 (a fraction), got {value}")


@dataclass(frozen=True)
class ArmRecord:
    """What the finished cells of one arm say together.

    Attributes:
        policy: Text form of the view plan.
        protocol: Name of the recipe.
        n: Finished seeds.
        mean: Mean linear accuracy, a fraction.
        spread: Sample standard deviation of it over seeds; None for one seed.
        difference: Difference of it to the baseline by seeds, its interval corrected for the number
            of arms; None for the baseline itself, for an arm that is not `paired`, and without a
            common seed.
        knn_mean: Mean accuracy of k nearest neighbors.
        knn_spread: Its sample standard deviation.
        knn_difference: Its difference, corrected likewise, on its own.
    """

    policy: str
    protocol: str
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
        complete: Whether every cell that was asked for is finished.
        cells: The finished cells of the study, in its order.
        arms: One entry an arm with at least one finished cell, in the study's order.
        comparison: What the differences of linear accuracy rest on; None where nothing is compared.
    """

    format: int
    complete: bool
    cells: tuple[Cell, ...]
    arms: tuple[ArmRecord, ...]
    comparison: Comparison | None = None

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"`format` must be {FORMAT}, got {self.format}")

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds with a finished cell."""
        return tuple(sorted({cell.seed for cell in self.cells}))

    def of(self, record: ArmRecord) -> tuple[Cell, ...]:
        """The finished cells of one arm."""
        arm = (record.policy, record.protocol)
        return tuple(cell for cell in self.cells if (cell.policy, cell.protocol) == arm)

    def name(self, record: ArmRecord) -> str:
        """The policy of an arm, with what its protocol has that others of the study lack."""
        return name_arm(record.policy, record.protocol, {each.protocol for each in self.arms})


def summarize(
    cells: Sequence[Cell],
    wanted: Sequence[Key],
    *,
    compared: bool = True,
    level: float = CONFIDENCE,
) -> Summary:
    """What the finished cells say of the cells that were asked for.

    Args:
        cells: Finished cells, in any order; those not asked for are left out.
        wanted: The cells of the study in its order.
        compared: Whether the arm of the first is the baseline of all that are `paired` with it.
        level: Of the critical values of intervals, see `Comparison`.
    """
    done = {cell.key: cell for cell in cells}
    mine = tuple(done[key] for key in wanted if key in done)
    arms = dict.fromkeys((key.policy, key.protocol) for key in wanted)
    baseline = next(iter(arms), None) if compared else None
    found = {(cell.policy, cell.protocol) for cell in mine}
    linear, knn = (
        {arm: accuracies(mine, *arm, name=name) for arm in arms if arm in found}
        for name in ("linear", "knn")
    )
    alike = [
        {arm: values[arm] for arm in values if baseline and paired(arm[1]) == paired(baseline[1])}
        for values in (linear, knn)
    ]
    gaps, comparison = compare_arms(alike[0], baseline, level=level)
    knn_gaps, _ = compare_arms(alike[1], baseline, level=level)
    records = tuple(
        ArmRecord(
            policy=arm[0],
            protocol=arm[1],
            n=len(linear[arm]),
            mean=statistics.fmean(linear[arm].values()),
            spread=spread([*linear[arm].values()]),
            difference=gaps.get(arm),
            knn_mean=statistics.fmean(knn[arm].values()),
            knn_spread=spread([*knn[arm].values()]),
            knn_difference=knn_gaps.get(arm),
        )
        for arm in linear
    )
    complete = len(mine) == len(set(wanted))
    return Summary(FORMAT, complete, mine, records, comparison)


def accuracies(
    cells: Iterable[Cell],
    policy: str,
    protocol: str,
    *,
    name: Literal["linear", "knn", "validation"] = "linear",
) -> dict[int, float]:
    """An accuracy of the finished cells of one arm, by seed; without cells that do not have it."""
    mine = (cell for cell in cells if (cell.policy, cell.protocol) == (policy, protocol))
    found = {cell.seed: getattr(cell, f"{name}_accuracy") for cell in mine}
    return {seed: value for seed, value in found.items() if value is not None}


def paired(protocol: str) -> str:
    """What protocols share whose arms are compared: `compare` at equal epochs and equal time."""
    return protocol.partition("/")[0]


def name_arm(policy: str, protocol: str, protocols: Collection[str]) -> str:
    """A policy, with its protocol where there are several, or with what that adds to theirs.

    >>> name_arm("rrc", "compare/equal time, 3 epochs", {"compare", "compare/equal time, 3 epochs"})
    'rrc (equal time, 3 epochs)'
    """
    several = len({paired(each) for each in protocols}) > 1
    shown = protocol if several else protocol.partition("/")[2]
    return f"{policy} ({shown})" if shown else policy
