"""Compare crop laws: train and judge each with the same seeds, cell by cell."""

import numpy as np

from tamecrop.data.images import Dataset
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.geometry import keys
from tamecrop.geometry.keys import Draw
from tamecrop.geometry.plans import plan
from tamecrop.learning import methods, processes
from tamecrop.learning.stopping import StopFlag
from tamecrop.reporting.environment import environment
from tamecrop.reporting.jsonfiles import write_json
from tamecrop.studies.cell import Outcome, Watch, train_and_judge, trained_on
from tamecrop.studies.listening import Finished, Listener, Silence
from tamecrop.studies.publishing import Study, publish_numbers, publish_report
from tamecrop.studies.records import Cell, Loss, Summary
from tamecrop.studies.study import Identity, Place, join, require_same


def compare(
    study: Study, *, listener: Listener | None = None, stop: StopFlag | None = None
) -> Summary:
    """Train and judge every cell of a study that is not finished yet, and write what came out.

    The numbers on disk are brought up to date after every cell; figures and page at the end.
    Several processes may share a study: each cell is done by one of them.

    Args:
        study: what to compare, and where.
        listener: told of every event.
        stop: looked at after every step.

    Returns:
        The summary, as in `summary.json`.

    Raises:
        ValueError: when the folder holds another study.
        Interrupted: when asked to stop; the same call continues.
    """
    listener, stop = listener or Silence(), stop or StopFlag()
    join(study.out, identity(study), config=study.config)
    listener.study_started(study.laws, study.seeds)
    for place in study.places():
        _complete(place, study, listener, stop)
    summary = publish_numbers(study)
    if summary.cells:
        publish_report(study, summary)
    return summary


def check(study: Study) -> None:
    """Find before training what would stop a study half-way.

    Raises:
        ValueError: when the data has no labels, is smaller than a batch, or a law's boxes cannot
            be cut from it; when the folder holds another study; or under a launcher of several
            processes.
    """
    require_same(study.out, identity(study))
    processes.require_one()
    if study.dataset.classes is None:
        raise ValueError(f"{study.dataset.name} has no labels: nothing can be compared on it")
    training = study.recipe.training
    loading = Loading(batch_size=training.batch_size)
    train = trained_on(study.dataset, study.recipe).train
    for policy in study.policies:
        views = plan(policy, size=training.size)
        methods.require_usable(training.method, views, batch_size=training.batch_size)
        ViewLoader(train, views, loading)


def identity(study: Study) -> Identity:
    """What all cells of a study share."""
    data = study.dataset
    return Identity(data.name, data.fingerprint(), study.recipe.decisive())


def _complete(place: Place, study: Study, listener: Listener, stop: StopFlag) -> None:
    """Finish one cell, unless it is finished or another process is at it."""
    with place.claimed() as mine:
        cell = place.finished()
        if cell is None and mine:
            watch = Watch(listener, stop)
            outcome = train_and_judge(place, study.recipe, study.dataset, watch)
            cell = _record(place, study, outcome)
            write_json(place.record, cell)
    if cell is not None:
        listener.cell_finished(Finished(cell, publish_numbers(study)))


def _record(place: Place, study: Study, outcome: Outcome) -> Cell:
    run, found = outcome.run, outcome.found
    return Cell(
        policy=str(place.policy),
        seed=place.seed,
        linear_accuracy=found.linear_accuracy,
        knn_accuracy=found.knn_accuracy,
        seconds=outcome.seconds,
        images_per_second=run.images_per_second,
        epochs=study.recipe.training.epochs,
        train_images=len(trained_on(study.dataset, study.recipe).train),
        test_images=len(study.dataset.test),
        probe=study.recipe.probe,
        losses=tuple(Loss(epoch, loss) for epoch, loss in enumerate(run.epoch_losses)),
        environment=environment(),
    )


def cut_to(dataset: Dataset, images: int | None) -> Dataset:
    """The data set with some of its train images, the same ones for every seed and law.

    Args:
        dataset: whose train split is cut.
        images: how many stay; None, or more than there are, keeps all.
    """
    if images is None or images >= len(dataset.train):
        return dataset
    order = keys.uniform(0, 0, np.arange(len(dataset.train)), 0, Draw.SUBSET).argsort()
    return dataset.with_train(dataset.train.subset(np.sort(order[:images])))
