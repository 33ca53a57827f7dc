"""`tamecrop data check`: find everything that is wrong in data before training does."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli import printable
from tamecrop.cli.command import Command, Work, say

if TYPE_CHECKING:
    from tamecrop.audit.checking import Checked
    from tamecrop.data.quarantine import Told


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument(
        "action",
        type=str,
        help="check: decode every file, read every label file, list all that is wrong",
    )
    parser.add_argument(
        "data", type=str, help="a folder, an .npz archive, wds:PATTERN, hf:PATH, or a name"
    )
    parser.add_argument(
        "--bad_share", type=float, default=0.01, help="share of unreadable files to accept"
    )
    parser.add_argument(
        "--most_pixels", type=PositiveInt | None, default=None, help="of an image, to read it"
    )


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    from tamecrop.audit import checking
    from tamecrop.data import sources
    from tamecrop.geometry import rules

    rules.known("action", parsed.action, ("check",))
    rules.ordered("bad_share", (0.0, parsed.bad_share), low=0, high=1)
    sources.require_spec(parsed.data)
    path = Path(parsed.data)
    if path.suffix.lower() == ".npz" and path.is_file():
        return lambda: _check_archive(path)
    options = {"bad_share": parsed.bad_share, "most_pixels": parsed.most_pixels}
    if path.is_dir():
        paths = checking.list_files(path)
        return lambda: _tell(partial(checking.check, path, paths, **options))
    if checking.is_source(parsed.data):
        return lambda: _tell(partial(checking.check_source, parsed.data, **options))
    found = sources.find(parsed.data)
    return lambda: say(f"data: {found.account}")


def _tell(check: "Callable[..., Checked]") -> None:
    """Check, and say all that was found."""
    from tamecrop.data.box_records import Problems

    try:
        with _progress() as told:
            found = check(told=told)
    except Problems as error:
        for line in error.each:
            say(printable(line))
        raise
    _say_found([*found.lines, found.summary], found.account)
    found.require_few()


def _say_found(lines: Sequence[str], account: Sequence[str]) -> None:
    """What is wrong; then what a load reads, and its notes."""
    first, *notes = account or ("",)
    for line in (*lines, *([f"data: {first}"] if first else []), *notes):
        say(printable(line))


def _check_archive(path: Path) -> None:
    """Say everything that is wrong in an archive, or what it holds."""
    from tamecrop.audit.checking import tell_doubles
    from tamecrop.data import archives

    problems = archives.check(path)
    if problems:
        _say_found(problems, ())
        raise ValueError(f"{path}: {len(problems)} problems, the first: {problems[0]}")
    found = archives.read(path)
    _say_found((), (found.account, *found.notes, *tell_doubles(found)))


@contextmanager
def _progress() -> Iterator["Told"]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("decoding", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


COMMAND = Command("check data before training: `data check DATA`", _declare, _prepare)
