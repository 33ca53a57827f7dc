"""Frozen dataclasses as JSON files: validated on the way in, atomic on the way out."""

import dataclasses
import difflib
import json
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import cattrs
from cattrs.errors import (
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
)
from cattrs.gen import make_dict_structure_fn

from tamecrop.files import write_atomic

Record = TypeVar("Record")

_NUMBERS = re.compile(r"\[\n[-+.,\deE\s]*\]")
"""A list of numbers over several lines: no text of JSON holds a line break."""


def write_json(path: Path, record: Any) -> None:
    """Write a dataclass instance as indented JSON, atomically; non-finite numbers are refused.

    A list of numbers takes one line.

    Args:
        path: Target file.
        record: A dataclass instance.
    """
    text = json.dumps(dataclasses.asdict(record), indent=2, allow_nan=False)
    text = _NUMBERS.sub(lambda found: " ".join(found[0].split()), text)
    write_atomic(path, (text + "\n").encode())


def read_json(cls: type[Record], path: Path) -> Record:
    """Read a file that `write_json` wrote.

    Args:
        cls: The dataclass that the file holds.
        path: The file.

    Returns:
        The instance, every field checked.

    Raises:
        ValueError: If the file is no JSON or does not fit `cls`, naming file and field.
    """
    try:
        return decode(cls, json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def decode(cls: type[Record], value: Any) -> Record:
    """Build a dataclass from parsed JSON; unknown, missing and ill-typed fields are refused.

    Args:
        cls: A dataclass of numbers, texts, tuples, mappings and further dataclasses.
        value: What `json.loads` gave.

    Returns:
        The instance.

    Raises:
        ValueError: If a field is unknown, missing, of another type, or breaks its rule.
    """
    try:
        return _CONVERTER.structure(value, cls)
    except (BaseValidationError, ValueError, TypeError) as error:
        raise ValueError(_explained(error, cls.__name__)) from error


def _explained(error: BaseException, where: str) -> str:
    """One sentence on the first thing that does not fit, with its dotted place."""
    if isinstance(error, ClassValidationError):
        placed, others = error.group_exceptions()
        if others:
            return _explained(others[0], where)
        inner, note = placed[0]
        if isinstance(inner, KeyError):
            return f"`{where}` must have the field `{note.name}`"
        return _explained(inner, f"{where}.{note.name}")
    if isinstance(error, IterableValidationError):
        inner, place = error.group_exceptions()[0][0]
        key = f"[{place.index}]" if isinstance(place.index, int) else f".{place.index}"
        return _explained(inner, f"{where}{key}")
    if isinstance(error, ForbiddenExtraKeysError):
        key = min(error.extra_fields)
        names = [field.name for field in dataclasses.fields(typing.cast(Any, error.cl))]
        near = difflib.get_close_matches(key, names, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return f"`{where}` has no field `{key}`{hint}"
    return f"`{where}` {error}" if isinstance(error, TypeError) else str(error)


def _of_type(cls: type[Any]) -> Callable[[Any, Any], Any]:
    """A value of exactly this type: no number is read from a text, no flag as a number."""
    accepted = (int, float) if cls is float else (cls,)

    def structure(value: Any, _: Any) -> Any:
        if type(value) not in accepted:
            raise TypeError(f"must be of type {cls.__name__}, got {value!r}")
        return cls(value)

    return structure


def _object(cls: Any) -> Callable[[Any, Any], Any]:
    """A dataclass from an object of JSON, which a list or a number is not."""
    structure = make_dict_structure_fn(cls, _CONVERTER, _cattrs_forbid_extra_keys=True)

    def checked(value: Any, kind: Any) -> Any:
        if not isinstance(value, Mapping):
            raise TypeError(f"must be an object, got {value!r}")
        return structure(value, kind)

    return checked


def _list(kind: Any) -> Callable[[Any, Any], Any]:
    """A tuple of one kind from a list of JSON, which a text or an object is not."""
    structure = _CONVERTER.get_structure_hook(list[typing.get_args(kind)[0]])  # type: ignore[misc]

    def checked(value: Any, _: Any) -> Any:
        if not isinstance(value, list):
            raise TypeError(f"must be a list, got {value!r}")
        return tuple(structure(value, list))

    return checked


def _is_tuple(kind: Any) -> bool:
    return typing.get_origin(kind) is tuple


_CONVERTER = cattrs.Converter()
for _plain in (int, float, str, bool):
    _CONVERTER.register_structure_hook(_plain, _of_type(_plain))
_CONVERTER.register_structure_hook_factory(dataclasses.is_dataclass, _object)
_CONVERTER.register_structure_hook_factory(_is_tuple, _list)


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings by dotted names.

    >>> dict(flat({"training": {"epochs": 2}, "images": None}))
    {'training.epochs': 2, 'images': None}
    """
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
