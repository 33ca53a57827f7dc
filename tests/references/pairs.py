"""Pairs of boxes drawn with NumPy's own generator, from the definitions of the laws.

A box is real until it is rounded once; `(n, 2, 4)`, XYXY. One million pairs at a time.
"""

import math

import numpy as np

Generator = np.random.Generator
Size = tuple[int, int]


def boxes(law: str, size: Size, n: int, random: Generator) -> np.ndarray:
    """Pairs of a law: `rc`, `gcc`, `cgcc`, `mgcc`, `cmgcc` (area 0.4, sigma 0.2) or `rrc`."""
    if law == "rrc":
        return _random_resized(size, n, random)
    columns = [_edges(law, side, n, random) for side in size[::-1]]
    return _assembled(columns)


def _edges(law: str, side: int, n: int, random: Generator) -> tuple[np.ndarray, np.ndarray]:
    crop = math.floor(side * math.sqrt(0.4) + 0.5)
    if law == "rc":
        near = random.integers(0, side - crop + 1, (n, 2))
    else:
        mean = random.uniform(0.25, 0.75, (n, 1)) if "m" in law else 0.5
        center = side * (mean + 0.2 * random.standard_normal((n, 2)))
        near = np.floor(center - crop / 2 + 0.5)
    if law in ("cgcc", "cmgcc"):
        near = np.minimum(np.maximum(near, 0), side - crop)
    return near, np.full((n, 2), crop)


def _random_resized(size: Size, n: int, random: Generator) -> np.ndarray:
    height, width = size
    high, wide = np.full((n, 2), float(height)), np.full((n, 2), float(width))
    pending = np.ones((n, 2), dtype=bool)
    for _ in range(10):
        area = height * width * random.uniform(0.2, 1, pending.sum())
        ratio = np.exp(random.uniform(math.log(3 / 4), math.log(4 / 3), pending.sum()))
        h, w = np.rint(np.sqrt(area / ratio)), np.rint(np.sqrt(area * ratio))
        fits = (h <= height) & (w <= width)
        where = np.argwhere(pending)[fits]
        high[where[:, 0], where[:, 1]], wide[where[:, 0], where[:, 1]] = h[fits], w[fits]
        pending[where[:, 0], where[:, 1]] = False
    x = np.floor(random.uniform(size=(n, 2)) * (width - wide + 1))
    y = np.floor(random.uniform(size=(n, 2)) * (height - high + 1))
    return _assembled([(x, wide), (y, high)])


def _assembled(columns: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    (x, wide), (y, high) = columns
    return np.stack([x, y, x + wide, y + high], axis=-1)


def iou(pairs: np.ndarray, size: Size) -> np.ndarray:
    """Intersection over union of what two boxes show of an image."""
    height, width = size
    inside = np.clip(pairs, 0, [width, height, width, height])
    areas = np.maximum(inside[..., 2:] - inside[..., :2], 0).prod(axis=-1)
    near, far = inside[..., :2].max(axis=1), inside[..., 2:].min(axis=1)
    shared = np.maximum(far - near, 0).prod(axis=-1)
    return shared / np.maximum(areas.sum(axis=1) - shared, 1)


def offset(pairs: np.ndarray, size: Size) -> np.ndarray:
    """Distance of the two centers along each axis as a share of its side, `(n, 2)`."""
    centers = (pairs[..., :2] + pairs[..., 2:]) / 2
    return np.abs(centers[:, 0] - centers[:, 1]) / size[::-1]
