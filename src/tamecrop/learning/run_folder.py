"""A run's folder: one process at a time, one run for ever."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tamecrop.data import Dataset, remove_strays, write_atomic
from tamecrop.geometry import Policy, ViewPlan, plan
from tamecrop.learning import checkpoint, methods, old_formats
from tamecrop.learning.backbones import Backbone, backbone, count_channels
from tamecrop.learning.checkpoint import Checkpoint, CheckpointError, Found
from tamecrop.learning.config import Normalize, Pretraining

RUN, CHECKPOINTS, CURVE = "run.json", "checkpoints", "metrics.csv"
"""What a run is, how far it is, and its loss curve."""

DESCRIPTIONS = ("data", "account")
"""What is recorded of the data beside its fingerprint."""


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Hold a run's folder; the system frees it if this process dies.

    What a killed process was building there is removed.

    Raises:
        ValueError: when another process holds it.
        OSError: when it cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", timeout=0):
            remove_strays(out)
            remove_strays(out / CHECKPOINTS)
            yield
    except Timeout as error:
        raise ValueError(f"`out` must be free, but another process trains in {out}") from error


def busy(out: Path) -> bool:
    """Whether a process trains in a run's folder right now; nothing is written to find out."""
    lock = out / ".lock"
    if not lock.exists() or not os.access(lock, os.R_OK | os.W_OK):
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def claim(out: Path, identity: Mapping[str, Any]) -> None:
    """Write what this run is, or make sure that the run in the folder is the same.

    Args:
        out: the run's folder.
        identity: everything that decides the run's numbers, as plain values.

    Raises:
        ValueError: when the folder holds another run, naming the first setting that differs; or
            when its `run.json` is damaged.
    """
    require_same(out, identity)
    path = out / RUN
    if not path.exists():
        write_atomic(path, json.dumps(dict(identity), indent=2).encode())


def require_same(out: Path, identity: Mapping[str, Any]) -> None:
    """Make sure that a folder holds no other run; nothing is written.

    Raises:
        ValueError: as `claim`.
    """
    if (out / RUN).exists():
        refuse_other(read_run(out), identity, where=out)


def refuse_other(there: Mapping[str, Any], here: Mapping[str, Any], *, where: Path) -> None:
    """Refuse what belongs to another run, by the first setting that differs.

    Data is the same when its fingerprint is: how it was named and described does not count.

    Raises:
        ValueError: naming the setting and both values.
    """
    for name in sorted((there.keys() | here.keys()) - set(DESCRIPTIONS)):
        if there.get(name) != here.get(name):
            raise ValueError(
                f"{where} holds another run: `{name}` is {there.get(name)} there and "
                f"{here.get(name)} here; choose another folder"
            )


def identity(
    dataset: Dataset, views: str | Policy | ViewPlan, config: Pretraining, *, seed: int
) -> dict[str, Any]:
    """Everything that decides a run's numbers, as plain values.

    The policy is printed as it was stated, without the size that the config gives to groups that
    state none, so that runs of versions without view plans can be resumed.

    Args:
        dataset: of which the train images are used.
        views: which views are made of an image: a view plan, a crop policy, or the text of either.
        config: the settings.
        seed: key of everything random.
    """
    return {
        "policy": str(plan(views)),
        "seed": seed,
        "data": dataset.name,
        "account": dataset.account,
        "fingerprint": dataset.fingerprint(),
        **decisive(config),
    }


def decisive(config: Pretraining) -> dict[str, Any]:
    """The settings that decide a run's numbers, as plain values, however they were typed."""
    return {**config.decisive(), "method": methods.canonical(config.method)}


def read_run(out: Path) -> dict[str, Any]:
    """What the run in a folder is: the content of its `run.json`, in today's words.

    Raises:
        ValueError: when the file is missing or damaged, naming it.
    """
    path = out / RUN
    try:
        return old_formats.translate_run(dict(json.loads(path.read_text())))
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def progress(out: Path, identity: Mapping[str, Any]) -> Found:
    """The newest usable checkpoint of a run.

    Raises:
        CheckpointError: when the run holds only damaged ones, or none although some were saved
            (a run never silently restarts from zero), or when a part is missing, by name.
        ValueError: when the checkpoint belongs to another run, naming the setting.
    """
    found = checkpoint.latest(out / CHECKPOINTS)
    if found.path is not None and found.checkpoint is not None:
        _require_parts(found.path, found.checkpoint)
        refuse_other(found.checkpoint.state["run"], identity, where=found.path)
    elif (out / CURVE).exists():
        raise CheckpointError(
            f"{out / CHECKPOINTS} is empty, but {out / CURVE} shows that checkpoints were saved: "
            "put them back, or train in another folder"
        )
    return found


def _require_parts(path: Path, saved: Checkpoint) -> None:
    for name in ("run", "seconds"):
        if name not in saved.state:
            raise CheckpointError(f"{path / 'state.json'} must have `{name}`")
    if len(saved.train.get("losses", ())) != saved.state["step"]:
        raise CheckpointError(f"{path / 'train.safetensors'} must have `losses`, one of each step")


@dataclass(frozen=True, eq=False)
class Trained:
    """The latest backbone of a run's folder.

    Args:
        backbone: in eval mode, on the host.
        policy: text of the view plan or crop policy.
        data: name of the data it was trained on.
        seed: of the run.
        size: side that its views had been resized to, or None.
        normalize: what colors were normalized by, see `Dataset.normalized`.
        step: finished training steps.
        channels: of the images that the backbone takes.
    """

    backbone: Backbone
    policy: str
    data: str
    seed: int
    size: int | None
    step: int
    channels: int = 3
    normalize: Normalize = "train"


def open_run(out: Path) -> Trained:
    """Load the latest checkpoint of a run.

    Raises:
        ValueError: when the folder holds no checkpoint.
        CheckpointError: when it holds only damaged ones.
    """
    saved = checkpoint.latest(out / CHECKPOINTS).checkpoint
    if saved is None:
        raise ValueError(f"`run` must be the folder of a pre-training, got {out}: no checkpoint")
    run = saved.state["run"]
    network = backbone(run["backbone"], stem=run["stem"])
    channels = count_channels(network, saved.weights)
    if channels != 3:
        network = backbone(run["backbone"], stem=run["stem"], channels=channels)
    network.load_state_dict(dict(saved.weights))
    return Trained(
        network.eval(),
        run["policy"],
        run["data"],
        run["seed"],
        run["size"],
        saved.state["step"],
        channels,
        run.get("normalize", "train"),
    )
