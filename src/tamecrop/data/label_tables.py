"""Tables beside images: labels and splits of `labels.csv`, Kaggle's `train.csv`, `metadata.jsonl`.

A table is known by its content: one of its columns names the images. A column that is called a
label holds the classes; where none is, the only other column does, if its values repeat.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tamecrop.data.layouts import Part
from tamecrop.data.mentions import Images
from tamecrop.data.names import TRAIN, split_word
from tamecrop.data.yolo import read_text

SUFFIXES = (".csv", ".tsv", ".jsonl")

IMAGES = ("file_name", "filename", "file", "image", "image_id", "img", "path", "id", "name")
LABELS = (
    "class_name", "label_name", "label", "labels", "class", "classname", "category", "target",
    "species", "breed", "diagnosis", "dx", "class_id", "label_id", "y",
)  # fmt: skip
"""What a column of labels is called, the preferred ones first."""

SPLITS = ("split", "set", "subset", "phase", "partition")

_FOLDERS = (".", "labels", "annotations", "meta", "metadata")
_LEAST = 0.5
"""A column names images when this share of its rows does, or this share of the images is named."""

_MOST_BYTES = 10**8
_UNREADABLE = (OSError, ValueError, TypeError, csv.Error, RecursionError)
_SAMPLE = re.compile(r"(?i)submission|^sample")


@dataclass(frozen=True, eq=False)
class Table:
    """A table of which one column names images.

    Args:
        path: of the file.
        images: of each row, or None where it names none that is there.
        labels: of each row, or None where no column is one of labels.
        column: what that of labels is called.
        splits: of each row, or None where no column is one of splits.
        problem: why no column is one of labels.
    """

    path: Path
    images: tuple[Path | None, ...]
    labels: tuple[str, ...] | None
    column: str
    splits: tuple[str, ...] | None
    problem: str


@dataclass
class Labels:
    """What tables say of the classes of images.

    Args:
        of: class of each image that has one.
        notes: which columns were read.
        problems: why a table that names images gives them no classes.
        tables: those that were read.
        why: why folders that look like classes are not taken for such, or an empty text.
    """

    of: dict[Path, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    why: str = ""


def find_labels(
    root: Path, parts: Mapping[str, Part], others: Mapping[Path, Counter[str]]
) -> Labels:
    """The classes that the tables of a folder give to its images.

    A table in the folder of a split, or with the word for one in its name, is of that split.

    Args:
        root: the folder.
        parts: its splits.
        others: number of files that are no image, by folder and suffix.
    """
    found = Labels()
    folders = [part.folder for part in parts.values()]
    places = [root / name for name in _FOLDERS] + [p for f in folders for p in (f, f.parent)]
    for path in list_tables(dict.fromkeys(places), others):
        table = _read_in_turn(path, parts)
        if table is None:
            every = [image for part in parts.values() for image in part.paths]
            found.problems += _say_unnamed(path, Images(every))
            continue
        if table.labels is None:
            found.problems.append(table.problem)
            continue
        several = _add(table, found.of)
        if several is not None:
            found.problems.append(f"{path} gives {several.name} several labels")
            return Labels(problems=found.problems)
        found.tables.append(path)
        found.notes.append(f"labels are {table.column} of {path}")
    return found


def _say_unnamed(path: Path, images: Images) -> Iterator[str]:
    """Why a table that has a column of labels, and one for images, is of no images here."""
    try:
        head, rows = _rows(path)
    except _UNREADABLE:
        return
    labels, named = ([name for name in known if name in head] for known in (LABELS, IMAGES))
    if not (labels and named and rows):
        return
    place = head.index(named[0])
    said = f"{path} has a column {labels[0]!r}, and its column {named[0]!r}"
    several = next((row for row in rows if len(images.candidates(row[place])) > 1), None)
    if several is not None:
        one, other, *_ = (found.name for found in images.candidates(several[place]))
        yield f"{said} does not tell images apart: {several[place]!r} means {one} and {other}"
    elif images.first is not None:
        there = f"{rows[0][place]!r} is none, and {images.first.name!r} is one"
        yield f"{said} does not name the images: {there}"


def _read_in_turn(path: Path, parts: Mapping[str, Part]) -> Table | None:
    """A table of all images, or of its own split's, where splits have files of equal names."""
    word = split_word(path.stem.partition("_labels")[0])
    here = [part.paths for part in parts.values() if part.folder == path.parent]
    own = parts[word[0]].paths if word and word[0] in parts else ()
    every = tuple(image for part in parts.values() for image in part.paths)
    first = here[0] if len(here) == 1 and len(parts) > 1 else own
    found = (read(path, Images(each)) for each in (first, every, parts[TRAIN].paths) if each)
    return next((table for table in found if table is not None), None)


def _add(table: Table, of: dict[Path, str]) -> Path | None:
    """Note the labels of a table; the first image that has two."""
    for image, label in zip(table.images, table.labels or (), strict=True):
        if image is not None and label and of.setdefault(image, label) != label:
            return image
    return None


def list_tables(places: Iterable[Path], others: Mapping[Path, Counter[str]]) -> Iterator[Path]:
    """The tables of some folders; samples of what is to be submitted say nothing true."""
    for place in places:
        if place in others and any(others[place][suffix] for suffix in SUFFIXES):
            for path in sorted(place.iterdir()):
                if path.suffix.lower() in SUFFIXES and not _SAMPLE.search(path.stem):
                    yield path


def read(path: Path, images: Images) -> Table | None:
    """A table of images, or None for what names none."""
    try:
        head, rows = _rows(path)
    except _UNREADABLE:
        return None
    named = {place: [images.find(row[place]) for row in rows] for place in range(len(head))}
    place = _best(head, named, images.count)
    if place is None:
        return None
    found, has_head = named[place], True
    if (first := images.find(head[place])) is not None:
        head, rows, found, has_head = _unnamed(head), [head, *rows], [first, *found], False
    columns = {name: [row[n] for row in rows] for n, name in enumerate(head) if n != place}
    splits = next((columns[name] for name in SPLITS if _are_splits(columns.get(name, ()))), None)
    label = _label(columns)
    why = f"{path} names images, and none of its columns ({', '.join(columns)}) is called a label"
    column = f"column {label!r}" if has_head else "the second column"
    return Table(
        path,
        tuple(found),
        None if label is None else tuple(columns[label]),
        column,
        None if splits is None else tuple(splits),
        why,
    )


def _unnamed(row: Sequence[str]) -> list[str]:
    return [str(place) for place in range(1, len(row) + 1)]


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Names of the columns in lower case, and rows as wide as these.

    Raises:
        ValueError: for what is no table.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path} has more than {_MOST_BYTES:,} bytes")
    text = read_text(path)
    if path.suffix.lower() == ".jsonl":
        records: list[dict[str, Any]] = [json.loads(x) for x in text.splitlines() if x.strip()]
        if not all(isinstance(record, dict) for record in records):
            raise ValueError(f"{path} must hold an object a line")
        names = list(dict.fromkeys(key for record in records for key in record))
        body = [[str(record.get(name, "")) for name in names] for record in records]
    else:
        first = text.partition("\n")[0]
        sign = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=first.count)
        names, *body = [row for row in csv.reader(text.splitlines(), delimiter=sign) if row]
    head = [name.strip().lower().replace(" ", "_") for name in names]
    cut = [[cell.strip() for cell in [*row, *[""] * len(head)][: len(head)]] for row in body]
    return (head if path.suffix.lower() == ".jsonl" else _kept(names, head)), cut


def _kept(names: Sequence[str], head: list[str]) -> list[str]:
    """The names of columns; as they are written where they may be a row: two that are alike."""
    return head if len({*head}) == len(head) else [name.strip() for name in names]


def _best(
    head: Sequence[str], named: Mapping[int, Sequence[Path | None]], count: int
) -> int | None:
    """The column that names the most images, by its name where two name as many."""
    total = {place: len({*found} - {None}) for place, found in named.items()}
    best = max(total, key=lambda n: (total[n], head[n] in IMAGES, -n), default=None)
    if best is None or not total[best]:
        return None
    rows = sum(found is not None for found in named[best])
    is_named = rows >= _LEAST * len(named[best]) or total[best] >= _LEAST * count
    return best if is_named else None


def _are_splits(values: Sequence[str]) -> bool:
    words = [split_word(value) for value in {*values}]
    return len({word[0] for word in words if word}) > 1 and None not in words


def _label(columns: Mapping[str, Sequence[str]]) -> str | None:
    """The column of labels."""
    named = [name for name in LABELS if name in columns]
    if named:
        return named[0]
    others = [name for name, values in columns.items() if not _are_splits(values)]
    if len(others) != 1:
        return None
    values = columns[others[0]]
    repeats = 2 * len({*values}) <= len(values)
    return others[0] if repeats and not any("." in value for value in values) else None


def by_split(table: Table, word: tuple[str, int] | None) -> dict[str, list[Path]]:
    """The images of each split that a table names, by its column or by its own name."""
    splits: dict[str, list[Path]] = {}
    for number, image in enumerate(table.images):
        stated = word if table.splits is None else split_word(table.splits[number])
        if image is not None and stated is not None:
            splits.setdefault(stated[0], []).append(image)
    return splits if {*splits} - {TRAIN} or word is not None else {}


def by_number(name: str) -> tuple[bool, str]:
    """A key that sorts whole numbers as such, before texts.

    >>> sorted(["10", "b", "9"], key=by_number)
    ['9', '10', 'b']
    """
    return not name.isdecimal(), name.zfill(9) if name.isdecimal() else name
