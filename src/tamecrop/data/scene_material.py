"""What scenes are made of: scikit-learn's digits and photographs, divided between the splits."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tamecrop.geometry import Draw, Floats, keys

Split = Literal["train", "validation", "test"]

CLASSES = tuple(str(digit) for digit in range(10))
PHOTOGRAPHS = ("china.jpg", "flower.jpg")
MOST_SIDE = 96
SHARES: dict[Split, tuple[float, float]] = {
    "train": (0.0, 0.6),
    "validation": (0.6, 0.7),
    "test": (0.7, 1.0),
}
REGIONS: dict[Split, tuple[slice, slice]] = {
    "train": (slice(0, 320), slice(0, 320)),
    "validation": (slice(320, 427), slice(0, 320)),
    "test": (slice(0, 427), slice(320, 640)),
}
"""Rows and columns of both photographs: left halves to learn from, right halves to test on."""


@dataclass(frozen=True, eq=False)
class Material:
    """The digits and the background regions of one split.

    Args:
        digits: the numbers of its digit images in scikit-learn's set, grouped by class.
        ink: float `(D, 8, 8)` in [0, 1], in the order of `digits`.
        starts: int64 `(10,)`, where each class begins in `digits`.
        counts: int64 `(10,)`, digit images of each class.
        backgrounds: float `(2, height, width, 3)` in [0, 1].
    """

    digits: NDArray[np.int64]
    ink: Floats
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    backgrounds: NDArray[np.float32]

    def pick(self, labels: NDArray[np.int64], u: Floats) -> NDArray[np.int64]:
        """A position in `digits` for each label, chosen by uniform numbers of the same shape."""
        return self.starts[labels] + (u * self.counts[labels]).astype(np.int64)

    def cells(self, side: int) -> NDArray[np.float32]:
        """Every digit at `side` pixels, antialiased, float32 `(D, side, side)` in [0, 1]."""
        ink = torch.from_numpy(self.ink)[:, None].float()
        cells = functional.interpolate(ink, size=(side, side), mode="bicubic", antialias=True)
        return np.asarray(cells[:, 0].clamp(0, 1))


@cache
def material(split: Split) -> Material:
    """The part of the material that belongs to a split; no other split holds any of it."""
    from sklearn.datasets import load_digits, load_sample_image

    digits = load_digits()
    low, high = SHARES[split]
    n = len(digits.target)
    order = keys.uniform(0, 0, np.arange(n), 0, Draw.DIGIT_ORDER).argsort().argsort() / n
    mine = np.flatnonzero((low <= order) & (order < high))
    mine = mine[np.argsort(digits.target[mine], kind="stable")]
    counts = np.bincount(digits.target[mine], minlength=len(CLASSES))
    photographs = np.stack([load_sample_image(name) for name in PHOTOGRAPHS])
    return Material(
        digits=mine,
        ink=digits.images[mine] / 16,
        starts=np.cumsum(counts) - counts,
        counts=counts,
        backgrounds=(photographs[:, *REGIONS[split]] / 255).astype(np.float32),
    )
