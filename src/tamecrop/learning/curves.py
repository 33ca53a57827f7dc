"""What a run records of every step, as files too, and what is left of it when it is finished."""

import csv
import io
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tamecrop.files import beside_of, remove_folder, write_atomic
from tamecrop.learning.backbones import Backbone

WHOLE_BOXES, KNN, WAITING, QUEUED = "whole_boxes", "knn", "waiting", "queued"
COLLAPSED = 0.05
"""Features whose standard deviation, see `methods.base.spread`, is lower are all alike: a collapse
ends at 0 (Chen and He, SimSiam, 2021)."""
WAITED = 0.2
"""A run that waits for views in a larger share of its time is told so."""
_SAVED_AS = {"loss": "losses", "feature_std": "feature_stds"}


class Curves(dict[str, list[float]]):
    """A number for every step, by name; NaN where there is none.

    Always `loss`, `feature_std` and `waiting`, the share of the step's time that was waited for
    views; `queued`, how many batches workers had ready when that of the step was asked for,
    `whole_boxes`, the share of the encoder's boxes that are the whole image, and `knn`, an accuracy
    after some epochs, in runs that have them. Of several processes the first one is watched.

    Args:
        more: names beside the first three.
    """

    def __init__(self, more: tuple[str, ...] = ()) -> None:
        super().__init__({name: [] for name in (*_SAVED_AS, WAITING, *more)})

    @property
    def steps(self) -> int:
        """Recorded steps."""
        return len(self["loss"])

    def add(self, **values: float) -> None:
        """The numbers of a step; NaN for a name that has none."""
        for name, curve in self.items():
            curve.append(values.get(name, math.nan))

    def tensors(self) -> dict[str, Tensor]:
        """float64 `(steps,)` each, by name."""
        return {name: torch.tensor(curve, dtype=torch.float64) for name, curve in self.items()}

    def state(self) -> dict[str, Tensor]:
        """The same, by the names that a checkpoint has for them."""
        return {_SAVED_AS.get(name, name): curve for name, curve in self.tensors().items()}

    def restore(self, saved: Mapping[str, Tensor]) -> None:
        """Take what `state` gave; a curve that is not there is not known so far."""
        unknown = torch.full_like(saved["losses"], math.nan)
        for name in self:
            self[name] = saved.get(_SAVED_AS.get(name, name), unknown).tolist()


def write_curves(
    folder: Path, curves: Mapping[str, Sequence[float]], *, steps_per_epoch: int
) -> None:
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


@dataclass(frozen=True, eq=False)
class Run:
    """A finished pre-training.

    Args:
        backbone: the network kept, in eval mode.
        curves: float64 `(steps,)` each, by name; see `Curves`.
        steps_per_epoch: of the run.
        seconds: of training, over all parts of a run that was resumed.
        compile_seconds: of compiling before the first step, in this part; not in `seconds`.
        images_per_second: source images trained on per second, over all parts.
        waiting: share of this part's time in which it waited for views; see `Progress`.
    """

    backbone: Backbone
    curves: Mapping[str, Tensor]
    steps_per_epoch: int
    seconds: float
    compile_seconds: float
    images_per_second: float
    waiting: float = 0.0

    @property
    def losses(self) -> Tensor:
        """float64 `(steps,)`, the loss of every step."""
        return self.curves["loss"]

    @property
    def feature_stds(self) -> Tensor:
        """float64 `(steps,)`, how far features of a batch varied in every step.

        About 1 for independent features, 0 when all are alike; NaN in steps of older versions.
        """
        return self.curves["feature_std"]

    @property
    def epoch_losses(self) -> list[float]:
        """Mean loss of each epoch."""
        return self.by_epoch("loss")

    @property
    def is_collapsed(self) -> bool:
        """Whether the features of the last epoch are alike for all images."""
        return self.by_epoch("feature_std")[-1] < COLLAPSED

    def watched(self) -> dict[str, Any]:
        """What the record of a study's cell holds of the curves beside the loss."""
        last = {name: _known(self.by_epoch(name)[-1]) for name in self.curves if name != KNN}
        judged = self.by_epoch(KNN) if KNN in self.curves else []
        return {
            "feature_std": last["feature_std"],
            "whole_boxes": last.get(WHOLE_BOXES),
            "online_knn": tuple(map(_known, judged)),
            "waiting": _known(self.curves[WAITING].nanmean().item()),
        }

    def by_epoch(self, name: str) -> list[float]:
        """Mean of a curve over each epoch, without steps that have no number; NaN for none."""
        means: list[float] = self.curves[name].reshape(-1, self.steps_per_epoch).nanmean(1).tolist()
        return means


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
