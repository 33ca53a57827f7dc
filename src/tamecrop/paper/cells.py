"""The cells of the paper's studies: one file, a list of objects, merged only where they agree."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from tamecrop.geometry.policy import policy
from tamecrop.reporting.jsonfiles import read_list, write_list
from tamecrop.studies.records import require_fraction

FILE = "cells.json"


class Key(NamedTuple):
    """What a cell is known by."""

    policy: str
    seed: int
    protocol: str

    def __str__(self) -> str:
        return f"{self.policy} seed {self.seed} ({self.protocol})"


@dataclass(frozen=True)
class PaperCell:
    """One crop law, pre-trained and probed with one seed under one protocol.

    Attributes:
        law: Name of the law: `rc`, `gcc`, ...
        scale: Area fraction of a fixed extent, None for a random one.
        alpha: The paper's spread where the law states it, else None.
        policy: Text form of the law.
        seed: Seed of weights, order, boxes and photometric draws.
        protocol: Name of the protocol; `@small` marks the size for a processor.
        epochs: Epochs of pre-training.
        linear_accuracy: Test accuracy of the protocol's linear probe, a fraction.
        knn_accuracy: Test accuracy of k nearest neighbors, a fraction.
        validation_accuracy: Of the linear probe, what choices are made by.
        loss: Mean training loss of the last epoch.
        seconds: Wall time of pre-training and evaluation, without compiling.
        compile_seconds: Of compiling the step.
        images_per_second: Source images trained on per second.
        train_images: Images pre-trained on.
        test_images: Images tested on.
        hardware: Processor or accelerator, in words.
        threads: Threads that torch computed with.
        versions: Package name to version.
        commit: `git describe` of the code, or None outside a checkout.
        code: Digest of the code that decides numbers.
        settings: Digest of the protocol's settings.
        data: Digest of the data.
    """

    law: str
    scale: float | None
    alpha: float | None
    policy: str
    seed: int
    protocol: str
    epochs: int
    linear_accuracy: float
    knn_accuracy: float
    validation_accuracy: float
    loss: float
    seconds: float
    compile_seconds: float
    images_per_second: float
    train_images: int
    test_images: int
    hardware: str
    threads: int
    versions: dict[str, str]
    commit: str | None
    code: str
    settings: str
    data: str

    def __post_init__(self) -> None:
        policy(self.policy)
        for name in ("linear_accuracy", "knn_accuracy", "validation_accuracy"):
            require_fraction(name, getattr(self, name))

    @property
    def key(self) -> Key:
        """What the cell is known by."""
        return Key(self.policy, self.seed, self.protocol)


def by_seed(cells: Iterable[PaperCell], law: str, protocol: str) -> dict[int, float]:
    """Linear accuracy of every finished seed of a law under a protocol."""
    wanted = (law, protocol)
    return {c.seed: c.linear_accuracy for c in cells if (c.policy, c.protocol) == wanted}


class Origin(NamedTuple):
    """What the cells of one protocol must share to be compared."""

    code: str
    settings: str
    data: str


def origin(cell: PaperCell) -> Origin:
    """Where a cell comes from."""
    return Origin(cell.code, cell.settings, cell.data)


def read(path: Path) -> tuple[PaperCell, ...]:
    """The cells of a file, or of the `cells.json` of a folder; none where there is no file yet.

    Raises:
        ValueError: naming file, place and field of what does not fit.
    """
    file = path / FILE if path.is_dir() else path
    return read_list(PaperCell, file) if file.exists() else ()


def merged(
    ours: Sequence[PaperCell],
    theirs: Iterable[PaperCell],
    *,
    source: str,
    across: bool = False,
) -> tuple[PaperCell, ...]:
    """Two lists of cells as one.

    Args:
        ours: the list so far.
        theirs: what is added; a cell that is there already must be the same.
        source: where they come from, for errors.
        across: accept cells of other code, settings or data than those that are there.

    Raises:
        ValueError: naming the first cell that contradicts one that is there, or that was made by
            other code, with other settings, or on other data, unless that was asked for.
    """
    found = {cell.key: cell for cell in ours}
    origins = {cell.protocol: origin(cell) for cell in ours}
    for cell in theirs:
        if not across:
            require_origin(cell, origins.setdefault(cell.protocol, origin(cell)), source=source)
        if found.setdefault(cell.key, cell) != cell:
            raise ValueError(f"{source}: {cell.key} is there already, with other numbers")
    return tuple(found.values())


def require_origin(cell: PaperCell, expected: Origin, *, source: str) -> None:
    """Refuse, by name, a cell of another origin than is expected.

    Raises:
        ValueError: naming the cell and what differs.
    """
    for name, there, here in zip(Origin._fields, origin(cell), expected, strict=True):
        if there != here:
            raise ValueError(
                f"{source}: {cell.key} was made with other {name}, {there} there and {here} "
                f"here; keep the results apart, or say --across to mix them knowingly"
            )


@contextmanager
def opened(folder: Path) -> Iterator[FileLock]:
    """Hold a folder's cells while they are read, changed and written."""
    with FileLock(folder / f".{FILE}.lock") as lock:
        yield lock


def add(
    folder: Path, cells: Iterable[PaperCell], *, source: str, across: bool = False
) -> tuple[PaperCell, ...]:
    """Add cells to a folder's file; several processes may do so at once.

    Returns:
        All cells of the folder.

    Raises:
        ValueError: as `merged`; the file is then as it was.
    """
    with opened(folder):
        every = merged(read(folder), cells, source=source, across=across)
        write_list(
            folder / FILE, sorted(every, key=lambda cell: (cell.protocol, cell.policy, cell.seed))
        )
    return every
