"""The paper's probe on backbones that a study of `tamecrop paper` has trained, beside its own.

The study must have kept its weights: `tamecrop paper DATA --preset medium --keep_weights`. The
paper's probe fits on train and validation images together, with batch norm in train mode; a cell
has the frozen probe, which chooses on validation. A cell that the file has is passed over, and a
stopped run goes on.

`python benchmarks/paper_probe.py OUT DATA` adds to `results/paper/medium_paper_probe.json`; several
studies of one file may be named one after the other. `--without augmentation adaptation` leaves
parts of the paper's probe out; such cells stand beside those of the whole probe.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import torch

from common import RESULTS
from tamecrop.data import Dataset, load
from tamecrop.files import write_atomic
from tamecrop.learning.paper_probe import Part, paper
from tamecrop.learning.run_folder import CHECKPOINTS, open_run
from tamecrop.reporting.environment import environment
from tamecrop.studies import store
from tamecrop.studies.cells import Cell

FILE = RESULTS.parent / "paper" / "medium_paper_probe.json"


def probe(cell: Cell, run_folder: Path, dataset: Dataset, without: list[Part]) -> dict[str, object]:
    """Both probes of one cell."""
    run = open_run(run_folder)
    images = dataset.normalized(run.normalize)
    found = paper(run.backbone, images, seed=cell.seed, without=without)
    return {
        "policy": cell.policy,
        "protocol": cell.protocol,
        "seed": cell.seed,
        "without": without,
        "frozen": cell.linear_accuracy,
        "paper": found.accuracy,
        "paper_validation": found.validation_accuracy,
        "epochs": found.epochs,
        "commit_of_training": cell.environment.commit,
        "environment": asdict(environment()),
    }


def main() -> None:
    """Probe the cells that are not in the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("data")
    parser.add_argument("--without", nargs="+", default=[], choices=get_args(Part))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    dataset = load(chosen.data, needs=("labels",))
    for cell in store.read(chosen.study):
        run_folder = store.run_folder(chosen.study, cell.key)
        done = json.loads(FILE.read_text()) if FILE.exists() else []
        named = ("policy", "protocol", "seed", "without")
        known = [[each[name] for name in named] for each in done]
        if [*cell.key, chosen.without] in known or not (run_folder / CHECKPOINTS).exists():
            continue
        done.append(probe(cell, run_folder, dataset, chosen.without))
        write_atomic(FILE, (json.dumps(done, indent=2) + "\n").encode())
        print({key: value for key, value in done[-1].items() if key != "environment"}, flush=True)


if __name__ == "__main__":
    main()
