"""`tamecrop runs`: which runs lie below a folder, and whether their checkpoints are whole."""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from tamecrop.cli.command import Command, Work, say


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument(
        "words",
        type=str,
        nargs="*",
        metavar="[verify] [folder]",
        help="`verify` reads every checkpoint whole (exit 1 when one is damaged); the folder is .",
    )
    parser.add_argument("--json", action="store_true", help="print a list of objects")


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    words = list(parsed.words or [])
    verify = words[:1] == ["verify"]
    folders = words[verify:] or ["."]
    if len(folders) > 1:
        raise ValueError(f"`folder` must be one folder, got {' '.join(folders)}")

    import time

    from rich.console import Console

    from tamecrop.cli.tables import show
    from tamecrop.studies.inventory import as_json, require_whole, runs

    root = Path(folders[0])
    if not root.is_dir():
        raise ValueError(f"`folder` must be an existing folder, got {root}")

    def work() -> None:
        found = runs(root, verify=verify)
        if parsed.json:
            say(as_json(found))
        elif found:
            show(found, Console(), now=time.time())
        else:
            say(f"no runs below {root}")
        if verify:
            require_whole(found)

    return work


COMMAND = Command(
    "list runs and their states; `runs verify` checks every checksum", _declare, _prepare
)
