"""A family of laws: one parameter moved through a range."""

from dataclasses import dataclass

import numpy as np

from tamecrop.geometry import free, rules
from tamecrop.geometry.policy import Policy


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
        rules.known("parameter", self.key, free.NAMES)
        rules.ordered("sweep", (self.low, self.high), low=0)
        rules.count("count", self.count, least=2)

    def of(self, law: Policy) -> tuple[Policy, ...]:
        """The laws of the sweep; none when the law does not have the parameter.

        >>> from tamecrop.geometry.policy import policy
        >>> [str(law) for law in sweep("sigma=0.1:0.3:2").of(policy("gcc:scale=0.4,alpha=2"))]
        ['gcc:scale=0.4,sigma=0.1', 'gcc:scale=0.4,sigma=0.3']
        """
        part = "extent" if self.key == "scale" else "center"
        if not hasattr(getattr(law, part), self.key):
            return ()
        values = np.linspace(self.low, self.high, self.count).round(6).tolist()
        return tuple(free.with_value(law, self.key, value) for value in values)


def sweep(text: str) -> Sweep:
    """Read `key=low:high:count`.

    Raises:
        ValueError: naming the text that is not so written, or the value and its rule.

    >>> sweep("sigma=0.05:0.5:10").count
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
