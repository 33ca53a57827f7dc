"""Hugging Face data sets on disk, `hf:PATH`: saved by `save_to_disk`, or a folder of parquet files.

What was saved is mapped into memory by the optional package `datasets` and read in any order;
parquet files are streamed, see `parquet`. Images stay encoded where they are until they are looked
at for the first time, which is remembered, and until their views are made: to open a set again
reads the lengths of its images and none of them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tamecrop.data import names
from tamecrop.data.account import Found, Needs, reads_boxes
from tamecrop.data.box_records import OBJECTS, read as read_records
from tamecrop.data.first_look import look_once, size_of, sizes_of
from tamecrop.data.images import ImageSet
from tamecrop.data.parquet import Table, open_tables
from tamecrop.data.quarantine import Sizing, decoded_size
from tamecrop.data.splits import number_labels
from tamecrop.members import HELD, Edges, Member, edges_of, groups_of

PREFIX = "hf"
_ROWS = 10_000

_LABEL = "label"


@dataclass(frozen=True, eq=False)
class _Cell:
    """The bytes of the image in a row of a table."""

    table: Any
    row: int
    column: str

    def __call__(self) -> bytes:
        """Read them.

        Raises:
            EOFError: when the row has no image, or only the path of one.
        """
        found = self.table[self.row][self.column]
        if found is None or found["bytes"] is None:
            raise EOFError("the row holds no image")
        content: bytes = found["bytes"]
        return content

    def edges(self, count: int) -> Edges:
        """Its length, and its first and last bytes; no others are read from the disk."""
        image = self.table.with_format("arrow")[self.row][self.column][0]["bytes"]
        return edges_of(memoryview(image.as_buffer()), count)


@dataclass(frozen=True, eq=False)
class _Mapped:
    """The rows of one split of a saved set.

    Args:
        table: of `datasets`.
        changed: when the files that hold it changed, in nanoseconds.
    """

    table: Any
    changed: int

    @property
    def features(self) -> Mapping[str, Any]:
        """What the columns hold."""
        found: Mapping[str, Any] = self.table.features
        return found

    def images(self, place: Path, column: str) -> list[Member]:
        """The image of each row, named by the number of the row; none is read."""
        import datasets

        only = self.table.select_columns([column])
        encoded = only.cast_column(column, datasets.Image(decode=False))
        return [
            Member(place / f"{row:09d}", _Cell(encoded, row, column), length, self.changed)
            for row, length in enumerate(_lengths(encoded, column))
        ]

    def values(self, column: str) -> list[Any]:
        """What all rows hold in a column."""
        found: list[Any] = self.table.select_columns([column])[:][column]
        return found


_Split = Table | _Mapped


def read(
    path: str,
    *,
    sizing: Sizing = decoded_size,
    needs: Needs = None,
    most_pixels: int | None = None,
) -> Found:
    """Read a data set that `datasets` saved, or a folder of parquet files.

    Its only column of images is read, or the one of several that is called `image`; the only column
    of class labels, or else `label`; and object boxes of `objects`, see `box_records`. Rows keep
    their order, that of the names of their files:
    the number of a row is its key.

    Args:
        path: the folder.
        sizing: as for `folders.read`.
        needs: as for `folders.read`.
        most_pixels: as for `folders.read`.

    Raises:
        ValueError: naming what is missing or unclear: folder, split, column of images, a parquet
            file that is not whole; for more unreadable images than a hundredth.
        ModuleNotFoundError: without the package `datasets`.
    """
    root = Path(path)
    splits = _opened(root)
    unread: Counter[str] = Counter()
    images = {split: _images(root, split, table, unread) for split, table in splits.items()}
    source = f"{PREFIX}:{path}"
    every = [each for split in images.values() for each in split]
    memory, notes = look_once(root, every, source=source, sizing=sizing, most_pixels=most_pixels)
    kept = {
        split: [n for n, image in enumerate(part) if size_of(root, image, memory) is not None]
        for split, part in images.items()
    }
    column, classes, labels = _labels(path, splits, kept)
    paths = {s: tuple(images[s][row] for row in rows) for s, rows in kept.items()}
    sizes = {split: sizes_of(root, part, memory) for split, part in paths.items()}
    records = _records(splits, paths, kept) if reads_boxes(needs) else {}
    boxes, changes = read_records(records, sizes, source)
    decoding = memory.decoding(root)
    sets = {
        split: ImageSet(
            paths=part,
            sizes=sizes[split],
            labels=labels.get(split),
            boxes=boxes.get(split),
            decoding=decoding,
        )
        for split, part in paths.items()
    }
    why = () if column else (f"{path} has no single column of class labels, and no column label",)
    none = () if boxes else (f"{path} has no column objects with boxes",)
    read = {column, *(OBJECTS if boxes else ())}
    return Found(
        train=sets[names.TRAIN],
        validation=sets.get(names.VALIDATION),
        test=sets.get(names.TEST),
        classes=classes,
        root=root,
        quarantined=tuple(entry.error(root) for entry in memory.bad),
        notes=(*notes, *_holding(path, sets), *changes),
        depth=decoding.account,
        unread=tuple(f"column {name}" for name in unread if name not in read),
        lacking={"labels": why, "boxes": none},
    )


def list_images(path: str) -> tuple[Path, list[Path]]:
    """The folder, and the images of all rows."""
    root = Path(path)
    parts = [_images(root, split, table, Counter()) for split, table in _opened(root).items()]
    return root, [image for part in parts for image in part]


def _opened(root: Path) -> dict[str, _Split]:
    """The rows of each split."""
    if not root.is_dir():
        raise ValueError(f"`{PREFIX}:` must name a folder, got {root}")
    if not any((root / name).is_file() for name in ("dataset_dict.json", "state.json")):
        return _splits(root, open_tables(root))
    import datasets

    loaded = datasets.load_from_disk(str(root))
    tables = loaded if isinstance(loaded, dict) else {names.TRAIN: loaded}
    files = [file["filename"] for table in tables.values() for file in table.cache_files]
    changed = max(Path(file).stat().st_mtime_ns for file in files)
    return _splits(root, {name: _Mapped(table, changed) for name, table in tables.items()})


def _splits(root: Path, tables: Mapping[str, _Split]) -> dict[str, _Split]:
    """The rows of each split that is known by name; one table alone is train.

    Raises:
        ValueError: when none is train.
    """
    words = {name: names.split_word(name) for name in tables}
    splits = {word[0]: tables[name] for name, word in words.items() if word is not None}
    if len(tables) == 1 and not splits:
        splits = {names.TRAIN: next(iter(tables.values()))}
    if names.TRAIN not in splits:
        raise ValueError(f"{root} must have a train split, got {', '.join(tables)}")
    return splits


def _images(root: Path, split: str, table: _Split, unread: Counter[str]) -> list[Member]:
    """The images of a split, named by the split and the number of their row; none is read."""
    found = _image_columns(table.features)
    if len(found) != 1:
        told = ", ".join(found) or "none"
        raise ValueError(f"{root}: {split} must have one column of images, got {told}")
    unread.update(name for name in table.features if name != found[0])
    return table.images(root / split, found[0])


def _image_columns(features: Mapping[str, Any]) -> list[str]:
    """Columns that are declared as images; where none is, those of bytes, as pandas writes them.

    Of several the one that is called `image` is meant.
    """
    import datasets

    found = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
    found = found or [name for name, kind in features.items() if _holds_bytes(kind)]
    named = [name for name in found if names.is_images(name)]
    return named if len(named) == 1 else found


def _holds_bytes(kind: Any) -> bool:
    inner = kind.get("bytes") if isinstance(kind, dict) else kind
    return str(getattr(inner, "dtype", "")) in ("binary", "large_binary")


def _holding(path: str, sets: Mapping[str, ImageSet]) -> list[str]:
    """A line on row groups that take more memory than a process is meant to hold."""
    groups = [groups_of(each.paths) for each in sets.values()]
    longest = max((int(each[1].max()) for each in groups if each is not None), default=0)
    if longest <= HELD:
        return []
    return [
        f"{path} has row groups of up to {longest / 2**20:,.0f} MiB, and each process holds one: "
        f"written anew with smaller ones (100 images) it takes less memory and is shuffled better"
    ]


def _lengths(encoded: Any, column: str) -> Iterator[int]:
    """The length in bytes of the image in each row, 0 for none: Arrow keeps them apart."""
    import pyarrow.compute

    for part in encoded.with_format("arrow").iter(batch_size=_ROWS):
        content = pyarrow.compute.struct_field(part[column], "bytes")
        found = pyarrow.compute.fill_null(pyarrow.compute.binary_length(content), 0)
        yield from found.to_pylist()


def _labels(
    path: str, splits: Mapping[str, _Split], kept: Mapping[str, list[int]]
) -> tuple[str | None, tuple[str, ...] | None, Mapping[str, torch.Tensor | None]]:
    """Column of the labels, names of the classes, and the class of each row that is kept."""
    import datasets

    kinds = splits[names.TRAIN].features
    found = [n for n, kind in kinds.items() if isinstance(kind, datasets.ClassLabel)]
    column = found[0] if len(found) == 1 else None if found else _plain_label(kinds)
    if column is None:
        return None, None, {}
    values = {
        split: np.asarray(table.values(column))[kept[split]] if column in table.features else None
        for split, table in splits.items()
    }
    own = kinds[column].names if found else None
    classes, labels = number_labels(values, own, name=path)
    return column, classes, labels


def _plain_label(kinds: Mapping[str, Any]) -> str | None:
    """A column of texts or whole numbers that is called a label."""
    named = [kind for name, kind in kinds.items() if name == _LABEL]
    dtypes = [str(getattr(kind, "dtype", "")) for kind in named]
    return _LABEL if dtypes and dtypes[0].startswith(("int", "uint", "string")) else None


def _records(
    splits: Mapping[str, _Split],
    paths: Mapping[str, tuple[Path, ...]],
    kept: Mapping[str, list[int]],
) -> dict[str, list[tuple[str, Any]]]:
    """What the rows that are kept say of objects."""
    found: dict[str, list[tuple[str, Any]]] = {}
    for split, table in splits.items():
        column = next((name for name in OBJECTS if name in table.features), None)
        stated = None if column is None else table.values(column)
        found[split] = [
            (str(path), None if stated is None else {column: stated[row]})
            for path, row in zip(paths[split], kept[split], strict=True)
        ]
    return found
