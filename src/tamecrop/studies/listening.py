"""Callbacks of a study: what a display, or a test, hears of its cells."""

from collections.abc import Sequence

from tamecrop.learning.watching import Progress
from tamecrop.studies.cells import Cell, Key, Summary


class Listener:
    """Hears of the events of a study; by itself it does nothing with them."""

    def study_started(self, wanted: Sequence[Key], summary: Summary) -> None:
        """Everything is checked; training may begin. The summary holds what is finished."""

    def planned(self, line: str) -> None:
        """A rule that asks for cells as it goes says what is still to come."""

    def cell_started(self, key: Key) -> None:
        """Pre-training of a cell begins or resumes."""

    def stepped(self, key: Key, progress: Progress) -> None:
        """Training steps of a cell are done."""

    def evaluating(self, key: Key) -> None:
        """Pre-training of a cell is done, its features are being judged."""

    def warned(self, line: str) -> None:
        """Something had to be passed over."""

    def cell_finished(self, cell: Cell, summary: Summary) -> None:
        """A cell is done; the summary includes it."""

    def cell_stopped(self, key: Key) -> None:
        """A cell ended unfinished: another process has it, or its worker died."""

    def study_ended(self, summary: Summary) -> None:
        """No cell is left that this call could do."""
