"""How values of more than 8 bits become 8 bits: one range for a whole set, never one an image."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["whole", "real"]

HUGE = 1e30
"""No measured value is larger: what is, marks that there is none."""

SENTINELS = (-999.0, -9999.0, -32767.0, -32768.0, -99999.0)
"""Values that mark missing data by custom, where they lie far below all others."""

_BITS = (8, 10, 12, 14, 16)
_CHUNK = 2**22


@dataclass(frozen=True)
class Values:
    """What is known of the values of an image or an array.

    Args:
        kind: `whole` numbers or `real` ones.
        low: the least, without nodata; above `high` when there is none.
        high: the largest.
        nodata: values that mark missing data.
    """

    kind: Kind
    low: float
    high: float
    nodata: tuple[float, ...] = ()


@dataclass(frozen=True)
class Scale:
    """From values to 0..255: whole steps, or a line from `low` to `high`.

    Args:
        low: value that becomes 0; above `high` where there is no measured value.
        high: value that becomes 255, for a line.
        step: values that share a gray level, or 0 for a line.
        nodata: values that become 0.
    """

    low: float
    high: float
    step: int = 0
    nodata: tuple[float, ...] = ()

    def __call__(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """The values as uint8, in their own shape."""
        flat = values.reshape(-1)
        found = np.empty(flat.shape, dtype=np.uint8)
        for start in range(0, flat.size, _CHUNK):
            found[start : start + _CHUNK] = self._levels(flat[start : start + _CHUNK])
        return found.reshape(values.shape)

    def _levels(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        if self.step and not self.nodata:
            levels: NDArray[Any] = np.clip(values // self.step, 0, 255)
            return levels.astype(np.uint8)
        known = is_data(values, self.nodata)
        if self.step:
            return np.where(known, np.clip(values // self.step, 0, 255), 0).astype(np.uint8)
        if self.low > self.high:
            return np.zeros(values.shape, dtype=np.uint8)
        exact = np.where(known, values, self.low).astype(np.float64)
        span = max(self.high - self.low, np.finfo(np.float64).tiny)
        return np.rint(np.clip(255 * ((exact - self.low) / span), 0, 255)).astype(np.uint8)

    @property
    def account(self) -> str:
        """How values become 8 bits, in words."""
        bits = 8 + self.step.bit_length() - 1
        how = f"{self.low:g} to {self.high:g} became 0 to 255"
        how = f"{bits} bits in use, divided by {self.step}" if self.step else how
        how = f"all are {self.low:g} and became 0" if self.low == self.high else how
        how = "there is no measured value, and all became 0" if self.low > self.high else how
        marks = ", ".join(f"{value:g}" for value in self.nodata)
        return f"{how}, {marks} is no data" if marks else how


@dataclass(frozen=True)
class Depth:
    """The scales of a set: one for whole numbers, one for real ones."""

    whole: Scale | None = None
    real: Scale | None = None

    def scale(self, kind: Kind) -> Scale | None:
        """The scale of a kind, or None where the set has no such values."""
        return self.whole if kind == "whole" else self.real

    @property
    def account(self) -> str:
        """One line on both, or an empty text."""
        named = (("whole numbers", self.whole), ("real numbers", self.real))
        told = [f"{name}: {scale.account}" for name, scale in named if scale is not None]
        return f"deep pixels: {'; '.join(told)}" if told else ""


def is_data(values: NDArray[Any], nodata: tuple[float, ...]) -> NDArray[np.bool_]:
    """Whether values are measured: finite, not huge, and no mark."""
    if not np.issubdtype(values.dtype, np.floating):
        return ~np.isin(values, nodata) if nodata else np.ones(values.shape, dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        known: NDArray[np.bool_] = np.abs(values) < HUGE
    return known & ~np.isin(values, nodata) if nodata else known


def measure(values: NDArray[Any], declared: float | None = None) -> Values:
    """The range of the values of one image or array, without what marks missing data.

    Args:
        values: of any shape, whole or real numbers.
        declared: what the file says that its mark is.
    """
    kind: Kind = "real" if np.issubdtype(values.dtype, np.floating) else "whole"
    nodata = () if declared is None or not np.isfinite(declared) else (float(declared),)
    known = values[is_data(values, nodata)]
    if not nodata and known.size and float(known.min()) in SENTINELS:
        mark = float(known.min())
        rest = known[known > mark]
        if not rest.size or float(rest.min()) - mark > float(rest.max()) - float(rest.min()):
            nodata, known = (mark,), rest
    if not known.size:
        return Values(kind, np.inf, -np.inf, nodata)
    return Values(kind, float(known.min()), float(known.max()), nodata)


def depth_of(values: Iterable[Values]) -> Depth:
    """The scales for all images of a set."""
    every = list(values)
    return Depth(_scale(every, "whole"), _scale(every, "real"))


def _scale(values: list[Values], kind: Kind) -> Scale | None:
    """Bits in use, or 0..1, 0..255, or from the least to the largest value."""
    mine = [each for each in values if each.kind == kind]
    if not mine:
        return None
    nodata = tuple(sorted({mark for each in mine for mark in each.nodata}))
    low, high = min(each.low for each in mine), max(each.high for each in mine)
    if low > high:
        return Scale(low, high, nodata=nodata)
    if kind == "whole" and low >= 0 and high == 1:
        return Scale(0, 1, nodata=nodata)
    if kind == "whole" and low >= 0 and high < 2**16:
        bits = next(bits for bits in _BITS if high < 2**bits)
        return Scale(0, 2**bits - 1, step=2 ** (bits - 8), nodata=nodata)
    for usual in (1.0, 255.0):
        if kind == "real" and low >= 0 and high <= usual:
            return Scale(0, usual, nodata=nodata)
    return Scale(low, high, nodata=nodata)
