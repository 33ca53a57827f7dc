"""Which files are images, what opens them, and one error for everything that goes wrong."""

import logging
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

from PIL import Image, UnidentifiedImageError

logging.getLogger("PIL").addHandler(logging.NullHandler())
# Pillow logs what it also raises, without the name of the file.

Stage = Literal["open", "decode", "convert"]

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
        is_passing: whether the system failed to read the file, which says nothing about it.
    """

    def __init__(self, path: Path, stage: Stage, reason: str, *, is_passing: bool = False) -> None:
        super().__init__(path, stage, reason)
        self.path = path
        self.stage = stage
        self.reason = reason
        self.is_passing = is_passing

    def __str__(self) -> str:
        return f"cannot {self.stage} {self.path}: {self.reason}"


@cache
def suffixes() -> frozenset[str]:
    """Lower-case suffixes, such as `.png`, of the files of `FORMATS`."""
    known = Image.registered_extensions()
    return frozenset(suffix for suffix, name in known.items() if name in FORMATS)


def opened(path: Path, most_pixels: int | None = None) -> Image.Image:
    """The file with its header read; raises whatever Pillow raises.

    Args:
        path: of the file.
        most_pixels: for `require_no_bomb`, where it is not Pillow's own limit: Pillow looks at
            that while it opens a file, so its plug-ins are then asked one by one.
    """
    if most_pixels is None:
        return Image.open(path, formats=_known_formats())
    with path.open("rb") as file:
        prefix = file.read(16)
    for name in _known_formats():
        factory, accept = Image.OPEN[name]
        if accept is None or accept(prefix) is True:
            try:
                return factory(os.fspath(path), "")  # type: ignore[arg-type]  # a path is fine
            except (SyntaxError, IndexError, TypeError, struct.error):
                continue
    raise UnidentifiedImageError(f"cannot identify image file {path}")


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
        is_passing = isinstance(error, OSError) and error.errno is not None
        raise DecodeError(path, stage, _reason(error), is_passing=is_passing) from error


def _reason(error: Exception) -> str:
    """What an error of Pillow's says, on one line; without the path, which is told elsewhere."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format"
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(said.split())


def require_no_bomb(image: Image.Image, most_pixels: int | None = None) -> None:
    """Refuse from the first pixel over the limit; Pillow itself only warns below twice that."""
    limit = Image.MAX_IMAGE_PIXELS if most_pixels is None else most_pixels
    if limit is not None and image.width * image.height > limit:
        raise ValueError(f"more than {limit} pixels: {image.width} x {image.height}")
