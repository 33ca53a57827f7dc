"""Checks of what a person typed, done before anything is computed."""

import os
from collections.abc import Sequence
from pathlib import Path

from tamecrop.geometry import rules
from tamecrop.geometry.plans import ViewPlan, plan
from tamecrop.geometry.policy import Policy, policy


def checked_policies(laws: Sequence[str]) -> tuple[Policy, ...]:
    """Parse every law before the first is used; two that mean the same are refused.

    Args:
        laws: Text forms, at least one.

    Returns:
        The policies, in order.

    Raises:
        ValueError: Naming the law, and why it is refused.
    """
    if not laws:
        raise ValueError("`policies` must name at least one crop law, such as rc:scale=0.8")
    found = tuple(policy(law) for law in laws)
    for place, each in enumerate(found):
        if each in found[:place]:
            raise ValueError(f"`policies` must differ, got {laws[place]!r} twice")
    return found


def checked_plans(texts: Sequence[str]) -> tuple[ViewPlan, ...]:
    """Parse every view plan before the first is used; two that mean the same are refused.

    Args:
        texts: Policies or view plans, at least one.

    Raises:
        ValueError: Naming the plan, and why it is refused.
    """
    if not texts:
        raise ValueError("`policies` must name at least one crop policy, such as rc:scale=0.8")
    found = tuple(plan(text) for text in texts)
    for place, each in enumerate(found):
        if each in found[:place]:
            raise ValueError(f"`policies` must differ, got {texts[place]!r} twice")
    return found


def checked_folder(path: Path) -> Path:
    """Make the folder that results go to, and make sure that it can be written.

    Args:
        path: The folder; its parents are made too.

    Raises:
        ValueError: If there is a file of that name.
        PermissionError: If it cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise ValueError(f"`out` must be a folder, got the file {path}")
    path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK):
        raise PermissionError(f"`out` must be writable, got {path}")
    return path


def checked_picture(path: Path) -> Path:
    """Make sure that a PNG can be written at a path.

    Args:
        path: Where the picture goes.

    Raises:
        ValueError: If the name is not that of a PNG, or its folder is missing.
    """
    if path.suffix.lower() != ".png":
        raise ValueError(f"`out` must end in .png, got {path}")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"`out` must lie in an existing folder, got {path}")
    return path


def checked_target(words: Sequence[str], known: Sequence[str]) -> tuple[str, float]:
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
