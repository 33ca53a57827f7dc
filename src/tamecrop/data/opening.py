"""Which files are images, what opens them, and one error for everything that goes wrong."""

import logging
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

from PIL import Image, UnidentifiedImageError

from tamecrop.members import Member

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


def open_image(path: Path) -> Image.Image:
    """The file with its header read; raises whatever Pillow raises."""
    source = path.open("rb") if isinstance(path, Member) else path
    return Image.open(source, formats=_known_formats())


class _Lifting:
    """Pillow's one limit of pixels for the whole process, while other ones hold."""

    def __init__(self) -> None:
        self.lock, self.users, self.before = threading.Lock(), 0, Image.MAX_IMAGE_PIXELS

    def begin(self) -> None:
        with self.lock:
            if self.users == 0:
                self.before = Image.MAX_IMAGE_PIXELS
                Image.MAX_IMAGE_PIXELS = None
            self.users += 1

    def end(self) -> None:
        with self.lock:
            self.users -= 1
            if self.users == 0:
                Image.MAX_IMAGE_PIXELS = self.before

    @property
    def limit(self) -> int | None:
        """Pillow's limit, also while it is lifted."""
        with self.lock:
            return self.before if self.users else Image.MAX_IMAGE_PIXELS


_LIFTING = _Lifting()


def pixel_limit() -> int | None:
    """How many pixels an image may have where nobody says otherwise: Pillow's own limit."""
    return _LIFTING.limit


@contextmanager
def lift_limit(most_pixels: int | None) -> Iterator[None]:
    """Lift Pillow's limit while files are opened and decoded for which another one was asked.

    Its plug-ins look at that limit in many places, and know no other. `require_no_bomb` holds
    the one that was asked for.
    """
    if most_pixels is None:
        yield
        return
    _LIFTING.begin()
    try:
        yield
    finally:
        _LIFTING.end()


@cache
def _known_formats() -> tuple[str, ...]:
    """Those of `FORMATS` that this Pillow was built with; MPO is opened as JPEG."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@contextmanager
def name_errors(path: Path, stage: Stage) -> Iterator[None]:
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
    limit = pixel_limit() if most_pixels is None else most_pixels
    if limit is not None and image.width * image.height > limit:
        raise ValueError(f"more than {limit} pixels: {image.width} x {image.height}")
