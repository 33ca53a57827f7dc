"""policies made comparable: solve for a free parameter so that an expectation reaches a target.

The expectations are exact where `expectations` has a closed form. Elsewhere (random and joint
extents, pairs in an IoU band) they are means over `PAIRS` keyed draws, always the same ones, so
that the mean moves smoothly with the parameter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tamecrop.geometry import boxes, expectations, parameters, rules
from tamecrop.geometry.plans import ViewPlan, only_policy
from tamecrop.geometry.policy import Policy
from tamecrop.geometry.search import Outcome, search

Size = tuple[int, int]
Measure = Callable[[Policy, Size], float]

PAIRS = 50_000
"""Images drawn, two views each, for policies without a closed form: a standard error near 0.001."""

_SEED = 0
_SIDES = 32
_FLAT = 1e-6


@dataclass(frozen=True)
class Goal:
    """What should come out.

    Args:
        name: of the expectation, for messages.
        value: its target, in [0, 1].
        measure: the expectation of a policy.
    """

    name: str
    value: float
    measure: Callable[[Policy], float]

    def __post_init__(self) -> None:
        holds = rules.is_number(self.value) and 0 <= self.value <= 1
        rules.require(self.name, f"0 <= {self.name} <= 1", self.value, holds=holds)


class Gaps(NamedTuple):
    """What came out less what was asked for."""

    iou: float
    area: float


@dataclass(frozen=True)
class Matched:
    """A policy at two targets, as near as whole pixels let it come.

    Args:
        policy: the policy.
        iou: its mean content IoU.
        area: its mean content area.
        gaps: both less their targets.
    """

    policy: Policy
    iou: float
    area: float
    gaps: Gaps


def mean_iou(policy: Policy, size: Size) -> float:
    """Mean IoU of the contents of the two views of an image."""
    if policy.extent.kind == "fixed" and policy.has_closed_form:
        return expectations.pair_law(policy, size).iou
    content = _drawn_content(policy, size)
    return float(boxes.iou(content[:, 0], content[:, 1]).mean())


def mean_area(policy: Policy, size: Size) -> float:
    """Mean area of the content of a view as a share of the image."""
    if policy.has_closed_form:
        return expectations.view_law(policy, size).content_area
    return float(boxes.area(_drawn_content(policy, size)).mean() / (size[0] * size[1]))


MEASURES: dict[str, Measure] = {"iou": mean_iou, "area": mean_area}


def match(
    policy: str | Policy | ViewPlan,
    name: str | None = None,
    *,
    size: Size = (32, 32),
    iou: float | None = None,
    area: float | None = None,
) -> Policy:
    """The policy whose mean content IoU, or mean content area, is as asked for.

    Args:
        policy: the policy to start from.
        name: the parameter that is free: `scale`, `sigma`, `alpha`, `padding` or `a`. By default
            the policy's spread, as its text states it; `scale` where the center has none. Of a
            range of scales the low end is free.
        size: image size (height, width) in pixels.
        iou: target of the mean content IoU of a pair, in [0, 1]. Exactly one of the two.
        area: target of the mean content area of a view as a share of the image, in [0, 1].

    Returns:
        The policy with the smallest value found that reaches the target to 1e-3, in few digits.

    Raises:
        ValueError: when no value does, with what can be reached.

    >>> match("gcc:scale=0.4", iou=0.45)
    Policy('gcc:scale=0.4,sigma=0.1308')
    """
    policy = only_policy(policy, "matching")
    targets = {"iou": iou, "area": area}
    stated = [(key, value) for key, value in targets.items() if value is not None]
    if len(stated) != 1:
        raise ValueError(f"exactly one of `iou` and `area` must be given, got {targets}")
    return solve(policy, goal(*stated[0], size), name, size=size)


def goal(name: str, value: float, size: Size) -> Goal:
    """A goal of pure geometry: `iou` or `area` on images of one size."""
    rules.known("target", name, MEASURES)
    return Goal(name, value, lambda policy: MEASURES[name](policy, size))


def solve(policy: Policy, goal: Goal, name: str | None = None, *, size: Size = (32, 32)) -> Policy:
    """The policy that reaches a goal; see `match`.

    Args:
        policy: the policy to start from.
        goal: any expectation of a policy.
        name: the free parameter; the policy's own by default.
        size: image size (height, width): it bounds `scale`.

    Raises:
        ValueError: when no value of the parameter reaches the goal.
    """
    name = name or parameters.pick_parameter(policy)
    found = _searched(policy, goal, name, size)
    if found.solution is None:
        raise ValueError(_unreachable(name, parameters.find_span(policy, name, size), goal, found))
    return parameters.with_value(policy, name, found.solution.x)


def match_pair(
    policy: str | Policy | ViewPlan,
    names: tuple[str, str] = ("scale", "padding"),
    *,
    iou: float,
    area: float,
    size: Size = (32, 32),
) -> Matched:
    """The policy nearest to a mean content IoU and a mean content area at once.

    Box sides are whole pixels, so both can rarely be met. For each box side the second parameter
    is solved for the IoU, to 1e-3; of these policies the one whose area is nearest is returned. Of
    more than 32 sides, evenly spaced ones are tried first, then the neighbors of the best.

    Args:
        policy: a policy of fixed extent.
        names: `"scale"` and the parameter that is solved for.
        iou: target of the mean content IoU of a pair, in [0, 1].
        area: target of the mean content area of a view as a share of the image, in [0, 1].
        size: image size (height, width) in pixels.

    Raises:
        ValueError: when no box side reaches the IoU.

    >>> match_pair("rc_pad", iou=0.43, area=0.55, size=(8, 8)).policy
    Policy('rc_pad:scale=1,padding=0.4497')
    """
    policy = only_policy(policy, "matching")
    if names[0] != "scale":
        raise ValueError(f"`names` must be scale and another parameter, got {names}")
    goals = goal("iou", iou, size), goal("area", area, size)
    places = parameters.find_scales(policy, size)

    def best(scales: list[float]) -> Matched:
        policies = [parameters.with_value(policy, "scale", scale) for scale in scales]
        return _nearest([_solved(each, names[1], goals, size) for each in policies], goals)

    step = -(-len(places) // _SIDES)
    coarse = best(places[::step])
    middle = places.index(parameters.read_value(coarse.policy, "scale"))
    return best(places[max(middle - step + 1, 0) : middle + step]) if step > 1 else coarse


def _solved(policy: Policy, name: str, goals: tuple[Goal, Goal], size: Size) -> Matched | None:
    """The policy that reaches the first goal, and how far it is from both; None if none does."""
    found = _searched(policy, goals[0], name, size)
    if found.solution is None:
        return None
    reached = parameters.with_value(policy, name, found.solution.x)
    iou, area = found.solution.y, goals[1].measure(reached)
    return Matched(reached, iou, area, Gaps(iou - goals[0].value, area - goals[1].value))


def _nearest(tried: list[Matched | None], goals: tuple[Goal, Goal]) -> Matched:
    found = [each for each in tried if each is not None]
    if not found:
        raise ValueError(f"no box side reaches {goals[0].name} {goals[0].value:g}")
    return min(found, key=lambda matched: abs(matched.gaps.area))


def _searched(policy: Policy, goal: Goal, name: str, size: Size) -> Outcome:
    span = parameters.find_span(policy, name, size)
    return search(lambda x: goal.measure(parameters.with_value(policy, name, x)), goal.value, span)


def _drawn_content(policy: Policy, size: Size) -> boxes.Boxes:
    drawn = policy.draw(size, views=2, seed=_SEED, index=np.arange(PAIRS))
    return boxes.clip(drawn, size)


def _unreachable(name: str, span: tuple[float, float], goal: Goal, found: Outcome) -> str:
    """Why no value reaches the goal, and what can be reached."""
    (_, low), (_, high) = found.lowest, found.highest
    values = f"`{name}` in {span[0]:.4g}..{span[1]:.4g}"
    if high - low < _FLAT:
        return f"no value of {values} moves {goal.name}: it is always {low:.4g}, not {goal.value:g}"
    reach = f"no value of {values} reaches {goal.name} {goal.value:g}: reachable is "
    if found.beside is None:
        return f"{reach}{low:.4g} to {high:.4g}"
    sides = " and ".join(f"{y:.4g} ({name}={x:.4g})" for x, y in found.beside)
    return f"{reach}{low:.4g} to {high:.4g} in steps, the nearest of which are {sides}"
