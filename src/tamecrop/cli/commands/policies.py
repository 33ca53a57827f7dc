"""`tamecrop policies`: the preset policies, with source, defaults and note."""

import dataclasses
import json
from collections.abc import Sequence

from jsonargparse import ArgumentParser, Namespace

from tamecrop.cli.command import Command, Work, entry, say
from tamecrop.geometry.policy import policy
from tamecrop.geometry.presets import PRESETS


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("--json", action="store_true", help="print a list of objects")


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    def work() -> None:
        if parsed.json:
            listed = [
                {
                    "name": name,
                    "note": each.note,
                    "when": each.when,
                    "source": each.source,
                    "defaults": defaults(name),
                }
                for name, each in PRESETS.items()
            ]
            say(json.dumps(listed, indent=2))
            return
        for name, each in PRESETS.items():
            stated = ", ".join(f"{key}={value}" for key, value in defaults(name).items())
            fields = {"when": each.when, "defaults": stated, "source": each.source}
            say(entry(name, each.note, fields))
        say("A policy is a name and the settings to change: gcc:scale=0.4,sigma=0.2165")

    return work


def defaults(name: str) -> dict[str, str]:
    """Every setting of a preset policy, as text.

    >>> defaults("rc")["center"]
    'uniform'
    """
    _, _, stated = str(dataclasses.replace(policy(name), name="crop")).partition(":")
    return dict(pair.split("=") for pair in stated.split(","))


COMMAND = Command("list the preset policies with source, defaults and note", _declare, _prepare)
