"""From words to a command that has checked what it was told."""

import difflib
import importlib
import os
import pkgutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentParser, Namespace, get_loader, set_loader

from tamecrop.cli import commands
from tamecrop.cli.command import Command, Work
from tamecrop.version import VERSION

_SUMMARY = "Choose, judge and compare the crop policies of contrastive pre-training."
_CLOSING = """\
`tamecrop COMMAND --help` explains a command; --debug shows the traceback of an error. Exit codes:
0 done, 1 the run failed, 2 wrong use; 130 stopped by Ctrl-C, 143 by SIGTERM: at the next step,
saved, and the same command continues; a second signal stops at once."""
_load_yaml = get_loader("yaml")
_PATHS = ("data", "words")
"""Arguments of text that may be paths."""


def prepare(words: list[str]) -> Work:
    """Parse the words, and let the command check all that it can before its work."""
    set_loader("yaml", load_plain_yaml, exceptions=(yaml.YAMLError,))
    names = command_names()
    if not words[0].startswith("-") and words[0] not in names:
        there = ", ".join(names)
        raise ValueError(
            f"unknown command {words[0]}{_nearest(words[0], names)} (there are {there})"
        )
    # A command that is named is the only one whose file is loaded; a list of them needs them all.
    named = names if words[0].startswith("-") else words[:1]
    known = {name: _Parser(find_command(name)) for name in named}
    parser = ArgumentParser(
        prog="tamecrop",
        description=_SUMMARY,
        epilog=_CLOSING,
        version=VERSION,
        exit_on_error=False,
        allow_abbrev=False,
        print_config=None,
    )
    subcommands = parser.add_subcommands(dest="command", metavar="COMMAND", description=None)
    for name, each in known.items():
        subcommands.add_subcommand(name, each, help=each.command.summary)
        each.prog = f"tamecrop {name}"
    parsed = parser.parse_args(words)
    chosen = known[parsed.command]
    given = parsed[parsed.command]
    expand_home(given)
    return chosen.command.prepare(given, chosen.dump(given))


def expand_home(given: Namespace) -> None:
    """Read `~` as a person's home in every path: behind `--out=` no shell does."""
    for name, value in vars(given).items():
        if isinstance(value, Path):
            given[name] = Path(os.path.expanduser(value))
        elif isinstance(value, list) and (name in _PATHS or isinstance([*value, 0][0], Path)):
            given[name] = [type(path)(os.path.expanduser(path)) for path in value]
        elif name in _PATHS and isinstance(value, str):
            given[name] = os.path.expanduser(value)


class _Parser(ArgumentParser):
    """The parser of one command, which declares its arguments when its words are there."""

    def __init__(self, command: Command) -> None:
        super().__init__(description=command.summary, exit_on_error=False, allow_abbrev=False)
        self.command = command

    def parse_args(  # type: ignore[override]  # argparse's overloads
        self, args: Sequence[str] | None = None, **options: Any
    ) -> Namespace:
        """Declare the arguments, some of whose defaults depend on the words, and parse."""
        words = list(args or ())
        self.command.declare(self, words)
        known = [option for action in self._actions for option in action.option_strings]
        for name in (word.partition("=")[0] for word in words):
            if name.startswith("--") and name not in known:
                raise ValueError(f"unknown option {name}{_nearest(name, known)}")
        return super().parse_args(words, **options)


def command_names() -> list[str]:
    """Names of the commands, sorted: one for each file in `tamecrop.cli.commands`."""
    return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


def find_command(name: str) -> Command:
    """The command of that name: `COMMAND` of its file."""
    found: Command = importlib.import_module(f"tamecrop.cli.commands.{name}").COMMAND
    return found


def load_plain_yaml(text: str) -> Any:
    """What a text of YAML says; tags are refused by its safe loader, aliases here.

    A few lines of aliases of aliases stand for millions of values, and whatever walks through
    them never ends.

    Raises:
        yaml.YAMLError: for aliases, for tags that name code, and for what is no YAML.
    """
    if "&" in text:
        events: Any = yaml.parse(text, Loader=yaml.SafeLoader)
        if any(isinstance(event, yaml.AliasEvent) for event in events):
            raise yaml.YAMLError("aliases (`*name`) are not read: write the values out")
    return _load_yaml(text)


def _nearest(name: str, known: Iterable[str]) -> str:
    """A hint `: did you mean ...?`, or nothing when no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f": did you mean {near[0]}?" if near else ""
