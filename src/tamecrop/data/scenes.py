"""The embedded data set: handwritten digits on patches of photographs, made from a seed.

The digits and the photographs are scikit-learn's, divided between the splits.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tamecrop.data.images import ImageSet
from tamecrop.geometry import Boxes, Draw, Floats, boxes, keys, rules

Ints = NDArray[np.int64]
Pixels = NDArray[np.float32]
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

CANDIDATES = 16
TEST_SHARE = 3

_LEAST, _CHROMA_RANGE = 0.1, 0.25
_SPLIT_KEYS: dict[Split, int] = {"train": 0, "validation": 1, "test": 2}


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


@dataclass(frozen=True)
class Scenes:
    """Digits in random colors on recolored patches of photographs; the label is the digit.

    What it can show: whether a crop policy keeps the object, because the object is small, its box
    is known and its place is chosen here. What it cannot show: whether a policy suits photographs
    of real objects. The digits have one pose, one size and no context, the backgrounds come from
    two photographs, and a view without the digit carries no hint of the label.

    Args:
        count: scenes in train and validation together; a third as many again are for test.
        side: of the square scenes in pixels.
        object: side of a digit's cell as a fraction of the scene's; by default
            `0.56 / sqrt(objects)`.
        offset: standard deviation of the main digit's center around the middle, as a fraction of
            the side, before the cell is pushed inside the scene.
        objects: digits per scene, all of different class than the first, the main one, which
            gives the label, is drawn on top and placed first; the others go where they overlap
            least among 16 places.
        contrast: least difference in luminance between digit and background, of [0, 1].
        texture: largest gain of the photograph's texture; 0 leaves flat backgrounds.

    Raises:
        ValueError: when an option breaks its rule.

    >>> Scenes(side=32).cell
    18
    """

    count: int = 4000
    side: int = 32
    object: float | None = None
    offset: float = 0.08
    objects: int = 1
    contrast: float = 0.35
    texture: float = 0.7

    def __post_init__(self) -> None:
        rules.count("count", self.count, least=20)
        rules.count("side", self.side, least=8)
        rules.require("side", f"side <= {MOST_SIDE}", self.side, holds=self.side <= MOST_SIDE)
        rules.count("objects", self.objects)
        rules.require("objects", "objects <= 9", self.objects, holds=self.objects <= 9)
        if self.object is not None:
            rules.fraction("object", self.object)
        for name in ("offset", "texture"):
            value = getattr(self, name)
            rules.require(name, f"{name} >= 0", value, holds=rules.is_number(value) and value >= 0)
        rules.ordered("contrast", (0.0, self.contrast), low=0, high=0.5)

    @property
    def cell(self) -> int:
        """Side of a digit's cell in pixels."""
        share = 0.56 / self.objects**0.5 if self.object is None else self.object
        return max(1, round(share * self.side))


def splits(options: Scenes, *, seed: int, validation: float) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Train, validation and test scenes, which share no digit image and no background region.

    Args:
        options: what the scenes look like and how many there are.
        seed: key of everything drawn.
        validation: share of `count` that is validation, in (0, 0.5).
    """
    rules.require("validation", "0 < validation < 0.5", validation, holds=0 < validation < 0.5)
    held = max(1, round(options.count * validation))
    train = scenes(options, "train", options.count - held, seed=seed)
    test = scenes(options, "test", max(1, options.count // TEST_SHARE), seed=seed)
    return train, scenes(options, "validation", held, seed=seed), test


def scenes(options: Scenes, split: Split, count: int, *, seed: int) -> ImageSet:
    """Make the scenes of one split: classes balanced, each scene a function of (seed, number).

    Returns:
        Images uint8 `(count, 3, side, side)` with labels and one box per digit, the main one
        first: its cell, which lies inside the scene.
    """
    draw = _Draw(seed, _SPLIT_KEYS[split], np.arange(count))
    stock = material(split)
    labels = draw(Draw.SCENE_ORDER).argsort().argsort() % len(CLASSES)
    corners = _place(options, draw)
    ink = _ink(options, stock, labels=labels, corners=corners, draw=draw)
    luminance = _LEAST + (1 - 2 * _LEAST) * draw(Draw.SCENE_LUMINANCE)
    pixels = _backgrounds(options, stock, luminance, draw)
    for k in reversed(range(options.objects)):
        color = _colors(options, luminance, draw, k)[..., None, None]
        pixels += ink[:, k, None] * (color - pixels)
    return ImageSet.in_memory(
        torch.from_numpy(np.rint(255 * pixels.clip(0, 1)).astype(np.uint8)),
        labels=torch.from_numpy(labels),
        boxes=tuple(_cells(corners, options)),
    )


@dataclass(frozen=True, eq=False)
class _Draw:
    """Keyed numbers, one per scene; each digit of a scene has its own."""

    seed: int
    split: int
    index: Ints

    def __call__(self, number: int, digit: int = 0) -> Floats:
        return keys.uniform(self.seed, self.split, self.index, digit, number)

    def normal(self, number: int) -> Floats:
        return keys.normal(self.seed, self.split, self.index, 0, number)

    def below(self, bound: int, number: int, digit: int = 0) -> Ints:
        """Whole numbers from 0 to below a bound."""
        return (self(number, digit) * bound).astype(np.int64)

    def color(self, number: int, digit: int = 0) -> Floats:
        """Three numbers in (-1, 1), one per channel, `(N, 3)`."""
        return np.stack([2 * self(number + k, digit) - 1 for k in range(3)], axis=-1)


def _place(options: Scenes, draw: _Draw) -> Ints:
    """Top-left corners `(N, objects, 2)`, (x, y), of the cells; all lie inside the scene."""
    room = options.side - options.cell
    centered = np.stack([draw.normal(Draw.SCENE_CENTER + axis) for axis in (0, 1)], axis=-1)
    main = np.rint(room / 2 + options.offset * options.side * centered)
    corners = np.clip(main, 0, room).astype(np.int64)[:, None]
    for extra in range(1, options.objects):
        corners = np.concatenate([corners, _least_hidden(corners, extra, options, draw)], axis=1)
    return corners


def _least_hidden(taken: Ints, extra: int, options: Scenes, draw: _Draw) -> Ints:
    """Of some uniform places the one that overlaps least with the cells so far, `(N, 1, 2)`."""
    room = options.side - options.cell + 1
    places = [draw.below(room, Draw.SCENE_PLACE + k, extra) for k in range(2 * CANDIDATES)]
    tried = np.stack(places, axis=-1).reshape(-1, CANDIDATES, 2)
    theirs = _cells(taken, options)[:, None]
    overlap = boxes.area(boxes.intersection(_cells(tried, options)[:, :, None], theirs))
    best = overlap.sum(axis=2).argmin(axis=1)
    chosen: Ints = tried[np.arange(len(tried)), best][:, None]
    return chosen


def _cells(corners: Ints, options: Scenes) -> Boxes:
    return np.concatenate([corners, corners + options.cell], axis=-1)


def _classes(labels: Ints, options: Scenes, draw: _Draw) -> Ints:
    """The class of each digit `(N, objects)`: the label first, then other classes than it."""
    others = [
        draw.below(len(CLASSES) - 1, Draw.SCENE_OTHER_CLASS, k) for k in range(1, options.objects)
    ]
    return np.stack([labels, *((labels + 1 + other) % len(CLASSES) for other in others)], axis=1)


def _ink(options: Scenes, stock: Material, *, labels: Ints, corners: Ints, draw: _Draw) -> Pixels:
    """How much each digit covers each pixel, float32 `(N, objects, side, side)` in [0, 1]."""
    cells = np.pad(stock.cells(options.cell), ((0, 0), (0, 1), (0, 1)))
    classes = _classes(labels, options, draw)
    places = np.arange(options.side)
    covered = np.empty((*classes.shape, options.side, options.side), dtype=np.float32)
    for k in range(options.objects):
        digit = stock.pick(classes[:, k], draw(Draw.SCENE_DIGIT, k))
        inside = places[:, None] - corners[:, k, None]
        x, y = np.moveaxis(np.where((inside < 0) | (inside > options.cell), -1, inside), -1, 0)
        covered[:, k] = cells[digit[:, None, None], y[:, :, None], x[:, None, :]]
    return covered


def _backgrounds(options: Scenes, stock: Material, luminance: Floats, draw: _Draw) -> Pixels:
    """A patch of a photograph per scene, its mean replaced by a random color, float32.

    The texture of each channel is multiplied by a random gain of either sign, so neither hue nor
    the direction of light tells the photograph.
    """
    photographs, height, width, _ = stock.backgrounds.shape
    span = np.arange(options.side)
    rows = draw.below(height - options.side + 1, Draw.SCENE_PATCH)[:, None] + span
    columns = draw.below(width - options.side + 1, Draw.SCENE_PATCH + 1)[:, None] + span
    photograph = draw.below(photographs, Draw.SCENE_PATCH + 2)[:, None, None]
    patch = stock.backgrounds[photograph, rows[:, :, None], columns[:, None, :]]
    patch = np.moveaxis(patch, -1, 1)
    gain = options.texture * draw.color(Draw.SCENE_GAIN)
    base = luminance[:, None] + _CHROMA_RANGE * _gray_free(draw.color(Draw.SCENE_CHROMA))
    texture = patch - patch.mean(axis=(2, 3), keepdims=True)
    return np.asarray(base[..., None, None] + gain[..., None, None] * texture, dtype=np.float32)


def _colors(options: Scenes, luminance: Floats, draw: _Draw, digit: int) -> Pixels:
    """A color per scene at least `contrast` lighter or darker than the background, `(N, 3)`."""
    lighter = np.where(
        np.minimum(luminance, 1 - luminance) >= options.contrast,
        draw(Draw.SCENE_STEP, digit) < 0.5,
        luminance < 0.5,
    )
    room = np.where(lighter, 1 - luminance, luminance)
    step = options.contrast + (room - options.contrast) * draw(Draw.SCENE_STEP + 1, digit)
    own = np.where(lighter, luminance + step, luminance - step)
    chroma = _CHROMA_RANGE * _gray_free(draw.color(Draw.SCENE_CHROMA + 10, digit))
    return np.asarray(own[:, None] + chroma, dtype=np.float32)


def _gray_free(colors: Floats) -> Floats:
    return np.asarray(colors - colors.mean(axis=-1, keepdims=True))
