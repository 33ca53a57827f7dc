"""Successive halving of crop laws: short trainings, the better half goes on for longer."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tamecrop.audit.recommend import Round
from tamecrop.data.images import Dataset
from tamecrop.geometry import rules
from tamecrop.geometry.policy import policy
from tamecrop.learning.config import Pretraining
from tamecrop.learning.features import Judged, of_split
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.probe import fitted
from tamecrop.learning.stopping import StopFlag
from tamecrop.learning.trainer import Run
from tamecrop.learning.watching import Hooks
from tamecrop.studies.listening import Listener, Silence
from tamecrop.studies.study import place

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
    """What laws compete in.

    Attributes:
        dataset: Labeled; train is learned from, validation decides, test is not looked at.
        training: Its epochs are set round by round.
        budget: Wall time in seconds that the rounds should take.
        out: Folder of the runs.
        seed: The one seed.
    """

    dataset: Dataset
    training: Pretraining
    budget: float
    out: Path
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dataset.classes is None:
            raise ValueError(f"`budget` needs labels to judge by, and {self.dataset.name} has none")


def halve(
    contest: Contest,
    laws: Sequence[str],
    *,
    listener: Listener | None = None,
    stop: StopFlag | None = None,
) -> tuple[Round, ...]:
    """Train laws in rounds of equal time; after each the better half stays, until one is left.

    Every round trains from the start, with a whole schedule of as many epochs as its share of the
    budget allows at the speed seen so far; the first round begins with one epoch of the first law
    to learn the speed.

    Args:
        contest: the data, the recipe and the time.
        laws: text forms, at least 2.
        listener: told of every event.
        stop: looked at after every step.

    Returns:
        The rounds; the last one has two laws.

    Raises:
        ValueError: when the budget does not give every law an epoch.
        Interrupted: when asked to stop.
    """
    listener, stop = listener or Silence(), stop or StopFlag()
    listener.study_started(list(laws), (contest.seed,))
    rounds: list[Round] = []
    per_epoch = _cost_of_an_epoch(contest, laws[0], Hooks(stop=stop))
    left, remaining = list(laws), math.ceil(math.log2(len(laws)))
    deadline = time.perf_counter() + contest.budget - per_epoch
    while len(left) > 1:
        share = (deadline - time.perf_counter()) / max(remaining, 1)
        epochs = int(share / (len(left) * per_epoch))
        if epochs < 1 and not rounds:
            raise _too_short(contest.budget, (remaining * len(left) + 1) * per_epoch, len(left))
        epochs = max(epochs, rounds[-1].epochs if rounds else 1)
        started = time.perf_counter()
        accuracy = {law: _judged(contest, law, epochs, listener, stop) for law in left}
        per_epoch = (time.perf_counter() - started) / (epochs * len(left))
        rounds.append(Round(epochs, len(contest.dataset.validation), accuracy))
        left = sorted(left, key=lambda law: -accuracy[law])[: math.ceil(len(left) / 2)]
        remaining -= 1
    return tuple(rounds)


def _too_short(budget: float, needed: float, laws: int) -> ValueError:
    return ValueError(
        f"`budget` must give every law an epoch: {laws} laws need about {needed:.0f} s, "
        f"got {budget:.0f} s"
    )


def _cost_of_an_epoch(contest: Contest, law: str, hooks: Hooks) -> float:
    """Wall time of an epoch and its share of judging, from one epoch of one law."""
    started = time.perf_counter()
    run = _trained(contest, law, 1, hooks)
    _validation_accuracy(run, contest, hooks.stop)
    return time.perf_counter() - started


def _judged(contest: Contest, law: str, epochs: int, listener: Listener, stop: StopFlag) -> float:
    listener.cell_started(law, contest.seed)
    hooks = Hooks(stepped=listener.stepped, warned=listener.warned, stop=stop)
    run = _trained(contest, law, epochs, hooks)
    listener.evaluating()
    return _validation_accuracy(run, contest, stop)


def _trained(contest: Contest, law: str, epochs: int, hooks: Hooks) -> Run:
    config = replace(contest.training, epochs=epochs, warmup_epochs=min(1, epochs - 1))
    folder = place(contest.out / f"{epochs}-epochs", policy(law), contest.seed).folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    return pretrain(contest.dataset, policy(law), config, folder, seed=contest.seed, hooks=hooks)


def _validation_accuracy(run: Run, contest: Contest, stop: StopFlag) -> float:
    """Linear accuracy on validation images, by which the probe's penalty is chosen too."""
    data, size = contest.dataset, contest.training.size
    train, held = (
        of_split(run.backbone, data, images, size=size, stop=stop)
        for images in (data.train, data.validation)
    )
    judged = Judged(train, held, held, len(data.classes or ()))
    return fitted(judged).accuracy(held)
