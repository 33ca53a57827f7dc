"""`tamecrop predict`: the paper's probe accuracy of crop policies, from their geometry alone."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli.command import Command, Work, checked_policies, say

if TYPE_CHECKING:
    from tamecrop.paper.prediction import Prediction


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("policies", type=str, nargs="+", help="crop policies, text form")
    parser.add_argument("--size", type=PositiveInt, default=32, help="side of your images, px")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    from tamecrop.paper.prediction import predict

    policies = checked_policies(parsed.policies)

    def work() -> None:
        found = [predict(each, side=parsed.size) for each in policies]
        if parsed.json:
            say(json.dumps([asdict(each) for each in found], indent=2))
        else:
            _show(found)

    return work


def _show(found: Sequence["Prediction"]) -> None:
    width = max(len(each.policy) for each in found)
    say("probe accuracy, % (90 % interval)")
    for each in found:
        say(f"{each.policy:<{width}}  {_numbers(each)}")
    say("CIFAR-10, ResNet-18, 200 epochs, no resize, no color jitter: see docs/predict.md")


def _numbers(each: "Prediction") -> str:
    if each.accuracy is None or each.low is None or each.high is None:
        return f"not in regime: {each.reason}"
    low, high = 100 * each.low, 100 * each.high
    return f"{100 * each.accuracy:.1f}  ({low:.1f} to {high:.1f})"


COMMAND = Command("predict the paper's probe accuracy from geometry alone", _declare, _prepare)
