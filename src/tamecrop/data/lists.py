"""Splits that files name, not folders: VOC's `ImageSets/Main`, `train.txt`, COCO, tables."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tamecrop.data.label_tables import by_split, list_tables, read as read_table
from tamecrop.data.layouts import Layout, Part
from tamecrop.data.mentions import Images
from tamecrop.data.names import TRAIN, split_word, year

FOLDERS = ("imagesets/main", "imagesets", "splits", "meta", "annotations", ".")
"""Folders that hold lists, in lower case; the first one that names images is read."""

_LEAST = 0.5
"""A file is a list when this share of its lines names images."""


@dataclass(frozen=True)
class _List:
    """A file that names the images of a split."""

    path: Path
    split: str
    rank: tuple[int, int, str]
    images: tuple[Path, ...]


def divide(root: Path, layout: Layout, others: dict[Path, Counter[str]]) -> Layout:
    """The layout with its train images in the splits that lists in the folder name.

    Where folders are splits, lists are not looked at. What a list of val or test names is not in
    train; what no list names is left out where there is a list of train.

    Args:
        root: the folder.
        layout: what its folders say.
        others: number of files that are no image, by folder and suffix; lists that are read are
            taken out.
    """
    if {*layout.parts, *layout.empty} != {TRAIN}:
        return layout
    whole = layout.parts[TRAIN]
    for lists in _candidates(root, others, Images(whole.paths)):
        found: dict[str, _List] = {}
        for each in sorted(lists, key=lambda each: each.rank):
            found.setdefault(each.split, each)
        if found.keys() - {TRAIN}:
            for path in {each.path for each in found.values()}:
                others[path.parent][".txt"] -= path.suffix == ".txt"
            return _divided(layout, whole, found)
    return layout


def _divided(layout: Layout, whole: Part, found: Mapping[str, _List]) -> Layout:
    held = {path for split, each in found.items() if split != TRAIN for path in each.images}
    learned = found[TRAIN].images if TRAIN in found else whole.paths
    parts = {TRAIN: learned} | {split: each.images for split, each in found.items()}
    parts[TRAIN] = tuple(path for path in learned if path not in held)
    used = {path for images in parts.values() for path in images}
    lost = len(whole.paths) - len(used)
    named = ", ".join(dict.fromkeys(str(each.path) for each in found.values()))
    return replace(
        layout,
        parts={
            split: Part(whole.folder, tuple(sorted(images)), whole.is_classed)
            for split, images in parts.items()
        },
        unread=(*layout.unread, *([f"{lost} images that no list names"] if lost else [])),
        notes=(*layout.notes, f"the splits are those that {named} name"),
    )


def _candidates(
    root: Path, others: Mapping[Path, Counter[str]], images: Images
) -> Iterator[list[_List]]:
    """The lists of each folder that has some: text files, then COCO's, then tables."""
    there = {path.relative_to(root).as_posix().lower(): path for path in others}
    folders = [there[name] for name in FOLDERS if name in there]
    for suffix, read in ((".txt", _text), (".json", _coco)):
        for folder in folders:
            if others[folder][suffix]:
                paths = [path for path in folder.glob(f"*{suffix}") if _stem_word(path)]
                if paths:
                    yield [each for path in paths if (each := _of(path, read(path), images))]
    for folder in folders:
        yield [each for path in list_tables([folder], others) for each in _in_table(path, images)]


def _stem(path: Path) -> str:
    return path.stem.removeprefix("instances_")


def _stem_word(path: Path) -> tuple[str, int] | None:
    return split_word(_stem(path))


def _in_table(path: Path, images: Images) -> Iterator[_List]:
    """What a table says of splits, by a column of them or by its own name."""
    table = read_table(path, images)
    if table is not None:
        for split, named in by_split(table, _stem_word(path)).items():
            yield _List(path, split, _rank(path), tuple(dict.fromkeys(named)))


def _of(path: Path, lines: Sequence[str], images: Images) -> _List | None:
    """A file as a list, when enough of its lines name images."""
    word, named = _stem_word(path), _named(lines, images)
    if word is None or not named or len(named) < _LEAST * len(lines):
        return None
    return _List(path, word[0], _rank(path), named)


def _rank(path: Path) -> tuple[int, int, str]:
    word = _stem_word(path)
    return (word[1] if word else 0, -year(path.stem), path.name)


def _text(path: Path) -> list[str]:
    lines = path.read_text("utf-8-sig", errors="replace").splitlines()
    return [line.strip() for line in lines if line.strip()]


def _coco(path: Path) -> list[str]:
    """The images of a COCO file; one that is broken is told of where its boxes are read."""
    try:
        return [str(image["file_name"]) for image in json.loads(path.read_bytes())["images"]]
    except (ValueError, TypeError, LookupError, RecursionError):
        return []


def _named(names: Sequence[str], images: Images) -> tuple[Path, ...]:
    """The images that lines mean: the whole line, or its first word, as in `2007_000032 1`."""
    found: dict[Path, None] = {}
    for line in names:
        for name in dict.fromkeys((line, line.split()[0])):
            image = images.find(name)
            if image is not None:
                found[image] = None
                break
    return tuple(found)
