"""The images that references learn from, and the others that they are asked about."""

from dataclasses import dataclass

import numpy as np

from tamecrop.audit.subject import Subject
from tamecrop.data.images import ImageSet
from tamecrop.data.splits import carve
from tamecrop.geometry import keys

LEAST = 100
"""Fewer images teach a reference nothing."""

_SHARE = 0.2
_ORDER = 2021


@dataclass(frozen=True, eq=False)
class Judging:
    """A division of a data set's images.

    Args:
        learn: labelled images that a reference may learn from; None where it must not.
        asked: images that it is asked about, none of them in `learn`.
    """

    learn: ImageSet | None
    asked: ImageSet


def undivided(subject: Subject, *, most: int) -> Judging:
    """For a reference that learns nothing here: all images may be asked about."""
    return Judging(None, some(subject.images, most))


def divided(subject: Subject, *, most: int) -> Judging:
    """For a reference that learns here: it is asked about the source's own validation images.

    A source without any gives a fifth of its images, spread over the classes.

    Args:
        subject: with labels.
        most: images asked about.

    Raises:
        ValueError: when too few images are left to learn from, or a class has none.
    """
    learn, asked = subject.images, subject.held
    if len(learn) < LEAST:
        raise ValueError(
            f"a reference cannot learn from {len(learn)} images, {LEAST} are the least: name one "
            "that is trained, torchvision:... or timm:..."
        )
    if asked is None:
        learn, asked = carve(learn, _SHARE)
    return Judging(learn, some(asked, most))


def some(images: ImageSet, most: int) -> ImageSet:
    """At most so many of the images, chosen by a fixed key."""
    if len(images) <= most:
        return images
    order = keys.uniform(0, 0, np.arange(len(images)), 0, _ORDER).argsort()
    return images.subset(np.sort(order[:most]))
