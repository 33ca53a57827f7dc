"""`tamecrop evaluate`: nearest neighbors and both linear probes of a finished run."""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from tamecrop.cli.command import Command, Work, say, tell_data


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("run", type=Path, help="folder of `tamecrop pretrain`, or a cell's")
    parser.add_argument("--data", type=str, default=None, help="other data than it was trained on")
    parser.add_argument("--data_seed", type=int, default=0, help="key of scenes and splits")
    parser.add_argument(
        "--labels", type=float, nargs="+", default=[], help="shares of labels, such as 0.01 0.1"
    )
    parser.add_argument("--probe", type=str, default="frozen", help="frozen or paper")


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    from tamecrop.data.sources import load
    from tamecrop.geometry.rules import fraction, known
    from tamecrop.learning.evaluate import evaluate
    from tamecrop.learning.run_folder import open_run

    known("probe", parsed.probe, ("frozen", "paper"))
    for share in parsed.labels:
        fraction("labels", share)
    run = open_run(parsed.run)
    dataset = load(parsed.data or run.data, seed=parsed.data_seed, needs=("labels",))
    tell_data(dataset.account, dataset.notes)
    dataset = dataset.normalized(run.normalize)

    def work() -> None:
        found = evaluate(
            run.backbone,
            dataset,
            probe=parsed.probe,
            size=run.size,
            seed=run.seed,
            few=parsed.labels,
        )
        few = "".join(
            f", linear with {100 * share:g} % of the labels {100 * accuracy:.1f} %"
            for share, accuracy in found.few_labels.items()
        )
        say(
            f"{parsed.run}: {run.policy}, {run.step} steps on {run.data}, on {dataset.name}: "
            f"linear ({parsed.probe}) {100 * found.linear_accuracy:.1f} %, "
            f"kNN {100 * found.knn_accuracy:.1f} %{few} of {len(dataset.test):,} test images"
        )

    return work


COMMAND = Command("judge the features of a pre-trained backbone", _declare, _prepare)
