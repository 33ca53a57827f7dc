"""SHA-256 over the content of a data set."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from torch import Tensor

from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.object_masks import masks_of
from tamecrop.members import Edges, Member

EDGE = 4096

Part = Tensor | tuple[Path, ...] | tuple[Floats, ...] | None


def of_parts(parts: Iterable[Part], root: Path | None) -> str:
    """The hash, in hex, of tensors, files and boxes in their order.

    Args:
        parts: tensors and arrays are hashed whole with dtype and shape, boxes on whole pixels as
            the integers that they are, and masks that they know; of a file its path below the root,
            in bytes, its size in bytes, and its first and last 4096 bytes; of a row of a parquet
            file what `parquet` tells row groups by.
        root: the folder of the files; None where there are none.
    """
    digest = hashlib.sha256()
    for part in parts:
        for piece in (part,) if part is None or isinstance(part, Tensor) else part:
            for chunk in _chunks(piece, root):
                digest.update(len(chunk).to_bytes(8, "little"))
                digest.update(chunk)
        digest.update(b"end of part")
    return digest.hexdigest()


def _chunks(
    piece: Tensor | Path | Floats | None, root: Path | None
) -> Iterable[bytes | memoryview]:
    if piece is None:
        return [b"none"]
    if isinstance(piece, Path):
        edges = piece.edges(EDGE) if isinstance(piece, Member) else _edges(piece)
        return [os.fsencode(piece.relative_to(root or "/").as_posix()), *edges]
    array = np.ascontiguousarray(piece)
    if array.dtype == np.float64 and (array == np.rint(array)).all():
        array = array.astype(np.int64)
    masks = masks_of(piece)
    pixels = [] if masks is None else [masks.runs.tobytes(), masks.spans.tobytes()]
    return [f"{array.dtype.str}{array.shape}".encode(), array.tobytes(), *pixels]


def _edges(path: Path) -> Edges:
    """Size in bytes, head and tail of a file."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - EDGE, 0))
        tail = file.read(EDGE)
        file.seek(0)
        return str(size).encode(), file.read(EDGE), tail
