"""What teaches most in a minute of CPU: candidates for the recipe `small`, judged on validation.

`rrc` on all of CIFAR-10 but the validation images, one seed, one thread, and about 300 seconds of
CPU each: SimCLR with Adam at 0.003 and batches of 256; features judged at 32 px. CPU time is of
pre-training alone. A case that the file has is passed over, and a stopped run goes on.

`python benchmarks/small.py cifar10 --work runs` adds to `results/benchmarks/small.json`;
`--ten_minutes 2` trains the recipe on all cores instead, which two of them take ten minutes for,
with two seeds, and judges it on test: `results/benchmarks/ten_minutes.json`. Nothing else should
run then.
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter, process_time

import torch

from common import RESULTS
from tamecrop.data import Dataset, load
from tamecrop.learning.evaluate import evaluate
from tamecrop.learning.pretrain import pretrain
from tamecrop.reporting.environment import environment
from tamecrop.studies.recipes import recipe

# Policy text, and what differs from the recipe.
CASES = (
    ("rrc:scale=0.2..1 @32", {"backbone": "resnet7w16", "epochs": 14}),
    ("rrc:scale=0.2..1 @32", {"epochs": 7}),
    ("rrc:scale=0.2..1 @24", {"epochs": 11}),
    ("rrc:scale=0.2..1 @20", {"epochs": 15}),
    ("rrc:scale=0.2..1 @24", {"epochs": 11, "method": "simclr:temperature=0.1"}),
)
FILE = RESULTS / "small.json"

PLAN = "rrc:scale=0.2..1 @24"
WHOLE_FILE = RESULTS / "ten_minutes.json"


def measure(
    plan: str, changes: dict[str, object], dataset: Dataset, work: Path
) -> dict[str, object]:
    """Train one candidate and judge it by the linear probe on validation."""
    config = replace(recipe("small").training, **changes)
    out = work / f"{plan} {' '.join(map(str, changes.values()))}".replace(":", "_")
    start = process_time()
    run = pretrain(dataset, plan, config, out)
    seconds = process_time() - start
    found = evaluate(run.backbone, dataset, size=config.size)  # of it validation alone is read
    return {
        "plan": plan,
        "changes": changes,
        "backbone": config.backbone,
        "cpu_seconds": round(seconds),
        "validation_accuracy": found.validation_accuracy,
        "seeds": 1,
        "environment": asdict(environment()),
    }


def measure_whole(seed: int, dataset: Dataset, work: Path) -> dict[str, object]:
    """Train the recipe on all cores and judge it on test; the seconds are of a clock on the wall.

    A run that is there already is not trained again: it knows how long it took.
    """
    config = recipe("small").training
    run = pretrain(dataset, PLAN, config, work / f"ten minutes, seed {seed}", seed=seed)
    start = perf_counter()
    found = evaluate(run.backbone, dataset, size=config.size, seed=seed)
    return {
        "plan": PLAN,
        "epochs": config.epochs,
        "seed": seed,
        "training_seconds": round(run.seconds),
        "probe_seconds": round(perf_counter() - start),
        "linear_accuracy": found.linear_accuracy,
        "knn_accuracy": found.knn_accuracy,
        "validation_accuracy": found.validation_accuracy,
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
        "environment": asdict(environment()),
    }


def main() -> None:
    """Measure the cases that are not in the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--ten_minutes", type=int, metavar="SEEDS")
    chosen = parser.parse_args()
    dataset = load(chosen.data, needs=("labels",))
    if chosen.ten_minutes:
        found = [measure_whole(seed, dataset, chosen.work) for seed in range(chosen.ten_minutes)]
        WHOLE_FILE.write_text(json.dumps(found, indent=2) + "\n")
        return
    torch.set_num_threads(1)
    done = json.loads(FILE.read_text()) if FILE.exists() else []
    for plan, changes in CASES:
        if any(each["plan"] == plan and each["changes"] == changes for each in done):
            continue
        done.append(measure(plan, changes, dataset, chosen.work))
        FILE.write_text(json.dumps(done, indent=2) + "\n")
        print({key: value for key, value in done[-1].items() if key != "environment"}, flush=True)


if __name__ == "__main__":
    main()
