"""Which reference an audit has, and the images that it learns from and is evaluated on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tamecrop.audit.reference import train
from tamecrop.audit.reference.evaluate import Evaluator
from tamecrop.audit.reference.network import Reference, ReferenceName, load_network
from tamecrop.audit.reference.pixels import decode_pixels
from tamecrop.audit.subject import Subject
from tamecrop.data.images import ImageSet
from tamecrop.data.splits import carved
from tamecrop.geometry import keys
from tamecrop.geometry.keys import Draw
from tamecrop.learning.run_folder import trained as open_run

Ints = NDArray[np.int64]

LEAST = 100
"""Fewer images teach a reference nothing."""

_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Division:
    """A division of a data set's images.

    Args:
        learn: labeled images that a reference may learn from; None where it must not.
        held_out: images that it is evaluated on, none of them in `learn`.
        places: `(n,)` of those in the audited images; None when they come from elsewhere.
    """

    learn: ImageSet | None
    held_out: ImageSet
    places: Ints | None


def keep_all(subject: Subject, *, most: int) -> Division:
    """For a reference that learns nothing here: it may be evaluated on all images."""
    places = _choose_some(len(subject.images), most)
    return Division(None, subject.images.subset(places), places)


def divide(subject: Subject, *, most: int) -> Division:
    """For a reference that learns here: it is evaluated on the source's own validation images.

    A source without any gives a fifth of its images, spread over the classes.

    Args:
        subject: with labels.
        most: images evaluated on.

    Raises:
        ValueError: when too few images are left to learn from, or a class has none.
    """
    images, held = subject.images, subject.held
    if len(images) < LEAST:
        raise ValueError(
            f"a reference cannot learn from {len(images)} images, {LEAST} are the least: name one "
            "that is trained, torchvision:... or timm:..."
        )
    if held is not None and held.labels is not None:
        return Division(images, held.subset(_choose_some(len(held), most)), None)
    learn, held_out = carved(images, _SHARE)
    places = held_out[_choose_some(len(held_out), most)]
    return Division(images.subset(learn), images.subset(places), places)


def _choose_some(count: int, most: int) -> Ints:
    """At most so many of the numbers below a count, chosen by a fixed key, in order."""
    order = keys.uniform(0, 0, np.arange(count), 0, Draw.LOOKED_AT).argsort()
    return np.sort(order[:most])


FEW, MANY = 200, 2000
"""Pairs of each policy that a reference runs on: few where its input is more than 64 px."""

_DEFAULT = ReferenceName("torchvision", "resnet18")


@dataclass(frozen=True, eq=False)
class ReferenceChoice:
    """A reference as far as it can be made before the audit starts.

    Attributes:
        named: Which it is; `auto` is settled by the data.
        ready: The network where nothing has to be trained, or None.
        missing: Why there is none, for a reference that was not named.
    """

    named: ReferenceName
    ready: Reference | None = None
    missing: str | None = None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A reference, made, and what it is evaluated on.

    Attributes:
        evaluator: The reference and the images.
        draws: Pairs of each image.
        places: Of those images among the audited ones; None when they are others.
    """

    evaluator: Evaluator
    draws: int
    places: NDArray[np.int64] | None


def choose_reference(named: ReferenceName, subject: Subject) -> ReferenceChoice:
    """Settle `auto` by what the data has, and load or check what was named.

    Raises:
        ValueError: when what was named cannot be had or does not know the data's classes.
        OSError: when its weights cannot be downloaded.
    """
    labeled = subject.images.labels is not None and subject.classes is not None
    if named.kind == "auto":
        return _choose_automatically(subject, labeled=labeled)
    if named.kind == "small":
        if not labeled:
            raise ValueError(f"`reference` small needs labels, and {subject.name} has none")
        divide(subject, most=MANY)
    if named.kind == "run":
        open_run(Path(named.name))
    if named.kind in ("torchvision", "timm"):
        return ReferenceChoice(named, load_network(named, subject.classes if labeled else None))
    return ReferenceChoice(named)


def _choose_automatically(subject: Subject, *, labeled: bool) -> ReferenceChoice:
    """A small network where there are enough labels; where objects or pixels tell, what helps."""
    if labeled and len(subject.images) >= LEAST:
        return ReferenceChoice(ReferenceName("small"))
    if labeled:
        why = f"{len(subject.images)} labeled images teach a reference nothing ({LEAST} are the"
        return ReferenceChoice(
            ReferenceName("none"), missing=f"{why} least): agreement of labels was left out"
        )
    if subject.images.boxes is not None and any(len(each) for each in subject.images.boxes):
        return ReferenceChoice(ReferenceName("none"))
    try:
        return ReferenceChoice(_DEFAULT, load_network(_DEFAULT, None))
    except OSError as error:
        why = f"similarity of features was left out: {error}"
        return ReferenceChoice(
            ReferenceName("none"), missing=f"{why}; --reference names another backbone"
        )


def prepare_evaluation(
    choice: ReferenceChoice,
    subject: Subject,
    *,
    report: Callable[[str], None],
    note: Callable[[str], None],
) -> Evaluation | None:
    """Make the reference and run it on the whole images; None where there is none.

    Args:
        choice: from `choose_reference`.
        subject: the data.
        report: called with a line when a training begins.
        note: called with a line on what was left out.

    Raises:
        ValueError: when the images cannot be read.
    """
    if choice.missing is not None:
        note(choice.missing)
    if choice.named.kind == "none":
        return None
    reference, division = _make(choice, subject, report)
    images = decode_pixels(division.held_out)
    if images.unreadable:
        note(f"{len(images.unreadable)} images cannot be read; the first: {images.unreadable[0]}")
    held_out = division.held_out.subset(images.kept)
    evaluator = Evaluator(reference, images, held_out.labels, held_out.boxes)
    most = _count_pairs(reference.side)
    places = None if division.places is None else division.places[images.kept]
    return Evaluation(evaluator, max(1, round(most / len(images))), places)


def _make(
    choice: ReferenceChoice, subject: Subject, report: Callable[[str], None]
) -> tuple[Reference, Division]:
    if choice.ready is not None:
        return choice.ready, keep_all(subject, most=_count_pairs(choice.ready.side))
    labeled = subject.images.labels is not None and subject.classes is not None
    folder = Path(choice.named.name)
    if choice.named.kind == "run" and not labeled:
        return train.load_run(folder, subject.images), keep_all(subject, most=MANY)
    division = divide(subject, most=MANY)
    assert division.learn is not None, "a division has images to learn from"
    classes = len(subject.classes or ())
    if choice.named.kind == "run":
        return train.load_run_with_probe(folder, division.learn, classes), division
    report("training a small reference network")
    return train.train_small(division.learn, classes), division


def _count_pairs(side: int) -> int:
    return MANY if side <= train.MOST_SIDE else FEW
