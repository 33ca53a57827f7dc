"""`tamecrop bench`: what views and a training step cost here, beside other libraries."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import NonNegativeFloat, PositiveInt

from tamecrop.cli import training
from tamecrop.cli.command import Command, Work, say

if TYPE_CHECKING:
    from rich.table import Table

    from tamecrop.studies.bench import Bench
    from tamecrop.studies.turns import Part


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:
    training.declare(parser, words)
    parser.add_argument(
        "--policy", type=str, default="rrc:scale=0.2..1", help="the view plan, or one policy"
    )
    parser.add_argument("--rounds", type=PositiveInt, default=5, help="in which all take turns")
    parser.add_argument(
        "--seconds", type=NonNegativeFloat, default=0.15, help="that a turn lasts at least"
    )
    parser.add_argument("--out", type=Path, default=Path("bench.json"), help="the JSON to write")


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    from tamecrop.geometry.plans import plan

    views = plan(parsed.policy)

    from rich.console import Console

    from tamecrop.learning import methods
    from tamecrop.reporting.jsonfiles import write_json
    from tamecrop.studies.bench import bench

    if not parsed.out.absolute().parent.is_dir():
        raise ValueError(f"`out` must lie in an existing folder, got {parsed.out}")
    chosen = training.choose(parsed, (views,), needs=())
    settings = chosen.recipe.training
    methods.require_usable(settings.method, views, batch_size=settings.batch_size)

    def work() -> None:
        found = bench(chosen.dataset, views, settings, rounds=parsed.rounds, seconds=parsed.seconds)
        write_json(parsed.out, found)
        console = Console()
        for part in (found.boxes, found.views, found.colored, found.stages, found.step):
            console.print(_table(part))
        for line in closing_lines(found):
            say(line)
        say(f"{parsed.out}: every number, with hardware and versions")

    return work


def _table(part: "Part") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=f"{part.title}, {part.unit}", title_justify="left")
    table.add_column("", overflow="fold")
    for name in ("median", "lowest", "highest", "first over this"):
        table.add_column(name, justify="right", no_wrap=True)
    first = part.rates[0].per_second
    for each in part.rates:
        numbers = (f"{rate:,.0f}" for rate in (each.per_second, each.low, each.high))
        table.add_row(each.name, *numbers, f"x {first / each.per_second:.2f}")
    for name in part.missing:
        table.add_row(f"{name}: not installed", "", "", "", "")
    return table


def closing_lines(found: "Bench") -> list[str]:
    """What the tables do not say: the share of views, memory, and where this was measured."""
    step, here, memory = found.batch_size / found.step.rate("network"), found.environment, []
    memory = [f"views {found.memory.views:,.0f} MiB", f"steps {found.memory.step:,.0f} MiB"]
    if found.memory.device is not None:
        memory.append(f"on the device {found.memory.device:,.0f} MiB")
    return [
        f"a step of {found.batch_size} images with {found.backbone}: {1000 * step:,.0f} ms, "
        f"and {100 * found.views_share:.0f} % of the time is views when one process makes both",
        f"highest memory of the process: {', '.join(memory)}",
        f"{found.images} images of {found.megapixels:g} Mpx a turn, plan {found.plan}, medians of "
        f"{found.rounds} rounds in which all take turns",
        f"{here.hardware}, {here.cores} cores, {here.threads} threads in a step, "
        f"torch {here.versions['torch']}, commit {here.commit}",
    ]


COMMAND = Command(
    "measure what views and a training step cost here, beside other libraries", _declare, _prepare
)
