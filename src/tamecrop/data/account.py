"""What was found in a source, what a command needs of it, and one line that says what was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tamecrop.data.decode import DecodeError
from tamecrop.data.images import ImageSet, Need
from tamecrop.geometry import rules

Needs = Sequence[Need] | None

NEEDS: tuple[Need, ...] = ("pixels", "labels", "boxes", "known_boxes")

_MOST_NAMES = 5


@dataclass(frozen=True, eq=False, kw_only=True)
class Found:
    """The images of a source, in the splits that the source has.

    Args:
        train: images to learn from.
        validation: None when the source has no such split.
        test: likewise.
        classes: names of the labels, or None.
        root: folder of the files, or None.
        quarantined: files that could not be read and were left out.
        notes: sentences on what had to be changed to make sense of the source.
        depth: how deep pixels became 8 bits, or an empty text.
        marked: how object boxes come from what is not boxes, or an empty text.
        unread: what of the source was passed over, in words.
        lacking: why something that may be needed is not there, by `labels` and `boxes`.
    """

    train: ImageSet
    validation: ImageSet | None = None
    test: ImageSet | None = None
    classes: tuple[str, ...] | None = None
    root: Path | None = None
    quarantined: tuple[DecodeError, ...] = ()
    notes: tuple[str, ...] = ()
    depth: str = ""
    marked: str = ""
    unread: tuple[str, ...] = ()
    lacking: Mapping[Need, tuple[str, ...]] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """One line on what was read and what was not."""
        sets = {"train": self.train, "val": self.validation, "test": self.test}
        splits = {name: images for name, images in sets.items() if images is not None}
        return self.line(splits)

    def line(self, splits: Mapping[str, ImageSet], *, carved: Sequence[str] = ()) -> str:
        """The account of the splits as they are used.

        Args:
            splits: by name.
            carved: names of those that were taken out of train.
        """
        parts = (
            _classes(self.classes),
            "splits: " + ", ".join(_split(*each, carved, self.classes) for each in splits.items()),
            _boxes([*splits.values()], self.marked),
            _channels(self.train),
            self.depth,
            f"left out: {len(self.quarantined)} unreadable" if self.quarantined else "",
            f"not read: {', '.join(self.unread)}" if self.unread else "",
        )
        return "; ".join(part for part in parts if part)


def reads_boxes(needs: Needs) -> bool:
    """Whether object boxes are looked at."""
    return needs is None or "boxes" in needs or "known_boxes" in needs


def require_known(needs: Needs) -> None:
    """Refuse a need that is none, with the nearest one."""
    for need in needs or ():
        rules.known("need", need, NEEDS)


def _classes(names: tuple[str, ...] | None) -> str:
    if names is None:
        return "no classes"
    shown = ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
    return f"classes: {shown} ({len(names)})"


def _split(
    name: str, images: ImageSet, carved: Sequence[str], classes: tuple[str, ...] | None
) -> str:
    origin = " carved from train" if name in carved else ""
    without = " without labels" if classes is not None and images.labels is None else ""
    return f"{name}{origin} {len(images)}{without}"


def _boxes(splits: Sequence[ImageSet], marked: str) -> str:
    known = [each.boxes for each in splits if each.boxes is not None]
    if not known:
        return ""
    boxed = sum(len(boxes) > 0 for each in known for boxes in each)
    how = f", {marked}" if marked else ""
    return f"object boxes: {boxed} of {sum(map(len, known))} images{how}"


def _channels(images: ImageSet) -> str:
    if images.channels == 3:
        return ""
    return f"channels: {images.channels}"
