"""Which policies to use: from an audit and published gains, or from short trainings of a few."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tamecrop.audit.dropping import ERROR
from tamecrop.audit.evidence import BASELINE, Band, find_band, find_evidence, find_fill, say_league
from tamecrop.audit.prepare import Job
from tamecrop.audit.records import Audit, Audited, Race
from tamecrop.audit.wording import WORDS, say_open, say_winner, write_number
from tamecrop.geometry.presets import PRESETS
from tamecrop.reporting.intervals import points

TOLERANCE = 0.01
"""Differences of a share within this are within the error of an audit: one point."""

FILL = 0.01
"""Policies whose views have a larger share of fill are listed apart."""

_BOXED = ("object", "cast")
"""Policies that are another one where images have no boxes; `ccrop` then finds boxes by itself."""

CANDIDATES = tuple(
    f"{name}:{settings}".rstrip(":") for name, each in PRESETS.items() for settings in each.tried
)
"""Policies that are tried when none are named, beside the one in use: every preset policy at
several parameters."""

RULE = (
    "Three figures are compared: what the views keep (objects in both views where there are boxes, "
    "else labels, else similarity of features), how different they are in place (distance of the "
    "centers) and in scale (ratio of the areas). Named are the policies without fill that no other "
    "beats in all three by more than a point, among those whose mean IoU and difference in scale "
    f"lie where policies with a published gain over {BASELINE} lie."
)


@dataclass(frozen=True)
class Choice:
    """A policy that evidence supports.

    Attributes:
        policy: Text form.
        preserved: The measure of preservation.
        place: Mean distance of the centers of both views, in sides of the image.
        scale: Mean |ln(a / b)| of the areas of both views.
        iou: Mean IoU of the contents.
        fill: Mean share of a view that is fill.
        reason: What is won and given up against the policy in use, one sentence.
        evidence: The published gain of this kind of policy with its source, or that there is none.
    """

    policy: str
    preserved: float
    place: float
    scale: float
    iou: float
    fill: float
    reason: str
    evidence: str


@dataclass(frozen=True)
class Recommendation:
    """The file of a recommendation: `recommendation.json`.

    Attributes:
        data: The data's name.
        current: Text form of the policy in use.
        policy: Text form of the one to begin with: the policy in use where it is among those that
            evidence supports, or nothing else is; after a race the one that is left, or if
            several are the policy in use among them, else the one with the highest mean.
        choices: The set of policies that evidence supports, those that keep most first.
        rule: How it was found.
        measure: The measure of preservation.
        reasons: Sentences with the numbers.
        tried: Number of policies audited.
        race: Of short trainings; None without a budget.
    """

    data: str
    current: str
    policy: str
    choices: tuple[Choice, ...]
    rule: str
    measure: str
    reasons: tuple[str, ...]
    tried: int
    race: Race | None = None


def choose_candidates(*, boxed: bool) -> tuple[str, ...]:
    """The candidates for images, without those that need object boxes where there are none."""
    return tuple(text for text in CANDIDATES if boxed or text.partition(":")[0] not in _BOXED)


def recommend(audit: Audit) -> Recommendation:
    """The policies that evidence supports on the images of an audit, by `RULE`.

    Raises:
        ValueError: when the audit has no measure of preservation.
        TypeError: for what is no audit.
    """
    if not isinstance(audit, Audit):
        kind = type(audit).__name__
        raise TypeError(f"`audit` must be what tc.audit(images, policies) returns, got {kind}")
    name = find_measure(audit)
    band = find_band(audit)
    current = audit.of(audit.current)
    judged = [each for each in audit.named if _is_judged(each, name)]
    supported = find_front([each for each in judged if band.holds(each)], name)
    better = [each for each in supported if not _is_alike(each, current, name)]
    keeps = len(better) < len(supported) or not better
    policy = current.name if keeps else better[0].name
    return Recommendation(
        data=audit.data,
        current=audit.current,
        policy=policy,
        choices=tuple(
            Choice(
                each.name,
                *_list_figures(each, name),
                each.geometry.pair_iou_mean,
                find_fill(each),
                compare_policies(each, current, name),
                find_evidence(each.name),
            )
            for each in better
        ),
        rule=RULE,
        measure=name,
        reasons=(
            *_write_reasons(current, better, band, name, keeps=keeps),
            *say_league([each.name for each in better]),
            *_list_filled(audit),
        ),
        tried=len(audit.named),
    )


def find_measure(audit: Audit) -> str:
    """The surest measure of preservation that an audit has.

    Raises:
        ValueError: when it has none.
    """
    if not audit.measures:
        raise ValueError(_say_blind(audit.data))
    return audit.measures[0]


def require_measure(job: Job) -> None:
    """Refuse, before it is made, an audit that will have no measure of preservation.

    Raises:
        ValueError: naming the data, and why there is no reference where that is known.
    """
    if job.choice.named.kind == "none" and not job.subject.is_boxed:
        raise ValueError(
            "; ".join(filter(None, [_say_blind(job.subject.name), job.choice.missing]))
        )


def _say_blind(data: str) -> str:
    return (
        f"{data} has no object boxes, and there is no reference: nothing tells what a view keeps; "
        "name a backbone with --reference"
    )


def shortlist(audit: Audit, *, most: int) -> tuple[str, ...]:
    """Policies worth training: the one in use, those that `recommend` names, and the front.

    Args:
        audit: with a measure of preservation.
        most: policies in all, at least 2.
    """
    found = recommend(audit)
    chosen = dict.fromkeys((audit.current, *(each.policy for each in found.choices)))
    name = find_measure(audit)
    judged = [each for each in audit.named if _is_judged(each, name)]
    front = [each.name for each in find_front(judged, name)]
    rest = [policy for policy in front if policy not in chosen]
    room = max(min(most - len(chosen), len(rest)), 0)
    step = len(rest) / max(room, 1)
    evenly = [rest[int((place + 0.5) * step)] for place in range(room)]
    return (*list(chosen)[:most], *evenly)


def needs_reference(audit: Audit, each: Audited) -> bool:
    """Whether a policy can be named, by the geometry of an audit: else no reference is run."""
    named = find_fill(each) <= FILL and find_band(audit).holds(each)
    return each.name == audit.current or named


def _is_judged(each: Audited, name: str) -> bool:
    return getattr(each.preservation, name) is not None and find_fill(each) <= FILL


def find_front(policies: Sequence[Audited], name: str) -> list[Audited]:
    """Policies that no other beats in all three figures, those that keep most first.

    One beats another when it is at least as good in all three and better in one by more than the
    error: a point of what is kept, a hundredth of the side, a hundredth of a log ratio.
    """
    figures = [_list_figures(each, name) for each in policies]
    front = [
        each
        for each, own in zip(policies, figures, strict=True)
        if not any(_beats(other, own) for other in figures)
    ]
    return sorted(front, key=lambda each: -_keep(each, name))


def _beats(other: Sequence[float], own: Sequence[float]) -> bool:
    gaps = [theirs - ours for theirs, ours in zip(other, own, strict=True)]
    return min(gaps) >= 0 and max(gaps) > TOLERANCE


def _is_alike(each: Audited, current: Audited, name: str) -> bool:
    """Whether a policy differs from the one in use by no more than the error."""
    pairs = zip(_list_figures(each, name), _list_figures(current, name), strict=True)
    return all(abs(ours - theirs) <= TOLERANCE for ours, theirs in pairs)


def _list_figures(each: Audited, name: str) -> tuple[float, float, float]:
    """What is kept, and how different the views are in place and in scale; more is better."""
    shape = each.geometry
    return _keep(each, name), shape.center_distance_mean, shape.log_area_ratio_mean or 0.0


def _keep(each: Audited, name: str) -> float:
    return float(getattr(each.preservation, name))


def compare_policies(each: Audited, current: Audited, name: str) -> str:
    """What a policy wins and gives up against the one in use, in one sentence."""
    ours, theirs = _list_figures(each, name), _list_figures(current, name)
    words = (WORDS[name], "difference in place", "difference in scale")
    told = []
    for label, new, old in zip(words, ours, theirs, strict=True):
        if abs(new - old) <= TOLERANCE:
            told.append(f"{label} the same within error")
        elif label == WORDS[name] and name != "pair_similarity":
            told.append(f"{label} {write_number(new, name)} ({points(new - old)} points)")
        else:
            told.append(f"{label} {new:.2f} against {old:.2f}")
    return f"{each.name}: {', '.join(told)}."


def _write_reasons(
    current: Audited, better: Sequence[Audited], band: Band, name: str, *, keeps: bool
) -> tuple[str, ...]:
    shape = current.geometry
    here = f"mean IoU {shape.pair_iou_mean:.2f}, {WORDS[name]}"
    here = f"{here} {write_number(_keep(current, name), name)}"
    supported = f"Published gains lie at a mean IoU of {band.iou[0]:.2f} to {band.iou[1]:.2f} here."
    if not better:
        return (f"Keep {current.name} ({here}): no other policy that evidence supports differs "
                "from it by more than the error.", supported)  # fmt: skip
    opening = (
        f"Keep {current.name} ({here}) or try one of these; evidence supports all of them."
        if keeps
        else f"Instead of {current.name} ({here}) published gains support these; "
        "none was trained on these images."
    )
    return (opening, supported, *(compare_policies(each, current, name) for each in better))


def _list_filled(audit: Audit) -> tuple[str, ...]:
    """One sentence on the policies that are left out for their fill."""
    filled = [each for each in audit.named if find_fill(each) > FILL]
    words = ", ".join(f"{each.name} ({100 * find_fill(each):.0f} %)" for each in filled)
    return (f"Apart, since their views show fill: {words}.",) if filled else ()


def with_race(found: Recommendation, race: Race, audit: Audit, budget: float) -> Recommendation:
    """The recommendation after a race: the policy that is left, or that time was too short."""
    means = {policy: statistics.fmean(values) for policy, values in race.accuracy.items() if values}
    if len(race.left) > 1:
        stands = [each for each in (found.policy, found.current) if each in race.left]
        policy = stands[0] if stands else max(race.left, key=lambda each: means[each])
        reasons = (say_open(race, means, budget), *found.reasons)
    else:
        policy = race.left[0]
        against = (compare_policies(audit.of(policy), audit.of(found.current), found.measure),)
        reasons = (say_winner(race, found.current), *(against if policy != found.current else ()))
    return replace(found, policy=policy, rule=f"{found.rule} {TOLD}", reasons=reasons, race=race)


TOLD = (
    "The policy in use, those that evidence supports and others of the front are trained with the "
    "same seeds; after each seed those drop out that cannot be the most accurate on validation "
    f"images. At most {100 * ERROR:g} % of races drop the best. New seeds judge the one that is "
    "left."
)
