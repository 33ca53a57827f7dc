"""Frozen dataclasses as JSON files: validated on the way in, atomic on the way out."""

import dataclasses
import difflib
import json
import re
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from tamecrop.data.files import write_atomic

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
    _write(path, dataclasses.asdict(record))


def write_list(path: Path, records: Iterable[Any]) -> None:
    """Write dataclass instances as one JSON list, likewise.

    Args:
        path: Target file.
        records: Dataclass instances.
    """
    _write(path, [dataclasses.asdict(record) for record in records])


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


def read_list(cls: type[Record], path: Path) -> tuple[Record, ...]:
    """Read a file that `write_list` wrote.

    Args:
        cls: The dataclass of its items.
        path: The file.

    Raises:
        ValueError: If the file is no JSON list or an item does not fit, naming file and place.
    """
    try:
        items = json.loads(path.read_text())
        if not isinstance(items, list):
            raise TypeError(f"must hold a list, got {type(items).__name__}")  # noqa: TRY301
        return tuple(decode(cls, item, f"[{place}]") for place, item in enumerate(items))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def decode(cls: type[Record], value: Any, where: str = "") -> Record:
    """Build a dataclass from parsed JSON; unknown, missing and ill-typed fields are refused.

    Args:
        cls: A dataclass of numbers, texts, tuples, mappings and further dataclasses.
        value: What `json.loads` gave.
        where: Dotted name of the place, for messages.

    Returns:
        The instance.

    Raises:
        ValueError: If a field is unknown or missing.
        TypeError: If a value is of another type than its field.
    """
    place = where or cls.__name__
    if not isinstance(value, Mapping):
        raise TypeError(f"`{place}` must be an object, got {value!r}")
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    _refuse_unknown(place, value, names)
    _refuse_missing(place, value, names)
    inner = {name: _field(hints[name], value[name], f"{place}.{name}") for name in names}
    return cls(**inner)


def _write(path: Path, plain: Any) -> None:
    text = json.dumps(plain, indent=2, allow_nan=False)
    text = _NUMBERS.sub(lambda found: " ".join(found[0].split()), text)
    write_atomic(path, (text + "\n").encode())


def _refuse_unknown(place: str, value: Iterable[str], names: list[str]) -> None:
    for key in value:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            raise ValueError(f"`{place}` has no field `{key}`{hint}")


def _refuse_missing(place: str, value: Iterable[str], names: list[str]) -> None:
    missing = [name for name in names if name not in value]
    if missing:
        raise ValueError(f"`{place}` must have the field `{missing[0]}`")


def _field(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _union(arguments, value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_field(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: _field(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return decode(typing.cast(type, hint), value, where)
    return _plain(hint, value, where)


def _union(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and types.NoneType in choices:
        return None
    (choice,) = [each for each in choices if each is not types.NoneType]
    return _field(choice, value, where)


def _plain(hint: Any, value: Any, where: str) -> Any:
    if hint is Any:
        return value
    accepted = (int, float) if hint is float else (hint,)
    if not isinstance(hint, type) or type(value) not in accepted:
        raise TypeError(
            f"`{where}` must be of type {getattr(hint, '__name__', hint)}, got {value!r}"
        )
    return float(value) if hint is float else value
