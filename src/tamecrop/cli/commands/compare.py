"""`tamecrop compare`: train and probe crop policies with the same seeds."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli import training
from tamecrop.cli.command import Command, Work, check_folder, check_plans, say


def declare_engine(parser: ArgumentParser) -> None:
    """Add where trainings run, and how many side by side."""
    parser.add_argument(
        "--engine",
        type=str,
        default="local",
        help="where cells run: local, ray (ray:address=HOST:PORT,cpus=1,gpus=1) or slurm "
        "(slurm:partition=NAME,time=4h,gpus=1); see docs/scaling.md",
    )
    parser.add_argument(
        "--jobs",
        type=PositiveInt | None,
        default=None,
        help="cells side by side; by default one a CPU core, or one a GPU; as many as a Ray "
        "cluster has room for; 16 under SLURM",
    )


def declare_cells(parser: ArgumentParser) -> None:
    """Add what every command has that runs a grid of trainings."""
    declare_engine(parser)
    parser.add_argument("--cells", type=str | None, default=None, help="a part of them, as in 3/8")
    parser.add_argument(
        "--merge", type=Path, nargs="+", default=[], help="add cells of these folders or files"
    )
    parser.add_argument(
        "--across",
        action="store_true",
        help="mix cells of other data, settings or numbers knowingly",
    )


def part(text: str | None) -> tuple[int, int]:
    """The part of the cells that `--cells` names: number and how many parts.

    >>> part("3/8")
    (3, 8)
    """
    if text is None:
        return (1, 1)
    found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
    if found is None or int(found[1]) > int(found[2]):
        raise ValueError(f"`cells` must be written PART/PARTS, as in 3/8, got {text!r}")
    return int(found[1]), int(found[2])


def choose_jobs(parsed: Namespace) -> int:
    """Cells side by side, once the engine is found to be there."""
    from tamecrop.studies import choose_engine

    engine = choose_engine(parsed.engine)
    engine.check()
    return parsed.jobs or engine.default_jobs()


def check_merge(paths: Sequence[Path]) -> None:
    """Refuse a `--merge` of what is not there."""
    for path in paths:
        if not path.exists():
            raise ValueError(f"`merge` must name folders or files with cells, got {path}")


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:
    settings = training.declare(parser, words)
    parser.add_argument(
        "--policies",
        type=str,
        nargs="+",
        default=list(settings.policies),
        help="crop policies; the first is the baseline",
    )
    parser.add_argument(
        "--seeds",
        type=PositiveInt | str,
        default=settings.seeds,
        help="how many; auto:0.5 until half a point can be told, at most 50 (auto:0.5,most=20)",
    )
    parser.add_argument(
        "--equal",
        type=str,
        nargs="+",
        default=["epochs"],
        help="epochs, or time: a policy whose epochs cost more gets fewer of them; or both",
    )
    parser.add_argument("--out", type=Path, default=Path("compare"), help="folder for results")
    declare_cells(parser)


def _prepare(parsed: Namespace, effective: str) -> Work:
    policies = check_plans(parsed.policies)
    shard = part(parsed.cells)
    check_merge(parsed.merge)
    if parsed.cells is not None and str(parsed.seeds).startswith("auto"):
        raise ValueError(
            "`cells` names a part of cells that are known beforehand, which those of --seeds auto "
            "are not; any number of commands may share one --out instead"
        )

    from rich.console import Console

    from tamecrop.cli.display import display
    from tamecrop.learning.watching import StopFlag, signals_raise
    from tamecrop.studies import check, comparison, publish, read_seeds, run, store
    from tamecrop.studies.equal_time import read_equal

    jobs = choose_jobs(parsed)
    many, equal = read_seeds(parsed.seeds), read_equal(parsed.equal)
    chosen = training.choose(parsed, policies, needs=("labels",))
    out = check_folder(parsed.out, parsed.data)
    asked = comparison(
        chosen.whole, policies, chosen.recipe, seeds=many, out=out, jobs=jobs, equal=equal
    )
    study = replace(
        asked,
        across=parsed.across,
        shard=shard,
        config=effective,
    )
    check(study, parsed.merge)
    store.gather(out, parsed.merge, across=parsed.across)

    def work() -> None:
        flag = StopFlag()
        with signals_raise(flag), display(Console()) as listener:
            summary = run(study, jobs=jobs, engine=parsed.engine, listener=listener, stop=flag)
        publish(study, summary)
        say(f"report: {out / 'report.html'}")

    return work


COMMAND = Command("train and probe crop policies with the same seeds", _declare, _prepare)
