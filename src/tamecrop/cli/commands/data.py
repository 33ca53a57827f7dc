"""`tamecrop data check`: find everything that is wrong in data before training does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli.command import Command, Work, printable, say

if TYPE_CHECKING:
    from tamecrop.data.quarantine import Told


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument(
        "action",
        type=str,
        help="check: decode every file, read every label file, list all that is wrong",
    )
    parser.add_argument("data", type=Path, help="a folder of image files, or an .npz archive")
    parser.add_argument(
        "--bad_share", type=float, default=0.01, help="share of unreadable files to accept"
    )
    parser.add_argument(
        "--most_pixels", type=PositiveInt | None, default=None, help="of an image, to read it"
    )


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    from tamecrop.audit import checking
    from tamecrop.geometry import rules

    rules.known("action", parsed.action, ("check",))
    rules.ordered("bad_share", (0.0, parsed.bad_share), low=0, high=1)
    if parsed.data.suffix.lower() == ".npz" and parsed.data.is_file():
        return lambda: _check_archive(parsed.data)
    paths = checking.list_files(parsed.data)

    def work() -> None:
        with _progress() as told:
            found = checking.check(
                parsed.data,
                paths,
                bad_share=parsed.bad_share,
                most_pixels=parsed.most_pixels,
                told=told,
            )
        account = () if found.account is None else (f"data: {found.account}",)
        for line in (*found.lines, found.summary, *account):
            say(printable(line))
        found.require_few()

    return work


def _check_archive(path: Path) -> None:
    """Say everything that is wrong in an archive, or what it holds."""
    from tamecrop.data import archives

    problems = archives.check(path)
    for line in problems or (f"data: {archives.read(path).account}",):
        say(printable(line))
    if problems:
        raise ValueError(f"{path}: {len(problems)} problems, the first: {problems[0]}")


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
