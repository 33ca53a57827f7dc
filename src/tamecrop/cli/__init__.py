"""The command line: parse, call, print. Nothing here computes, and `--help` imports no torch."""

import sys
from collections.abc import Sequence

WRONG_USE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, see `tamecrop.cli.app.main`; one line without the `train` extra.

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


def is_ours(error: ModuleNotFoundError) -> bool:
    """Whether the module that is missing is one of this package: a defect, not a missing extra."""
    return (error.name or "tamecrop").partition(".")[0] == "tamecrop"


def missing(error: ModuleNotFoundError) -> str:
    """What to do when a package is not installed."""
    return f"{(error.name or '').partition('.')[0]} is not installed: pip install 'tamecrop[train]'"


__all__ = ["main"]
