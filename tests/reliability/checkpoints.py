"""Small checkpoints, savers that are broken on purpose, and what must be true of a save."""

import os
import re
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from reliability.disk import Disk, watched
from tamecrop.learning import checkpoint
from tamecrop.learning.checkpoint import Checkpoint

Saver = Callable[[Path, int], object]
STEP = re.compile(r"step-\d{9}")


def small(step: int) -> Checkpoint:
    """A checkpoint of a few kilobytes whose every value is its step."""
    return Checkpoint(
        weights={"layer.weight": torch.full((30, 20), float(step))},
        train={
            "losses": torch.arange(step, dtype=torch.float64),
            "optimizer.0.exp_avg": torch.full((30, 20), float(step)),
        },
        state={"step": step, "seconds": 1.5, "run": {"policy": "rc", "seed": 0}},
    )


def save(folder: Path, step: int) -> object:
    """The saver under test."""
    return checkpoint.save(folder, small(step), step=step)


def save_in_place(folder: Path, step: int) -> object:
    """Broken: the old ones go first, and the new one is written under its own name."""
    for old in checkpoint.list_saved(folder):
        shutil.rmtree(old)
    folder.mkdir(parents=True, exist_ok=True)
    return checkpoint._write(folder / f"step-{step:09d}", checkpoint._contents(small(step)))


def is_whole(found: Checkpoint) -> bool:
    """Whether it is one of `small`, in all its parts."""
    step = found.state["step"]
    values = (found.weights["layer.weight"], found.train["optimizer.0.exp_avg"])
    return len(found.train["losses"]) == step and all(bool((each == step).all()) for each in values)


def save_for_ever(folder: Path, first: int, told: Path) -> None:
    """In a child: save step after step, and tell of every one that is saved."""
    with told.open("a") as file:
        for step in range(first, first + 10_000):
            save(folder, step)
            file.write(f"{step}\n")
            file.flush()


def save_until_killed(folder: Path, saver: Saver, step: int, at: int) -> None:
    """In a child: save one checkpoint, killed before its operation number `at`."""

    def before(count: int, kind: str, path: str) -> None:
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)

    with watched(Disk(folder, before=before)):
        saver(folder, step)


def violations(events: Sequence[tuple[str, str, str]], target: Path) -> list[str]:
    """What is wrong with the order of a save: an empty list when nothing is.

    Every file is synced after it was written, then its folder, then the folder gets its name,
    then the parent is synced; only then may a checkpoint's name go.
    """
    renames = [i for i, (kind, _, other) in enumerate(events) if (kind, other) == named(target)]
    if len(renames) != 1:
        return ["the target must get its name once"]
    (renamed,) = renames
    building = events[renamed][1]
    wrong = [f"{path} is not synced before it gets its name" for path in _unsynced(events, renamed)]
    made = [i for i, event in enumerate(events) if event[0] == "open" and building in event[1]]
    if ("fsync", building, "") not in events[max(made, default=0) : renamed]:
        wrong.append("the folder is not synced before it gets its name")
    after = events[renamed:]
    if ("fsync", str(target.parent), "") not in after:
        return [*wrong, "the parent is not synced"]
    safe = renamed + after.index(("fsync", str(target.parent), ""))
    lost = [path for kind, path, _ in events[:safe] if _takes_a_name(kind, path)]
    return wrong + [f"{path} goes before the new one is safe" for path in lost]


def named(target: Path) -> tuple[str, str]:
    return "rename", str(target)


def _unsynced(events: Sequence[tuple[str, str, str]], renamed: int) -> list[str]:
    last = {path: i for i, (kind, path, _) in enumerate(events[:renamed]) if kind == "write"}
    late = {path for kind, path, _ in events[renamed:] if kind == "write"}
    return sorted(late) + [
        path for path, i in last.items() if ("fsync", path, "") not in events[i:renamed]
    ]


def _takes_a_name(kind: str, path: str) -> bool:
    inside = any(STEP.fullmatch(part) for part in Path(path).parts)
    return kind in ("rename", "remove", "rmdir") and inside
