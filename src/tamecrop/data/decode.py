"""Files to RGB pixels: one way for every mode, and one error for everything that goes wrong."""

import math
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError
from torch import Tensor

Stage = Literal["open", "decode", "convert"]
Pixels = NDArray[np.uint8]

FORMATS = (
    "AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "QOI", "SGI",
    "TGA", "TIFF", "WEBP",
)  # fmt: skip
"""What is read: formats that Pillow decodes itself and that hold no file of another format.

A name says nothing about what is in a file, and Pillow hands PostScript to Ghostscript.
"""

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

    EXIF orientation is applied. Gray is repeated, palettes are looked up, transparent pixels are
    blended over black, CMYK and YCbCr are converted as Pillow does. Gray of 16 bits is divided
    by 256, never clipped; 32-bit integers that do not fit in 16 bits, and floats, are stretched
    from their own range. Of an animation the first frame is read. What is needed beside the result
    is one decoded image of Pillow's: pixels are converted in strips.

    Args:
        path: an image file of one of `FORMATS`.

    Returns:
        uint8 `(3, H, W)`.

    Raises:
        DecodeError: whatever is wrong with the file, also when it has more pixels than
            `PIL.Image.MAX_IMAGE_PIXELS`.
    """
    path = Path(path)
    with typed(path, "open"):
        image = opened(path)
    with image:
        with typed(path, "decode"):
            require_no_bomb(image)
            image.load()
            orientation = image.getexif().get(ExifTags.Base.Orientation)
        with typed(path, "convert"):
            return torch.from_numpy(_upright(image, orientation)).permute(2, 0, 1)


@cache
def suffixes() -> frozenset[str]:
    """Lower-case suffixes, such as `.png`, of the files of `FORMATS`."""
    known = Image.registered_extensions()
    return frozenset(suffix for suffix, name in known.items() if name in FORMATS)


def opened(path: Path) -> Image.Image:
    """The file with its header read; raises whatever Pillow raises."""
    return Image.open(path, formats=_known_formats())


@cache
def _known_formats() -> tuple[str, ...]:
    """Those of `FORMATS` that this Pillow was built with; MPO is opened as JPEG."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@contextmanager
def typed(path: Path, stage: Stage) -> Iterator[None]:
    """Turn what Pillow raises into the one typed error."""
    try:
        yield
    except RAISED_BY_PILLOW as error:
        raise DecodeError(path, stage, _reason(error)) from error


def _reason(error: Exception) -> str:
    """What an error of Pillow's says, on one line; without the path, which is told elsewhere."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format"
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(said.split())


def require_no_bomb(image: Image.Image) -> None:
    """Refuse from the first pixel over the limit; Pillow itself only warns below twice that."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise ValueError(f"more than {limit} pixels: {image.width} x {image.height}")


_TURNED: dict[object, Callable[[Pixels], Pixels]] = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: upright.swapaxes(0, 1)[::-1],
    7: lambda upright: upright.swapaxes(0, 1)[::-1, ::-1],
    8: lambda upright: upright.swapaxes(0, 1)[:, ::-1],
}
"""EXIF's orientation to how the file holds an upright image: views of the same memory."""

_SIDEWAYS = (5, 6, 7, 8)
_STRIP = 2**21


def _upright(image: Image.Image, orientation: object) -> Pixels:
    """Pixels `(H, W, 3)` of a loaded image, turned as its camera says."""
    size = image.size if orientation in _SIDEWAYS else image.size[::-1]
    upright = np.empty((*size, 3), dtype=np.uint8)
    stored = _TURNED[orientation](upright) if orientation in _TURNED else upright
    to_rgb = _deep_to_rgb(image) if _is_deep(image) else _to_rgb
    for top, strip in _strips(image):
        stored[top : top + strip.height] = to_rgb(strip)
    return upright


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """First row and pixels of strips of about two million pixels: a copy of few at a time."""
    rows = max(1, _STRIP // image.width)
    if rows >= image.height:
        yield 0, image
        return
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _to_rgb(image: Image.Image) -> Pixels:
    """Pixels `(H, W, 3)` of an image of 8 bits a channel, whatever its mode."""
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        image = Image.new("RGB", over.size)
        image.paste(over, mask=over.getchannel("A"))
    return np.asarray(image.convert("RGB"))


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith("I") or image.mode == "F"


def _deep_to_rgb(image: Image.Image) -> Callable[[Image.Image], Pixels]:
    """Deep gray values to 8 bits: by the range of the type, or by their own where it has none."""
    ends = [_ends(np.asarray(strip)) for _, strip in _strips(image)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    if image.mode != "F" and low >= 0 and high < 2**16:
        return lambda strip: _as_rgb((np.asarray(strip) // 256).astype(np.uint8))
    low, high = (low, high) if low <= high else (0.0, 0.0)
    span = max(high - low, np.finfo(np.float64).tiny)
    return lambda strip: _as_rgb(_stretched(np.asarray(strip), low, span))


def _ends(gray: NDArray[Any]) -> tuple[float, float]:
    """Least and largest finite value; infinities of the wrong sign where there is none."""
    finite = gray[np.isfinite(gray)]
    return (float(finite.min()), float(finite.max())) if finite.size else (math.inf, -math.inf)


def _stretched(gray: NDArray[Any], low: float, span: float) -> Pixels:
    values = np.where(np.isfinite(gray), gray, low).astype(np.float64)
    return np.rint(255 * ((values - low) / span)).astype(np.uint8)


def _as_rgb(gray: Pixels) -> Pixels:
    return np.broadcast_to(gray[..., None], (*gray.shape, 3))
