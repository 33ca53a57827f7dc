"""Folders of image files: listed, laid out by `layouts`, looked at file by file, labeled.

Every file is looked at once before anything else happens: decoded whole, or, for what needs no
pixels, only its header read. What cannot be read is quarantined, by name and reason, and the list
of what is left never changes afterwards.
"""

import itertools
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from tamecrop.data import annotations, layouts, lists, names
from tamecrop.data.account import Found, Needs, reads_boxes
from tamecrop.data.annotations import Annotations
from tamecrop.data.first_look import look_once, refuse_unreadable, size_of, sizes_of
from tamecrop.data.images import ImageSet, Need
from tamecrop.data.label_tables import Labels, by_number, find_labels
from tamecrop.data.layouts import Part
from tamecrop.data.listing import Listing, list_folder
from tamecrop.data.quarantine import Memory, Sizing, decoded_size

_ELSEWHERE = {
    ".zip .tar .gz .tgz .7z .rar .bz2 .xz": "unpack the archives first",
    ".tar": "shards are read as wds:{root}",
    ".parquet .arrow": "a Hugging Face data set is read as hf:{root}",
    ".npz": "give the .npz archive itself",
}
"""Suffixes of what holds images and is no image file, and what to do."""

_TABLES = (".xlsx", ".xls", ".parquet", ".mat")
_TINY, _IMAGENET = "val_annotations.txt", "LOC_val_solution.csv"


def read(
    root: Path,
    *,
    sizing: Sizing = decoded_size,
    needs: Needs = None,
    most_pixels: int | None = None,
) -> Found:
    """Read a folder of images.

    What its folders mean is found by `layouts.read`; boxes are read from the annotations that
    `annotations.find` knows. Names that begin with a dot, system folders and our own results are
    passed over; linked folders are followed, but not back into themselves.

    Files that were decoded before are not decoded again as long as they do not change, see
    `tamecrop.data.quarantine`.

    Args:
        root: the folder.
        sizing: how sizes are found: `decoded_size`, or `headers.header_size`, which reads no
            pixels and so finds no damaged ones.
        needs: what is asked of the data; annotations that nobody needs are not read. By default
            what is there is read, and must be right.
        most_pixels: of an image; by default what a check of the folder accepted, or Pillow's
            limit.

    Raises:
        ValueError: naming the folder that holds no image, or too many unreadable ones.
        OSError: naming a folder inside it that cannot be listed.
    """
    listing = list_folder(root)
    layout = lists.divide(root, layouts.read(listing.folder), listing.others)
    paths = [path for part in layout.parts.values() for path in part.paths]
    memory, notes = look_once(root, paths, sizing=sizing, most_pixels=most_pixels)
    require_readable(root, memory, listing)
    parts = {split: readable(root, part, memory) for split, part in layout.parts.items()}
    empty = dict(layout.empty) | {s: part.folder for s, part in parts.items() if not part.paths}
    if names.TRAIN in empty:
        raise ValueError(f"{root}: the train split must hold images, got none")
    parts = {split: part for split, part in parts.items() if part.paths}
    source = annotations.find(root, listing, parts)
    sizes = {split: sizes_of(root, part.paths, memory) for split, part in parts.items()}
    boxes = _boxes(root, source, parts, sizes, notes) if reads_boxes(needs) else {}
    told = replace(_told(root, parts, listing), why=layout.domains)
    unknown = (layout.domains,) if layout.domains else ()
    parts, doubts = _without_one_class(parts, told, layout.doubts)
    classes = _classes(parts, source, told)
    same = _same_folders(parts)
    decoding = memory.decoding(root)
    labels = {split: _labels(root, part, classes, told) for split, part in parts.items()}
    lacking = _lacking(listing, parts, labels, told, has_boxes=bool(boxes), source=source)
    none = [f"the {split} split must hold images, got none in {p}" for split, p in empty.items()]
    sets = {
        split: ImageSet(
            paths=part.paths,
            sizes=sizes[split],
            labels=labels[split],
            boxes=boxes.get(split),
            decoding=decoding,
        )
        for split, part in parts.items()
    }
    used = () if source is None or not boxes else source.suffixes
    marked = source.folders if source is not None and used else ()
    seen = {f"folder {path.relative_to(root).as_posix()}" for path in marked}
    left = [name for name in layout.unread if name not in seen]
    return Found(
        train=sets[names.TRAIN],
        validation=sets.get(names.VALIDATION),
        test=sets.get(names.TEST),
        classes=None if classes is None else tuple(_shown(name) for name in classes),
        root=root,
        quarantined=tuple(entry.error(root) for entry in memory.bad),
        notes=(
            *layout.notes,
            *(doubts if classes is not None else unknown),
            *told.notes,
            *(told.problems if classes is None else ()),
            *same,
            *notes,
        ),
        depth=decoding.account,
        marked=source.account if source is not None and boxes else "",
        unread=(*listing.unread(used), *left),
        lacking=lacking | {"labels": (*none, *lacking["labels"])},
    )


def require_readable(root: Path, memory: Memory, listing: Listing | None = None) -> None:
    """Refuse a folder without images, or with more unreadable ones than its memory accepts.

    Raises:
        ValueError: naming the folder, the counts and the first unreadable file.
    """
    if not memory.entries:
        unread = listing.unread() if listing is not None else ()
        rest = f"; not read: {', '.join(unread)}" if unread else ""
        there = {s for c in listing.others.values() for s in +c} if listing is not None else set()
        hints = [hint for found, hint in _ELSEWHERE.items() if there & {*found.split()}]
        unpack = "; ".join(["", *hints]).format(root=root)
        raise ValueError(f"{root} must hold image files, got none{rest}{unpack}")
    refuse_unreadable(root, str(root), memory)


def readable(root: Path, part: Part, memory: Memory) -> Part:
    """The readable files of a split."""
    good = (path for path in part.paths if size_of(root, path, memory) is not None)
    return Part(part.folder, tuple(good), part.is_classed)


def _boxes(
    root: Path,
    source: Annotations | None,
    parts: Mapping[str, Part],
    sizes: Mapping[str, annotations.Ints],
    notes: list[str],
) -> dict[str, tuple[annotations.Floats, ...]]:
    """Boxes inside their images; what had to be changed is added to the notes.

    Raises:
        ValueError: naming the first thing that is wrong in the annotations, and how many more.
    """
    if source is None:
        return {}
    found = source.read({split: part.paths for split, part in parts.items()}, sizes)
    if found.problems:
        more = len(found.problems) - 1
        rest = f" (and {more} more: `tamecrop data check {root}` lists them)" if more else ""
        raise ValueError(f"{found.problems[0]}{rest}")
    fitted = {
        split: annotations.inside(boxes, sizes[split]) for split, boxes in found.boxes.items()
    }
    notes += [*found.notes, *(change for _, changes in fitted.values() for change in changes)]
    return {split: boxes for split, (boxes, _) in fitted.items()}


def _told(root: Path, parts: Mapping[str, Part], listing: Listing) -> Labels:
    """What tables say of the classes, where folders are none: two or more folders are classes."""
    train = parts[names.TRAIN]
    if train.is_classed and len({_class(train, path) for path in train.paths}) > 1:
        return Labels()
    told = find_labels(root, parts, listing.others)
    if told.of and not all(path in told.of for path in train.paths):
        there = sum(path in told.of for path in train.paths)
        many = f"{there} of {len(train.paths)} train images have a label in"
        told.problems += [f"{many} {path}" for path in told.tables]
        return Labels(problems=told.problems)
    for path in told.tables:
        listing.others[path.parent][path.suffix.lower()] -= 1
    return told


def _without_one_class(
    parts: Mapping[str, Part], told: Labels, doubts: tuple[str, ...]
) -> tuple[dict[str, Part], tuple[str, ...]]:
    """Parts whose one folder is no class, since a table says what the classes are."""
    if not told.of:
        return dict(parts), doubts
    return {s: Part(part.folder, part.paths, is_classed=False) for s, part in parts.items()}, ()


def _classes(
    parts: Mapping[str, Part], source: Annotations | None, told: Labels
) -> tuple[str, ...] | None:
    """Names of the classes of all splits, by folders or tables, or None where train has none.

    One folder inside of a YOLO data set is no class.
    """
    if told.of:
        named = {told.of[path] for part in parts.values() for path in part.paths if path in told.of}
        return tuple(sorted(named, key=by_number))
    if not parts[names.TRAIN].is_classed:
        return None
    labeled = [part for part in parts.values() if part.is_classed]
    found = {_class(part, path) for part in labeled for path in part.paths}
    is_yolo = source is not None and source.kind == "yolo"
    return None if is_yolo and len(found) == 1 else tuple(sorted(found))


def _class(part: Part, path: Path) -> str:
    """The first folder; an accent written as one letter or as two is the same name."""
    return unicodedata.normalize("NFC", path.relative_to(part.folder).parts[0])


def _same_folders(parts: Mapping[str, Part]) -> list[str]:
    """A sentence for each two splits that links make the same."""
    true = {split: {path.parent.resolve() for path in part.paths} for split, part in parts.items()}
    twice = {split: {*part.paths} for split, part in parts.items()}
    return [
        f"{first} and {second} are the same images in {folder}: what is learned is judged by itself"
        for first, second in itertools.combinations(parts, 2)
        if not twice[first] & twice[second]
        for folder in sorted(true[first] & true[second])[:1]
        if parts[first].folder != parts[second].folder
    ]


def _labels(
    root: Path, part: Part, classes: tuple[str, ...] | None, told: Labels
) -> torch.Tensor | None:
    """The class of each image of a split: its folder, or what a table beside a flat split says."""
    if classes is None:
        return None
    numbers = {name: number for number, name in enumerate(classes)}
    if part.is_classed:
        named = [_class(part, path) for path in part.paths]
    elif told.of:
        named = [told.of.get(path, "") for path in part.paths]
    else:
        table = _table(root, part)
        named = [table.get(path.name, table.get(path.stem, "")) for path in part.paths]
    if not all(name in numbers for name in named):
        return None
    return torch.tensor([numbers[name] for name in named], dtype=torch.int64)


def _table(root: Path, part: Part) -> dict[str, str]:
    """File or its stem to class, from the table that ImageNet or Tiny-ImageNet brings, if any."""
    for place in (part.folder / _TINY, part.folder.parent / _TINY, root / _IMAGENET):
        if place.is_file():
            rows = (line.replace(",", "\t").split() for line in place.read_text().splitlines())
            return {row[0]: row[1] for row in rows if len(row) > 1}
    return {}


def _shown(name: str) -> str:
    """A name that any file can hold: bytes that are no UTF-8 are escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _lacking(
    listing: Listing,
    parts: Mapping[str, Part],
    labels: Mapping[str, torch.Tensor | None],
    told: Labels,
    *,
    has_boxes: bool,
    source: Annotations | None,
) -> dict[Need, tuple[str, ...]]:
    """Why labels or boxes are not there, by the folders that have none."""
    root = listing.folder.path
    if source is not None and source.kind == "yolo" and labels[names.TRAIN] is None:
        why = [f"{root} has object boxes and no class folders"]
    else:
        why = [
            _no_labels(split, part, told) for split, part in parts.items() if labels[split] is None
        ]
        why += told.problems if why else []
        tables = [s for s in _TABLES if any(counts[s] for counts in listing.others.values())]
        if why and tables:
            why.append(f"no {', '.join(tables)} file is read: write a .csv of files and labels")
    none = () if has_boxes else (f"{root} has no annotations: {annotations.KNOWN}",)
    return {"labels": tuple(why), "boxes": none}


def _no_labels(split: str, part: Part, told: Labels) -> str:
    """Why a split has no labels."""
    lost = [path for path in part.paths if path not in told.of]
    if told.why:
        return told.why
    if told.of:
        return f"{len(lost)} {split} images are in no table of labels, such as {lost[0]}"
    return f"{split} has no class folders: {part.folder} holds {part.paths[0].name}"
