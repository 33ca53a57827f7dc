"""Races of crop policies: short trainings with paired seeds, in which the worse ones drop out.

After each seed the policies that cannot be the best any more drop out. Seeds that did not choose it
judge the one that is left. Time is counted from the cells, so that a race that was stopped goes on
where it was.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tamecrop.audit.dropping import find_left, find_reach, find_spread
from tamecrop.audit.records import Race
from tamecrop.data.images import Dataset
from tamecrop.geometry import rules
from tamecrop.learning import Pretraining, StopFlag
from tamecrop.reporting import compare_arms, spell_time
from tamecrop.studies import (
    Arm,
    Cell,
    Listener,
    Recipe,
    Study,
    Wanted,
    arm,
    count_until,
    run,
    store,
)

PLANNED = 5
"""Seeds of all policies that the length of a training leaves time for."""

FRESH, MOST_FRESH = 3, 10
"""Seeds that judge the policy that is left: at least, and at most where there is time."""

_FROM = 1000
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
        training: Its epochs are those at most; fewer where the budget asks for it.
        budget: Seconds that the cells should take, those side by side counted once.
        out: Folder of the runs.
        seed: The first seed.
        jobs: Cells side by side.
        engine: Where they run, see `studies.run`.
    """

    dataset: Dataset
    training: Pretraining
    budget: float
    out: Path
    seed: int = 0
    jobs: int = 1
    engine: str = "local"

    def __post_init__(self) -> None:
        if self.dataset.classes is None:
            raise ValueError(f"`budget` needs labels to judge by, and {self.dataset.name} has none")

    def turns(self, cells: int) -> int:
        """How many times as long as one cell some take."""
        return math.ceil(cells / self.jobs)


def hold_race(
    contest: Contest,
    policies: Sequence[str],
    *,
    listener: Listener | None = None,
    stop: StopFlag | None = None,
) -> Race:
    """Train policies with the same seeds until one is left, or the time is over.

    One epoch of the first policy shows the speed, from which the length of the trainings follows:
    that of the recipe, or fewer epochs where the budget has no room for `PLANNED` seeds of all.

    Args:
        contest: the data, the recipe and the time.
        policies: text forms, at least 2; the first is the one in use.
        listener: told of every event.
        stop: looked at after every step.

    Raises:
        ValueError: when another process is at one of the trainings.
        Interrupted: when asked to stop; the same call goes on.
    """
    judged_by_validation = replace(contest.dataset, test=contest.dataset.validation)
    rule = RaceRule(contest, tuple(policies))
    study = Study(judged_by_validation, contest.out, rule, rule.outlook, compared=False)
    run(study, jobs=contest.jobs, engine=contest.engine, listener=listener, stop=stop)
    cells = store.read(contest.out)
    if study.missing(cells):
        raise ValueError(f"another process trains in {contest.out}: choose another --out")
    return rule.follow(cells).record()


@dataclass(frozen=True)
class RaceRule:
    """The rule of a race: a round of those that are left, while the budget has room for it.

    Args:
        contest: the data, the recipe and the time.
        policies: those that compete.
    """

    contest: Contest
    policies: tuple[str, ...]

    def __call__(self, cells: Sequence[Cell]) -> Sequence[Wanted]:
        """All cells wanted so far, those of a new round at the end."""
        return self.follow(cells).wanted

    def outlook(self, cells: Sequence[Cell]) -> str:
        """How far the race is."""
        course = self.follow(cells)
        if not course.rounds:
            return ""
        used = f"{spell_time(course.used)} of {spell_time(self.contest.budget)}"
        if len(course.left) == 1:
            return f"race: {course.left[0]} is left, new seeds judge it, {used}"
        left = ", ".join(course.left)
        return f"race: {course.rounds} seeds of {course.epochs} epochs, {used}, left: {left}"

    def follow(self, cells: Sequence[Cell]) -> "Course":
        """The course of the race in the cells there are."""
        return Course(self, {cell.key: cell for cell in cells})

    def round(self, policies: Sequence[str], epochs: int, seed: int) -> dict[str, Wanted]:
        """Cells of some policies with one seed, by policy."""
        seed += self.contest.seed
        return {policy: Wanted(self._arm(policy, epochs), seed) for policy in policies}

    def _arm(self, policy: str, epochs: int) -> Arm:
        if (policy, epochs) not in self._arms:
            training = replace(
                self.contest.training, epochs=epochs, warmup_epochs=min(1, epochs - 1)
            )
            settings = Recipe(policies=self.policies, training=training)
            self._arms[policy, epochs] = arm(policy, settings, f"{epochs}-epochs")
        return self._arms[policy, epochs]

    @cached_property
    def _arms(self) -> dict[tuple[str, int], Arm]:
        return {}


class Course:
    """What happened in a race so far, and what comes next, from its cells alone.

    Attributes:
        wanted: All cells so far, and those that come next.
        epochs: Of a training; 0 while the speed is not known, or when there is no time for one.
        rounds: Seeds of all policies that were left.
        left: Policies that may be the best.
        accuracy: By policy, a fraction for each seed that chose.
        fresh: The same for seeds that judge the one that is left, and the policy in use.
        used: Seconds.
    """

    def __init__(self, rule: RaceRule, found: Mapping[object, Cell]) -> None:
        self._rule, self._found, self._contest = rule, found, rule.contest
        self.wanted = (*rule.round(rule.policies[:1], 1, 0).values(),)
        self.epochs = self.rounds = 0
        self.left = rule.policies
        self.accuracy: dict[str, list[float]] = {policy: [] for policy in rule.policies}
        self.fresh: dict[str, list[float]] = {}
        self.used = self._needed = 0.0
        if self.wanted[0].key in found:
            self._plan(found[self.wanted[0].key])
            while self.epochs and self._take_round(self._next()):
                pass

    def _plan(self, first: Cell) -> None:
        """Choose the length of the trainings by the time of one epoch."""
        fixed, per_epoch = take_times(first)
        fresh = FRESH * self._contest.turns(2)
        turns = PLANNED * self._contest.turns(len(self.left)) + fresh
        self.used = fixed + per_epoch
        longest = ((self._contest.budget - self.used) / turns - fixed) / max(per_epoch, 1e-9)
        self.epochs = max(min(int(longest), self._contest.training.epochs), 0)
        self._cell = fixed + max(self.epochs, 1) * per_epoch
        self._needed = self.used + turns * self._cell

    def _next(self) -> dict[str, Wanted]:
        """Cells of the next round; none when the race is over."""
        contest = self._contest
        if len(self.left) > 1:
            turns = contest.turns(len(self.left)) + FRESH * contest.turns(2)
            if self.used + turns * self._cell > contest.budget:
                return {}
            return self._rule.round(self.left, self.epochs, self.rounds)
        judged = tuple(dict.fromkeys((self.left[0], self._rule.policies[0])))
        done = len(self.fresh.get(self.left[0], ()))
        more = self.used + contest.turns(len(judged)) * self._cell <= contest.budget
        if done < FRESH or (more and done < MOST_FRESH):
            return self._rule.round(judged, self.epochs, _FROM + done)
        return {}

    def _take_round(self, asked: Mapping[str, Wanted]) -> bool:
        """Note a round; whether it is there, so that another may follow."""
        self.wanted = (*self.wanted, *asked.values())
        cells = {
            name: self._found[each.key] for name, each in asked.items() if each.key in self._found
        }
        if not asked or len(cells) < len(asked):
            return False
        self._cell = statistics.fmean(sum(take_times(each, each.epochs)) for each in cells.values())
        self.used += self._contest.turns(len(cells)) * self._cell
        into = self.accuracy if len(self.left) > 1 else self.fresh
        for name, cell in cells.items():
            into.setdefault(name, []).append(cell.linear_accuracy)
        if into is self.accuracy:
            self.rounds += 1
            self.left = find_left(tuple(self.accuracy.items()), self.left)
        return True

    def record(self) -> Race:
        """The record of a race that is over."""
        gap, used, needed = None, self._rule.policies[0], None
        if len(self.left) == 1 and self.left[0] != used:
            seeds = {policy: dict(enumerate(values)) for policy, values in self.fresh.items()}
            gap = compare_arms(seeds, used)[0][self.left[0]]
        if not self.epochs:
            needed = self._needed
        elif len(self.left) > 1:
            needed = self._time_to_tell()
        return Race(
            epochs=self.epochs,
            validation_images=len(self._contest.dataset.validation),
            accuracy={policy: tuple(values) for policy, values in self.accuracy.items()},
            left=self.left,
            fresh={policy: tuple(values) for policy, values in self.fresh.items()},
            gap=gap,
            seconds=self.used,
            needed=needed,
        )

    def _time_to_tell(self) -> float | None:
        """Seconds of a race that tells the two highest apart, their gap as it is; None if none."""
        means = sorted((statistics.fmean(self.accuracy[each]) for each in self.left), reverse=True)
        deviation, _ = find_spread(tuple(self.accuracy.items()))
        if deviation is None or means[0] - means[1] < deviation / 20:
            return None
        rivals = len(self.accuracy) - 1

        def is_enough(seeds: int) -> bool:
            reach = find_reach(seeds, rivals, rivals * (seeds - 1))
            return reach * deviation <= means[0] - means[1]

        rounds = count_until(is_enough)
        return rounds * self._contest.turns(len(self.left)) * self._cell


def take_times(cell: Cell, epochs: int = 1) -> tuple[float, float]:
    """Seconds of a cell: of judging it and the like, and of some epochs."""
    training = cell.train_images * epochs / max(cell.images_per_second, 1e-9)
    whole = cell.train_images * cell.epochs / max(cell.images_per_second, 1e-9)
    return max(cell.seconds - whole, 0.0), training
