"""Which runs lie below a folder, and whether they can be trusted."""

import csv
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tamecrop.learning import CheckpointError, checkpoint, run_folder
from tamecrop.studies import store

State = Literal["finished", "resumable", "training", "damaged"]


@dataclass(frozen=True)
class Entry:
    """One run.

    Args:
        folder: where it lies.
        state: `finished`, `resumable` (the same command continues), `training` (a process holds
            it now), or `damaged`.
        why: what is damaged, or worth knowing; empty when there is nothing to say.
        policy: text form of the view plan; None where `run.json` cannot be read.
        data: name of the data.
        seed: of the run.
        step: of the newest checkpoint that can be used; None without one.
        accuracy: of the linear probe, a fraction, in the store that the run is a cell of; None
            while it is not judged.
        changed: when something in it was last written, seconds since 1970.
    """

    folder: Path
    state: State
    why: str
    policy: str | None = None
    data: str | None = None
    seed: int | None = None
    step: int | None = None
    accuracy: float | None = None
    changed: float = 0.0


def runs(root: Path, *, verify: bool = False) -> list[Entry]:
    """Every run below a folder, in the order of their paths; nothing is written.

    Args:
        root: a run's folder, a study's, or one that holds such folders.
        verify: read every checkpoint whole and compare all checksums; otherwise only their
            states are read.

    Raises:
        ValueError: when there is no such folder.
    """
    if not root.is_dir():
        raise ValueError(f"`folder` must be an existing folder, got {root}")
    judged = _Judged()
    return [_entry(folder, judged, verify=verify) for folder in sorted(_run_folders(root))]


def _run_folders(root: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(root):
        if run_folder.RUN in files or run_folder.CHECKPOINTS in below:
            below.clear()
            yield Path(folder)
        below[:] = [name for name in below if not name.startswith(".")]


class _Judged:
    """Accuracies of runs that are cells of a store; each store is read once."""

    def __init__(self) -> None:
        self._stores: dict[Path, dict[Path, float]] = {}

    def accuracy(self, folder: Path) -> float | None:
        """Linear accuracy of the run in a folder; None while it is not judged.

        Raises:
            ValueError: when the store cannot be read, naming its file.
        """
        root = folder.parents[2] if len(folder.parents) > 2 else folder
        if folder.parent.parent.name != store.FOLDER:
            return None
        if root not in self._stores:
            cells = store.read(root)
            found = {store.run_folder(root, cell.key): cell.linear_accuracy for cell in cells}
            self._stores[root] = found
        return self._stores[root].get(folder)


def _entry(folder: Path, judged: _Judged, *, verify: bool) -> Entry:
    identity: dict[str, Any] = {}
    saved: dict[str, Any] = {}
    accuracy, problems = None, _damage(folder) if verify else []
    try:
        identity = run_folder.read_run(folder)
        accuracy = judged.accuracy(folder.absolute())
        saved, passed_over = _newest(folder)
        problems = problems or passed_over
        if saved:
            run_folder.refuse_other(saved["run"], identity, where=folder)
    except (ValueError, KeyError, TypeError) as error:
        problems = problems or [str(error)]
    state, why = _state(folder, identity, saved, problems)
    return Entry(
        folder,
        state,
        why,
        policy=identity.get("policy"),
        data=identity.get("data"),
        seed=identity.get("seed"),
        step=saved.get("step"),
        accuracy=accuracy,
        changed=max(path.stat().st_mtime for path in (folder, *folder.iterdir())),
    )


def _damage(folder: Path) -> list[str]:
    """A line for every checkpoint that does not verify."""
    found = (
        checkpoint.damage(path) for path in checkpoint.list_saved(folder / run_folder.CHECKPOINTS)
    )
    return [line for line in found if line is not None]


def _newest(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """State of the newest checkpoint that looks whole, and a line for each newer one."""
    passed_over: list[str] = []
    for path in checkpoint.list_saved(folder / run_folder.CHECKPOINTS):
        try:
            return dict(checkpoint.glance(path)), passed_over
        except CheckpointError as error:
            passed_over.append(str(error))
    return {}, passed_over


def _state(
    folder: Path, identity: dict[str, Any], saved: dict[str, Any], problems: list[str]
) -> tuple[State, str]:
    if problems:
        return "damaged", "; ".join(problems)
    if run_folder.busy(folder):
        return "training", ""
    if saved and "steps" not in saved:
        return "resumable", "saved by an older version: its own command tells what is left"
    if saved:
        return ("finished" if saved["step"] == saved["steps"] else "resumable"), ""
    epochs = _epochs_written(folder)
    if not epochs:
        return "resumable", "stopped before its first checkpoint"
    if epochs == identity.get("epochs") and not (folder / run_folder.CHECKPOINTS).exists():
        return "finished", "its weights were dropped"
    return "damaged", f"{folder / run_folder.CURVE} shows steps, but no checkpoint is there"


def _epochs_written(folder: Path) -> int:
    """Epochs that the loss curve reaches into."""
    curve = folder / run_folder.CURVE
    if not curve.exists():
        return 0
    with curve.open(newline="") as file:
        return max((int(row["epoch"]) + 1 for row in csv.DictReader(file)), default=0)


def as_json(entries: Sequence[Entry]) -> str:
    """Runs as a JSON list of objects with the fields of `Entry`."""
    return json.dumps([asdict(entry) for entry in entries], indent=2, default=str)


def require_whole(entries: Sequence[Entry]) -> None:
    """Make sure that no run is damaged.

    Raises:
        CheckpointError: with the number of those that are.
    """
    damaged = [entry for entry in entries if entry.state == "damaged"]
    if damaged:
        raise CheckpointError(
            f"{len(damaged)} of {len(entries)} runs are damaged: the first is {damaged[0].folder}"
        )
