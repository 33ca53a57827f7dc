"""What is audited: images with what is known about them, and images held out for judging."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tamecrop.data import sources
from tamecrop.data.headers import header_size
from tamecrop.data.images import ImageSet
from tamecrop.geometry import keys, rules
from tamecrop.geometry.keys import Draw

MOST_IMAGES = 50_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject:
    """A data set as an audit sees it; one image is enough.

    Args:
        name: what the user typed.
        images: that crop laws are tried on.
        index: int64 `(N,)`, their places among all images of the source: the keys of their boxes.
        held: images of the source's own validation split, or None.
        classes: names of the labels, or None.
        notes: what had to be left out or changed, in sentences.
    """

    name: str
    images: ImageSet
    index: np.ndarray[tuple[int], np.dtype[np.int64]]
    held: ImageSet | None
    classes: tuple[str, ...] | None
    notes: tuple[str, ...]


def subject(spec: str | Path, *, seed: int = 0, most: int = MOST_IMAGES) -> Subject:
    """Find the images of a source, file sizes from their headers: no pixel of a file is decoded.

    Of the source's splits train is audited; test is never looked at.

    Args:
        spec: as for `sources.load`.
        seed: key of embedded scenes.
        most: a larger set is audited on this many of its images, chosen by a fixed key.

    Raises:
        ValueError: for an unknown name, a missing path, or data that breaks a rule, by name.
    """
    rules.count("images", most)
    found = sources.find(spec, seed=seed, sizing=header_size)
    total = len(found.train)
    order = keys.uniform(0, 0, np.arange(total), 0, Draw.AUDITED).argsort()
    index = np.sort(order[:most])
    notes = list(found.notes)
    if found.quarantined:
        first = found.quarantined[0]
        notes.append(f"{len(found.quarantined)} files were left out; the first: {first}")
    if total > most:
        notes.append(f"{most:,} of {total:,} images were audited, chosen by a fixed key")
    images = found.train if total <= most else found.train.subset(index)
    return Subject(
        name=str(spec),
        images=images,
        index=index,
        held=found.validation,
        classes=found.classes,
        notes=tuple(notes),
    )
