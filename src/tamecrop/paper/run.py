"""Run what is missing of a study, cell by cell; several processes may share the folder."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tamecrop.data.images import Dataset
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.geometry import plans
from tamecrop.geometry.extents import FixedArea
from tamecrop.learning import processes
from tamecrop.paper import cells as cellfile
from tamecrop.paper.cells import Origin, PaperCell
from tamecrop.paper.plans import Plan, Wanted
from tamecrop.paper.protocols import protocol
from tamecrop.reporting.environment import code_digest, environment
from tamecrop.studies.cell import Outcome, Watch, train_and_judge, trained_on
from tamecrop.studies.compare import cut_to
from tamecrop.studies.study import Place, place

_SHORT = 12


@dataclass(frozen=True)
class Job:
    """What a study works on.

    Attributes:
        dataset: The whole data.
        out: The study's folder.
        plan: Which cells are wanted.
        most: Cells to finish before stopping; None for all.
        across: Accept cells of other code, settings or data that are there already.
    """

    dataset: Dataset
    out: Path
    plan: Plan
    most: int | None = None
    across: bool = False

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the data."""
        return self.dataset.fingerprint()[:_SHORT]

    def origin(self, name: str) -> Origin:
        """Code, settings and data of the cells that this process would make."""
        settings = json.dumps(protocol(name).decisive(), sort_keys=True)
        digest = hashlib.sha256(settings.encode()).hexdigest()[:_SHORT]
        return Origin(code_digest(), digest, self.fingerprint)


def missing(job: Job) -> list[Wanted]:
    """The wanted cells that are not finished, in order."""
    done = cellfile.read(job.out)
    keys = {cell.key for cell in done}
    return [wanted for wanted in job.plan(done) if wanted.key not in keys]


def check(job: Job) -> None:
    """Find before training what would stop the study half-way.

    Raises:
        ValueError: when the data has no labels or cannot be cut as a law asks, or when the
            folder holds cells of a wanted protocol that have another origin.
    """
    processes.require_one()
    if job.dataset.classes is None:
        raise ValueError(f"{job.dataset.name} has no labels: nothing can be compared on it")
    done = cellfile.read(job.out)
    plan = job.plan(done)
    origins = {name: job.origin(name) for name in {wanted.protocol for wanted in plan}}
    for cell in done if not job.across else ():
        if cell.protocol in origins:
            source = str(job.out / cellfile.FILE)
            cellfile.require_origin(cell, origins[cell.protocol], source=source)
    for wanted in plan:
        training = protocol(wanted.protocol).training
        loading = Loading(batch_size=training.batch_size)
        few = job.dataset.train.subset(range(min(training.batch_size, len(job.dataset.train))))
        ViewLoader(few, plans.plan(wanted.policy, size=training.size), loading)


def run(
    job: Job, watch: Watch, *, recorded: Callable[[PaperCell], None] = lambda _: None
) -> tuple[PaperCell, ...]:
    """Finish the missing cells, one at a time, each written as soon as it is done.

    A cell that another process is at is passed over. The weights of a finished cell are dropped;
    its loss curve stays.

    Args:
        job: what to do.
        watch: who is told, and who may stop it.
        recorded: told of every new cell.

    Returns:
        All cells of the folder.

    Raises:
        ValueError: when cells of the folder have another origin.
        Interrupted: when asked to stop; the same call continues.
    """
    for count, (wanted, where) in enumerate(_claimed(job)):
        recipe = protocol(wanted.protocol)
        outcome = train_and_judge(where, recipe, cut_to(job.dataset, recipe.images), watch)
        cell = _cell(wanted, job, outcome)
        cellfile.add(job.out, [cell], source=str(where.folder), across=job.across)
        shutil.rmtree(where.folder / "checkpoints")
        recorded(cell)
        if count + 1 == job.most:
            break
    return cellfile.read(job.out)


def _claimed(job: Job) -> Iterator[tuple[Wanted, Place]]:
    """The missing cells that could be claimed, each held while the caller works on it."""
    passed: set[cellfile.Key] = set()
    while left := [wanted for wanted in missing(job) if wanted.key not in passed]:
        wanted = left[0]
        passed.add(wanted.key)
        where = place(job.out / "runs" / wanted.protocol, wanted.policy, wanted.seed)
        with where.claimed() as mine:
            if mine and wanted in missing(job):
                yield wanted, where


def _cell(wanted: Wanted, job: Job, outcome: Outcome) -> PaperCell:
    here, recipe = environment(), protocol(wanted.protocol)
    extent, center = wanted.policy.extent, wanted.policy.center
    made = job.origin(wanted.protocol)
    return PaperCell(
        law=wanted.policy.name,
        scale=extent.scale if isinstance(extent, FixedArea) else None,
        alpha=getattr(center, "alpha", None),
        policy=str(wanted.policy),
        seed=wanted.seed,
        protocol=wanted.protocol,
        epochs=recipe.training.epochs,
        linear_accuracy=outcome.found.linear_accuracy,
        knn_accuracy=outcome.found.knn_accuracy,
        validation_accuracy=outcome.found.validation_accuracy,
        loss=outcome.run.epoch_losses[-1],
        seconds=outcome.seconds,
        compile_seconds=outcome.run.compile_seconds,
        images_per_second=outcome.run.images_per_second,
        train_images=len(trained_on(cut_to(job.dataset, recipe.images), recipe).train),
        test_images=len(job.dataset.test),
        hardware=here.hardware,
        threads=here.threads,
        versions=here.versions,
        commit=here.commit,
        code=made.code,
        settings=made.settings,
        data=made.data,
    )
