"""The names that data sets use for their splits, and for folders that hold no class."""

import re
from collections.abc import Mapping, Sequence

TRAIN, VALIDATION, TEST = "train", "validation", "test"

SPLITS: Mapping[str, tuple[str, ...]] = {
    TRAIN: ("train", "training", "trn", "trainval"),
    VALIDATION: (
        "val", "validation", "valid", "validate", "validating", "dev", "development", "eval",
        "evaluation", "holdout",
    ),
    TEST: ("test", "testing", "tst"),
}  # fmt: skip
"""Words for a split, the preferred ones first; read in any case, with years and `FILLERS`."""

FILLERS = (
    "set", "data", "dataset", "images", "image", "imgs", "img", "split", "folder", "samples",
    "jpg", "jpeg", "png", "x", "obj", "seg",
)  # fmt: skip
"""Words that may stand beside the word for a split: `Train_images`, `test-set`, `x_train`."""

IMAGES = ("images", "image", "imgs", "img", "jpegimages", "jpgs", "jpegs", "photos", "pictures")
"""Folders that hold the images of a split or of a set, beside folders that hold other things."""

WRAPPERS = ("data", "dataset", "datasets", "all", "raw", "cls-loc", "samples")
"""Folders that hold all there is."""

COMPANIONS = (
    "labels", "label", "masks", "mask", "annotations", "annotation", "annots", "anns",
    "segmentationclass", "segmentationobject", "segmentations", "segmentation", "seg", "gt",
    "groundtruth", "ground_truth", "trimaps", "depth", "xmls", "targets",
)  # fmt: skip
"""Folders that say something of images and hold none to learn from."""

_YEAR = re.compile(r"(19|20)\d\d")
_PLAIN = re.compile(r"[^\W\d_]+|\d+")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def split_word(name: str) -> tuple[str, int] | None:
    """The split that a name stands for, and how far down its table the word is.

    >>> split_word("Train_images"), split_word("val2017"), split_word("Xtest")
    (('train', 0), ('validation', 0), ('test', 0))
    >>> split_word("test_tube")
    """
    return _split_of(_PLAIN.findall(name.lower())) or _split_of(_pieces(name))


def _pieces(name: str) -> list[str]:
    """The words of a name, divided where the case changes, in lower case."""
    return [word.lower() for word in _WORDS.findall(name)]


def _split_of(words: Sequence[str]) -> tuple[str, int] | None:
    found: list[tuple[str, int]] = []
    for word in words:
        known = _known(word)
        if known is not None:
            found.append(known)
        elif word not in FILLERS and not _YEAR.fullmatch(word) and not _is_number(word, words):
            return None
    return found[0] if len(found) == 1 else None


def split_words(names: Sequence[str]) -> dict[str, tuple[str, int]]:
    """The names that stand for a split; also when all have one more word in common.

    >>> sorted(split_words(["mnist_train", "mnist_test"])), split_words(["cat", "dog"])
    (['mnist_test', 'mnist_train'], {})
    """
    found = {name: word for name in names if (word := split_word(name)) is not None}
    pieces = {name: _pieces(name) for name in names}
    rest = {tuple(word for word in words if _known(word) is None) for words in pieces.values()}
    known = {name: [_known(word) for word in words] for name, words in pieces.items()}
    one_each = {name: [word for word in words if word] for name, words in known.items()}
    if found or len(rest) != 1 or any(len(words) != 1 for words in one_each.values()):
        return found
    shared = {name: words[0] for name, words in one_each.items()}
    return shared if len(shared) > 1 else {}


def _known(word: str) -> tuple[str, int] | None:
    for split, names in SPLITS.items():
        for rank, name in enumerate(names):
            glued = any(word == name + filler for filler in FILLERS[1:]) or word == name + "set"
            if word == name or glued or word in ("x" + name, "y" + name):
                return split, rank
    return None


def _is_number(word: str, words: Sequence[str]) -> bool:
    """Whether a word numbers the folders: `01_train`, not `train_3`."""
    return word.isdigit() and len(word) <= 2 and word == words[0]


def is_companion(name: str) -> bool:
    """Whether a folder says something of images: `masks`, `train_masks`.

    >>> is_companion("Train_Masks"), is_companion("cat")
    (True, False)
    """
    if name.lower() in COMPANIONS:
        return True
    words = _pieces(name)
    about = [word for word in words if word in COMPANIONS]
    rest = [word for word in words if word not in about and not _YEAR.fullmatch(word)]
    return bool(about) and all(_known(word) is not None for word in rest) and bool(rest)


def year(name: str) -> int:
    """The year in a name, or 0."""
    found = _YEAR.search(name)
    return int(found[0]) if found else 0
