"""What the files of commands share: what a command is, its output, checks of what was typed."""

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from jsonargparse import ArgumentParser, Namespace

from tamecrop.cli import printable
from tamecrop.geometry import ViewPlan, plan, rules
from tamecrop.geometry.policy import Policy, policy

Work = Callable[[], None]
_Parsed = TypeVar("_Parsed")
_WIDEST = 120
"""Columns of prose: a line of more is hard to read on any terminal."""


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


def say(text: str) -> None:
    """Write lines to standard output, with what cannot be printed escaped."""
    sys.stdout.write("".join(f"{printable(line)}\n" for line in text.split("\n")))
    sys.stdout.flush()


def tell_data(account: str, notes: Sequence[str] = ()) -> None:
    """Say what was read of data, in one line, and what a person should know of it.

    Args:
        account: As a data set or an audit has it; empty for what a caller holds.
        notes: Sentences.
    """
    for line in (*([f"data: {account}"] if account else []), *notes):
        say(printable(line))


def entry(name: str, summary: str, fields: Mapping[str, str], *, command: str = "") -> str:
    """A named thing with what is known of it, wrapped to the terminal's width.

    Args:
        name: On a line of its own.
        summary: Below the name.
        fields: What each word is about, and the word for it.
        command: A command line, which stays on one line so that it can be copied.
    """
    column = max(map(len, (*fields, "command" if command else ""))) + 2
    width = min(shutil.get_terminal_size((100, 24)).columns, _WIDEST)
    paragraphs = {"": summary} | dict(fields)
    lines = [name]
    for title, text in paragraphs.items():
        start = f"  {title:<{column}}" if title else "  "
        lines += textwrap.wrap(
            text,
            width,
            initial_indent=start,
            subsequent_indent=" " * len(start),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join([*lines, *([f"  {'command':<{column}}{command}"] if command else []), ""])


def check_policies(texts: Sequence[str]) -> tuple[Policy, ...]:
    """Parse every policy before the first is used; two that mean the same are refused.

    Args:
        texts: Crop policies, at least one.

    Raises:
        ValueError: Naming the policy, and why it is refused.
    """
    return _distinct(texts, [policy(text) for text in texts])


def check_plans(texts: Sequence[str]) -> tuple[ViewPlan, ...]:
    """Parse every view plan before the first is used; two that mean the same are refused.

    Args:
        texts: Policies or view plans, at least one.

    Raises:
        ValueError: Naming the plan, and why it is refused.
    """
    return _distinct(texts, [plan(text) for text in texts])


def _distinct(texts: Sequence[str], parsed: Sequence[_Parsed]) -> tuple[_Parsed, ...]:
    if not texts:
        raise ValueError("`policies` must name at least one crop policy, such as rc:scale=0.8")
    for place, each in enumerate(parsed):
        if each in parsed[:place]:
            raise ValueError(f"`policies` must differ, got {texts[place]!r} twice")
    return tuple(parsed)


def check_folder(path: Path, data: str | Path = "") -> Path:
    """Make the folder that results go to, and make sure that it can be written.

    Args:
        path: The folder; its parents are made too.
        data: What is read: results in a folder of data are told to be no data.

    Raises:
        ValueError: If there is a file of that name, or it is the folder of the data.
        PermissionError: If it cannot be written.
    """
    if lies_inside(path, data):
        if path.resolve() == Path(data).resolve():
            raise ValueError(f"`out` must not be the data itself: {path / 'results'} may lie in it")
        _refuse_images(path)
        say(f"{path} lies inside {data}: results there are never read as data")
    if path.exists() and not path.is_dir():
        raise ValueError(f"`out` must be a folder, got the file {path}")
    path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK):
        raise PermissionError(f"`out` must be writable, got {path}")
    return path


def _refuse_images(path: Path) -> None:
    """Refuse a folder of data that holds images: they would be results, and learned no more.

    Raises:
        ValueError: naming one of them.
    """
    from tamecrop.data.listing import OUTPUTS
    from tamecrop.data.opening import suffixes

    if path.is_dir() and not any((path / name).exists() for name in OUTPUTS):
        images = sorted(each for each in path.iterdir() if each.suffix.lower() in suffixes())
        if images:
            raise ValueError(f"`out` must not be a folder of the data's images, got {images[0]}")


def lies_inside(path: Path, data: str | Path) -> bool:
    """Whether a path is a folder of data or in one.

    Args:
        path: Of something to write, which need not be there.
        data: What the user named, perhaps no folder.
    """
    return (
        str(data) != ""
        and Path(data).is_dir()
        and path.resolve().is_relative_to(Path(data).resolve())
    )


def check_picture(path: Path, data: str | Path = "") -> Path:
    """Make sure that a PNG can be written at a path.

    Args:
        path: Where the picture goes.
        data: What is read: in a folder of data only `views.png` at its top is known as no data.

    Raises:
        ValueError: If the name is not that of a PNG, its folder is missing, or it would be data.
    """
    if lies_inside(path, data) and path.resolve() != Path(data).resolve() / "views.png":
        raise ValueError(
            f"`out` must lie outside of the data, where it would be an image to learn from, or be "
            f"{Path(data) / 'views.png'}, got {path}"
        )
    if path.suffix.lower() != ".png":
        raise ValueError(f"`out` must end in .png, got {path}")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"`out` must lie in an existing folder, got {path}")
    return path


def check_target(words: Sequence[str], known: Sequence[str]) -> tuple[str, float]:
    """The one target that `--match` names, such as `iou=0.45`.

    Args:
        words: Every `--match` that was given.
        known: Names of the targets.

    Raises:
        ValueError: For several targets, an unknown one, or no number.
    """
    if len(words) != 1 or "," in words[0]:
        raise ValueError(f"`match` must name one target, got {', '.join(words)}")
    name, equals, number = (word.strip() for word in words[0].partition("="))
    if not equals:
        raise ValueError(f"`match` must be written TARGET=VALUE, got {words[0]!r}")
    rules.known("target", name, known)
    try:
        return name, float(number)
    except ValueError as error:
        raise ValueError(f"`{name}` must be a number, got {number!r}") from error
