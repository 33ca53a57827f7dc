"""The parameter of a law that may be moved so that something else comes out as wished."""

from dataclasses import replace
from typing import Any

import numpy as np

from tamecrop.geometry import rules
from tamecrop.geometry.centers import Beta, Gaussian, PaddedUniform
from tamecrop.geometry.extents import FixedArea, JointAreas
from tamecrop.geometry.policy import Policy
from tamecrop.geometry.search import fewest_digits
from tamecrop.geometry.text import EXCLUSIVE

Size = tuple[int, int]

SPANS = {"sigma": (1e-3, 10.0), "alpha": (1e-4, 1e4), "padding": (1e-3, 10.0), "a": (0.01, 100.0)}
"""Values that are searched; `scale` goes from one pixel to the whole image."""

NAMES = ("scale", *SPANS)

_APART = 1.11


def default(law: Policy) -> str:
    """The law's spread: `sigma` or `alpha` as stated, `padding`, `a`; else `scale`.

    >>> from tamecrop.geometry.policy import policy
    >>> [default(policy(text)) for text in ("gcc:alpha=1.5", "rc_pad", "rrc")]
    ['alpha', 'padding', 'scale']
    """
    if isinstance(law.center, Gaussian):
        return "sigma" if law.center.alpha is None else "alpha"
    if isinstance(law.center, PaddedUniform):
        return "padding"
    return "a" if isinstance(law.center, Beta) else "scale"


def value(law: Policy, name: str) -> Any:
    """What a law has for a parameter: a number, a range, or None for `alpha` next to `sigma`.

    Raises:
        ValueError: for an unknown parameter, or one that the law does not have.

    >>> from tamecrop.geometry.policy import policy
    >>> value(policy("rrc"), "scale"), value(policy("gcc:alpha=2"), "alpha")
    ((0.2, 1.0), 2.0)
    """
    rules.known("parameter", name, NAMES)
    part = law.extent if name == "scale" else law.center
    if not hasattr(part, name):
        raise ValueError(f"`{name}` has no meaning in {law}, whose center is {law.center.kind}")
    return getattr(part, name)


def with_value(law: Policy, name: str, number: float) -> Policy:
    """The law with another value of a parameter; `scale` of a range is its low end.

    Args:
        law: a law that has the parameter.
        name: one of `NAMES`; `sigma` and `alpha` replace each other.
        number: the new value.

    Raises:
        ValueError: as `value` does.

    >>> from tamecrop.geometry.policy import policy
    >>> with_value(policy("rrc"), "scale", 0.3)
    Policy('rrc:scale=0.3..1')
    """
    stated = value(law, name)
    if name != "scale":
        rival: dict[str, Any] = {EXCLUSIVE[name]: None} if name in EXCLUSIVE else {}
        return _changed(law, "center", **rival, **{name: number})
    scale = (number, stated[1]) if isinstance(stated, tuple) else number
    return _changed(law, "extent", scale=scale)


def span(law: Policy, name: str, size: Size) -> tuple[float, float]:
    """The values of a parameter that are searched, for a law on images of one size."""
    stated = value(law, name)
    if name != "scale":
        return SPANS[name]
    thick = [side for side in size if side > 1]
    least = (1 + 1e-9) / min(thick, default=1) ** 2
    most = stated[1] if isinstance(stated, tuple) else 1.0
    if isinstance(law.extent, JointAreas):
        most /= _APART
    return min(least, most), most


def scales(law: Policy, size: Size) -> list[float]:
    """A scale for each pair of whole sides that a fixed extent can have on one image size.

    Both rounding rules change a side only where the real side is a multiple of half a pixel;
    between two neighboring such scales the sides are the same.

    >>> from tamecrop.geometry.policy import policy
    >>> scales(policy("rc"), (3, 3))
    [0.2, 0.5, 0.9]
    """
    if law.extent.kind != "fixed":
        raise ValueError(f"`scale` must be fixed to have steps, got extent={law.extent.kind}")
    low, high = span(law, "scale", size)
    halves = [(np.arange(1, 2 * side + 1) / (2 * side)) ** 2 for side in size]
    cuts = np.unique(np.concatenate([[low, high], *halves]))
    cuts = cuts[cuts >= low]
    steps: dict[tuple[int, int], list[float]] = {}
    for scale in [*((cuts[:-1] + cuts[1:]) / 2).tolist(), high]:
        steps.setdefault(_sides(law, scale, size), []).append(scale)
    return [_middle(law, found, size) for found in steps.values()]


def _middle(law: Policy, found: list[float], size: Size) -> float:
    """The middle of a step, in few digits, from scales in rising order that lie on it."""
    sides = _sides(law, found[0], size)
    middle = (found[0] + found[-1]) / 2
    return fewest_digits(middle, lambda x: x <= 1 and _sides(law, x, size) == sides)


def _changed(law: Policy, part: str, **fields: Any) -> Policy:
    changed: Any = replace(getattr(law, part), **fields)
    return replace(law, **{part: changed})


def _sides(law: Policy, scale: float, size: Size) -> tuple[int, int]:
    return FixedArea(scale).sides(*size, law.rounding)
