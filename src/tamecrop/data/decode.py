"""Files to RGB pixels: one way for every mode, and one error for everything that goes wrong."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

Stage = Literal["open", "decode", "convert"]

RAISED_BY_PILLOW = (
    OSError,
    SyntaxError,
    ValueError,
    OverflowError,
    NotImplementedError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)
"""What damaged files make Pillow raise: format plug-ins fail on a bad header in many ways."""


class DecodeError(ValueError):
    """A file that is not a readable image.

    Args:
        path: the file.
        stage: `open` (header), `decode` (pixels and orientation) or `convert` (to RGB).
        reason: what the decoder said, one line.
    """

    def __init__(self, path: Path, stage: Stage, reason: str) -> None:
        super().__init__(path, stage, reason)
        self.path = path
        self.stage = stage
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot {self.stage} {self.path}: {self.reason}"


def decode(path: str | Path) -> Tensor:
    """Read an image file as RGB, upright.

    EXIF orientation is applied. Grey is repeated, palettes are looked up, transparent pixels are
    blended over black, CMYK and YCbCr are converted as Pillow does. Grey of 16 bits is divided
    by 256, never clipped; 32-bit integers that do not fit in 16 bits, and floats, are stretched
    from their own range. Of an animation the first frame is read.

    Args:
        path: an image file of any format that Pillow reads.

    Returns:
        uint8 `(3, H, W)`.

    Raises:
        DecodeError: whatever is wrong with the file, also when it has more pixels than
            `PIL.Image.MAX_IMAGE_PIXELS`.
    """
    path = Path(path)
    with typed(path, "open"):
        image = Image.open(path)
    with image:
        with typed(path, "decode"):
            require_no_bomb(image)
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
        with typed(path, "convert"):
            return torch.from_numpy(_rgb(image)).permute(2, 0, 1)


@contextmanager
def typed(path: Path, stage: Stage) -> Iterator[None]:
    """Turn what Pillow raises into the one typed error."""
    try:
        yield
    except RAISED_BY_PILLOW as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DecodeError(path, stage, " ".join(reason.split())) from error


def require_no_bomb(image: Image.Image) -> None:
    """Refuse from the first pixel over the limit; Pillow itself only warns below twice that."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise ValueError(f"more than {limit} pixels: {image.width} x {image.height}")


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Pixels `(H, W, 3)` of a loaded image of any mode."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return np.array(image)
    if image.mode.startswith("I") or image.mode == "F":
        return np.repeat(_to_8_bits(np.asarray(image))[..., None], 3, axis=2)
    if {"A", "a"} & set(image.getbands()) or "transparency" in image.info:
        upright = image.convert("RGBA")
        image = Image.new("RGB", upright.size)
        image.paste(upright, mask=upright.getchannel("A"))
    return np.array(image.convert("RGB"))


def _to_8_bits(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Deep grey values to 8 bits: by the range of the type, or by their own where it has none."""
    if np.issubdtype(grey.dtype, np.integer) and grey.min() >= 0 and grey.max() < 2**16:
        return (grey // 256).astype(np.uint8)
    values = grey.astype(np.float64)
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0, 0)
    share = (np.where(finite, values, low) - low) / max(high - low, np.finfo(np.float64).tiny)
    return np.rint(255 * share).astype(np.uint8)
