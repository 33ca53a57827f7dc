"""Folders of parquet files, read where they lie: a row group at a time, and no copy of the set.

A row group is the least that a parquet file gives of a column, tens of megabytes of images. So an
epoch of such a set goes through its row groups, see `keys.permutation_by_groups`, and a process
holds those that it is at. What a set is, its identity, is read from footers and some of the bytes.
"""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from tamecrop.data import names
from tamecrop.data.box_records import Problems
from tamecrop.members import HELD, Edges, Group, Member

_SAMPLES, _LENGTH = 8, 4096
"""In the images of a row group: places whose bytes tell it from another one, and how many bytes."""


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of one split.

    Args:
        files: in the order of their names, which is that of the rows.
        features: what the columns of the first one hold, in the words of `datasets`.
    """

    files: Sequence[Path]
    features: Mapping[str, Any]

    def images(self, place: Path, column: str) -> list[Member]:
        """The image of each row, named by the number of the row; none is read.

        Raises:
            ValueError: naming a file without the column.
        """
        found: list[Member] = []
        for row in self._rows(column):
            name = place / f"{len(found):09d}"
            found.append(Member(name, row, row.group.length, row.group.modified))
        return found

    def _rows(self, column: str) -> Iterable["_Row"]:
        for file in self.files:
            _, modified = _stamped(file)
            footer = _footer(file, modified)
            chunks = self._require(file, column)
            for number in range(footer.num_row_groups):
                there = footer.row_group(number)
                length = sum(there.column(chunk).total_compressed_size for chunk in chunks)
                group = Group(file, number, length, modified)
                yield from (_Row(group, column, row) for row in range(there.num_rows))

    def values(self, column: str) -> list[Any]:
        """What all rows hold in a column.

        Raises:
            ValueError: naming a file without the column.
        """
        import pyarrow.parquet

        found: list[Any] = []
        for file in self.files:
            self._require(file, column)
            found += pyarrow.parquet.read_table(file, columns=[column])[column].to_pylist()
        return found

    def _require(self, file: Path, column: str) -> list[int]:
        """The places of what a column is made of."""
        chunks = _chunks(_footer(*_stamped(file)), column)
        if not chunks:
            raise ValueError(f"{file} must have the column {column}, as {self.files[0]} has")
        return chunks


def open_tables(root: Path) -> dict[str, Table]:
    """The rows of each split below a folder, by the word for it.

    Files and folders name the split: `train-00000-of-00002.parquet`, `train/0000.parquet`. Without
    any such word all rows are one table.

    Raises:
        Problems: naming every file that is not whole.
        ValueError: for no file, or a file of no split beside some that have one.
    """
    import datasets

    files = sorted(root.rglob("*.parquet"))
    if not files:
        raise ValueError(f"{root} must hold a saved data set or .parquet files")
    problems = [line for file in files if (line := _damage(file))]
    if problems:
        raise Problems(problems, f"hf:{root}")
    splits: dict[str, list[Path]] = {}
    for file, split in _splits(root, files).items():
        splits.setdefault(split, []).append(file)
    schemas = {split: _footer(*_stamped(found[0])).schema for split, found in splits.items()}
    return {
        split: Table(found, datasets.Features.from_arrow_schema(schemas[split].to_arrow_schema()))
        for split, found in splits.items()
    }


def _splits(root: Path, files: Sequence[Path]) -> dict[Path, str]:
    """The split of each file, by its own name or by that of the folder nearest to it."""
    words: dict[Path, str | None] = {}
    for file in files:
        parts = file.relative_to(root).with_suffix("").parts
        words[file] = next(filter(None, map(names.split_in, reversed(parts))), None)
    known = {file: split for file, split in words.items() if split is not None}
    for file in files:
        if known and file not in known:
            other = next(iter(known))
            raise ValueError(f"the name of {file} says no split, and that of {other} does")
    return known or dict.fromkeys(files, names.TRAIN)


def _damage(file: Path) -> str | None:
    """What is wrong with a file; None when its footer can be read."""
    import pyarrow

    try:
        _footer(*_stamped(file))
    except (pyarrow.ArrowException, OSError) as error:
        return f"{file} must be a whole parquet file: {' '.join(str(error).split())}"
    return None


@dataclass(frozen=True)
class _Row:
    """The bytes of the image in a row of a row group."""

    group: Group
    column: str
    row: int

    def __call__(self) -> bytes:
        """Read them.

        Raises:
            EOFError: when the row has no image, or only the path of one.
            ValueError: when the file has changed, or is damaged.
        """
        found = _HELD.column(self.group, self.column)[self.row].as_py()
        content: bytes | None = found["bytes"] if isinstance(found, dict) else found
        if not content:
            raise EOFError("the row holds no image")
        return content

    def edges(self, count: int) -> Edges:  # noqa: ARG002  as every reader's
        """What tells the row from that of another set, without its row group being read."""
        return str(self.row).encode(), _identity(self.group, self.column), b""


class _Held:
    """The row groups that this process was at last, as many as `HELD` allows, or one."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Hold none."""
        self._lock, self._held = Lock(), OrderedDict[tuple[Group, str], Any]()

    def column(self, group: Group, column: str) -> Any:
        """The column of a row group."""
        with self._lock:  # threads that want the same group must not read it twice
            key = group, column
            if key not in self._held:
                self._make_room(group.length)
                self._held[key] = _read(group, column)
            self._held.move_to_end(key)
            return self._held[key]

    def _make_room(self, length: int) -> None:
        while self._held and length + sum(group.length for group, _ in self._held) > HELD:
            self._held.popitem(last=False)


_HELD = _Held()
os.register_at_fork(after_in_child=_HELD.clear)
# A fork has the lock as it is, but not the thread that would open it.


def _read(group: Group, column: str) -> Any:
    import pyarrow.parquet

    if _stamped(group.file)[1] != group.modified:
        raise ValueError(f"{group.file} has changed")
    footer = _footer(group.file, group.modified)
    # Without threads of its own: workers are forks, and a fork has none of them.
    with pyarrow.parquet.ParquetFile(group.file, metadata=footer) as file:
        return file.read_row_group(group.number, columns=[column], use_threads=False)[column]


def _stamped(file: Path) -> tuple[Path, int]:
    """A file and when it was changed."""
    return file, file.stat().st_mtime_ns


@lru_cache(maxsize=16)
def _footer(file: Path, modified: int) -> Any:  # noqa: ARG001  a changed file has another one
    import pyarrow.parquet

    return pyarrow.parquet.read_metadata(file)


def _chunks(footer: Any, column: str) -> list[int]:
    """The places of what a column is made of: bytes and path of an image."""
    paths = [footer.schema.column(place).path for place in range(footer.num_columns)]
    return [n for n, path in enumerate(paths) if path == column or path.startswith(f"{column}.")]


@lru_cache(maxsize=64)
def _identity(group: Group, column: str) -> bytes:
    """A hash of the file's footer, with the lengths and ranges of all pages, and of some bytes."""
    footer = _footer(group.file, group.modified)
    digest = hashlib.sha256(_footer_hash(group.file, group.modified))
    with group.file.open("rb") as file:
        for place in _chunks(footer, column):
            chunk = footer.row_group(group.number).column(place)
            first, length = chunk.data_page_offset, chunk.total_compressed_size
            if chunk.dictionary_page_offset is not None:
                first = min(first, chunk.dictionary_page_offset)
            some = min(_LENGTH, length)
            for sample in range(_SAMPLES):
                file.seek(first + (length - some) * sample // (_SAMPLES - 1))
                digest.update(file.read(some))
    return digest.digest()


@lru_cache(maxsize=16)
def _footer_hash(file: Path, modified: int) -> bytes:  # noqa: ARG001
    with file.open("rb") as there:
        there.seek(-8, os.SEEK_END)
        length = int.from_bytes(there.read(4), "little")
        there.seek(-8 - length, os.SEEK_END)
        return hashlib.sha256(there.read(length)).digest()
