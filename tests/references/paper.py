"""The crops of arXiv:2504.19824, one image and one box at a time, from the paper's definitions.

`noise` is a pair of standard normal numbers (x, y), `u` a pair of uniform ones. Boxes are tuples
(x1, y1, x2, y2). `faithful` floors sides and truncates centers; `nearest` rounds once.
"""

import math

Box = tuple[int, int, int, int]
Pair = tuple[float, float]


def faithful_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Height and width of the box."""
    return math.floor(height * math.sqrt(scale)), math.floor(width * math.sqrt(scale))


def nearest_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Height and width of the box."""
    high, wide = (math.floor(side * math.sqrt(scale) + 0.5) for side in (height, width))
    return max(high, 1), max(wide, 1)


def gcc(height: int, width: int, scale: float, alpha: float, noise: Pair) -> Box:
    """Center ~ Normal((W // 2, H // 2), diag(alpha W, alpha H)), truncated toward zero."""
    return _around(height, width, scale, alpha, (width // 2, height // 2), noise)


def mgcc(height: int, width: int, scale: float, alpha: float, u: Pair, noise: Pair) -> Box:
    """The mean is uniform in a quarter to three quarters of each side; `u` decides it."""
    mean = ((0.25 + 0.5 * u[0]) * width, (0.25 + 0.5 * u[1]) * height)
    return _around(height, width, scale, alpha, mean, noise)


def rc(height: int, width: int, scale: float, u: Pair) -> Box:
    """Uniform over the places inside."""
    high, wide = faithful_size(height, width, scale)
    left, top = math.floor(u[0] * (width - wide + 1)), math.floor(u[1] * (height - high + 1))
    return left, top, left + wide, top + high


def gcc_nearest(height: int, width: int, scale: float, sigma: float, noise: Pair) -> Box:
    """Our unbiased form: mean at half the side, spread `sigma` of the side, rounded once."""
    high, wide = nearest_size(height, width, scale)
    left = math.floor(width / 2 + sigma * width * noise[0] - wide / 2 + 0.5)
    top = math.floor(height / 2 + sigma * height * noise[1] - high / 2 + 0.5)
    return left, top, left + wide, top + high


def pushed_inside(box: Box, height: int, width: int) -> Box:
    """CGCC and CMGCC: the box is moved until it is inside the image."""
    x1, y1, x2, y2 = box
    right = max(-x1, 0) - max(x2 - width, 0)
    down = max(-y1, 0) - max(y2 - height, 0)
    return x1 + right, y1 + down, x2 + right, y2 + down


def bounced(edge: int, last: int) -> int:
    """A near edge that bounces between 0 and `last`, one bounce at a time."""
    while last > 0 and not 0 <= edge <= last:
        edge = -edge if edge < 0 else 2 * last - edge
    return edge if last > 0 else 0


def _around(height: int, width: int, scale: float, alpha: float, mean: Pair, noise: Pair) -> Box:
    high, wide = faithful_size(height, width, scale)
    x = int(mean[0] + math.sqrt(alpha * width) * noise[0])
    y = int(mean[1] + math.sqrt(alpha * height) * noise[1])
    left, top = x - wide // 2, y - high // 2
    return left, top, left + wide, top + high
