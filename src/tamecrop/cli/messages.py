"""Errors in words for a person: one line that names the thing, the rule and what to do."""

import difflib
import re
from argparse import ArgumentError
from collections.abc import Iterable

from jsonargparse import ArgumentParser

from tamecrop.cli.output import printable

_SPEAKING = (ValueError, TypeError, OSError, ArgumentError)


def one_line(error: Exception) -> str:
    """The message of an error on one line; its kind too where the message alone says little."""
    words = printable(" ".join(str(error).split()))
    if isinstance(error, _SPEAKING) and words:
        return re.sub(r'^Parser key "([^"]+)":', r"`\1`:", words)
    return f"{type(error).__name__}: {words} (--debug shows where)"


def refuse_unknown_options(parser: ArgumentParser, words: Iterable[str]) -> None:
    """Refuse an option that the parser does not know, with the nearest one it knows.

    Args:
        parser: The command's parser, fully declared.
        words: What the person typed after the command.

    Raises:
        ValueError: Naming the option and its nearest neighbor.
    """
    known = [option for action in parser._actions for option in action.option_strings]
    for word in words:
        name = word.partition("=")[0]
        if name.startswith("--") and name not in known:
            raise ValueError(f"unknown option {name}{nearest(name, known)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint `: did you mean ...?`, or nothing when no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f": did you mean {near[0]}?" if near else ""
