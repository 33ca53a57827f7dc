"""Which law to use: from an audit, and, given time, from short trainings of the best few."""

from collections.abc import Sequence
from dataclasses import dataclass

from tamecrop.audit.records import Audit, Audited
from tamecrop.audit.wording import WORDS, write_number

TOLERANCE = 0.01
"""How much preservation a recommended law may lose to the one in use: one point."""

LAWS = (
    *(f"rrc:scale={low}..1" for low in (0.08, 0.4)),
    *(f"rc:scale={scale}" for scale in (0.2, 0.4, 0.6, 0.8)),
    *(
        f"cgcc:scale={scale},sigma={sigma}"
        for scale in (0.2, 0.4, 0.6, 0.8)
        for sigma in (0.1, 0.2)
    ),
    *(f"gcc:scale={scale},sigma={sigma}" for scale in (0.4, 0.6, 0.8) for sigma in (0.1, 0.2)),
    *(f"rc_pad:scale={scale},padding={rim}" for scale in (0.4, 0.8) for rim in (0.1, 0.3)),
)
"""Laws that are tried when none are named, beside the one in use."""

RULE = (
    "Of the laws tried, those whose views keep no more than one point less than the law in use "
    "(objects in both views where there are boxes, else labels, else similarity of features); of "
    "these the one whose two views differ most, by their mean content IoU."
)


@dataclass(frozen=True)
class Round:
    """One round of successive halving.

    Attributes:
        epochs: Of pre-training, the same for every law of the round.
        validation_images: That judged.
        accuracy: Linear accuracy on validation images by law, a fraction.
    """

    epochs: int
    validation_images: int
    accuracy: dict[str, float]


@dataclass(frozen=True)
class Recommendation:
    """The file of a recommendation: `recommendation.json`.

    Attributes:
        data: The data's name.
        current: Text form of the law in use.
        policy: Text form of the law recommended; the law in use where nothing beats it.
        rule: How it was found.
        measure: The measure of preservation that decided.
        reasons: Two sentences with the numbers.
        tried: Number of laws audited.
        rounds: Of training; empty without a budget.
    """

    data: str
    current: str
    policy: str
    rule: str
    measure: str
    reasons: tuple[str, str]
    tried: int
    rounds: tuple[Round, ...] = ()


def recommend(audit: Audit) -> Recommendation:
    """Recommend a law from an audit alone, by `RULE`.

    Raises:
        ValueError: when the audit has no measure of preservation.
    """
    name = deciding_measure(audit)
    current = audit.of(audit.current)
    allowed = _allowed(audit, name)
    best = min(allowed, key=lambda law: law.geometry.pair_iou_mean)
    return Recommendation(
        data=audit.data,
        current=audit.current,
        policy=best.policy,
        rule=RULE,
        measure=name,
        reasons=_reasons(best, current, name, (len(allowed), len(audit.named))),
        tried=len(audit.named),
    )


def deciding_measure(audit: Audit) -> str:
    """The surest measure of preservation that an audit has.

    Raises:
        ValueError: when it has none.
    """
    if not audit.measures:
        raise ValueError(
            f"{audit.data} has no object boxes and no labels, and there is no reference: nothing "
            "tells what a view keeps; name a backbone with --reference"
        )
    return audit.measures[0]


def shortlist(audit: Audit, *, most: int) -> tuple[str, ...]:
    """Laws worth training: the one in use, the one that `recommend` names, and the front.

    The front holds the laws that no other beats in both diversity and preservation; of a long
    front some are taken, evenly along it.

    Args:
        audit: with a measure of preservation.
        most: laws in all, at least 2.
    """
    name = deciding_measure(audit)
    chosen = dict.fromkeys((audit.current, recommend(audit).policy))
    rest = [law.policy for law in front(audit, name) if law.policy not in chosen]
    room = min(most - len(chosen), len(rest))
    step = len(rest) / max(room, 1)
    evenly = [rest[int((place + 0.5) * step)] for place in range(max(room, 0))]
    return (*chosen, *evenly)


def front(audit: Audit, name: str) -> list[Audited]:
    """Laws that none beats in both mean IoU (lower) and preservation (higher), by their IoU."""
    ordered = sorted(audit.named, key=lambda law: (law.geometry.pair_iou_mean, -_kept(law, name)))
    kept: list[Audited] = []
    for law in ordered:
        if not kept or _kept(law, name) > _kept(kept[-1], name):
            kept.append(law)
    return kept


def _allowed(audit: Audit, name: str) -> list[Audited]:
    least = _kept(audit.of(audit.current), name) - TOLERANCE
    return [law for law in audit.named if _kept(law, name) >= least]


def _kept(law: Audited, name: str) -> float:
    return float(getattr(law.preservation, name))


def _reasons(
    best: Audited, current: Audited, name: str, counts: tuple[int, int]
) -> tuple[str, str]:
    allowed, tried = counts
    iou = f"{current.geometry.pair_iou_mean:.2f}"
    kept = f"{WORDS[name]}: {write_number(_kept(current, name), name)}"
    if best.policy == current.policy:
        return (
            f"Keep {current.policy}: of {tried} laws tried, none gives more different views than "
            f"its mean IoU of {iou} without losing more than a point ({kept}).",
            "No law was trained, so a law that keeps less may still teach more: --budget tries.",
        )
    return (
        f"Use {best.policy}: its views differ more than those of {current.policy}, the law in use "
        f"(mean IoU {best.geometry.pair_iou_mean:.2f} against {iou}), and keep as much to a point "
        f"({WORDS[name]}: {write_number(_kept(best, name), name)} against "
        f"{write_number(_kept(current, name), name)}).",
        f"It is the most different of the {allowed} of {tried} laws tried that do; no law was "
        "trained, so whether a network learns more from it, only `compare` or --budget can tell.",
    )


def with_rounds(found: Recommendation, rounds: Sequence[Round], audit: Audit) -> Recommendation:
    """The recommendation after trainings: the law that is most accurate in the last round."""
    last = rounds[-1]
    order = sorted(last.accuracy, key=lambda law: -last.accuracy[law])
    best, second = audit.of(order[0]), order[1]
    first, current = rounds[0], audit.of(found.current)
    against = (
        f"{100 * last.accuracy[best.policy]:.1f} % against {100 * last.accuracy[second]:.1f} %"
    )
    reasons = (
        f"Use {best.policy}: of {len(first.accuracy)} laws trained by successive halving it is "
        f"the most accurate on {last.validation_images:,} validation images after {last.epochs} "
        f"epochs ({against} for {second}; one seed, so small gaps mean nothing).",
        f"Its views have a mean IoU of {best.geometry.pair_iou_mean:.2f} ({WORDS[found.measure]}: "
        f"{write_number(_kept(best, found.measure), found.measure)}); those of "
        f"{current.policy}, the law in use, {current.geometry.pair_iou_mean:.2f} "
        f"({write_number(_kept(current, found.measure), found.measure)}).",
    )
    return Recommendation(
        data=found.data,
        current=found.current,
        policy=best.policy,
        rule=f"{found.rule} {HALVING}",
        measure=found.measure,
        reasons=reasons,
        tried=found.tried,
        rounds=tuple(rounds),
    )


HALVING = (
    "This law, the one in use and others along the front of diversity and preservation are "
    "trained for a few epochs each, the better half on validation images for more, until one is "
    "left."
)
