"""Gains of crop policies over the usual one, published and our own, and where they lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np

from tamecrop.audit.measures.view_pairs import (
    Measures,
    Shapes,
    draw_pairs,
    measure_pairs,
    pair_views,
)
from tamecrop.audit.records import Audit, Audited
from tamecrop.geometry.policy import policy
from tamecrop.reporting.intervals import points

BASELINE = "rrc:scale=0.2..1"
"""The policy that published gains are over."""

_SQUARE = np.array([[100, 100]])
_DRAWS = 20_000

_CCROP = "Peng et al., ContrastiveCrop, CVPR 2022"
_JOINT = "JointCrop(0), AAAI 2025"


@dataclass(frozen=True)
class Evidence:
    """One published comparison of a policy with `BASELINE`.

    Args:
        policy: the policy; `ccrop` with boxes found by the encoder, `a` as in the authors' settings
            for these sets (0.6 is that of ImageNet).
        data: what was trained and evaluated on.
        training: method and length.
        baseline_accuracy: in percent.
        accuracy: of the policy, in percent.
        source: where it was published.
    """

    policy: str
    data: str
    training: str
    baseline_accuracy: float
    accuracy: float
    source: str


EVIDENCE = (
    Evidence("ccrop:a=0.1", "CIFAR-10", "SimCLR, 500 epochs", 89.63, 90.08, _CCROP),
    Evidence("ccrop:a=0.1", "CIFAR-100", "SimCLR, 500 epochs", 60.30, 61.91, _CCROP),
    Evidence("ccrop:a=0.1", "Tiny-ImageNet", "SimCLR, 500 epochs", 45.19, 46.21, _CCROP),
    Evidence("ccrop:a=0.1", "STL-10", "SimCLR, 500 epochs", 88.95, 89.53, _CCROP),
    Evidence("jointcrop:scale=0.2..1", "ImageNet", "MoCo v3, 100 epochs", 68.9, 69.47, _JOINT),
    Evidence("jointcrop:scale=0.2..1", "ImageNet", "MoCo v3, 300 epochs", 72.8, 73.23, _JOINT),
)
"""All are policies whose views vary in area and show no fill.

Gains of Gaussian-centered crops (arXiv:2504.19824) are over `rc`, in a training that does not
resize views: they say nothing about a policy that replaces `rrc`.
"""


@dataclass(frozen=True)
class Measured:
    """A policy of the league of `docs/league.md` beside `BASELINE`, in points of linear accuracy.

    Args:
        policy: the policy; `ccrop` with boxes found by the encoder.
        data: what was trained and evaluated on.
        gain: mean over paired seeds.
        low: lower end of an interval of 95 % that holds for all policies of the set at once.
        high: upper end of it.
        seeds: how many.
    """

    policy: str
    data: str
    gain: float
    low: float
    high: float
    seeds: int


LEAGUE = (
    Measured("jointcrop:scale=0.2..1", "CIFAR-10", 0.0, -0.7, 0.7, 5),
    Measured("jointcrop:scale=0.2..1", "Tiny-ImageNet at 32 px", 0.8, -0.5, 2.1, 5),
    Measured("jointcrop:scale=0.2..1", "Imagenette at 64 px", -0.9, -3.2, 1.4, 5),
    Measured("simccrop:scale=0.2..1", "CIFAR-10", 0.0, -0.7, 0.7, 5),
    Measured("simccrop:scale=0.2..1", "Tiny-ImageNet at 32 px", 1.1, -0.2, 2.4, 5),
    Measured("simccrop:scale=0.2..1", "Imagenette at 64 px", -2.5, -5.6, 0.6, 2),
    Measured("ccrop:scale=0.2..1,a=0.1", "CIFAR-10", -0.4, -1.1, 0.3, 5),
    Measured("ccrop:scale=0.2..1,a=0.1", "Tiny-ImageNet at 32 px", 1.3, 0.0, 2.6, 5),
    Measured("ccrop:scale=0.2..1,a=0.1", "Imagenette at 64 px", 0.3, -2.0, 2.6, 5),
    Measured("rrc:scale=0.08..1", "CIFAR-10", -0.5, -1.2, 0.2, 5),
    Measured("rrc:scale=0.08..1", "Tiny-ImageNet at 32 px", 0.8, -0.5, 2.1, 5),
    Measured("rrc:scale=0.08..1", "Imagenette at 64 px", -1.7, -4.0, 0.6, 5),
)
"""Those that a recommendation can name, in minutes of SimCLR on one core; a test holds them against
`results/league`."""


@dataclass(frozen=True)
class Band:
    """Where policies with a published gain lie, on images on which the baseline has some IoU.

    Args:
        iou: range of the mean content IoU.
        least_scale: the least mean |ln(a / b)| of the areas of the two views.
    """

    iou: tuple[float, float]
    least_scale: float

    def holds(self, each: Audited) -> bool:
        """Whether a policy lies where those with a published gain lie."""
        shape, (low, high) = each.geometry, self.iou
        scale = shape.log_area_ratio_mean or 0.0
        return low <= shape.pair_iou_mean <= high and scale >= self.least_scale


def find_band(audit: Audit) -> Band:
    """The band on the images of an audit; on square ones where the baseline was not audited.

    A policy of the evidence that was audited counts with its IoU there, but for `ccrop` where the
    images have annotated boxes, which are not the encoder's.
    """
    found = {each.name: each.geometry.pair_iou_mean for each in audit.named}
    boxed = any(each.preservation.pair_share is not None for each in audit.named)
    known = {
        text: found[name]
        for text, name in ((each.policy, str(policy(each.policy))) for each in EVIDENCE)
        if name in found and not (boxed and text.startswith("ccrop"))
    }
    return measure_band(found.get(BASELINE), known)


def find_fill(each: Audited) -> float:
    """Mean share of a view that is fill."""
    return 1 - each.geometry.content_share_mean


def measure_band(
    baseline_iou: float | None = None, known: Mapping[str, float] = MappingProxyType({})
) -> Band:
    """The band of the evidence, its IoU relative to the baseline's.

    The figures of each policy are measured on square images; the IoU of all policies moves with
    the shape of the images, so that the band is stretched by the baseline's.

    Args:
        baseline_iou: mean IoU of `BASELINE` on the images; None for square ones.
        known: mean IoU on the images of policies that were drawn there.

    >>> [round(end, 2) for end in measure_band().iou]
    [0.4, 0.43]
    """
    square, _ = _measure_square(BASELINE)
    ratio = 1.0 if baseline_iou is None else baseline_iou / square
    found = {each.policy: _measure_square(each.policy) for each in EVIDENCE}
    ious = [known.get(text, ratio * iou) for text, (iou, _) in found.items()]
    slack = 0.01 * ratio
    least = min(scale for _, scale in found.values())
    return Band((min(ious) - slack, max(ious) + slack), 0.95 * least)


def find_evidence(policy: str) -> str:
    """The published gains of a kind of policy in words, or that there are none."""
    kind = policy.partition(":")[0]
    rows = [each for each in EVIDENCE if each.policy.partition(":")[0] == kind]
    if not rows:
        return "no published gain of this policy; it lies where published gains lie"
    gains = ", ".join(
        f"{each.accuracy - each.baseline_accuracy:+.2f} on {each.data} ({each.training})"
        for each in rows
    )
    return f"{rows[0].policy}, points over {BASELINE}: {gains}; {rows[0].source}"


def say_league(policies: Sequence[str]) -> tuple[str, ...]:
    """What the league says of policies, one sentence each behind one on all; none of no policy.

    >>> say_league(["rrc:scale=0.08..1"])[0]  # doctest: +ELLIPSIS
    'In short trainings of ours (docs/league.md) none of these was shown to be above rrc:...'
    """
    found = {each: [row for row in LEAGUE if row.policy == each] for each in policies}
    told = [f"{each}: {', '.join(map(_say_gain, rows))}." for each, rows in found.items() if rows]
    if not told:
        return ()
    above = any(row.low > 0 for rows in found.values() for row in rows)
    verdict = "some of these were" if above else "none of these was shown to be"
    return (
        f"In short trainings of ours (docs/league.md) {verdict} above {BASELINE}; points over it "
        "with 95 % intervals:",
        *told,
    )


def _say_gain(row: Measured) -> str:
    gain, low, high = (points(value / 100) for value in (row.gain, row.low, row.high))
    return f"{gain} on {row.data} ({low} to {high}, n = {row.seeds})"


@cache
def _measure_square(policy: str) -> tuple[float, float]:
    """Mean content IoU and mean |ln(a / b)| of the areas of a policy on square images."""
    batches = draw_pairs(pair_views(policy), Shapes(_SQUARE), draws=_DRAWS)
    found = Measures.joined(
        measure_pairs(boxes, np.broadcast_to(_SQUARE, (len(boxes), 2))) for _, boxes in batches
    )
    return float(found.iou.mean()), float(found.log_area_ratio.mean())
