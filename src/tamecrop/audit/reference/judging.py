"""The images that references learn from, and the others that they are asked about."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamecrop.audit.subject import Subject
from tamecrop.data.images import ImageSet
from tamecrop.data.splits import carved
from tamecrop.geometry import keys
from tamecrop.geometry.keys import Draw

Ints = NDArray[np.int64]

LEAST = 100
"""Fewer images teach a reference nothing."""

_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Judging:
    """A division of a data set's images.

    Args:
        learn: labeled images that a reference may learn from; None where it must not.
        asked: images that it is asked about, none of them in `learn`.
        places: `(n,)` of those in the audited images; None when they come from elsewhere.
    """

    learn: ImageSet | None
    asked: ImageSet
    places: Ints | None


def undivided(subject: Subject, *, most: int) -> Judging:
    """For a reference that learns nothing here: all images may be asked about."""
    places = _some(len(subject.images), most)
    return Judging(None, subject.images.subset(places), places)


def divided(subject: Subject, *, most: int) -> Judging:
    """For a reference that learns here: it is asked about the source's own validation images.

    A source without any gives a fifth of its images, spread over the classes.

    Args:
        subject: with labels.
        most: images asked about.

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
        return Judging(images, held.subset(_some(len(held), most)), None)
    learn, asked = carved(images, _SHARE)
    places = asked[_some(len(asked), most)]
    return Judging(images.subset(learn), images.subset(places), places)


def _some(count: int, most: int) -> Ints:
    """At most so many of the numbers below a count, chosen by a fixed key, in order."""
    order = keys.uniform(0, 0, np.arange(count), 0, Draw.LOOKED_AT).argsort()
    return np.sort(order[:most])
