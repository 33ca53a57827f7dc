"""`tamecrop data check`: find every unreadable file of a folder before training does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace

from tamecrop.cli.command import Command, Work, printable, say

if TYPE_CHECKING:
    from tamecrop.data.quarantine import Told


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("action", type=str, help="check: decode every file, list the unreadable")
    parser.add_argument("data", type=Path, help="a folder of image files")
    parser.add_argument(
        "--bad_share", type=float, default=0.01, help="share of unreadable files to accept"
    )


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    from tamecrop.data import checking
    from tamecrop.geometry import rules

    rules.known("action", parsed.action, ("check",))
    rules.ordered("bad_share", (0.0, parsed.bad_share), low=0, high=1)
    paths = checking.listed(parsed.data)

    def work() -> None:
        with _progress() as told:
            found = checking.check(parsed.data, paths, bad_share=parsed.bad_share, told=told)
        for line in (*found.lines, found.summary):
            say(printable(line))
        found.require_few()

    return work


@contextmanager
def _progress() -> Iterator["Told"]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("decoding", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


COMMAND = Command("check a folder of images: `data check DATA`", _declare, _prepare)
