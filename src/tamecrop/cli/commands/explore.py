"""`tamecrop explore`: a local page on which a person moves a crop policy and looks."""

import threading
from collections.abc import Sequence

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import NonNegativeInt

from tamecrop.cli.command import Command, Work, check_plans, say

_POLICIES = ("rrc:scale=0.2..1", "gcc:scale=0.4,sigma=0.2165")


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument(
        "data", type=str, nargs="?", default="scenes", help="an image file, or data as for `audit`"
    )
    parser.add_argument(
        "--policies",
        nargs="+",
        default=list(_POLICIES),
        help="one or two crop policies or view plans to start from",
    )
    parser.add_argument(
        "--port", type=NonNegativeInt, default=0, help="of this machine; 0 takes a free one"
    )


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    plans = check_plans(parsed.policies)
    if len(plans) > 2:
        raise ValueError(f"`policies` must be one or two, got {len(plans)}")

    from tamecrop.audit.explore import open_album
    from tamecrop.cli import explorer

    say(f"reading {parsed.data}")
    album = open_album(parsed.data)
    for note in album.notes:
        say(note)
    page = explorer.build_page(album, [str(each) for each in plans])

    def work() -> None:
        address = explorer.serve(page, parsed.port or explorer.find_port())
        say(f"{address}  for this machine alone; Ctrl-C ends it")
        try:
            threading.Event().wait()
        finally:
            page.close(verbose=False)

    return work


COMMAND = Command(
    "move a crop policy over your images on a local page, and look", _declare, _prepare
)
