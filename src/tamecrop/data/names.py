"""The names that data sets use for their splits, and for folders that hold no class."""

import re
import unicodedata
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

MASKS = (
    "segmentationobject", "masks", "mask", "segmentationclass", "segmentations", "segmentation",
    "seg", "gt", "groundtruth", "ground_truth", "trimaps", "trimap",
)  # fmt: skip
"""Folders of images whose values say where the objects of others are, the surest first."""

COMPANIONS = (
    *MASKS, "labels", "label", "annotations", "annotation", "annots", "anns",
    "depth", "xmls", "targets", "superpixels",
)  # fmt: skip
"""Folders that say something of images and hold none to learn from; and ends of files' names."""

PARTS = (
    "part", "parts", "batch", "chunk", "shard", "fold", "folder", "subset", "images", "image",
    "imgs", "img",
)  # fmt: skip
"""Words before the number of a folder that is a part of a set, and no class."""

_YEAR = re.compile(r"(19|20)\d\d")
_PLAIN = re.compile(r"[^\W\d_]+|\d+")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TRAINVAL, _TEST_DEV = len(SPLITS[TRAIN]) - 1, len(SPLITS[TEST])
_GRADES = ("fine", "coarse", "bit")
_ABOUT = re.compile(rf"(?i)(.*[^ _.-])[ _.-]+({'|'.join(COMPANIONS)})(?:[ _.-]?\d+)?")


def split_word(name: str) -> tuple[str, int] | None:
    """The split that a name stands for, and how far down its table the word is.

    >>> split_word("Train_images"), split_word("val2017"), split_word("Xtest")
    (('train', 0), ('validation', 0), ('test', 0))
    >>> split_word("train_val"), split_word("test-dev2017")
    (('train', 3), ('test', 3))
    >>> split_word("test_tube")
    """
    return _split_of(_PLAIN.findall(name.lower())) or _split_of(_pieces(name))


def _pieces(name: str) -> list[str]:
    """The words of a name, divided where the case changes, in lower case."""
    return [word.lower() for word in _WORDS.findall(name)]


def _split_of(words: Sequence[str]) -> tuple[str, int] | None:
    others = [word for word in words if _known(word) is None]
    if any(
        word not in FILLERS and not _YEAR.fullmatch(word) and not _is_number(word, words)
        for word in others
    ):
        return None
    return find_mention(words)


def find_mention(words: Sequence[str]) -> tuple[str, int] | None:
    """The split that the words of a name speak of, whatever else they say.

    Of train and val together it is train, and `test-dev` is a test.
    """
    said = [word for word in words if _known(word) is not None]
    if len(said) == 1:
        return _known(said[0])
    found = [_known(word) for word in said]
    if sorted(each[0] for each in found if each) == [TRAIN, VALIDATION]:
        return TRAIN, _TRAINVAL
    is_dev = len(said) == 2 and found[0] == (TEST, 0) and said[1] == "dev"
    return (TEST, _TEST_DEV) if is_dev else None


def split_in(name: str) -> str | None:
    """The split that words of a name stand for, whatever the other words are, if it is one.

    >>> split_in("imagenet-train-00001-of-00010"), split_in("train-val"), split_in("0001")
    ('train', None, None)
    """
    found = [split_word(word) for word in re.split(r"[^A-Za-z]+", name)]
    known = {each[0] for each in found if each is not None}
    return known.pop() if len(known) == 1 else None


def split_words(names: Sequence[str]) -> dict[str, tuple[str, int]]:
    """The names that stand for a split; also of two or more whose other words are the same.

    >>> sorted(split_words(["mnist_train", "mnist_test", "query"])), split_words(["cat", "dog"])
    (['mnist_test', 'mnist_train'], {})
    """
    found = {name: word for name in names if (word := split_word(name)) is not None}
    alike: dict[tuple[str, ...], dict[str, tuple[str, int]]] = {}
    for name in names:
        rest = tuple(word for word in _pieces(name) if _known(word) is None)
        word = find_mention(_pieces(name))
        if word is not None:
            alike.setdefault(rest, {})[name] = word
    several = [group for group in alike.values() if len({split for split, _ in group.values()}) > 1]
    return several[0] if not found and len(several) == 1 else found


def list_mentions(names: Sequence[str]) -> dict[str, str]:
    """The split that each name speaks of without standing for it: `test_stage1`.

    >>> list_mentions(["test_stage1", "test", "cat"])
    {'test_stage1': 'test'}
    """
    said = {name: find_mention(_pieces(name)) for name in names if split_word(name) is None}
    return {name: word[0] for name, word in said.items() if word is not None}


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
    """Whether a folder says something of images: `masks`, `train_masks`, `gtFine`.

    >>> is_companion("Train_Masks"), is_companion("no_mask"), is_companion("cat")
    (True, False, False)
    """
    if name.lower() in COMPANIONS:
        return True
    words = _pieces(name)
    about = [word for word in words if word in COMPANIONS]
    rest = [word for word in words if word not in about and not _YEAR.fullmatch(word)]
    return bool(about) and bool(rest) and all(_known(w) or w in _GRADES for w in rest)


def about(stem: str) -> str | None:
    """The name of the image that a file says something of, by its own: `7_mask`, `7_mask_1`.

    >>> about("cat (1)_mask_2"), about("ISIC_7-superpixels"), about("7")
    ('cat (1)', 'ISIC_7', None)
    """
    found = _ABOUT.fullmatch(stem)
    return None if found is None else found[1]


def is_images(name: str) -> bool:
    """Whether a folder is named after what it holds: `images`, `image_2`, `JPEGImages`.

    >>> is_images("image_2"), is_images("Images"), is_images("cat_images")
    (True, True, False)
    """
    return re.sub(r"[ _-]?\d+$", "", name.lower()) in IMAGES


def are_parts(names: Sequence[str]) -> bool:
    """Whether names number the parts of one set: `images_001`, `images_002`.

    >>> are_parts(["HAM_images_part_1", "HAM_images_part_2"]), are_parts(["7", "8"])
    (True, False)
    """
    found = [re.fullmatch(r"(.*?)[ _-]*\d+", name.lower()) for name in names]
    stems = {each[1] if each else "" for each in found}
    return len(names) > 1 and len(stems) == 1 and re.split(r"[ _-]", stems.pop())[-1] in PARTS


def year(name: str) -> int:
    """The year in a name, or 0."""
    found = _YEAR.search(name)
    return int(found[0]) if found else 0


def plain(name: str) -> str:
    """What is left of a class's name without case, spaces, signs and leading zeros.

    >>> plain("Maine_Coon "), plain("007"), plain("0")
    ('maine coon', '7', '0')
    """
    words = re.split(r"[\s_-]+", unicodedata.normalize("NFC", name).casefold().strip(" _-"))
    return " ".join((word.lstrip("0") or "0") if word.isdecimal() else word for word in words)


def list_alike(classes: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of classes that may be one: nothing but case, spaces, signs or zeros differs.

    >>> list_alike(["1", "01", "cat", "cat "])
    [('1', '01'), ('cat', 'cat ')]
    """
    first: dict[str, str] = {}
    return [
        (other, name) for name in classes if (other := first.setdefault(plain(name), name)) != name
    ]
