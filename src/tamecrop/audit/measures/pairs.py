"""Pairs of boxes drawn for real image sizes: many draws of every image, batch by batch."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamecrop.geometry.boxes import Boxes
from tamecrop.geometry.policy import Policy

Ints = NDArray[np.int64]

DRAWS = 16
LEAST_PAIRS = 40_000
"""Few images are drawn more often, so that a share has a standard error of a quarter point."""

_BATCH = 50_000


class Pairs(NamedTuple):
    """Drawn pairs of views.

    Args:
        image: `(P,)` places of the images in the set.
        boxes: int64 `(P, 2, 4)`.
    """

    image: Ints
    boxes: Boxes


def draws_for(images: int, draws: int = DRAWS) -> int:
    """Draws of each image: as asked for, or as many as make `LEAST_PAIRS` pairs in all.

    >>> draws_for(50_000), draws_for(128)
    (16, 313)
    """
    return max(draws, -(-LEAST_PAIRS // images))


def pairs(
    policy: Policy, sizes: Ints, *, index: Ints | None = None, draws: int, seed: int = 0
) -> Iterator[Pairs]:
    """The boxes of both views for every draw of every image.

    Args:
        policy: the crop law; one that uses a given box gets none, and keeps its law without.
        sizes: `(N, 2)`, (height, width).
        index: `(N,)` keys of the images, `0 .. N - 1` by default. The first draw of each gives
            the boxes that training with the same seed uses in its first epoch.
        draws: of each image.
        seed: key of the run.
    """
    count = len(sizes)
    index = np.arange(count) if index is None else index
    span = int(index.max()) + 1
    for start in range(0, count * draws, _BATCH):
        draw, image = np.divmod(np.arange(start, min(start + _BATCH, count * draws)), count)
        key = index[image] + span * draw
        yield Pairs(image, policy.draw(sizes[image], seed=seed, index=key))
