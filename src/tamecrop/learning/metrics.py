"""The curves of a run as CSV and JSON lines: written whole from what the checkpoint holds.

Where TensorBoard is installed, its event file is written too.
"""

import csv
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tamecrop.data.files import beside_of, remove_folder, write_atomic

FIELDS = ("step", "epoch", "loss", "learning_rate")


def write(
    folder: Path, losses: Sequence[float], rates: Sequence[float], *, steps_per_epoch: int
) -> None:
    """Write `metrics.csv` and `metrics.jsonl`, one row a step; each step is there once.

    Args:
        folder: of the run.
        losses: of every finished step.
        rates: learning rate of every finished step.
        steps_per_epoch: to tell the epoch of a step.
    """
    rows = [
        dict(zip(FIELDS, (step, step // steps_per_epoch, loss, rate), strict=True))
        for step, (loss, rate) in enumerate(zip(losses, rates, strict=True))
    ]
    table = io.StringIO()
    writer = csv.DictWriter(table, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(folder / "metrics.csv", table.getvalue().encode())
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    write_atomic(folder / "metrics.jsonl", lines.encode())
    if find_spec("tensorboard"):
        _write_events(folder / "tensorboard", rows)


def _write_events(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One event file with every step once, in place of the one before."""
    from torch.utils.tensorboard import SummaryWriter  # slow to import, and optional

    building = beside_of(folder)
    shutil.rmtree(building, ignore_errors=True)
    with SummaryWriter(str(building)) as events:
        for row in rows:
            for name in ("loss", "learning_rate"):
                events.add_scalar(name, row[name], row["step"])
    if folder.exists():
        remove_folder(folder)
    building.rename(folder)
