"""Keyed randomness: every draw is a pure function of its key.

A key is `(seed, epoch, sample index, view, draw number)`. No generator state exists, so the same
image gets the same draws whatever the batch split, worker count or resume point, and any draw can
be recomputed later.
"""

from enum import IntEnum, unique

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.distributions import normal_quantile

State = NDArray[np.uint64]


@unique
class Draw(IntEnum):
    """What a number is drawn for: one list for all rooms.

    Each question that is asked of chance has its own number, so that changing one part of a policy
    leaves the draws of the others as they were. 0-999 are those of crop policies (their repeated
    tries continue from 10,000), 1000-1999 those of the photometric step, 2000 and above those of
    the data. A number is given out once and keeps its meaning: another meaning would change every
    result that was drawn with it.
    """

    AREA = 0
    RATIO = 1
    X = 2
    Y = 3
    X_OTHER = 4
    Y_OTHER = 5
    MEAN_X = 6
    MEAN_Y = 7
    JOINT_RATIO = 8
    JOINT_AREA = 9
    OBJECT = 10
    DILATION = 11
    WIDER_VIEW = 12

    FLIP = 1000
    JITTER = 1001
    BRIGHTNESS = 1002
    CONTRAST = 1003
    SATURATION = 1004
    HUE = 1005
    GRAY = 1006
    INVERT = 1007
    BLUR = 1008
    BLUR_SIGMA = 1009

    ORDER = 2000
    VALIDATION = 2001
    TEST = 2002
    CARVED = 2003
    GROUP_ORDER = 2004
    SUBSET = 2010
    STATISTICS = 2011
    AUDITED = 2020
    LOOKED_AT = 2021
    REFERENCE_CROP = 2022
    PAPER_SPLIT = 2030
    FEW_LABELS = 2040
    DIGIT_ORDER = 2100
    SCENE_ORDER = 2110
    SCENE_DIGIT = 2111
    SCENE_OTHER_CLASS = 2112
    SCENE_CENTER = 2120
    SCENE_PATCH = 2200
    SCENE_GAIN = 2210
    SCENE_LUMINANCE = 2220
    SCENE_STEP = 2230
    SCENE_CHROMA = 2240
    SCENE_PLACE = 2300


_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_64_BITS = 2**64 - 1


def state(seed: ArrayLike, epoch: ArrayLike, index: ArrayLike, view: ArrayLike) -> State:
    """Everything of a key but the draw number, hashed once; broadcasts its four parts.

    Each part is absorbed by the finalizer of SplitMix64 (Steele, Lea, Flood, 2014).

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
        draw: draw number, integer: a `Draw`.

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
    return np.asarray(normal_quantile(uniform(seed, epoch, index, view, draw)))


def permutation(n: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """An order of `0 .. n - 1` that is a pure function of `(n, seed, epoch)`, int64 `(n,)`."""
    return np.argsort(uniform(seed, epoch, np.arange(n), 0, Draw.ORDER), kind="stable")


def permutation_by_groups(
    groups: NDArray[np.int64], lengths: NDArray[np.int64], most: int, *, seed: int, epoch: int
) -> NDArray[np.int64]:
    """An order for items that are read in groups, a pure function of its arguments.

    The groups come in an order by key, and as many of them as may be held at once are shuffled
    together: that is as good as a buffer of this length behind shuffled shards. Where all may be
    held it is `permutation`.

    Args:
        groups: `(N,)`, the group of each item, from 0 on.
        lengths: `(G,)`, of the groups.
        most: length of the groups that may be held at once; a longer one is held alone.
        seed: key.
        epoch: key.

    Returns:
        int64 `(N,)`.

    >>> groups = np.repeat([0, 1, 2], 2)
    >>> permutation_by_groups(groups, np.array([5, 5, 5]), 5, seed=0, epoch=0).tolist()
    [3, 2, 5, 4, 0, 1]
    """
    window, there, held = np.zeros(len(lengths), dtype=np.int64), 0, 0
    shuffled = np.argsort(uniform(seed, epoch, np.arange(len(lengths)), 0, Draw.GROUP_ORDER))
    for group, length in zip(shuffled.tolist(), lengths[shuffled].tolist(), strict=True):
        if held and held + length > most:
            there, held = there + 1, 0
        window[group], held = there, held + length
    within = uniform(seed, epoch, np.arange(len(groups)), 0, Draw.ORDER)
    return np.lexsort((within, window[groups]))


def _absorb(hashed: State, part: ArrayLike) -> State:
    word = np.asarray(part, dtype=np.int64).reshape(np.shape(part) or 1).view(np.uint64)
    mixed = hashed ^ (word * np.uint64(_GOLDEN) + np.uint64(_GOLDEN))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(_FIRST)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(_SECOND)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def absorb_one(hashed: int, part: int) -> int:
    """The same for one key, in Python's integers: a NumPy call would cost more than its work.

    >>> absorb_one(absorb_one(absorb_one(absorb_one(0, 7), 0), 5), 1) == int(state(7, 0, 5, 1))
    True
    """
    mixed = hashed ^ (part * _GOLDEN + _GOLDEN & _64_BITS)
    mixed = (mixed ^ (mixed >> 30)) * _FIRST & _64_BITS
    mixed = (mixed ^ (mixed >> 27)) * _SECOND & _64_BITS
    return mixed ^ (mixed >> 31)


def uniform_one(hashed: int, draw: int) -> float:
    """The uniform number of one state: as `uniforms`, in Python's numbers."""
    return ((absorb_one(hashed, draw) >> 12) + 0.5) * 2.0**-52
