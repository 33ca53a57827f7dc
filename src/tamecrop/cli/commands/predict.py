"""`tamecrop predict`: the paper's probe accuracy of crop policies, from their geometry alone."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from tamecrop.cli.command import Command, Work, check_policies, say
from tamecrop.geometry.plans import read_size

if TYPE_CHECKING:
    from tamecrop.paper.prediction import Prediction, Ranked


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("policies", type=str, nargs="+", help="crop policies, text form")
    parser.add_argument("--size", type=str, default="32", help="side of your images in pixels")
    parser.add_argument("--epochs", type=PositiveInt, default=200, help="of pre-training")
    parser.add_argument(
        "--rank", action="store_true", help="order the policies without numbers, for any training"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    policies = check_policies(parsed.policies)
    height, width = read_size(parsed.size)
    if height != width:
        raise ValueError(f"`size` must be one side, got {parsed.size}")

    from tamecrop.paper.prediction import predict, rank

    def work() -> None:
        if parsed.rank:
            _show_ranking(rank(policies, side=height), as_json=parsed.json)
            return
        found = [predict(each, side=height, epochs=parsed.epochs) for each in policies]
        if parsed.json:
            say(json.dumps([asdict(each) for each in found], indent=2))
        else:
            _show(found)

    return work


def _show_ranking(found: Sequence["Ranked"], *, as_json: bool) -> None:
    if as_json:
        say(json.dumps([asdict(each) for each in found], indent=2))
        return
    say("the best predicted first; no number holds outside the paper's training")
    for each in found:
        say(f"{each.place}  {each.policy}" if each.place else f"-  {each.policy}: {each.reason}")


def _show(found: Sequence["Prediction"]) -> None:
    width = max(len(each.policy) for each in found)
    say("probe accuracy, % (range that held the error of 90 % of the cells left out)")
    for each in found:
        say(f"{each.policy:<{width}}  {_write_numbers(each)}")
    say("CIFAR-10, ResNet-18, 200 epochs, no resize, no color jitter: see docs/predict.md")


def _write_numbers(each: "Prediction") -> str:
    if each.accuracy is None or each.low is None or each.high is None:
        return f"not in regime: {each.reason}"
    low, high = 100 * each.low, 100 * each.high
    return f"{100 * each.accuracy:.1f}  ({low:.1f} to {high:.1f})"


COMMAND = Command("predict the paper's probe accuracy from geometry alone", _declare, _prepare)
