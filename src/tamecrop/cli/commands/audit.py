"""`tamecrop audit`: what crop policies do to real images, without training on crops."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli.command import Command, Work, check_folder, check_plans, say

if TYPE_CHECKING:
    from tamecrop.audit.records import Audit

_POLICIES = ("rc:scale=0.4", "rc_pad:scale=0.4", "gcc:scale=0.4,sigma=0.2165", "cgcc:scale=0.4")

_ON_THE_PAGE = ("Empty", "Area (stated)", "Placements", "Object in view", "An object in both")
"""Columns that the terminal's table leaves to the page."""
_PLAIN_WIDTH = 120


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("data", type=str, nargs="?", default="scenes", help="a name or a path")
    parser.add_argument(
        "--policies", nargs="+", default=list(_POLICIES), help="crop policies or view plans"
    )
    parser.add_argument(
        "--current", type=str, default="rrc:scale=0.2..1", help="the policy in use today"
    )
    parser.add_argument(
        "--sweep",
        nargs="*",
        default=[],
        help="key=low:high:count, for every policy that has the key, such as sigma=0.05:0.5:10",
    )
    parser.add_argument(
        "--coverage", type=float, default=0.5, help="share of an object that a view must cover"
    )
    parser.add_argument(
        "--reference",
        type=str,
        default="auto",
        help="auto, none, small, torchvision:NAME[@FILE], timm:NAME[@FILE] or run:FOLDER",
    )
    parser.add_argument("--images", type=PositiveInt, default=50_000, help="images audited at most")
    parser.add_argument(
        "--draws",
        type=PositiveInt | None,
        default=None,
        help="of each image; by default 40,000 pairs in all",
    )
    parser.add_argument("--seed", type=int, default=0, help="key of scenes and draws")
    parser.add_argument("--out", type=Path, default=Path("audit"), help="folder for results")


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    say(f"reading {parsed.data}")
    plans = check_plans(parsed.policies)
    (current,) = check_plans([parsed.current])

    from tamecrop.audit.prepare import Settings, prepare
    from tamecrop.audit.run import run
    from tamecrop.audit.subject import find_subject

    settings = Settings(
        current=current,
        sweeps=parsed.sweep,
        coverage=parsed.coverage,
        reference=parsed.reference,
        draws=parsed.draws,
        seed=parsed.seed,
    )
    subject = find_subject(parsed.data, seed=parsed.seed, most=parsed.images)
    job = prepare(subject, plans, settings)
    out = check_folder(parsed.out)

    def work() -> None:
        _print_table(run(replace(job, out=out), report=say))
        say(f"report: {out / 'report.html'}")

    return work


def _print_table(audit: "Audit") -> None:
    """One row a policy that was named; numbers in percent but IoU and placements."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from tamecrop.audit import wording

    table = Table(box=box.SIMPLE_HEAD, title=f"crop policies on {audit.data}", title_justify="left")
    table.add_column("crop policy", overflow="fold", min_width=16)
    heads = wording.list_columns(audit)
    shown = [place for place, name in enumerate(heads) if name not in _ON_THE_PAGE]
    for place in shown:
        table.add_column(heads[place], justify="right")
    for row in wording.list_rows(audit):
        table.add_row(row.policy, *(row.cells[place] for place in shown))
    console = Console()
    console.print(table, width=None if console.is_terminal else _PLAIN_WIDTH)


COMMAND = Command("what crop policies do to real images, without training", _declare, _prepare)
