"""`tamecrop compare`: train and probe crop laws with the same seeds."""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli import training
from tamecrop.cli.command import Command, Work, checked_folder, checked_policies, say


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:
    settings = training.declare(parser, words)
    parser.add_argument(
        "--policies",
        type=str,
        nargs="+",
        default=list(settings.policies),
        help="crop laws, text form; the first is the reference",
    )
    parser.add_argument("--seeds", type=PositiveInt, default=settings.seeds, help="how many")
    parser.add_argument("--out", type=Path, default=Path("compare"), help="folder for results")


def _prepare(parsed: Namespace, effective: str) -> Work:
    policies = checked_policies(parsed.policies)

    from rich.console import Console

    from tamecrop.cli.display import display
    from tamecrop.learning.stopping import StopFlag, signals_raise
    from tamecrop.studies.compare import check, compare
    from tamecrop.studies.publishing import Study

    chosen = training.chosen(parsed, needs=("labels", *training.needs(policies)))
    out = checked_folder(parsed.out)
    seeds = tuple(range(parsed.seeds))
    study = Study(chosen.dataset, policies, chosen.recipe, seeds, out, effective)
    check(study)

    def work() -> None:
        flag = StopFlag()
        with signals_raise(flag), display(Console()) as listener:
            compare(study, listener=listener, stop=flag)
        say(f"report: {out / 'report.html'}")

    return work


COMMAND = Command("train and probe crop laws with the same seeds", _declare, _prepare)
