"""What an audit is made of, checked before it starts, and what it finds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tamecrop.audit.candidates import Candidate
from tamecrop.audit.measures.suspicious import Suspect
from tamecrop.audit.records import Audit
from tamecrop.audit.reference.witnesses import Choice
from tamecrop.audit.subject import Subject
from tamecrop.geometry import rules


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that an audit is made of, already checked.

    Attributes:
        subject: The images.
        laws: What is audited; the first is the law in use.
        choice: The reference, as chosen.
        threshold: Share of an object that a view must cover to show it.
        draws: Of each image; None for 16, and more for few images.
        seed: Key of every draw.
        out: The audit's folder.

    Raises:
        ValueError: for a setting outside its range, or a law that has no box on an image's size.
    """

    subject: Subject
    laws: tuple[Candidate, ...]
    choice: Choice
    threshold: float
    draws: int | None
    seed: int
    out: Path

    def __post_init__(self) -> None:
        rules.fraction("coverage", self.threshold)
        rules.integer("seed", self.seed)
        sizes = np.unique(self.subject.images.sizes, axis=0)
        for law in self.laws:
            law.policy.draw(sizes)


@dataclass(frozen=True)
class Outcome:
    """What an audit found.

    Attributes:
        audit: The record, as in `audit.json`.
        suspects: The most suspicious pairs of each named law, by its text form.
    """

    audit: Audit
    suspects: dict[str, tuple[Suspect, ...]]
