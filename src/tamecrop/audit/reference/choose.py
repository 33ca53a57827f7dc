"""Which reference an audit has, and the images that it learns from and is evaluated on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tamecrop.audit.reference import train
from tamecrop.audit.reference.judge import Evaluator
from tamecrop.audit.reference.network import Reference, ReferenceName, load_network
from tamecrop.audit.reference.pixels import decode_pixels
from tamecrop.audit.subject import Subject
from tamecrop.data import ImageSet, carve
from tamecrop.geometry import Draw, keys
from tamecrop.learning.run_folder import open_run

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
    learn, held_out = carve(images, _SHARE)
    places = held_out[_choose_some(len(held_out), most)]
    return Division(images.subset(learn), images.subset(places), places)


def _choose_some(count: int, most: int) -> Ints:
    """At most so many of the numbers below a count, chosen by a fixed key, in order."""
    order = keys.uniform(0, 0, np.arange(count), 0, Draw.LOOKED_AT).argsort()
    return np.sort(order[:most])


FEW, MANY = 200, 2000
"""Pairs of each policy that a reference runs on: few where its input is more than 64 px."""

REFERENCES = 3
"""Small references that are trained, so that the standard error includes their training."""

FAST_SIDE = 32
"""Of images of at most this side; of larger ones one is trained, for time."""

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
        evaluators: The reference and the images; several of different seeds where it is trained.
        most: Pairs of views of each policy, at most.
        places: Of those images among the audited ones; None when they are others.
    """

    evaluators: tuple[Evaluator, ...]
    most: int
    places: NDArray[np.int64] | None


def choose_reference(named: ReferenceName, subject: Subject) -> ReferenceChoice:
    """Settle `auto` by what the data has, and load or check what was named.

    Raises:
        ValueError: when what was named cannot be had or does not know the data's classes.
        OSError: when its weights cannot be downloaded.
    """
    labeled = subject.images.labels is not None and subject.classes is not None
    _require_channels(named, subject.images.channels)
    if named.kind == "auto":
        return _choose_automatically(subject, labeled=labeled)
    if named.kind == "small":
        if not labeled:
            raise ValueError(f"`reference` small needs labels, and {subject.name} has none")
        divide(subject, most=MANY)
    if named.kind in ("torchvision", "timm"):
        return ReferenceChoice(named, load_network(named, subject.classes if labeled else None))
    return ReferenceChoice(named)


def _require_channels(named: ReferenceName, channels: int) -> None:
    """Refuse a network that was trained on images of another number of channels.

    Raises:
        ValueError: with what can be named instead.
    """
    known = (3,)
    if named.kind == "run":
        known = (open_run(Path(named.name)).channels,)
    elif named.kind not in ("torchvision", "timm"):
        return
    if channels not in (1, *known):
        raise ValueError(
            f"`reference` {named.kind}:{named.name} takes {known[0]} channels, and the images "
            f"have {channels}: name small, or run: with a run on such images"
        )


def _choose_automatically(subject: Subject, *, labeled: bool) -> ReferenceChoice:
    """A small network where there are enough labels; where objects or pixels tell, what helps."""
    if labeled and len(subject.images) >= LEAST:
        return ReferenceChoice(ReferenceName("small"))
    if labeled:
        why = f"{len(subject.images)} labeled images teach a reference nothing ({LEAST} are the"
        return ReferenceChoice(
            ReferenceName("none"), missing=f"{why} least): agreement of labels was left out"
        )
    if subject.is_boxed:
        return ReferenceChoice(ReferenceName("none"))
    if subject.images.channels not in (1, 3):
        why = f"no published backbone takes {subject.images.channels} channels"
        return ReferenceChoice(
            ReferenceName("none"), missing=f"similarity of features was left out: {why}"
        )
    try:
        return ReferenceChoice(_DEFAULT, load_network(_DEFAULT, None))
    except OSError as error:
        why = f"similarity of features was left out: {error}"
        return ReferenceChoice(
            ReferenceName("none"), missing=f"{why}; --reference names another backbone"
        )


def choose_by_boxes(reference: str, subject: Subject) -> str:
    """The reference that a recommendation needs: none by default where object boxes decide."""
    return "none" if reference == "auto" and subject.is_boxed else reference


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
    division, references = _make(choice, subject, report)
    images = decode_pixels(division.held_out, most_side=2 * references[0].side)
    if images.unreadable:
        note(f"{len(images.unreadable)} images cannot be read; the first: {images.unreadable[0]}")
    held_out = division.held_out.subset(images.kept)
    evaluators = tuple(
        Evaluator(each, images, held_out.labels, held_out.boxes) for each in references
    )
    places = None if division.places is None else division.places[images.kept]
    return Evaluation(evaluators, _count_pairs(references[0].side), places)


def _make(
    choice: ReferenceChoice, subject: Subject, report: Callable[[str], None]
) -> tuple[Division, tuple[Reference, ...]]:
    if choice.ready is not None:
        return keep_all(subject, most=_count_pairs(choice.ready.side)), (choice.ready,)
    labeled = subject.images.labels is not None and subject.classes is not None
    folder = Path(choice.named.name)
    if choice.named.kind == "run" and not labeled:
        return keep_all(subject, most=MANY), (train.load_run(folder, subject.images),)
    division = divide(subject, most=MANY)
    assert division.learn is not None, "a division has images to learn from"
    classes = len(subject.classes or ())
    if choice.named.kind == "run":
        return division, (train.load_run_with_probe(folder, division.learn, classes),)
    return division, tuple(_train_several(division.learn, classes, report))


def _train_several(
    learn: ImageSet, classes: int, report: Callable[[str], None]
) -> Iterator[Reference]:
    """Small references of different seeds: as many as the side of their input allows in time."""
    count = REFERENCES if int(learn.sizes.max()) <= FAST_SIDE else 1
    for seed in range(count):
        report(f"training small reference network {seed + 1} of {count}")
        yield train.train_small(learn, classes, seed=seed)


def _count_pairs(side: int) -> int:
    return MANY if side <= train.MOST_SIDE else FEW
