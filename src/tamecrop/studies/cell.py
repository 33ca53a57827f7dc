"""One cell of any study: a crop law trained and judged with one seed."""

import time
from dataclasses import dataclass, replace

from tamecrop.data.images import Dataset
from tamecrop.learning.evaluate import Evaluation, evaluate
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.stopping import StopFlag
from tamecrop.learning.trainer import Run
from tamecrop.learning.watching import Hooks
from tamecrop.studies.config import Recipe
from tamecrop.studies.listening import CellListener
from tamecrop.studies.study import Place


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came out of a cell.

    Attributes:
        run: The finished pre-training.
        found: How good its features are.
        seconds: Wall time of both, over all resumed parts; compiling is not in it.
    """

    run: Run
    found: Evaluation
    seconds: float


@dataclass(frozen=True)
class Watch:
    """Who is told of a cell's progress, and who may stop it.

    Attributes:
        listener: Told of every event.
        stop: Looked at after every step.
    """

    listener: CellListener
    stop: StopFlag


def train_and_judge(place: Place, recipe: Recipe, dataset: Dataset, watch: Watch) -> Outcome:
    """One cell from its beginning, or from where it was stopped.

    Args:
        place: Law, seed and folder.
        recipe: How it is trained and judged.
        dataset: The data.
        watch: Who watches.

    Raises:
        Interrupted: When asked to stop; the same call continues.
    """
    watch.listener.cell_started(str(place.policy), place.seed)
    hooks = Hooks(stepped=watch.listener.stepped, warned=watch.listener.warned, stop=watch.stop)
    run = pretrain(
        trained_on(dataset, recipe),
        place.policy,
        recipe.training,
        place.folder,
        seed=place.seed,
        hooks=hooks,
    )
    watch.listener.evaluating()
    started = time.perf_counter()
    found = evaluate(
        run.backbone,
        dataset,
        probe=recipe.probe,
        size=recipe.training.size,
        seed=place.seed,
        stop=watch.stop,
    )
    return Outcome(run, found, run.seconds + time.perf_counter() - started)


def trained_on(dataset: Dataset, recipe: Recipe) -> Dataset:
    """The data with the images that a recipe pre-trains on as its train split."""
    if recipe.pretrained_on == "train":
        return dataset
    return replace(dataset, train=dataset.train.joined(dataset.validation))
