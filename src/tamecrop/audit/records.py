"""The file of an audit: `audit.json`."""

from dataclasses import dataclass

from tamecrop.audit.measures.geometry import Geometry
from tamecrop.audit.reference.looks import Known
from tamecrop.reporting.environment import Environment

FORMAT = 1

MEASURES = ("pair_share", "pair_label_agreement", "pair_similarity")
"""Preservation of a pair, the surest first: objects in boxes, labels, features."""


@dataclass(frozen=True)
class Preservation:
    """How far the views of a law show what their image stands for; None where not measured.

    Attributes:
        object_share: Share of views that show an object, that is, cover the audit's threshold
            of its area; of images with an object.
        pair_share: Share of pairs in which both views show one and the same object.
        false_positive_share: Share of pairs that show no common object.
        different_share: Of these, the pairs whose views show different objects.
        none_share: Of these, the pairs of which a view shows no object.
        label_agreement: Share of views that the reference names as it names the whole image, of
            images that it names rightly when whole.
        label_agreement_error: Its standard error over images.
        pair_label_agreement: Share of pairs whose views are both so named.
        whole_similarity: Mean cosine of the reference's features of a view and the whole image.
        pair_similarity: Mean cosine of its features of the two views.
        pair_similarity_p05: 5 % quantile of the latter.
    """

    object_share: float | None = None
    pair_share: float | None = None
    false_positive_share: float | None = None
    different_share: float | None = None
    none_share: float | None = None
    label_agreement: float | None = None
    label_agreement_error: float | None = None
    pair_label_agreement: float | None = None
    whole_similarity: float | None = None
    pair_similarity: float | None = None
    pair_similarity_p05: float | None = None


@dataclass(frozen=True)
class Audited:
    """One law.

    Attributes:
        policy: Text form.
        curve: Text form of the law that was swept to get it, or None for a law that was named.
        swept: Name of the parameter swept, or None.
        geometry: What it does on the real sizes.
        preservation: What its views still show.
    """

    policy: str
    curve: str | None
    swept: str | None
    geometry: Geometry
    preservation: Preservation


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
        current: Text form of the law in use today.
        reference: How good the reference network is, or None where there is none.
        notes: What was left out, and why.
        seconds: Wall time.
        policies: The laws, named ones first.
        environment: Hardware, versions and commit.
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
    reference: Known | None
    notes: tuple[str, ...]
    seconds: float
    policies: tuple[Audited, ...]
    environment: Environment

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"`format` must be {FORMAT}, got {self.format}")

    @property
    def named(self) -> tuple[Audited, ...]:
        """The laws that were named, in order; the swept ones left out."""
        return tuple(law for law in self.policies if law.curve is None)

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures of preservation that every law has, the surest first."""
        return tuple(
            name
            for name in MEASURES
            if self.policies
            and all(getattr(law.preservation, name) is not None for law in self.policies)
        )

    def of(self, policy: str) -> Audited:
        """The law of a text form.

        Raises:
            KeyError: when it was not audited.
        """
        for law in self.policies:
            if law.policy == policy:
                return law
        raise KeyError(policy)
