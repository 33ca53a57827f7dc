"""Successive halving of crop policies: short trainings, the better half goes on for longer."""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tamecrop.audit.recommend import Round
from tamecrop.data.images import Dataset
from tamecrop.geometry import rules
from tamecrop.learning import Pretraining, StopFlag
from tamecrop.studies import Cell, Listener, Recipe, Study, Wanted, arm, run

_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """A time such as `90s`, `10m` or `2h` in seconds.

    >>> seconds("10m")
    600.0
    """
    number, unit = text[:-1], text[-1:]
    try:
        value = float(number) * _UNITS[unit]
    except (ValueError, KeyError) as error:
        raise ValueError(f"`budget` is written like 90s, 10m or 2h, got {text!r}") from error
    rules.positive("budget", value)
    return value


@dataclass(frozen=True, eq=False)
class Contest:
    """What policies compete in.

    Attributes:
        dataset: Labeled; train is learned from, validation decides, test is not looked at.
        training: Its epochs are set round by round.
        budget: Wall time in seconds that the rounds should take.
        out: Folder of the runs.
        seed: The one seed.
        jobs: Cells side by side.
    """

    dataset: Dataset
    training: Pretraining
    budget: float
    out: Path
    seed: int = 0
    jobs: int = 1

    def __post_init__(self) -> None:
        if self.dataset.classes is None:
            raise ValueError(f"`budget` needs labels to judge by, and {self.dataset.name} has none")


def halve(
    contest: Contest,
    policies: Sequence[str],
    *,
    listener: Listener | None = None,
    stop: StopFlag | None = None,
) -> tuple[Round, ...]:
    """Train policies in rounds of equal time; after each the better half stays, until one is left.

    Every round trains from the start, with a whole schedule of as many epochs as its share of the
    budget allows at the speed seen so far; before the first round one epoch of the first policy
    shows the speed.

    Args:
        contest: the data, the recipe and the time.
        policies: text forms, at least 2.
        listener: told of every event.
        stop: looked at after every step.

    Returns:
        The rounds; the last one has two policies.

    Raises:
        ValueError: when the budget does not give every policy an epoch, or another process is at
            one of the trainings.
        Interrupted: when asked to stop.
    """
    judged_by_validation = replace(contest.dataset, test=contest.dataset.validation)
    rounds = Rounds(contest, policies)
    study = Study(judged_by_validation, contest.out, rounds, compared=False)
    run(study, jobs=contest.jobs, listener=listener, stop=stop)
    if len(rounds.left) > 1:
        raise ValueError(f"another process trains in {contest.out}: choose another --out")
    return tuple(rounds.done)


class Rounds:
    """The rule of successive halving: another round once all cells of the last one are there.

    Attributes:
        left: Policies that take part in the next round; one at the end.
        done: The rounds so far.
    """

    def __init__(self, contest: Contest, policies: Sequence[str]) -> None:
        self._contest = contest
        self.left, self.done = list(policies), list[Round]()
        self._deadline = time.perf_counter() + contest.budget
        self._wanted = self._round(policies[:1], 1)
        self._now = self._wanted

    def __call__(self, cells: Sequence[Cell]) -> Sequence[Wanted]:
        """All cells wanted so far, those of a new round at the end."""
        found = {cell.key: cell for cell in cells}
        here = [found[wanted.key] for wanted in self._now if wanted.key in found]
        if len(here) == len(self._now) and len(self.left) > 1:
            self._end(here)
        return self._wanted

    def _end(self, here: Sequence[Cell]) -> None:
        """Note what a round showed, and plan the next one."""
        epochs = here[0].epochs
        per_epoch = _seconds(here) / epochs
        if len(here) > 1:
            accuracy = {cell.policy: cell.linear_accuracy for cell in here}
            self.done.append(Round(epochs, len(self._contest.dataset.validation), accuracy))
            best = sorted(self.left, key=lambda policy: -accuracy[policy])
            self.left = best[: math.ceil(len(best) / 2)]
        if len(self.left) > 1:
            self._now = self._round(self.left, self._epochs(per_epoch))
            self._wanted = (*self._wanted, *self._now)

    def _epochs(self, per_epoch: float) -> int:
        """Epochs of the next round, at least as many as of the one before."""
        remaining = math.ceil(math.log2(len(self.left)))
        turns = math.ceil(len(self.left) / self._contest.jobs)
        share = (self._deadline - time.perf_counter()) / remaining
        epochs = int(share / (turns * per_epoch))
        if epochs < 1 and not self.done:
            needed = (remaining * turns + 1) * per_epoch
            raise ValueError(
                f"`budget` must give every policy an epoch: {len(self.left)} policies need about "
                f"{needed:.0f} s, got {self._contest.budget:.0f} s"
            )
        return max(epochs, self.done[-1].epochs if self.done else 1)

    def _round(self, policies: Sequence[str], epochs: int) -> tuple[Wanted, ...]:
        training = replace(self._contest.training, epochs=epochs, warmup_epochs=min(1, epochs - 1))
        settings = Recipe(policies=tuple(policies), training=training)
        name = f"{epochs}-epochs"
        return tuple(Wanted(arm(policy, settings, name), self._contest.seed) for policy in policies)


def _seconds(cells: Sequence[Cell]) -> float:
    """Wall time of a cell of a round, side by side with the others."""
    return statistics.fmean(cell.seconds for cell in cells)
