"""`tamecrop recipes`: the settings that `--preset` names, with paper, number, cost and command."""

import json
from collections.abc import Sequence

from jsonargparse import ArgumentParser, Namespace

from tamecrop.cli.command import Command, Work, entry, say
from tamecrop.studies.recipes import RECIPES, header, recipe


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("--json", action="store_true", help="print a list of objects")


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    found = {name: facts(header(name)) for name in RECIPES}

    def work() -> None:
        if parsed.json:
            listed = [
                {"name": name, **stated, "policies": recipe(name).policies}
                for name, stated in found.items()
            ]
            say(json.dumps(listed, indent=2))
            return
        for name, stated in found.items():
            summary, command = stated["summary"], stated["command"]
            shown = {key: stated[key] for key in ("paper", "expect", "cost")}
            shown["policies"] = ", ".join(recipe(name).policies)
            say(entry(name, summary, shown, command=command))
        say("tamecrop compare --preset NAME --print_config prints every setting")

    return work


def facts(head: str) -> dict[str, str]:
    r"""What a recipe's header states: its summary, paper, expected number, cost and command.

    Raises:
        ValueError: when one of them is missing.

    >>> facts("One line.\n\nPaper: none.\nExpect: 1 %.\nCost: 2 s.\nCommand: tamecrop")["cost"]
    '2 s.'
    """
    summary, _, rest = head.partition("\n\n")
    found = {"summary": " ".join(summary.split())}
    for line in rest.splitlines():
        name, colon, value = line.partition(": ")
        if colon and name in ("Paper", "Expect", "Cost", "Command"):
            found[name.lower()] = value.strip()
        elif line.strip():
            found[list(found)[-1]] += " " + line.strip()
    missing = {"paper", "expect", "cost", "command"} - found.keys()
    if missing:
        raise ValueError(f"a recipe's header must state {', '.join(sorted(missing))}, got {head!r}")
    return found


COMMAND = Command("list the recipes with paper, expected number, cost, command", _declare, _prepare)
