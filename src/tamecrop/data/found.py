"""What a reader of one kind of source hands on: images, in the splits that the source has."""

from dataclasses import dataclass
from pathlib import Path

from tamecrop.data.decode import DecodeError
from tamecrop.data.images import ImageSet


@dataclass(frozen=True, eq=False, kw_only=True)
class Found:
    """The images of a source.

    Args:
        train: images to learn from.
        validation: None when the source has no such split.
        test: likewise.
        classes: names of the labels, or None.
        root: folder of the files, or None.
        quarantined: files that could not be read and were left out.
        notes: sentences on what had to be changed to make sense of the source.
    """

    train: ImageSet
    validation: ImageSet | None = None
    test: ImageSet | None = None
    classes: tuple[str, ...] | None = None
    root: Path | None = None
    quarantined: tuple[DecodeError, ...] = ()
    notes: tuple[str, ...] = ()
