"""Cells as jobs of SLURM, by way of submitit."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tamecrop.geometry import rules
from tamecrop.on_demand import import_needed
from tamecrop.studies.arms import Study
from tamecrop.studies.engines import pool
from tamecrop.studies.engines.cluster import Cluster, opened
from tamecrop.studies.engines.jobs import Parcel, Task, work
from tamecrop.studies.engines.local import ONE_THREAD, environment

JOBS = 16
"""Jobs that wait or run at once unless stated."""

_MINUTES = {"m": 1, "h": 60, "d": 1440}


@dataclass(frozen=True)
class Slurm(pool.Engine):
    """Jobs of SLURM.

    Args:
        partition: of the jobs; empty for the cluster's default, as with all other words.
        time: of a job, such as 90m, 4h or 2d. A cell that takes longer saves 90 seconds before its
            job is over and goes on in another one.
        cpus: of a job: 1, and as many as `--training.workers`.
        gpus: of a job, 0 or 1: a cell trains on one device.
        memory: of a job in GB.
        account: that the jobs are billed to.
        qos: quality of service.
        constraint: features that a node must have.
        attempts: jobs that a cell may lose, those whose time was over not counted where they
            trained.
        cluster: `slurm`, or `local`: processes of this machine, to try it where there is no SLURM.
    """

    partition: str = ""
    time: str = "1h"
    cpus: int = 1
    gpus: int = 0
    memory: float | None = None
    account: str = ""
    qos: str = ""
    constraint: str = ""
    attempts: int = pool.ATTEMPTS
    cluster: str = "slurm"

    def __post_init__(self) -> None:
        rules.known("cluster", self.cluster, ("slurm", "local"))
        rules.count("cpus", self.cpus)
        rules.require("gpus", "gpus 0 or 1", self.gpus, holds=self.gpus in (0, 1))
        rules.count("attempts", self.attempts)
        if self.memory is not None:
            rules.positive("memory", self.memory)
        _ = self.minutes

    @property
    def minutes(self) -> int:
        """The time of a job."""
        found = re.fullmatch(r"(\d+)([mhd])", self.time)
        if found is None or not int(found[1]):
            raise ValueError(f"`time` is written like 90m, 4h or 2d, got {self.time!r}")
        return int(found[1]) * _MINUTES[found[2]]

    def check(self) -> None:
        """Find a machine without SLURM.

        Raises:
            ValueError: where its commands are missing.
            ModuleNotFoundError: without submitit.
        """
        import_needed("submitit")
        missing = [name for name in ("sbatch", "srun", "sacct") if shutil.which(name) is None]
        if self.cluster == "slurm" and missing:
            raise ValueError(
                f"`engine` slurm must run on a machine that submits jobs, and {missing[0]} is not "
                "found here; cluster=local tries it in processes of this machine"
            )

    def default_jobs(self) -> int:
        """A number that no administrator minds."""
        return JOBS

    def open(self, study: Study) -> AbstractContextManager[pool.Crew[Any]]:
        """Write what the jobs need; they are submitted one by one."""
        self.check()
        return opened(study, partial(_ready, self), self.attempts)


ENGINE = Slurm


class _Submitted(Cluster):
    """The jobs of a study.

    Args:
        executor: of submitit, with its settings.
        parcel: what every job gets.
    """

    def __init__(self, executor: Any, parcel: Parcel) -> None:
        self._executor, self._parcel = executor, parcel

    def submit(self, task: Task) -> Any:
        """A job; the variables of this process are those of the job."""
        with environment(ONE_THREAD):
            return self._executor.submit(work, self._parcel, task)

    def over(self, job: Any) -> tuple[str, Sequence[Any]] | None:
        """Lost in whatever state it ended: SLURM's word, and the last one of the job."""
        if not job.done():
            return None
        said = (job.stderr() or "").strip().rpartition("\n")[2]
        return "lost", (f"job {job.job_id} ended as {job.state}{said and f': {said}'}",)

    def cancel(self, job: Any, *, force: bool) -> None:  # noqa: ARG002  SLURM forces in the end
        """SLURM takes it back, or signals it, and ends it half a minute later."""
        job.cancel(check=False)


@contextmanager
def _ready(settings: Slurm, parcel: Parcel, folder: Path) -> Iterator[Cluster]:
    """An executor that writes the jobs' files into the folder."""
    executor = import_needed("submitit").AutoExecutor(folder, cluster=settings.cluster)
    words = {
        f"slurm_{name}": getattr(settings, name)
        for name in ("partition", "account", "qos", "constraint")
        if getattr(settings, name)
    }
    executor.update_parameters(
        name="tamecrop",
        timeout_min=settings.minutes,
        cpus_per_task=settings.cpus,
        gpus_per_node=settings.gpus or None,
        mem_gb=settings.memory,
        # A node that fails gives its jobs back to the queue; they go on from their checkpoints.
        slurm_additional_parameters={"requeue": True},
        **words,
    )
    yield _Submitted(executor, parcel)
