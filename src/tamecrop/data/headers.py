"""Sizes of image files from their headers alone: no pixel is decoded."""

from io import BufferedReader
from pathlib import Path

from PIL import Image

from tamecrop.data import bands
from tamecrop.data.decode import SIDEWAYS, orientation
from tamecrop.data.opening import (
    RAISED_BY_PILLOW,
    lift_limit,
    name_errors,
    open_image,
    require_no_bomb,
)

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
