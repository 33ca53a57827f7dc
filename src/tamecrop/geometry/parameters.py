"""Parameters of a policy that may be moved: solved for, or swept through a range."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tamecrop.geometry import rules
from tamecrop.geometry.extents import FixedArea, JointAreas
from tamecrop.geometry.policy import Policy
from tamecrop.geometry.search import fewest_digits
from tamecrop.geometry.text import EXCLUSIVE

Size = tuple[int, int]

SPANS = {"sigma": (1e-3, 10.0), "alpha": (1e-4, 1e4), "padding": (1e-3, 10.0), "a": (0.01, 100.0)}
"""Values that are searched; `scale` goes from one pixel to the whole image."""

NAMES = ("scale", *SPANS)
_SPREADS = ("alpha", "sigma", "padding", "a")
"""What centers call their spread; `alpha`, where it is stated, replaces `sigma`."""

_APART = 1.11


def pick_parameter(policy: Policy) -> str:
    """The policy's spread: `sigma` or `alpha` as stated, `padding`, `a`; else `scale`.

    >>> from tamecrop.geometry.policy import policy
    >>> [pick_parameter(policy(text)) for text in ("gcc:alpha=1.5", "rc_pad", "rrc")]
    ['alpha', 'padding', 'scale']
    """
    stated = (name for name in _SPREADS if getattr(policy.center, name, None) is not None)
    return next(stated, "scale")


def read_value(policy: Policy, name: str) -> Any:
    """What a policy has for a parameter: a number, a range, or None for `alpha` next to `sigma`.

    Raises:
        ValueError: for an unknown parameter, or one that the policy does not have.

    >>> from tamecrop.geometry.policy import policy
    >>> read_value(policy("rrc"), "scale"), read_value(policy("gcc:alpha=2"), "alpha")
    ((0.2, 1.0), 2.0)
    """
    rules.known("parameter", name, NAMES)
    part = policy.extent if name == "scale" else policy.center
    if not hasattr(part, name):
        center = policy.center.kind
        raise ValueError(f"`{name}` has no meaning in {policy}, whose center is {center}")
    return getattr(part, name)


def with_value(policy: Policy, name: str, number: float) -> Policy:
    """The policy with another value of a parameter; `scale` of a range is its low end.

    Args:
        policy: a policy that has the parameter.
        name: one of `NAMES`; `sigma` and `alpha` replace each other.
        number: the new value.

    Raises:
        ValueError: as `value` does.

    >>> from tamecrop.geometry.policy import policy
    >>> with_value(policy("rrc"), "scale", 0.3)
    Policy('rrc:scale=0.3..1')
    """
    stated = read_value(policy, name)
    if name != "scale":
        rival: dict[str, Any] = {EXCLUSIVE[name]: None} if name in EXCLUSIVE else {}
        return _changed(policy, "center", **rival, **{name: number})
    scale = (number, stated[1]) if isinstance(stated, tuple) else number
    return _changed(policy, "extent", scale=scale)


def find_span(policy: Policy, name: str, size: Size) -> tuple[float, float]:
    """The values of a parameter that are searched, for a policy on images of one size."""
    stated = read_value(policy, name)
    if name != "scale":
        return SPANS[name]
    thick = [side for side in size if side > 1]
    least = (1 + 1e-9) / min(thick, default=1) ** 2
    most = stated[1] if isinstance(stated, tuple) else 1.0
    if isinstance(policy.extent, JointAreas):
        most /= _APART
    return min(least, most), most


def find_scales(policy: Policy, size: Size) -> list[float]:
    """A scale for each pair of whole sides that a fixed extent can have on one image size.

    Both rounding rules change a side only where the real side is a multiple of half a pixel;
    between two neighboring such scales the sides are the same.

    >>> from tamecrop.geometry.policy import policy
    >>> find_scales(policy("rc"), (3, 3))
    [0.2, 0.5, 0.9]
    """
    if policy.extent.kind != "fixed":
        raise ValueError(f"`scale` must be fixed to have steps, got extent={policy.extent.kind}")
    low, high = find_span(policy, "scale", size)
    halves = [(np.arange(1, 2 * side + 1) / (2 * side)) ** 2 for side in size]
    cuts = np.unique(np.concatenate([[low, high], *halves]))
    cuts = cuts[cuts >= low]
    steps: dict[tuple[int, int], list[float]] = {}
    for scale in [*((cuts[:-1] + cuts[1:]) / 2).tolist(), high]:
        steps.setdefault(_sides(policy, scale, size), []).append(scale)
    return [_middle(policy, found, size) for found in steps.values()]


@dataclass(frozen=True)
class Sweep:
    """A parameter and its values, evenly spaced.

    Args:
        key: `scale`, `sigma`, `alpha`, `padding` or `a`; of a range of scales the low end.
        low: first value.
        high: last value.
        count: number of values, at least 2.
    """

    key: str
    low: float
    high: float
    count: int

    def __post_init__(self) -> None:
        rules.known("parameter", self.key, NAMES)
        rules.ordered("sweep", (self.low, self.high), low=0)
        rules.count("count", self.count, least=2)

    def of(self, policy: Policy) -> tuple[Policy, ...]:
        """The policies of the sweep; none when the policy does not have the parameter.

        >>> from tamecrop.geometry.policy import policy
        >>> moved = read_sweep("sigma=0.1:0.3:2").of(policy("gcc:scale=0.4,alpha=2"))
        >>> [str(each) for each in moved]
        ['gcc:scale=0.4,sigma=0.1', 'gcc:scale=0.4,sigma=0.3']
        """
        part = policy.extent if self.key == "scale" else policy.center
        if not hasattr(part, self.key):
            return ()
        values = np.linspace(self.low, self.high, self.count).round(6).tolist()
        return tuple(with_value(policy, self.key, value) for value in values)


def read_sweep(text: str) -> Sweep:
    """Read `key=low:high:count`.

    Raises:
        ValueError: naming the text that is not so written, or the value and its rule.

    >>> read_sweep("sigma=0.05:0.5:10").count
    10
    """
    key, _, tail = text.partition("=")
    words = tail.split(":")
    try:
        low, high, count = float(words[0]), float(words[1]), int(words[2])
    except (ValueError, IndexError) as error:
        raise ValueError(f"`sweep` is written key=low:high:count, got {text!r}") from error
    if len(words) != 3:
        raise ValueError(f"`sweep` is written key=low:high:count, got {text!r}")
    return Sweep(key.strip(), low, high, count)


def _middle(policy: Policy, found: list[float], size: Size) -> float:
    """The middle of a step, in few digits, from scales in rising order that lie on it."""
    sides = _sides(policy, found[0], size)
    middle = (found[0] + found[-1]) / 2
    return fewest_digits(middle, lambda x: x <= 1 and _sides(policy, x, size) == sides)


def _changed(policy: Policy, part: str, **fields: Any) -> Policy:
    changed: Any = replace(getattr(policy, part), **fields)
    return replace(policy, **{part: changed})


def _sides(policy: Policy, scale: float, size: Size) -> tuple[int, int]:
    return FixedArea(scale).sides(*size, policy.rounding)
