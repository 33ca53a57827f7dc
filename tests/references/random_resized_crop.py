"""RandomResizedCrop's sides, one image at a time, with the uniform numbers handed in."""

import math
from collections.abc import Sequence

Range = tuple[float, float]


def sides(
    size: tuple[int, int], scale: Range, ratio: Range, tries: Sequence[tuple[float, float]]
) -> tuple[int, int]:
    """Height and width of the box; `tries` holds one (for area, for ratio) pair per attempt."""
    height, width = size
    for for_area, for_ratio in tries:
        pixels = height * width * (scale[0] + (scale[1] - scale[0]) * for_area)
        log_low, log_high = math.log(ratio[0]), math.log(ratio[1])
        aspect = math.exp(log_low + (log_high - log_low) * for_ratio)
        w, h = round(math.sqrt(pixels * aspect)), round(math.sqrt(pixels / aspect))
        if 0 < w <= width and 0 < h <= height:
            return h, w
    return fallback(size, ratio)


def fallback(size: tuple[int, int], ratio: Range) -> tuple[int, int]:
    """The largest box of legal ratio."""
    height, width = size
    if width / height < ratio[0]:
        return round(width / ratio[0]), width
    if width / height > ratio[1]:
        return height, round(height * ratio[1])
    return height, width
