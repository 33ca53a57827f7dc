"""Which key of an archive holds what, and what of it must be right."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tamecrop.data import names
from tamecrop.data.account import Needs, reads_boxes
from tamecrop.data.archive_labels import CLASSES, Arrays
from tamecrop.data.images import Need

KEYS: Mapping[str, tuple[str, ...]] = {
    "images": ("images", "image", "imgs", "img", "x", "data", "pixels", "inputs"),
    "labels": ("labels", "label", "y", "targets", "target"),
    "boxes": ("boxes", "box", "bboxes", "bbox"),
    "masks": ("masks", "mask", "segmentations", "segmentation", "segs", "seg"),
}
"""Words for what an array holds, beside a word for the split; without one it is train."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
NAMES = {names.TRAIN: "train", names.VALIDATION: "val", names.TEST: "test"}


def slot(key: str) -> tuple[str, str] | None:
    """The split and the kind that a key stands for.

    >>> slot("train_images"), slot("X_test"), slot("y_valid"), slot("images"), slot("trainX")
    (('train', 'images'), ('test', 'images'), ('validation', 'labels'), ('train', 'images'), \
('train', 'images'))
    >>> slot("train_masks"), slot("train_faces")
    (('train', 'masks'), None)
    """
    words = [word.lower() for word in _WORDS.findall(key)]
    if len(words) == 1 and words[0][:1] in "xy" and names.split_word(words[0][1:]):
        words = [words[0][0], words[0][1:]]
    kinds = [kind for kind, known in KEYS.items() for word in words if word in known]
    rest = [word for word in words if not any(word in known for known in KEYS.values())]
    split = names.split_word(" ".join(rest)) if rest else (names.TRAIN, 0)
    if split is None or len(kinds) != 1:
        return None
    return split[0], kinds[0]


@dataclass
class Archive:
    """An archive with a key for each kind of array of each split."""

    path: Path
    arrays: Arrays
    keys: Mapping[tuple[str, str], str]
    needs: Needs
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    marked: set[str | None] = field(default_factory=set)

    def get(self, split: str, kind: str) -> tuple[str, NDArray[Any]] | None:
        """Key and array, where there is one."""
        key = self.keys.get((split, kind))
        return None if key is None else (key, self.arrays[key])

    def wants(self, need: Need) -> bool:
        """Whether something must be right: it is needed, or nothing is said of needs."""
        if need == "boxes":
            return reads_boxes(self.needs)
        return self.needs is None or need in self.needs


@contextmanager
def tolerated(archive: Archive, need: Need) -> Iterator[None]:
    """Let what nobody needs be wrong: it is noted, and left out."""
    try:
        yield
    except ValueError as error:
        if archive.wants(need):
            raise
        archive.problems.append(str(error))
        archive.notes.append(f"{error}; the {need} are not needed and were left out")


def keys_of(path: Path, arrays: Arrays) -> dict[tuple[str, str], str]:
    """The key of each kind of array of each split."""
    found: dict[tuple[str, str], str] = {}
    for key in arrays:
        place = slot(key)
        if place is None or key in CLASSES:
            continue
        if place in found:
            raise ValueError(f"{path}: `{found[place]}` and `{key}` are both {' '.join(place)}")
        found[place] = key
    return found
