"""What a command is, and which there are: one for each file in `tamecrop.cli.commands`."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jsonargparse import ArgumentParser, Namespace

from tamecrop.cli import commands

Work = Callable[[], None]


@dataclass(frozen=True)
class Command:
    """A command in three steps, so that wrong use is told from a failed run.

    Attributes:
        summary: One line for the list of commands.
        declare: Adds arguments to a parser; it gets the raw words too, for defaults that
            depend on them. Imports nothing heavy.
        prepare: Gets what was parsed, and all of it as YAML. Checks everything that can be
            checked and returns the work. Errors raised here are wrong use (exit 2); errors raised
            by the work are a failed run (exit 1).
    """

    summary: str
    declare: Callable[[ArgumentParser, Sequence[str]], None]
    prepare: Callable[[Namespace, str], Work]


def names() -> list[str]:
    """Names of the commands, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


def command(name: str) -> Command:
    """The command of that name: `COMMAND` of its file."""
    found: Command = importlib.import_module(f"tamecrop.cli.commands.{name}").COMMAND
    return found
