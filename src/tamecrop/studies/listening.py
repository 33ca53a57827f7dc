"""What a running study tells whoever watches it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tamecrop.learning.watching import Progress
from tamecrop.studies.records import Cell, Summary


@dataclass(frozen=True)
class Finished:
    """A cell that is done, and the study with it.

    Attributes:
        cell: The cell.
        summary: The study so far, this cell included.
    """

    cell: Cell
    summary: Summary


class CellListener(Protocol):
    """Hears of the events of a cell, in order."""

    def cell_started(self, policy: str, seed: int) -> None:
        """Pre-training of a cell begins or resumes."""

    def stepped(self, progress: Progress) -> None:
        """One training step is done."""

    def evaluating(self) -> None:
        """Pre-training of the cell is done, its features are being judged."""

    def warned(self, line: str) -> None:
        """Something had to be passed over."""


class Listener(CellListener, Protocol):
    """Hears of every event of a study, in order; a command shows them."""

    def study_started(self, policies: Sequence[str], seeds: Sequence[int]) -> None:
        """Everything is checked; training may begin."""

    def cell_finished(self, finished: Finished) -> None:
        """A cell is done, or was found done."""


class Silence:
    """The listener that nobody watches."""

    def study_started(self, policies: Sequence[str], seeds: Sequence[int]) -> None:
        """Say nothing."""

    def cell_started(self, policy: str, seed: int) -> None:
        """Say nothing."""

    def stepped(self, progress: Progress) -> None:
        """Say nothing."""

    def evaluating(self) -> None:
        """Say nothing."""

    def cell_finished(self, finished: Finished) -> None:
        """Say nothing."""

    def warned(self, line: str) -> None:
        """Say nothing."""
