"""Splits that files name instead of folders: VOC's `ImageSets/Main`, `train.txt`, COCO's JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tamecrop.data.layouts import Layout, Part
from tamecrop.data.names import TRAIN, split_word, year
from tamecrop.data.opening import suffixes

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
    names: tuple[str, ...]


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
    index: Mapping[str, list[Path]] = {}
    for lists in _candidates(root, others):
        index = index or _index(whole.paths)
        found: dict[str, tuple[_List, tuple[Path, ...]]] = {}
        for each in sorted(lists, key=lambda each: each.rank):
            images = _named(each.names, index)
            if len(images) >= _LEAST * len(each.names) and images:
                found.setdefault(each.split, (each, images))
        if found.keys() - {TRAIN}:
            for each, _ in found.values():
                others[each.path.parent][".txt"] -= each.path.suffix == ".txt"
            return _divided(layout, whole, found)
    return layout


def _divided(
    layout: Layout, whole: Part, found: Mapping[str, tuple[_List, tuple[Path, ...]]]
) -> Layout:
    held = {path for split, (_, images) in found.items() if split != TRAIN for path in images}
    learned = found[TRAIN][1] if TRAIN in found else whole.paths
    parts = {TRAIN: learned} | {split: images for split, (_, images) in found.items()}
    parts[TRAIN] = tuple(path for path in learned if path not in held)
    used = {path for images in parts.values() for path in images}
    lost = len(whole.paths) - len(used)
    named = ", ".join(str(each.path) for each, _ in found.values())
    return replace(
        layout,
        parts={
            split: Part(whole.folder, tuple(sorted(images)), whole.is_classed)
            for split, images in parts.items()
        },
        unread=(*layout.unread, *([f"{lost} images that no list names"] if lost else [])),
        notes=(*layout.notes, f"the splits are those that {named} name"),
    )


def _candidates(root: Path, others: Mapping[Path, Counter[str]]) -> Iterator[list[_List]]:
    """The lists of each folder that has some: text files, then COCO's."""
    there = {path.relative_to(root).as_posix().lower(): path for path in others}
    for suffix, read in ((".txt", _text), (".json", _coco)):
        for name in FOLDERS:
            folder = there.get(name)
            if folder is not None and others[folder][suffix]:
                paths = [path for path in folder.glob(f"*{suffix}") if _stem_word(path)]
                if paths:
                    yield [each for path in paths if (each := read(path)) is not None]


def _stem(path: Path) -> str:
    return path.stem.removeprefix("instances_")


def _stem_word(path: Path) -> tuple[str, int] | None:
    return split_word(_stem(path))


def _of(path: Path, names: Sequence[str]) -> _List | None:
    word = _stem_word(path)
    if word is None:
        return None
    return _List(path, word[0], (word[1], -year(path.stem), path.name), tuple(names))


def _text(path: Path) -> _List | None:
    lines = path.read_text("utf-8-sig", errors="replace").splitlines()
    return _of(path, [line.strip() for line in lines if line.strip()])


def _coco(path: Path) -> _List | None:
    """The images of a COCO file; one that is broken is told of where its boxes are read."""
    try:
        images = json.loads(path.read_bytes())["images"]
        return _of(path, [str(image["file_name"]) for image in images])
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _key(name: str) -> tuple[str, str]:
    """The file's name without its suffix, and the folder that it lies in, if said."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem = path.stem if path.suffix.lower() in suffixes() else path.name
    return stem, path.parent.name


def _index(paths: Sequence[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(path.stem, []).append(path)
    return found


def _named(names: Sequence[str], index: Mapping[str, list[Path]]) -> tuple[Path, ...]:
    """The images that lines mean: the whole line, or its first word, as in `2007_000032 1`."""
    found: dict[Path, None] = {}
    for line in names:
        for name in dict.fromkeys((line, line.split()[0])):
            stem, folder = _key(name)
            images = index.get(stem, [])
            if len(images) > 1:
                images = [path for path in images if path.parent.name == folder]
            if len(images) == 1:
                found[images[0]] = None
                break
    return tuple(found)
