"""Keyed randomness: every draw is a pure function of its key.

A key is `(seed, epoch, sample index, view, draw number)`. No generator state exists, so the same
image gets the same draws whatever the batch split, worker count or resume point, and any draw can
be recomputed later. Draw numbers 0-999 belong to the crop laws (their repeated tries continue
from 10,000), 1000-1999 to the photometric step, 2000-2999 to the data.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.gaussian import quantile

State = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ORDER = 2000


def state(seed: ArrayLike, epoch: ArrayLike, index: ArrayLike, view: ArrayLike) -> State:
    """Everything of a key but the draw number, hashed once; broadcasts its four parts.

    Each part is absorbed by the finaliser of SplitMix64 (Steele, Lea, Flood, 2014).

    Args:
        seed: integer, any sign, 64 bit.
        epoch: integer.
        index: sample index, integer.
        view: view number, integer.

    Returns:
        uint64 array of the broadcast shape, to be given to `uniforms`.
    """
    hashed = np.zeros(1, dtype=np.uint64)
    for part in (seed, epoch, index, view):
        hashed = _absorb(hashed, part)
    return hashed.reshape(np.broadcast(seed, epoch, index, view).shape)


def uniforms(states: State, draw: ArrayLike) -> Floats:
    """Uniform numbers strictly inside (0, 1), one per state: the draw of number `draw`."""
    hashed = _absorb(np.atleast_1d(states), draw)
    shape = np.broadcast(states, draw).shape
    return ((hashed >> np.uint64(12)).astype(np.float64) + 0.5).reshape(shape) * 2.0**-52


def uniform(
    seed: ArrayLike, epoch: ArrayLike, index: ArrayLike, view: ArrayLike, draw: ArrayLike
) -> Floats:
    """Uniform numbers strictly inside (0, 1) for whole arrays of keys at once.

    Args:
        seed: integer.
        epoch: integer.
        index: sample index, integer.
        view: view number, integer.
        draw: draw number, integer; see the module's table.

    Returns:
        float64 of the shape to which the five parts broadcast; 52 random bits each.

    >>> uniform(0, 0, [0, 1], 0, 0).shape
    (2,)
    """
    return uniforms(state(seed, epoch, index, view), draw)


def normal(
    seed: ArrayLike, epoch: ArrayLike, index: ArrayLike, view: ArrayLike, draw: ArrayLike
) -> Floats:
    """Standard normal numbers for whole arrays of keys: the normal quantile of `uniform`."""
    return quantile(uniform(seed, epoch, index, view, draw))


def permutation(n: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """An order of `0 .. n - 1` that is a pure function of `(n, seed, epoch)`, int64 `(n,)`."""
    return np.argsort(uniform(seed, epoch, np.arange(n), 0, _ORDER), kind="stable")


def _absorb(hashed: State, part: ArrayLike) -> State:
    word = np.asarray(part, dtype=np.int64).reshape(np.shape(part) or 1).view(np.uint64)
    mixed = hashed ^ (word * _GOLDEN + _GOLDEN)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
