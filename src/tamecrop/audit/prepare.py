"""What an audit is made of, checked before any of it is computed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tamecrop.audit.measures.objects import THRESHOLD
from tamecrop.audit.records import Audit, Audited
from tamecrop.audit.reference.choose import ReferenceChoice, choose_reference
from tamecrop.audit.reference.network import read_reference
from tamecrop.audit.subject import Candidate, Subject, list_candidates
from tamecrop.geometry import Policy, ViewPlan, plan, read_sweep, rules

Views = str | Policy | ViewPlan

CURRENT = "rrc:scale=0.2..1"
"""The policy in use, unless another is named: MoCo v2's."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How an audit is made.

    Args:
        current: the policy in use today, to which the others are compared.
        sweeps: each `key=low:high:count`, for every policy that has the key.
        coverage: share of an object that a view must cover to show it.
        reference: as `--reference` takes it: `auto`, `none`, `small`, `torchvision:NAME`, ...
        draws: pairs of each image; None for as many as make 40,000 pairs.
        seed: key of every draw, and of embedded scenes.
        placements: whether the distinct boxes of a policy that was named are counted.

    Raises:
        ValueError: for a number outside its range.
    """

    current: Views = CURRENT
    sweeps: Sequence[str] = ()
    coverage: float = THRESHOLD
    reference: str = "auto"
    draws: int | None = None
    seed: int = 0
    placements: bool = True

    def __post_init__(self) -> None:
        rules.fraction("coverage", self.coverage)
        rules.integer("seed", self.seed)
        if self.draws is not None:
            rules.count("draws", self.draws)


@dataclass(frozen=True, kw_only=True)
class Job:
    """Everything that an audit is made of, already checked.

    Attributes:
        subject: The images.
        candidates: What is audited; the first is the policy in use.
        choice: The reference, as chosen.
        settings: How it is made.
        out: Its folder, or None to write nothing.
        needs_reference: Which policies the reference is run for, from the audit so far; None for
            all.
    """

    subject: Subject
    candidates: tuple[Candidate, ...]
    choice: ReferenceChoice
    settings: Settings
    out: Path | None
    needs_reference: Callable[[Audit, Audited], bool] | None = None


def prepare(
    subject: Subject,
    policies: Sequence[Views],
    settings: Settings,
    *,
    out: str | Path | None = None,
) -> Job:
    """Check everything that an audit is made of, before any of it is computed.

    Raises:
        ValueError: for a policy that has no box on an image's size, or a reference that cannot be
            had or does not know the data's classes.
        OSError: when weights cannot be downloaded.
    """
    sweeps = [read_sweep(text) for text in settings.sweeps]
    candidates = list_candidates([plan(each) for each in policies], plan(settings.current), sweeps)
    sizes = np.unique(subject.images.sizes, axis=0)
    for each in candidates:
        each.views.draw(sizes, index=np.arange(len(sizes)))
    choice = choose_reference(read_reference(settings.reference), subject)
    folder = None if out is None else Path(out)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return Job(subject=subject, candidates=candidates, choice=choice, settings=settings, out=folder)
