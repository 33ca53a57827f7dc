"""What every method learns on a CPU in five epochs: does its loss fall, are its features better?

20,000 images of CIFAR-10, a `resnet7w16`, batches of 32 to 256, one thread. Nearest neighbors judge
the features before and after on the test images; settings other than a method's defaults were
chosen on the validation images. One file a method, `results/methods/<name>.json`; a method whose
file is there is passed over, and a stopped run goes on from its checkpoint.

`python benchmarks/methods_sanity.py cifar10 --work runs [--only byol] [--epochs 20]`; what more
epochs come to has a file of its own, `byol_20_epochs.json`.
"""

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from tamecrop.data import Dataset, cut_to, load
from tamecrop.learning import methods
from tamecrop.learning.backbones import Backbone, backbone
from tamecrop.learning.config import Pretraining, SettledPrecision
from tamecrop.learning.evaluate import knn_accuracy
from tamecrop.learning.features import of_split
from tamecrop.learning.pretrain import pretrain
from tamecrop.reporting.environment import environment

RESULTS = Path(__file__).parents[1] / "results" / "methods"
IMAGES, SEED, POINTS = 20_000, 0, 0.08
TWO = "rrc:scale=0.2..1 @28"
MANY = "8x rrc:scale=0.15..0.5 @16"
TRAINING = Pretraining(
    backbone="resnet7w16",
    optimizer="adam",
    learning_rate=3e-3,
    weight_decay=0.0,
    epochs=5,
    warmup_epochs=1,
    batch_size=256,
    photometric="simclr",
    precision="32-true",
    save_every=1,
)


@dataclass(frozen=True)
class Case:
    """A method's settings for so short a training.

    Args:
        method: its text.
        plan: of the views.
        learning_rate: Adam's.
        batch_size: of an epoch's steps there are more in smaller ones.
        precision: of the forward pass.
    """

    method: str
    plan: str = TWO
    learning_rate: float = 3e-3
    batch_size: int = 256
    precision: SettledPrecision = "32-true"


CASES = {
    "simclr": Case("simclr"),
    "moco": Case("moco:queue=2048"),
    "moco_v3": Case("moco_v3"),
    "byol": Case("byol:momentum=0.9", TWO, 7e-4, 32, "bf16-mixed"),
    "simsiam": Case("simsiam:dimension=512,hidden=128", TWO, 1e-3, 64),
    "barlow_twins": Case("barlow_twins:hidden=512,dimension=512", TWO, 1e-3, 64),
    "vicreg": Case("vicreg:hidden=512,dimension=512"),
    "swav": Case("swav:prototypes=64", TWO, 2e-3, 64),
    "dino": Case("dino:momentum=0.995,prototypes=1024", MANY, 2e-3, 64, "bf16-mixed"),
    "emp_ssl": Case("emp_ssl", "8x emp @16"),
}


def neighbors(network: Backbone, dataset: Dataset) -> dict[str, float]:
    """Accuracy of nearest neighbors on validation and test, fractions."""
    train, *judged = (
        of_split(network, dataset, split)
        for split in (dataset.train, dataset.validation, dataset.test)
    )
    names = ("validation", "test")
    return {
        name: knn_accuracy(train, part, classes=len(dataset.classes or ()))
        for name, part in zip(names, judged, strict=True)
    }


def measure(name: str, epochs: int, dataset: Dataset, work: Path) -> dict[str, object]:
    """Train one method and judge its features before and after."""
    case = CASES[name]
    config = replace(
        TRAINING,
        method=case.method,
        learning_rate=case.learning_rate,
        batch_size=case.batch_size,
        precision=case.precision,
        epochs=epochs,
    )
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        before = neighbors(backbone(config.backbone).eval(), dataset)
    out = work / "-".join(
        (
            methods.canonical(case.method).replace(":", "_"),
            f"{case.learning_rate}",
            f"{case.batch_size}",
            f"{epochs}",
        )
    )
    run = pretrain(dataset, case.plan, config, out, seed=SEED)
    after = neighbors(run.backbone, dataset)
    gain = after["test"] - before["test"]
    return {
        "method": case.method,
        "plan": case.plan,
        "training": config.decisive(),
        "train_images": len(dataset.train),
        "validation_images": len(dataset.validation),
        "test_images": len(dataset.test),
        "seeds": 1,
        "knn_untrained": before,
        "knn": after,
        "gain_points": round(100 * gain, 2),
        "holds": {"gain": gain >= POINTS, "loss": run.epoch_losses[-1] < run.epoch_losses[0]},
        "epoch_losses": run.epoch_losses,
        "epoch_feature_std": run.feature_stds.reshape(config.epochs, -1).mean(1).tolist(),
        "seconds": run.seconds,
        "environment": asdict(environment()),
    }


def main() -> None:
    """Measure what has no file yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--epochs", type=int, default=TRAINING.epochs)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    dataset = cut_to(load(chosen.data, needs=("labels",)), IMAGES)
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in chosen.only:
        longer = "" if chosen.epochs == TRAINING.epochs else f"_{chosen.epochs}_epochs"
        file = RESULTS / f"{name}{longer}.json"
        if file.exists():
            continue
        found = measure(name, chosen.epochs, dataset, chosen.work)
        file.write_text(json.dumps(found, indent=2) + "\n")
        print(f"{name:<14} {found['gain_points']:>6} points, {found['holds']}", flush=True)


if __name__ == "__main__":
    main()
