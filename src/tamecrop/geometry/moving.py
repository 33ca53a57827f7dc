"""Parts of a policy whose numbers move with the epoch."""

from dataclasses import fields, replace
from typing import Any


def move(first: Any, last: Any, share: float) -> Any:
    """A part whose numbers lie a share of the way between those of two parts of one kind.

    Raises:
        ValueError: when the parts, or settings that are no real numbers, differ.

    >>> from tamecrop.geometry.extents import RandomArea
    >>> move(RandomArea((0.5, 1.0)), RandomArea((0.2, 1.0)), 0.5).scale
    (0.35, 1.0)
    """
    if first.kind != last.kind:
        raise ValueError(f"a policy cannot move from {first.kind} to {last.kind}")
    moved = {}
    for each in fields(first):
        start, end = getattr(first, each.name), getattr(last, each.name)
        if start == end:
            continue
        pairs = [(start, end)] if not isinstance(start, tuple) else [*zip(start, end, strict=True)]
        numbers = [_move(each.name, a, b, share) for a, b in pairs]
        moved[each.name] = tuple(numbers) if isinstance(start, tuple) else numbers[0]
    return replace(first, **moved)


def _move(name: str, start: Any, end: Any, share: float) -> float:
    real = isinstance(start, float), isinstance(end, float)
    if not all(real):
        raise ValueError(f"`{name}` cannot move from {start!r} to {end!r}")
    number: float = round(start + (end - start) * share, 12)
    return number
