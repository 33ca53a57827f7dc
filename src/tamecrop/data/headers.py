"""Sizes and orientations of image files from their headers alone: no pixel is decoded."""

from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tamecrop.data import bands
from tamecrop.data.opening import (
    RAISED_BY_PILLOW,
    lift_limit,
    name_errors,
    open_image,
    require_no_bomb,
)

Pixels = NDArray[np.uint8]

TURNED: dict[object, Callable[[Pixels], Pixels]] = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: upright.swapaxes(0, 1)[::-1],
    7: lambda upright: upright.swapaxes(0, 1)[::-1, ::-1],
    8: lambda upright: upright.swapaxes(0, 1)[:, ::-1],
}
"""EXIF's orientation to how the file holds an upright image: views of the same memory."""

SIDEWAYS = (5, 6, 7, 8)
"""Orientations that exchange height and width."""

_ORIENTATION = 0x0112
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_PNG_SIGNATURE = 8


def header_size(path: str | Path, most_pixels: int | None = None) -> tuple[int, int]:
    """Size (height, width) of an image file as `decode` would find it, upright.

    Relation: equal to the size of what `decode` returns. A file whose header is sound and whose
    pixels are damaged is only found when it is decoded.

    Args:
        path: an image file of a format that `decode` reads.
        most_pixels: of an image; None is Pillow's own limit.

    Raises:
        DecodeError: when the header cannot be read, or states more pixels than allowed.
    """
    path = Path(path) if isinstance(path, str) else path
    with lift_limit(most_pixels), name_errors(path, "open"):
        if bands.is_array(path):
            return bands.size(path)
        try:
            image = open_image(path)
        except RAISED_BY_PILLOW as error:
            if getattr(error, "errno", None) is not None or not bands.is_tiff(path):
                raise
            return bands.tiff_size(path, most_pixels)
        with image:
            require_no_bomb(image, most_pixels)
            width, height = _stored(image)
            return (width, height) if _orientation(image, path) in SIDEWAYS else (height, width)


def _stored(image: Image.Image) -> tuple[int, int]:
    """Width and height before orientation; of a TIFF, Pillow's own depend on its version."""
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        return tags[_TIFF_WIDTH], tags[_TIFF_HEIGHT]
    return image.size


def _orientation(image: Image.Image, path: Path) -> int:
    """The EXIF orientation; the base class's way, since that of PNG decodes the image."""
    found = Image.Image.getexif(image).get(_ORIENTATION)
    if found is None and image.format == "PNG":
        found = _late_orientation(path)
    return orientation(found)


def _late_orientation(path: Path) -> object:
    """The orientation in a PNG's `eXIf` chunk, which may come after the pixels."""
    with path.open("rb") as file:
        file.seek(_PNG_SIGNATURE)
        exif = _chunk(file, b"eXIf")
    if exif is None:
        return None
    tags = Image.Exif()
    tags.load(exif)
    return tags.get(_ORIENTATION)


def _chunk(file: BufferedReader, wanted: bytes) -> bytes | None:
    """The content of the first PNG chunk of a kind; the others are skipped unread."""
    while len(head := file.read(8)) == 8:
        length, kind = int.from_bytes(head[:4]), head[4:]
        if kind == wanted:
            return file.read(length)
        file.seek(length + 4, 1)
    return None


def orientation(stored: object) -> int:
    r"""The orientation 1 to 8 from what a file holds; 1 for what is none.

    It should be a short integer; cameras and editors also write a byte, a text, or several.

    >>> orientation(6), orientation(b"\x06"), orientation("6\0"), orientation((6,)), orientation(77)
    (6, 6, 6, 6, 1)
    """
    if isinstance(stored, tuple | list):
        stored = stored[0] if stored else None
    if isinstance(stored, bytes):
        stored = (
            stored[0] if stored[:1] and stored[0] <= max(SIDEWAYS) else stored.decode("latin-1")
        )
    if isinstance(stored, str):
        stored = stored.strip("\0 ")
        stored = int(stored) if stored.isascii() and stored.isdigit() else None
    whole = isinstance(stored, int | float) and 1 <= stored <= max(SIDEWAYS)
    return int(stored) if whole and int(stored) == stored else 1  # type: ignore[call-overload]


def turn(stored: Pixels, turned: int) -> Pixels:
    """Pixels `(H, W, 3)` as a file holds them, turned upright."""
    if turned not in TURNED:
        return stored
    height, width = stored.shape[:2]
    upright = np.empty((width, height, 3) if turned in SIDEWAYS else stored.shape, dtype=np.uint8)
    TURNED[turned](upright)[...] = stored
    return upright
