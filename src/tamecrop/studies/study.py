"""A study's folder: which cells it has, what is finished, and who may write."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tamecrop.data.files import remove_strays, write_atomic
from tamecrop.geometry.policy import Policy
from tamecrop.reporting.jsonfiles import read_json, write_json
from tamecrop.studies.records import Cell
from tamecrop.studies.wording import flat


@dataclass(frozen=True)
class Identity:
    """What all cells of a study share; policies and seeds may be added later.

    Attributes:
        data: The data's name with its options.
        fingerprint: Content hash of the data.
        recipe: The recipe's settings that decide numbers.
    """

    data: str
    fingerprint: str
    recipe: dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where one cell lives.

    Attributes:
        policy: The crop law.
        seed: The seed.
        folder: The cell's run folder.
    """

    policy: Policy
    seed: int
    folder: Path

    @property
    def record(self) -> Path:
        """The file whose presence means that the cell is finished."""
        return self.folder / "cell.json"

    def finished(self) -> Cell | None:
        """The cell's record, or None while it is unfinished.

        Raises:
            ValueError: If the record does not fit, naming file and field.
        """
        if not self.record.exists():
            return None
        cell = read_json(Cell, self.record)
        if (cell.policy, cell.seed) != (str(self.policy), self.seed):
            raise ValueError(
                f"{self.record}: must hold {self.policy} seed {self.seed}, "
                f"got {cell.policy} seed {cell.seed}"
            )
        return cell

    @contextmanager
    def claimed(self, *, patience: float = 0.0) -> Iterator[bool]:
        """Hold the cell alone, across processes; the system frees it if this process dies.

        Args:
            patience: Seconds to wait for another process.

        Yields:
            Whether the cell could be claimed.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder.with_name(f".{self.folder.name}.lock"))
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()


def place(out: Path, policy: Policy, seed: int) -> Place:
    """The place of a cell in a study's folder.

    >>> from tamecrop.geometry.policy import policy
    >>> place(Path("demo"), policy("rrc:scale=0.2..1"), 0).folder.name
    'rrc_scale=0.2-1_seed=0'
    """
    words = f"{policy},seed={seed}".replace("..", "-")
    return Place(policy, seed, out / "cells" / re.sub(r"[^A-Za-z0-9.=+-]+", "_", words))


def require_same(out: Path, identity: Identity) -> None:
    """Make sure that a folder holds no other study.

    Args:
        out: The study's folder, which may be empty.
        identity: What this command would do.

    Raises:
        ValueError: If the folder holds another study, naming the first setting that differs.
    """
    path = out / "study.json"
    if not path.exists():
        return
    there, here = (dict(flat(asdict(each))) for each in (read_json(Identity, path), identity))
    for name in sorted((there.keys() | here.keys()) - {"data"}):  # the fingerprint decides
        if there.get(name) != here.get(name):
            raise ValueError(
                f"{out} holds another study: `{name}` is {there.get(name)} there and "
                f"{here.get(name)} here; choose another --out"
            )


def join(out: Path, identity: Identity, *, config: str | None = None) -> None:
    """Found a study in a folder, or make sure that the one in there is the same.

    Args:
        out: The study's folder.
        identity: What the study is.
        config: The text of `config.yaml`, which repeats the command; None leaves it as it is.

    Raises:
        ValueError: As `require_same`.
    """
    with writing(out):
        require_same(out, identity)
        if not (out / "study.json").exists():
            write_json(out / "study.json", identity)
        if config is not None:
            write_atomic(out / "config.yaml", config.encode())


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Hold the files that all processes of a study write, after the strays of killed ones went."""
    with FileLock(out / ".study.lock"):
        for folder in (out, out / "figures"):
            remove_strays(folder)
        yield
