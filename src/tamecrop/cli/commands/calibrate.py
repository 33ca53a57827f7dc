"""`tamecrop calibrate`: solve a crop policy for a target, so that policies compare at equal IoU."""

import json
from collections.abc import Sequence

from jsonargparse import ArgumentParser, Namespace

from tamecrop.cli.command import Command, Work, check_target, say
from tamecrop.geometry import Policy, matching, parameters, plan, read_size

_TARGETS = (*matching.MEASURES, "coverage")


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:  # noqa: ARG001  one signature
    parser.add_argument("policy", type=str, help="the crop policy to start from, text form")
    parser.add_argument(
        "--match",
        action="append",
        type=str,
        required=True,
        metavar="TARGET=VALUE",
        help="iou=0.45: mean content IoU of a pair; area=0.3: mean content area of a view; "
        "coverage=0.8: mean coverage of the best-covered object by a view, with --data",
    )
    parser.add_argument(
        "--free",
        type=str | None,
        default=None,
        help=f"the parameter to move ({', '.join(parameters.NAMES)}); by default its spread, "
        "or scale where it has none; of a range of scales the low end",
    )
    parser.add_argument("--size", type=str | None, default=None, help="side, or HEIGHTxWIDTH: 32")
    parser.add_argument("--data", type=str | None, default=None, help="data with object boxes")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _prepare(parsed: Namespace, effective: str) -> Work:  # noqa: ARG001  one signature
    start = plan(parsed.policy).only_group("`calibrate`").policy
    name, value = check_target(parsed.match, _TARGETS)
    if (name == "coverage") != (parsed.data is not None):
        raise ValueError(f"`data` must be given for coverage and for nothing else, got {name}")
    if parsed.data is not None and parsed.size is not None:
        raise ValueError("`size` must be left out with data, whose images have their own")
    size = read_size(parsed.size or "32")
    if parsed.data is None:
        goal = matching.goal(name, value, size)
    else:
        goal, size = _on_data(parsed.data, value, start)
    moved = parsed.free or parameters.pick_parameter(start)
    parameters.find_span(start, moved, size)

    def work() -> None:
        solved = matching.solve(start, goal, moved, size=size)
        found = {
            "policy": str(solved),
            moved: parameters.read_value(solved, moved),
            name: goal.measure(solved),
        }
        if parsed.json:
            say(json.dumps(found))
        else:
            say(str(solved))

    return work


def _on_data(source: str, value: float, start: Policy) -> tuple[matching.Goal, tuple[int, int]]:
    """The goal of covering objects of a data set, and the size of its smallest image."""
    from tamecrop.audit.measures.objects import ObjectCoverage
    from tamecrop.data.sources import load

    ObjectCoverage.require_known(start)
    measure = ObjectCoverage(load(source, needs=("pixels", "known_boxes")).train)
    return matching.Goal("coverage", value, measure), (measure.smallest_side,) * 2


COMMAND = Command("solve a crop policy for an IoU, an area or a coverage", _declare, _prepare)
