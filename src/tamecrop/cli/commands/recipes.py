"""`tamecrop recipes`: the settings that `--preset` names, with paper, number, cost and command."""

import json
from collections.abc import Sequence
from typing import Any

from jsonargparse import ArgumentParser, Namespace

from tamecrop.cli.command import Command, Work, entry, say
from tamecrop.studies.recipes import RECIPES


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("--json", action="store_true", help="print a list of objects")


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    def work() -> None:
        if parsed.json:
            say(json.dumps([_plain(name) for name in RECIPES], indent=2))
            return
        for name, each in RECIPES.items():
            shown = {key: getattr(each, key) for key in ("paper", "expect", "cost")}
            shown["policies"] = ", ".join(each.recipe.policies)
            say(entry(name, each.summary, shown, command=each.command))
        say("tamecrop compare --preset NAME --print_config prints every setting")

    return work


def _plain(name: str) -> dict[str, Any]:
    stated = RECIPES[name]._asdict()
    policies = stated.pop("recipe").policies
    return {"name": name, **stated, "policies": policies}


COMMAND = Command("list the recipes with paper, expected number, cost, command", _declare, _prepare)
