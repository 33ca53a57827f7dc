"""The rules that parameters must satisfy, each stated once and in one sentence."""

import difflib
import math
import operator
from collections.abc import Iterable
from typing import TypeGuard

Range = tuple[float, float]


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a finite int or float, and not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def require(name: str, rule: str, value: object, *, holds: bool) -> None:
    """Raise `ValueError` naming argument, rule and value unless the rule holds."""
    if not holds:
        raise ValueError(f"`{name}` must satisfy {rule}, got {value!r}")


def positive(name: str, value: object) -> None:
    """Require a finite number above 0."""
    require(name, f"0 < {name}, finite", value, holds=is_number(value) and value > 0)


def fraction(name: str, value: object) -> None:
    """Require a number in (0, 1]."""
    require(name, f"0 < {name} <= 1", value, holds=is_number(value) and 0 < value <= 1)


def count(name: str, value: object, *, least: int = 1) -> None:
    """Require an int of at least `least`."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    require(name, f"{name} >= {least}, an integer", value, holds=whole and value >= least)  # type: ignore[operator]


def integer(name: str, value: object) -> None:
    """Require a whole number of 64 bits: int or NumPy integer, not a bool."""
    try:
        holds = not isinstance(value, bool) and -(2**63) <= operator.index(value) < 2**63  # type: ignore[arg-type]
    except TypeError:
        holds = False
    require(name, "an integer of 64 bits", value, holds=holds)


def ordered(name: str, value: object, *, low: float, high: float = math.inf) -> None:
    """Require a pair with low <= first <= second <= high."""
    pair = isinstance(value, tuple) and len(value) == 2 and all(map(is_number, value))
    holds = pair and low <= value[0] <= value[1] <= high  # type: ignore[index]
    require(name, f"{low:g} <= low <= high <= {high:g}", value, holds=holds)


def positive_range(name: str, value: object, *, high: float = math.inf) -> None:
    """Require a pair with 0 < first <= second <= high."""
    pair = isinstance(value, tuple) and len(value) == 2 and all(map(is_number, value))
    holds = pair and 0 < value[0] <= value[1] <= high  # type: ignore[index]
    bound = "" if math.isinf(high) else f" <= {high:g}"
    require(name, f"0 < low <= high{bound}", value, holds=holds)


def known(kind: str, name: str, names: Iterable[str]) -> None:
    """Raise `ValueError` for an unknown name, with the nearest known one."""
    names = sorted(names)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown {kind} {name!r}: {hint}known are {', '.join(names)}")
