"""Cells as tasks of a Ray cluster: one that is there, or one that is started on this machine."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

from tamecrop.geometry import rules
from tamecrop.on_demand import import_needed
from tamecrop.reporting.environment import cores
from tamecrop.studies.arms import Study
from tamecrop.studies.engines import pool
from tamecrop.studies.engines.cluster import Cluster, opened
from tamecrop.studies.engines.jobs import Parcel, Task, work
from tamecrop.studies.engines.local import ONE_THREAD

ANSWER = 40.0
"""Seconds in which a cluster must answer; one that is well takes about three."""

_QUIET = {"log_to_driver": False, "logging_level": "ERROR"}

_ASK = f"""
import json, sys, ray
try:
    ray.init(sys.argv[1], **{_QUIET!r})
except Exception as error:
    while error.__cause__ is not None:  # of a wrong token only the first one speaks
        error = error.__cause__
    sys.exit(str(error).strip())
json.dump([each["Resources"] for each in ray.nodes() if each["Alive"]], sys.stdout)
"""


@dataclass(frozen=True)
class Ray(pool.Engine):
    """Tasks of a Ray cluster.

    Args:
        address: `HOST:PORT` of a cluster, or `auto` for the one that this machine belongs to; empty
            for one that is started on this machine and ends with the study.
        cpus: that a cell needs: 1, and as many as `--training.workers`.
        gpus: that a cell needs; by default 1 where the cluster has any, and parts are allowed.
        attempts: workers that a cell may lose.
    """

    address: str = ""
    cpus: float = 1
    gpus: float | None = None
    attempts: int = pool.ATTEMPTS

    def __post_init__(self) -> None:
        if "://" in self.address:
            raise ValueError(
                "`address` must be HOST:PORT or auto, on a machine of the cluster that sees the "
                f"same `out`, got {self.address}"
            )
        rules.positive("cpus", self.cpus)
        rules.count("attempts", self.attempts)
        if self.gpus is not None:
            holds = rules.is_number(self.gpus) and self.gpus >= 0
            rules.require("gpus", "gpus >= 0, finite", self.gpus, holds=holds)

    def check(self) -> None:
        """Find a cluster that does not answer, or has no machine that a cell fits on.

        Raises:
            ValueError: naming the address, or what a cell needs.
            ModuleNotFoundError: without Ray.
        """
        if not self.default_jobs():
            raise ValueError(
                f"`engine` must ask for what a machine of the cluster has, got cpus={self.cpus:g}, "
                f"gpus={self.need_gpus():g}: the machines have {_words(self._machines())}"
            )

    def default_jobs(self) -> int:
        """As many cells as the cluster has room for now."""
        asked = {"CPU": self.cpus, "GPU": self.need_gpus()}
        return sum(
            min(math.floor(machine.get(name, 0) / need) for name, need in asked.items() if need)
            for machine in self._machines()
        )

    def open(self, study: Study) -> AbstractContextManager[pool.Crew[Any]]:
        """Connect to the cluster, or start one."""
        self.check()
        return opened(study, partial(_joined, self), self.attempts)

    def _machines(self) -> Sequence[Mapping[str, float]]:
        """What the machines of the cluster have."""
        ray = _ray()
        if ray.is_initialized():
            return [each["Resources"] for each in ray.nodes() if each["Alive"]]
        if self.address:
            return _ask(self.address)
        return [{"CPU": cores(), "GPU": torch.cuda.device_count()}]

    def need_gpus(self) -> float:
        """Of a cell: as stated, or 1 where the cluster has any."""
        if self.gpus is not None:
            return self.gpus
        return float(any(machine.get("GPU", 0) >= 1 for machine in self._machines()))


ENGINE = Ray


class _Tasks(Cluster):
    """The tasks of a study.

    Args:
        ray: connected.
        settings: what a cell needs.
        parcel: what every task gets.
    """

    def __init__(self, ray: Any, settings: Ray, parcel: Parcel) -> None:
        self._ray, gpus = ray, settings.need_gpus()
        hidden = {} if gpus else {"CUDA_VISIBLE_DEVICES": ""}
        self._work = ray.remote(
            num_cpus=settings.cpus,
            num_gpus=gpus,
            max_retries=0,  # the pool counts the workers that a cell has lost
            runtime_env={"env_vars": ONE_THREAD | hidden},
        )(work)
        self._parcel = ray.put(parcel)

    def submit(self, task: Task) -> Any:
        """A task; it waits where all machines are busy."""
        return self._work.remote(self._parcel, task)

    def over(self, job: Any) -> tuple[str, Sequence[Any]] | None:
        """Lost when its worker or its machine died, failed when it could not begin."""
        done, _ = self._ray.wait([job], timeout=0)
        if not done:
            return None
        try:
            self._ray.get(job)
        except self._ray.exceptions.RayError as error:
            cause = getattr(error, "cause", error)  # of what was raised in the task
            if not isinstance(cause, self._ray.exceptions.RayError):
                return "failed", (str(cause), str(error))
            return "lost", (str(cause).strip().partition("\n")[0],)
        return "lost", ("its task ended without a word",)

    def cancel(self, job: Any, *, force: bool) -> None:
        """Raise SIGINT in the worker, or end it."""
        self._ray.cancel(job, force=force)


@contextmanager
def _joined(settings: Ray, parcel: Parcel, _: Path) -> Iterator[Cluster]:
    """The cluster that this process has joined already, the one that is named, or a new one."""
    ray = _ray()
    joins = not ray.is_initialized()
    if joins and settings.address:
        ray.init(settings.address, **_QUIET)
    elif joins:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init("local", num_cpus=cores(), include_dashboard=False, **_QUIET)
    try:
        yield _Tasks(ray, settings, parcel)
    finally:
        if joins:
            ray.shutdown()


def _ray() -> Any:
    return import_needed("ray")


@cache
def _ask(address: str) -> Sequence[Mapping[str, float]]:
    """What the machines of a cluster have.

    It is asked in a process of its own: where nobody answers, Ray tries for minutes and then ends
    the process that it is in.

    Raises:
        ValueError: when it does not answer.
    """
    words = [sys.executable, "-c", _ASK, address]
    try:
        asked = subprocess.run(words, capture_output=True, text=True, timeout=ANSWER, check=False)
    except subprocess.TimeoutExpired:
        raise ValueError(
            f"`address`: no Ray cluster answers at {address} in {ANSWER:g} s"
        ) from None
    if asked.returncode:
        said = asked.stderr.strip().rpartition("\n")[2]
        raise ValueError(f"`address`: no Ray cluster answers at {address}: {said}")
    machines: list[dict[str, float]] = json.loads(asked.stdout.rpartition("\n")[2])
    return machines


def _words(machines: Sequence[Mapping[str, float]]) -> str:
    """CPUs and GPUs of each machine."""
    return "; ".join(
        f"{machine.get('CPU', 0):g} CPUs, {machine.get('GPU', 0):g} GPUs" for machine in machines
    )
