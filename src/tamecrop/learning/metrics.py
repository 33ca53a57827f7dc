"""The curves of a run as CSV and JSON lines: written whole from what the checkpoint holds.

Where TensorBoard is installed, its event file is written too.
"""

import csv
import io
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tamecrop.data.files import beside_of, remove_folder, write_atomic


def write(folder: Path, curves: Mapping[str, Sequence[float]], *, steps_per_epoch: int) -> None:
    """Write `metrics.csv` and `metrics.jsonl`, one row a step; each step is there once.

    Args:
        folder: of the run.
        curves: by name, a number for every finished step; NaN where it is not known.
        steps_per_epoch: to tell the epoch of a step.
    """
    rows = [
        {"step": step, "epoch": step // steps_per_epoch}
        | {
            name: None if math.isnan(value) else value
            for name, value in zip(curves, values, strict=True)
        }
        for step, values in enumerate(zip(*curves.values(), strict=True))
    ]
    table = io.StringIO()
    writer = csv.DictWriter(table, ("step", "epoch", *curves), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(folder / "metrics.csv", table.getvalue().encode())
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    write_atomic(folder / "metrics.jsonl", lines.encode())
    if find_spec("tensorboard"):
        _write_events(folder / "tensorboard", rows, tuple(curves))


def _write_events(folder: Path, rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """One event file with every step once, in place of the one before."""
    from torch.utils.tensorboard import SummaryWriter  # slow to import, and optional

    building = beside_of(folder)
    shutil.rmtree(building, ignore_errors=True)
    with SummaryWriter(str(building)) as events:
        for row in rows:
            for name in names:
                if row[name] is not None:
                    events.add_scalar(name, row[name], row["step"])
    if folder.exists():
        remove_folder(folder)
    building.rename(folder)
