"""A run's folder: one process at a time, one run for ever."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tamecrop.data.files import write_atomic
from tamecrop.learning import checkpoint
from tamecrop.learning.backbones import Backbone, backbone


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Hold a run's folder; the system frees it if this process dies.

    Raises:
        ValueError: when another process holds it.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise ValueError(f"`out` must be free, but another process trains in {out}") from error


def claim(out: Path, identity: Mapping[str, Any]) -> None:
    """Write what this run is, or make sure that the run in the folder is the same.

    Args:
        out: the run's folder.
        identity: everything that decides the run's numbers, as plain values.

    Raises:
        ValueError: when the folder holds another run, naming the first setting that differs.
    """
    path = out / "run.json"
    if not path.exists():
        write_atomic(path, json.dumps(dict(identity), indent=2).encode())
        return
    there = json.loads(path.read_text())
    for name in sorted(there.keys() | identity.keys()):
        if there.get(name) != identity.get(name):
            raise ValueError(
                f"{out} holds another run: `{name}` is {there.get(name)} there and "
                f"{identity.get(name)} here; choose another folder"
            )


@dataclass(frozen=True, eq=False)
class Trained:
    """The latest backbone of a run's folder.

    Args:
        backbone: in eval mode, on the host.
        policy: text form of the crop law.
        data: name of the data it was trained on.
        seed: of the run.
        size: side that its views had been resized to, or None.
        step: finished training steps.
    """

    backbone: Backbone
    policy: str
    data: str
    seed: int
    size: int | None
    step: int


def trained(out: Path) -> Trained:
    """Load the latest checkpoint of a run.

    Raises:
        ValueError: when the folder holds no checkpoint.
        CheckpointError: when it holds only damaged ones.
    """
    saved = checkpoint.latest(out / "checkpoints").checkpoint
    if saved is None:
        raise ValueError(f"`run` must be the folder of a pre-training, got {out}: no checkpoint")
    run = saved.state["run"]
    network = backbone(run["backbone"], stem=run["stem"])
    network.load_state_dict(dict(saved.weights))
    return Trained(
        network.eval(), run["policy"], run["data"], run["seed"], run["size"], saved.state["step"]
    )
