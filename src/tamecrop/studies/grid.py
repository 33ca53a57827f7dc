"""Cells of a study: which come next, how one is made, what is written of those that are done."""

import csv
import dataclasses
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tamecrop.data import cut_to, remove_folder, write_atomic
from tamecrop.learning import CHECKPOINTS, Hooks, Run, StopFlag, settle_precision
from tamecrop.learning.evaluate import evaluate
from tamecrop.learning.pretrain import pretrain
from tamecrop.reporting.environment import environment
from tamecrop.reporting.jsonfiles import write_json
from tamecrop.studies import store
from tamecrop.studies.arms import Study, Wanted, select_train
from tamecrop.studies.cells import Cell, Key, Summary, summarize
from tamecrop.studies.listening import Listener


@dataclass(eq=False)
class Queue:
    """Hands out the missing cells of a study, each once.

    Attributes:
        study: The study.
        listener: Told when a cell has ended.
    """

    study: Study
    listener: Listener
    _given: set[Key] = field(default_factory=set)
    _finished: int = 0
    _running: int = 0
    _outlook: str = ""

    def take(self) -> Wanted | None:
        """The next cell, or None while nothing can be begun."""
        most = self.study.most
        if most is not None and self._finished + self._running >= most:
            return None
        left = self.study.missing(store.read(self.study.out))
        wanted = next((each for each in left if each.key not in self._given), None)
        if wanted is not None:
            self._given.add(wanted.key)
            self._running += 1
        return wanted

    def end(self, wanted: Wanted, cell: Cell | None) -> None:
        """Say that a cell ended: finished, or None when another process is at it."""
        self._running -= 1
        if cell is None:
            self.listener.cell_stopped(wanted.key)
            return
        self._finished += 1
        self.listener.cell_finished(cell, publish_numbers(self.study))
        self.tell(store.read(self.study.out))

    def tell(self, cells: Sequence[Cell]) -> None:
        """Tell what is still to come, where that has changed."""
        outlook = self.study.outlook(cells)
        if outlook and outlook != self._outlook:
            self.listener.planned(outlook)
        self._outlook = outlook

    def again(self, wanted: Wanted) -> None:
        """Hand a cell out again whose worker died."""
        self._running -= 1
        self._given.discard(wanted.key)
        self.listener.cell_stopped(wanted.key)


def finish(wanted: Wanted, study: Study, listener: Listener, stop: StopFlag) -> Cell | None:
    """Make one cell, or continue it, and add it to the store.

    Returns:
        The cell; None when another process is at it.

    Raises:
        Interrupted: when asked to stop; the same call continues.
        ValueError: when the run's folder or the store holds something else, or training fails.
    """
    key, recipe = wanted.key, wanted.arm.recipe
    with store.claim(study.out, key) as mine:
        if not mine:
            return None
        there = {cell.key: cell for cell in store.read(study.out)}
        if key in there:
            return there[key]
        listener.cell_started(key)
        folder = store.run_folder(study.out, key)
        train = select_train(study.dataset, recipe)
        hooks = Hooks(
            stepped=lambda progress: listener.stepped(key, progress),
            warned=listener.warned,
            stop=stop,
        )
        run = pretrain(train, wanted.arm.plan, recipe.training, folder, seed=key.seed, hooks=hooks)
        listener.evaluating(key)
        cell = _judged(run, wanted, study, len(train.train), stop)
        store.add(study.out, [cell], source=study.out, across=study.across)
        if not study.keep_weights:
            remove_folder(folder / CHECKPOINTS)
        return cell


def _judged(run: Run, wanted: Wanted, study: Study, train_images: int, stop: StopFlag) -> Cell:
    """What a finished run came to."""
    recipe, key = wanted.arm.recipe, wanted.key
    started = time.perf_counter()
    found = evaluate(
        run.backbone,
        cut_to(study.dataset, recipe.images).normalized(recipe.training.normalize),
        probe=recipe.probe,
        size=recipe.training.size,
        seed=key.seed,
        stop=stop,
    )
    return Cell(
        policy=key.policy,
        protocol=key.protocol,
        seed=key.seed,
        data=study.dataset.name,
        linear_accuracy=found.linear_accuracy,
        knn_accuracy=found.knn_accuracy,
        validation_accuracy=found.validation_accuracy,
        losses=tuple(run.epoch_losses),
        seconds=run.seconds + time.perf_counter() - started,
        compile_seconds=run.compile_seconds,
        precision=settle_precision(recipe.training).precision,
        images_per_second=run.images_per_second,
        train_images=train_images,
        test_images=len(study.dataset.test),
        classes=len(study.dataset.classes or ()),
        environment=environment(),
        provenance=study.provenance(recipe),
        account=study.dataset.account,
        **run.watched(),
    )


def publish_numbers(study: Study) -> Summary:
    """Write `summary.json` and `table.csv` for what is finished; one process at a time.

    Returns:
        The summary written; nothing is written while no cell is finished.
    """
    with store.writing(study.out):
        _, summary = outline(study, store.read(study.out))
        if summary.cells:
            write_json(study.out / "summary.json", summary)
            write_atomic(study.out / "table.csv", table_csv(summary).encode())
    return summary


def outline(study: Study, cells: Sequence[Cell]) -> tuple[list[Key], Summary]:
    """Keys of all cells that are wanted so far, and the summary of those that are there."""
    keys = [wanted.key for wanted in study.wanted(cells)]
    return keys, summarize(cells, keys, compared=study.compared, level=study.level)


def table_csv(summary: Summary) -> str:
    """One line an arm: accuracies and differences as fractions, empty where there is none.

    Args:
        summary: A study with at least one finished cell.

    Returns:
        CSV with a header.
    """
    lines = [_flat_record(dataclasses.asdict(record)) for record in summary.arms]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()


def _flat_record(record: dict[str, Any]) -> dict[str, Any]:
    """Replace each interval by its bounds, so that every row has the same columns."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if not name.endswith("difference"):
            flat[name] = value
            continue
        for part in ("mean", "low", "high"):
            column = name if part == "mean" else f"{name}_{part}"
            flat[column] = None if value is None else value[part]
    return flat
