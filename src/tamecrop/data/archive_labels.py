"""Labels of archives: a whole number, a text or a one-hot row an image, and names of classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]

CLASSES = ("classes", "class_names", "label_names", "categories")


def one_each(path: Path, key: str, labels: NDArray[Any], count: int) -> tuple[NDArray[Any], str]:
    """A whole number or a text for each image, `(N,)`, and what was made of other forms.

    Rows with a single one are its place.

    Raises:
        ValueError: naming archive, key and rule.
    """
    require_one_each(path, key, labels, count)
    rows = labels.reshape(count, -1)
    is_hot = rows.shape[1] > 1 and labels.dtype.kind in "buif" and np.isin(rows, (0, 1)).all()
    if is_hot and (rows.sum(axis=1) == 1).all():
        note = f"`{key}` is one-hot: the place of the one is the class"
        return np.asarray(rows.argmax(axis=1)), note
    if rows.shape[1] == 1 and labels.dtype.kind == "f" and (rows == np.rint(rows)).all():
        rows = rows.astype(np.int64)
    if rows.dtype.kind not in "buiUS" or rows.shape[1] != 1:
        raise ValueError(f"{path}: `{key}` must be one integer an image, got {kind_of(labels)}")
    column: NDArray[Any] = rows[:, 0].astype(np.str_ if rows.dtype.kind in "US" else rows.dtype)
    if column.dtype.kind == "i" and column.min(initial=0) < 0:
        rule = "integers from 0 on (leave images of no class out)"
        raise ValueError(f"{path}: `{key}` must be {rule}, got {column.min()}")
    return column, ""


def require_one_each(path: Path, key: str, array: NDArray[Any], count: int) -> None:
    """Refuse an array that has not one entry an image."""
    if array.shape[:1] != (count,):
        got = len(array) if array.ndim else 1
        rule = "one entry per image"
        raise ValueError(f"{path}: `{key}` must have {rule}, got {got} for {count}")


def kind_of(array: NDArray[Any]) -> str:
    """Type and shape of an array, for messages."""
    objects = ": Python objects are not unpickled" if array.dtype.hasobject else ""
    return f"{array.dtype} {array.shape}{objects}"


def own_names(path: Path, arrays: Arrays) -> list[str] | None:
    """The names of the classes that an archive brings.

    Raises:
        ValueError: for what is no text, or names two classes alike.
    """
    for key in (key for key in CLASSES if key in arrays):
        own = arrays[key].reshape(-1)
        if own.dtype.hasobject:
            raise ValueError(f"{path}: `{key}` must be texts, got {kind_of(arrays[key])}")
        texts = np.char.decode(own, "utf-8", "replace") if own.dtype.kind == "S" else own
        named = [str(name) for name in texts]
        twice = next((name for place, name in enumerate(named) if name in named[:place]), None)
        if twice is not None:
            raise ValueError(f"{path}: `{key}` must name each class once, got {twice!r} twice")
        return named
    return None


def from_zero(
    labels: Mapping[str, NDArray[Any] | None], own: Sequence[str] | None
) -> tuple[Mapping[str, NDArray[Any] | None], str]:
    """Labels that count from 1, as many as there are names, from 0 on; and a line that says so."""
    whole = [each for each in labels.values() if each is not None and each.dtype.kind in "iu"]
    known = np.concatenate(whole) if whole else np.zeros(0, dtype=np.int64)
    if own is None or not known.size or known.min() < 1 or known.max() != len(own):
        return labels, ""
    moved = {s: each if each is None else each - each.dtype.type(1) for s, each in labels.items()}
    return moved, f"labels count from 1, as there are {len(own)} names and a label {len(own)}"
