"""The reference of an audit: chosen and checked before it starts, made when its turn comes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tamecrop.audit.reference import trained
from tamecrop.audit.reference.judging import LEAST, Judging, divided, undivided
from tamecrop.audit.reference.looks import Witness
from tamecrop.audit.reference.network import Named, Reference
from tamecrop.audit.reference.networks import network
from tamecrop.audit.reference.pixels import pixels
from tamecrop.audit.subject import Subject
from tamecrop.learning.run_folder import trained as run_of

FEW, MANY = 200, 2000
"""Pairs of each law that a reference looks at: few where it looks at more than 64 px."""

_DEFAULT = Named("torchvision", "resnet18")


@dataclass(frozen=True, eq=False)
class Choice:
    """A reference that was asked for, as far as it can be had before the audit starts.

    Attributes:
        named: What was asked for; `auto` is settled by the data.
        ready: The network where nothing has to be trained, or None.
        missing: Why there is none, for a reference that nobody asked for by name.
    """

    named: Named
    ready: Reference | None = None
    missing: str | None = None


@dataclass(frozen=True, eq=False)
class Asked:
    """A reference at work.

    Attributes:
        witness: The reference and the images that it is asked about.
        draws: Pairs of each image.
        places: Of those images among the audited ones; None when they are others.
    """

    witness: Witness
    draws: int
    places: NDArray[np.int64] | None


def choose(named: Named, subject: Subject) -> Choice:
    """Settle `auto` by what the data has, and load or check what was named.

    Raises:
        ValueError: when what was named cannot be had or does not know the data's classes.
        OSError: when its weights cannot be downloaded.
    """
    labeled = subject.images.labels is not None and subject.classes is not None
    if named.kind == "auto":
        return _automatic(subject, labeled=labeled)
    if named.kind == "small":
        if not labeled:
            raise ValueError(f"`reference` small needs labels, and {subject.name} has none")
        divided(subject, most=MANY)
    if named.kind == "run":
        run_of(Path(named.name))
    if named.kind in ("torchvision", "timm"):
        return Choice(named, network(named, subject.classes if labeled else None))
    return Choice(named)


def _automatic(subject: Subject, *, labeled: bool) -> Choice:
    """A small network where there are enough labels; where objects or pixels tell, what helps."""
    if labeled and len(subject.images) >= LEAST:
        return Choice(Named("small"))
    if labeled:
        why = f"{len(subject.images)} labeled images teach a reference nothing ({LEAST} are the"
        return Choice(Named("none"), missing=f"{why} least): agreement of labels was left out")
    if subject.images.boxes is not None and any(len(each) for each in subject.images.boxes):
        return Choice(Named("none"))
    try:
        return Choice(_DEFAULT, network(_DEFAULT, None))
    except OSError as error:
        why = f"similarity of features was left out: {error}"
        return Choice(Named("none"), missing=f"{why}; --reference names another backbone")


def ask(
    choice: Choice,
    subject: Subject,
    *,
    tell: Callable[[str], None],
    note: Callable[[str], None],
) -> Asked | None:
    """Make the reference and show it the whole images; None where there is none.

    Args:
        choice: from `choose`.
        subject: the data.
        tell: told when a training begins.
        note: told what was left out.

    Raises:
        ValueError: when the images cannot be read.
    """
    if choice.missing is not None:
        note(choice.missing)
    if choice.named.kind == "none":
        return None
    reference, judging = _made(choice, subject, tell)
    images = pixels(judging.asked)
    if images.unreadable:
        note(f"{len(images.unreadable)} images cannot be read; the first: {images.unreadable[0]}")
    labels = judging.asked.labels
    kept = torch.from_numpy(images.kept)
    witness = Witness(reference, images, None if labels is None else labels[kept])
    most = _most(reference.side)
    places = None if judging.places is None else judging.places[images.kept]
    return Asked(witness, max(1, round(most / len(images))), places)


def _made(
    choice: Choice, subject: Subject, tell: Callable[[str], None]
) -> tuple[Reference, Judging]:
    if choice.ready is not None:
        return choice.ready, undivided(subject, most=_most(choice.ready.side))
    labeled = subject.images.labels is not None and subject.classes is not None
    folder = Path(choice.named.name)
    if choice.named.kind == "run" and not labeled:
        return trained.features_of_run(folder, subject.images), undivided(subject, most=MANY)
    judging = divided(subject, most=MANY)
    assert judging.learn is not None, "a division has images to learn from"
    classes = len(subject.classes or ())
    if choice.named.kind == "run":
        return trained.of_run(folder, judging.learn, classes), judging
    tell("training a small reference network")
    return trained.small(judging.learn, classes), judging


def _most(side: int) -> int:
    return MANY if side <= trained.MOST_SIDE else FEW
