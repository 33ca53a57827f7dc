"""`tamecrop audit`: what crop policies do to real images, without training on crops."""

import os
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli.command import Command, Work, check_folder, check_plans, say, tell_data

if TYPE_CHECKING:
    from tamecrop.audit.records import Audit
    from tamecrop.cli.tables import Layout

_POLICIES = ("rc:scale=0.4", "rc_pad:scale=0.4", "gcc:scale=0.4,sigma=0.2165", "cgcc:scale=0.4")

_ON_THE_PAGE = ("Empty", "Area (stated)", "Placements", "Object in view", "An object in both")
"""Columns that the terminal's table leaves to the page."""
_GIVE_WAY = ("False positives", "Zero overlap", "Cosine", "Content")
"""Columns that are left to the page next, where a terminal is narrow."""

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
    tell_data(subject.account, subject.notes)
    job = prepare(subject, plans, settings)
    out = check_folder(parsed.out, parsed.data)

    def work() -> None:
        _print_table(run(replace(job, out=out), report=say))
        say(f"report: {out / 'report.html'}")

    return work


def _print_table(audit: "Audit") -> None:
    """One row a policy that was named; numbers in percent but IoU and placements."""
    from rich.console import Console

    from tamecrop.audit import wording
    from tamecrop.cli import tables

    console = Console()
    is_known = console.is_terminal or "COLUMNS" in os.environ
    width = console.width if is_known else _PLAIN_WIDTH
    say(f"crop policies on {audit.data}")
    rows = [(row.policy, *row.cells) for row in wording.list_rows(audit)]
    layouts = lay_out(("crop policy", *wording.list_columns(audit)), rows)
    place, layout = tables.fit(layouts, width)
    Console(width=width).print(tables.draw(layout))
    if left := left_out(layouts[0], layouts[place]):
        say(f"on the page: {', '.join(left)}")
    for line in wording.say_fallbacks(audit):
        say(line)


def lay_out(head: Sequence[str], rows: Sequence[Sequence[str]]) -> "list[Layout]":
    """The table of an audit from its fullest form to its barest.

    Errors go below their values first, then columns are left to the page, one after the other.

    Args:
        head: of the columns; the first one is that of the policies.
        rows: their cells.
    """
    kept = [place for place, name in enumerate(head) if name not in _ON_THE_PAGE]
    found: list[Layout] = []
    for left in range(len(_GIVE_WAY) + 1):
        places = [place for place in kept if head[place] not in _GIVE_WAY[:left]]
        for sign in (" ± ", "\n± "):
            body = [[row[place].replace(" ± ", sign) for place in places] for row in rows]
            columns = list(zip(*body, strict=True))[1:]
            heads = (
                _wrap(head[place], cells) for place, cells in zip(places[1:], columns, strict=True)
            )
            found.append(([head[0], *heads], body))
    return found


def left_out(full: "Layout", taken: "Layout") -> list[str]:
    """Names of the columns of a layout that another one has not, in the order they give way."""
    names, others = ({head.replace("\n", " ") for head in each[0]} for each in (full, taken))
    return [name for name in _GIVE_WAY if name in names - others]


def _wrap(head: str, cells: Sequence[str]) -> str:
    """A head over as many lines as its cells or its longest word ask for."""
    parts = [*head.split(), *(line for cell in cells for line in cell.split("\n"))]
    return "\n".join(textwrap.wrap(head, max(map(len, parts))))


COMMAND = Command("what crop policies do to real images, without training", _declare, _prepare)
