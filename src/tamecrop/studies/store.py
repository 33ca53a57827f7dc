"""A store of cells: one folder with a list of finished cells, and a run's folder for each cell.

`cells.json` holds what is finished; below `cells/` lies the run of each cell while it trains, and
its loss curve after that. Any number of processes may share a store: a cell is claimed by a lock
that the system frees when its process dies, and the list changes under a lock of its own.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from tamecrop.files import remove_strays
from tamecrop.reporting.jsonfiles import read_json, write_json
from tamecrop.studies.cells import FORMAT, Cell, Key, Provenance

FILE, FOLDER = "cells.json", "cells"
_LONGEST = 120


@dataclass(frozen=True)
class Cells:
    """The file of a store.

    Attributes:
        format: Version of this file's layout.
        cells: The finished cells.
    """

    format: int
    cells: tuple[Cell, ...]

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"`format` must be {FORMAT}, got {self.format}")


def read(path: Path) -> tuple[Cell, ...]:
    """The cells of a file, or of the `cells.json` of a folder; none where there is no file yet.

    Raises:
        ValueError: naming file and field of what does not fit.
    """
    file = path / FILE if path.is_dir() else path
    return read_json(Cells, file).cells if file.exists() else ()


def run_folder(store: Path, key: Key) -> Path:
    """Where the run of a cell lies in a store.

    >>> run_folder(Path("demo"), Key("rrc:scale=0.2..1", "compare", 0)).as_posix()
    'demo/cells/compare/rrc_scale=0.2-1_seed=0'
    """
    words = f"{key.policy},seed={key.seed}".replace("..", "-")
    name = re.sub(r"[^A-Za-z0-9.=+-]+", "_", words)
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}_{hashlib.sha256(words.encode()).hexdigest()[:8]}"
    return store / FOLDER / re.sub(r"[^A-Za-z0-9.=+-]+", "_", key.protocol) / name


@contextmanager
def claim(store: Path, key: Key) -> Iterator[bool]:
    """Hold a cell alone, across processes; the system frees it if this process dies.

    Yields:
        Whether the cell could be claimed.
    """
    folder = run_folder(store, key)
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def writing(store: Path) -> Iterator[None]:
    """Hold the files that all processes of a store write, after the strays of killed ones went."""
    with FileLock(store / ".study.lock"):
        for folder in (store, store / "figures"):
            remove_strays(folder)
        yield


def add(
    store: Path, cells: Iterable[Cell], *, source: object, across: bool = False
) -> tuple[Cell, ...]:
    """Add cells to a store; several processes may do so at once.

    Args:
        store: its folder.
        cells: what is added; a cell that is there already must be the same.
        source: where they come from, for errors.
        across: accept cells of another provenance than those of their protocol that are there.

    Returns:
        All cells of the store.

    Raises:
        ValueError: as `merged`; the file is then as it was.
    """
    with writing(store):
        every = merge(read(store), cells, source=source, across=across)
        ordered = sorted(every, key=lambda cell: (cell.protocol, cell.policy, cell.seed))
        write_json(store / FILE, Cells(FORMAT, tuple(ordered)))
    return every


def merge(
    ours: Sequence[Cell], theirs: Iterable[Cell], *, source: object, across: bool = False
) -> tuple[Cell, ...]:
    """Two lists of cells as one.

    Raises:
        ValueError: naming the first cell that contradicts one that is there, or that has another
            provenance than the cells of its protocol, unless that was asked for.
    """
    found = {cell.key: cell for cell in ours}
    provenance = {cell.protocol: cell.provenance for cell in ours}
    for cell in theirs:
        expected = provenance.setdefault(cell.protocol, cell.provenance)
        if not across:
            _require_same(cell, expected, source)
        if found.setdefault(cell.key, cell) != cell:
            raise ValueError(f"{source}: {cell.key} is there already, with other numbers")
    return tuple(found.values())


def require_same(store: Path, cells: Iterable[Cell], provenance: Mapping[str, Provenance]) -> None:
    """Make sure that the cells of a store are those that a study would make.

    Args:
        store: for the message.
        cells: what it holds.
        provenance: of each protocol of the study; cells under other protocols are no concern.

    Raises:
        ValueError: naming the first cell and the first setting that differs.
    """
    for cell in cells:
        if cell.protocol in provenance:
            _require_same(cell, provenance[cell.protocol], store)


def _require_same(cell: Cell, expected: Provenance, source: object) -> None:
    difference = cell.provenance.difference(expected)
    if difference is not None:
        raise ValueError(
            f"{source} holds something else: of {cell.key} {difference}; keep the results apart "
            "by another --out, or say --across to mix them knowingly"
        )


def gather(store: Path, sources: Sequence[Path], *, across: bool = False) -> tuple[Cell, ...]:
    """The cells of a store, those of other folders or files merged in.

    Raises:
        ValueError: naming a source without cells, or the cell that does not fit; nothing of that
            source is then merged.
    """
    for source in sources:
        found = read(source)
        if not found:
            raise ValueError(f"`merge` must name folders or files with cells, got none in {source}")
        add(store, found, source=source, across=across)
    return read(store)
