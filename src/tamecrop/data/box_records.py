"""Object boxes that records state: `.json` in shards, the column `objects` of a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamecrop.data import annotations
from tamecrop.data.yolo import require_finite
from tamecrop.geometry import are_fractions

Floats = NDArray[np.float64]
Records = Mapping[str, Sequence[tuple[str, Any]]]
"""Of each split, where the record of each sample is, and what it says; None for no record."""

CORNERS, SIDES, OBJECTS = ("boxes",), ("bbox", "bboxes"), ("objects", "annotations")


class Problems(ValueError):
    """Several things that are wrong in a source, a sentence each; the first speaks for all.

    Args:
        each: the sentences.
        source: what the user typed.
    """

    def __init__(self, each: Sequence[str], source: str) -> None:
        more = len(each) - 1
        rest = f" (and {more} more: `tamecrop data check {source}` lists them)" if more else ""
        super().__init__(f"{each[0]}{rest}")
        self.each = tuple(each)


def states_boxes(record: Any) -> bool:
    """Whether a record has a key that boxes stand under.

    >>> states_boxes({"objects": {"bbox": []}}), states_boxes({"caption": "a box"})
    (True, False)
    """
    keys = (*CORNERS, *SIDES, *OBJECTS)
    return isinstance(record, Mapping) and any(key in record for key in keys)


def read(
    records: Records, sizes: Mapping[str, NDArray[np.int64]], source: str
) -> tuple[dict[str, tuple[Floats, ...]], list[str]]:
    """The boxes of each sample inside its image, `(k, 4)`, and what had to be changed.

    `objects` or `annotations` are COCO's: a list of objects, or columns, with `bbox` as x, y,
    width, height, and `bbox` alone is the same. `boxes` are corners, x1, y1, x2, y2, as torchvision
    has them. All are pixels.

    Args:
        records: of the samples of each split.
        sizes: `(N, 2)`, (height, width), by split.
        source: what the user typed.

    Returns:
        Nothing where no record states boxes.

    Raises:
        Problems: naming each record that breaks a rule.
    """
    every = [record for part in records.values() for record in part]
    if not any(states_boxes(record) for _, record in every):
        return {}, []
    problems: list[str] = []
    rows = {s: [_tolerant(*record, problems) for record in part] for s, part in records.items()}
    known = [row for part in rows.values() for each in part for row in each.tolist()]
    if known and are_fractions(known):
        problems.insert(0, f"{source}: boxes must be pixels, got fractions from 0 to 1")
    if problems:
        raise Problems(problems, source)
    fitted = {split: annotations.inside(part, sizes[split]) for split, part in rows.items()}
    notes = [change for _, changes in fitted.values() for change in changes]
    return {split: boxes for split, (boxes, _) in fitted.items()}, notes


def _tolerant(where: str, record: Any, problems: list[str]) -> Floats:
    """The boxes of a record, `(k, 4)`; what is wrong with it is noted."""
    try:
        rows = [*_rows(record)] if isinstance(record, Mapping) else []
        return np.array(rows, dtype=np.float64).reshape(-1, 4)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        rule = "boxes of four numbers, `boxes` as x1, y1, x2, y2 or `bbox` as x, y, width, height"
        problems.append(f"{where}: must have {rule}: {error}")
        return np.empty((0, 4))


def _rows(record: Mapping[str, Any]) -> Iterator[list[float]]:
    """XYXY of each object."""
    for key in OBJECTS:
        inner = record.get(key)
        for each in [inner] if isinstance(inner, Mapping) else inner or ():
            yield from _rows(each)
    for key in CORNERS:
        yield from (require_finite(row) for row in _fours(record.get(key)))
    for key in SIDES:
        for x, y, width, height in _fours(record.get(key)):
            yield require_finite([x, y, x + width, y + height])


def _fours(given: Any) -> list[list[float]]:
    """Rows of four numbers; one box may stand alone."""
    numbers = np.array([] if given is None else given, dtype=np.float64)
    if numbers.size and (numbers.ndim > 2 or numbers.shape[-1] != 4):
        raise ValueError(f"got an array {numbers.shape}")
    rows: list[list[float]] = numbers.reshape(-1, 4).tolist()
    return rows
