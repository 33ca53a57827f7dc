"""The arithmetic that crop policies are written in: for whole arrays, and for one number.

A batch of boxes is drawn on NumPy arrays. A transform in a data set draws the boxes of one image,
where the overhead of a NumPy call is a hundred times its work. Policies are therefore written once,
with the functions of this file: given arrays they return arrays; given a Python number they return
one. Both ways give the same bits. Sums, products, quotients and square roots are fixed by IEEE 754;
`exp`, `log`, `cos` and `power` go through NumPy's own loops for one number too, since the last bit
of Python's `math` may be another.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Reals = Any
"""A float64 array, or one float."""
Wholes = Any
"""An int64 array, or one int."""
Truths = Any
"""A bool array, or one bool."""

_NUMBERS = (float, int)


def where(condition: Truths, then: Any, otherwise: Any) -> Any:
    """`then` where the condition holds, else `otherwise`."""
    if type(condition) is bool:
        return then if condition else otherwise
    return np.where(condition, then, otherwise)


def choose(
    condition: Truths, then: Callable[[Reals], Reals], otherwise: Callable[[Reals], Reals], x: Reals
) -> Reals:
    """`then(x)` where the condition holds, else `otherwise(x)`; `then` is not asked elsewhere."""
    if type(condition) is bool:
        return then(x) if condition else otherwise(x)
    chosen = np.asarray(otherwise(x))
    chosen[condition] = then(x[condition])
    return chosen


def floor(x: Reals) -> Wholes:
    """The whole number at or below."""
    return math.floor(x) if type(x) in _NUMBERS else np.floor(x).astype(np.int64)


def trunc(x: Reals) -> Wholes:
    """The whole number next to x toward zero."""
    return math.trunc(x) if type(x) in _NUMBERS else np.trunc(x).astype(np.int64)


def nearest(x: Reals) -> Wholes:
    """The nearest whole number; of two, the even one."""
    return round(x) if type(x) in _NUMBERS else np.rint(x).astype(np.int64)


def minimum(x: Any, y: Any) -> Any:
    """The smaller of two."""
    if type(x) in _NUMBERS and type(y) in _NUMBERS:
        return min(x, y)
    return np.minimum(x, y)


def maximum(x: Any, y: Any) -> Any:
    """The larger of two."""
    if type(x) in _NUMBERS and type(y) in _NUMBERS:
        return max(x, y)
    return np.maximum(x, y)


def clip(x: Any, low: Any, high: Any) -> Any:
    """x, or the end of `low .. high` that it lies beyond."""
    return minimum(maximum(x, low), high)


def is_nan(x: Reals) -> Truths:
    """Whether x is no number."""
    return x != x


def is_any(x: Truths) -> bool:
    """Whether a condition holds anywhere."""
    return x if type(x) is bool else bool(np.any(x))


def sqrt(x: Reals) -> Reals:
    """Square root."""
    return math.sqrt(x) if type(x) in _NUMBERS else np.sqrt(x)


def exp(x: Reals) -> Reals:
    """Exponential."""
    return _like(x, np.exp(x))


def log(x: Reals) -> Reals:
    """Natural logarithm."""
    return _like(x, np.log(x))


def cos(x: Reals) -> Reals:
    """Cosine."""
    return _like(x, np.cos(x))


def logaddexp(x: Reals, y: Reals) -> Reals:
    """`log(exp(x) + exp(y))`."""
    return _like(x, np.logaddexp(x, y))


def power(x: Reals, exponent: float) -> Reals:
    """X to an exponent. NumPy's `**` squares where the exponent is 2, and so must one number."""
    return float(np.array(x) ** exponent) if type(x) in _NUMBERS else x**exponent


def copysign(x: Reals, sign: Reals) -> Reals:
    """X with the sign of another number."""
    return math.copysign(x, sign) if type(x) in _NUMBERS else np.copysign(x, sign)


def erfc(x: Reals) -> Reals:
    """Complementary error function: of every number `math.erfc`, as NumPy has none."""
    return math.erfc(x) if type(x) in _NUMBERS else np.asarray(_ERFC(x), dtype=np.float64)


_ERFC = np.frompyfunc(math.erfc, 1, 1)


def _like(x: Reals, result: Any) -> Reals:
    return float(result) if type(x) in _NUMBERS else result
