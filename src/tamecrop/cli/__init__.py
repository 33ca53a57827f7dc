"""The command line: parse, call, print. Nothing here computes, and `--help` imports no torch."""

import sys
from collections.abc import Sequence

from tamecrop.on_demand import is_ours, missing

WRONG_USE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, see `tamecrop.cli.app.main`; one line without its packages.

    Args:
        arguments: The words after `tamecrop`; by default the process's own.

    Returns:
        The exit code.
    """
    try:
        from tamecrop.cli.app import main as run
    except ModuleNotFoundError as error:
        if is_ours(error):
            raise
        sys.stderr.write(f"tamecrop: error: {missing(error)}\n")
        return WRONG_USE
    return run(arguments)


__all__ = ["main"]
