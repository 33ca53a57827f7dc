"""The file of an audit, `audit.json`, and swept policies read at equal diversity."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tamecrop.audit.measures.geometry import Geometry
from tamecrop.audit.reference.judge import ReferenceAccuracy
from tamecrop.audit.subject import name_views
from tamecrop.reporting import Environment, Interval

FORMAT = 2

MEASURES = ("pair_share", "pair_label_agreement", "pair_similarity")
"""Preservation of a pair, the surest first: objects in boxes, labels, features."""


@dataclass(frozen=True)
class Preservation:
    """How far views show what their image stands for; None where not measured.

    Attributes:
        object_share: Share of views that show an object, that is, cover the audit's threshold
            of its area; of images with an object.
        pair_any_share: Share of pairs in which both views show an object, perhaps different ones.
        pair_share: Share of pairs in which both views show one and the same object.
        pair_largest_share: Share of pairs in which both views show the largest object.
        false_positive_share: Share of pairs that show no common object.
        different_share: Of these, the pairs whose views show different objects.
        none_share: Of these, the pairs of which a view shows no object.
        label_agreement: Share of views to which the reference gives the class of the whole image,
            of images that it classifies rightly when whole.
        label_agreement_error: Its standard error, over images and trainings of the reference.
        pair_label_agreement: Share of pairs of which both views get that class.
        pair_label_agreement_error: Its standard error.
        whole_similarity: Mean cosine of the reference's features of a view and the whole image.
        pair_similarity: Mean cosine of its features of the two views.
        pair_similarity_p05: 5 % quantile of the latter.
    """

    object_share: float | None = None
    pair_any_share: float | None = None
    pair_share: float | None = None
    pair_largest_share: float | None = None
    false_positive_share: float | None = None
    different_share: float | None = None
    none_share: float | None = None
    label_agreement: float | None = None
    label_agreement_error: float | None = None
    pair_label_agreement: float | None = None
    pair_label_agreement_error: float | None = None
    whole_similarity: float | None = None
    pair_similarity: float | None = None
    pair_similarity_p05: float | None = None


@dataclass(frozen=True)
class Audited:
    """One policy, or two views of a plan of several groups.

    Attributes:
        policy: Text form of the policy or group; of views of two groups `... with ...`.
        plan: Text form of the plan of several groups that they are of, or None.
        curve: Text form of the policy that was swept to get it, or None for one that was named.
        swept: Name of the parameter swept, or None.
        geometry: What it does on the real sizes.
        preservation: What its views still show.
    """

    policy: str
    plan: str | None
    curve: str | None
    swept: str | None
    geometry: Geometry
    preservation: Preservation

    @property
    def name(self) -> str:
        """What tells it from the others of an audit."""
        return name_views(self.policy, self.plan)


@dataclass(frozen=True)
class Audit:
    """A whole audit.

    Attributes:
        format: Version of this file's layout.
        data: The data's name with its options.
        images: Images audited.
        sizes: Number of distinct sizes among them.
        boxed_images: Images with an object box; None when the data has no boxes.
        objects: Object boxes on them.
        classes: Number of classes, or None without labels.
        threshold: Share of an object that a view must cover to show it.
        seed: Key of every draw.
        current: Text form of the policy in use today.
        reference: How good the reference network is, or None where there is none.
        notes: What was left out, and why.
        seconds: Wall time.
        policies: What was audited, named ones first.
        environment: Hardware, versions and commit.
        account: What of the data was read, in one line.
    """

    format: int
    data: str
    images: int
    sizes: int
    boxed_images: int | None
    objects: int | None
    classes: int | None
    threshold: float
    seed: int
    current: str
    reference: ReferenceAccuracy | None
    notes: tuple[str, ...]
    seconds: float
    policies: tuple[Audited, ...]
    environment: Environment
    account: str = ""

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"`format` must be {FORMAT}, got {self.format}")

    @property
    def named(self) -> tuple[Audited, ...]:
        """Those that were named, in order; the swept ones left out."""
        return tuple(each for each in self.policies if each.curve is None)

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures of preservation that the policy in use has, the surest first.

        Another policy may lack one: what the reference cannot judge is left out.
        """
        return tuple(
            name
            for name in MEASURES
            if self.policies and getattr(self.policies[0].preservation, name) is not None
        )

    def of(self, name: str) -> Audited:
        """What was audited under a name.

        Raises:
            KeyError: when it was not audited.
        """
        for each in self.policies:
            if each.name == name:
                return each
        raise KeyError(name)


class Curve(NamedTuple):
    """A policy and the parameter that was swept."""

    policy: str
    swept: str


def group_curves(audit: Audit) -> dict[Curve, tuple[Audited, ...]]:
    """The points of every sweep, in its order."""
    found: dict[Curve, tuple[Audited, ...]] = {}
    for each in audit.policies:
        if each.curve is not None and each.swept is not None:
            curve = Curve(each.curve, each.swept)
            found[curve] = (*found.get(curve, ()), each)
    return found


def read_at_iou(audit: Audit, iou: float, measure: str) -> dict[Curve, float]:
    """A measure of preservation where each curve has one mean IoU: at equal diversity.

    Interpolated linearly between the two neighboring points; where a curve passes the IoU more
    than once, the best of the places.

    Args:
        audit: with swept policies.
        iou: mean IoU of the two views.
        measure: a field of `Preservation`.

    Returns:
        The value of each curve that reaches the IoU; the others are left out.
    """
    found = {}
    for curve, points in group_curves(audit).items():
        x = np.array([point.geometry.pair_iou_mean for point in points])
        y = np.array([getattr(point.preservation, measure) for point in points], dtype=np.float64)
        values = _find_crossings(x, y, iou)
        if values and not np.isnan(values).any():
            found[curve] = max(values)
    return found


def _find_crossings(x: np.ndarray, y: np.ndarray, at: float) -> list[float]:
    """Values of a broken line `y(x)` at every place where `x` passes `at`."""
    values = []
    for left, right in zip(range(len(x) - 1), range(1, len(x)), strict=True):
        low, high = sorted((x[left], x[right]))
        if low <= at <= high:
            share = 0.0 if high == low else (at - x[left]) / (x[right] - x[left])
            values.append(float(y[left] + share * (y[right] - y[left])))
    return values


@dataclass(frozen=True)
class Race:
    """What short trainings showed.

    Attributes:
        epochs: Of each pre-training; 0 when there was no time for one.
        validation_images: That judged.
        accuracy: Linear accuracy on validation images by policy, a fraction for each seed; seeds
            are the same for all policies, fewer for those that dropped out.
        left: Policies that may be the most accurate: the one, or several when time was over.
        fresh: The same for the seeds that judge the one that is left, and the policy in use.
        gap: Of those two with the fresh seeds; None without them, or where they are the same.
        seconds: That the trainings took.
        needed: Seconds that an answer would take; None where there is one, or nobody knows.
    """

    epochs: int
    validation_images: int
    accuracy: dict[str, tuple[float, ...]]
    left: tuple[str, ...]
    fresh: dict[str, tuple[float, ...]]
    gap: Interval | None
    seconds: float
    needed: float | None
