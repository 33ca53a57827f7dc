"""JPEG files decoded at the smallest scale that still feeds every view.

A JPEG decoder can leave out the fine part of each block of 8 x 8 pixels, and so give the image at
a half, a quarter or an eighth of its size in a fraction of the time. Views that are smaller than
their boxes need no more, see `views.shrunk`. Nor do they need what lies below the lowest box.
`decode full` (see `Loading`) does without.
"""

import io
import re
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import ExifTags, Image
from torch import Tensor

from tamecrop.data.decode import Decoding, decode
from tamecrop.data.headers import SIDEWAYS, orientation, turn
from tamecrop.data.opening import RAISED_BY_PILLOW, lift_limit, name_errors, pixel_limit
from tamecrop.views.shrunk import Scaled

_MIRRORED = {2: (False, True), 3: (True, True), 4: (True, False), 6: (False, True),
             7: (True, True), 8: (True, False)}  # fmt: skip
"""Orientations whose upright rows or columns run against those of the file."""

_START, _SCAN, _APP1, _FILL = 0xD8, 0xDA, 0xE1, 0xFF
_SEQUENTIAL, _RESTARTS, _BLOCK = (0xC0, 0xC1), 0xDD, 8


def read_scaled(path: Path, decoding: Decoding, shrink: int, rows: int | None = None) -> Scaled:
    """Decode a file, a JPEG at the fraction `1 / shrink` of its size, rounded up; others whole.

    By `simplejpeg` where it is installed and reads the file without a complaint, else by Pillow:
    both hand the work to libjpeg-turbo and give the same pixels, and Pillow says what is wrong.

    Args:
        path: the file.
        decoding: how it is decoded.
        shrink: 1, 2, 4 or 8.
        rows: how many of the upper rows of the image are needed; None: all. More may be given.

    Raises:
        DecodeError: as `decode`; what is damaged below `rows` may stay unseen.
    """
    with name_errors(path, "open"):
        data = _content(path)
    found = None if data is None else _by_simplejpeg(data, decoding, shrink, rows)
    if found is not None:
        return found
    if data is None or shrink == 1:
        return Scaled(decode(path, decoding))
    with lift_limit(decoding.most_pixels), name_errors(path, "open"), _opened(data) as image:
        turned, size = orientation(image.getexif().get(ExifTags.Base.Orientation)), image.size
    return _placed(decode(path, decoding, shrink=shrink), shrink, turned, size[::-1])


def _content(path: Path) -> bytearray | None:
    """The bytes of a JPEG; None of another file."""
    with path.open("rb") as file:
        if file.read(3) != bytes((_FILL, _START, _FILL)):
            return None
        content = bytearray(file.seek(0, io.SEEK_END))
        file.seek(0)
        file.readinto(content)
        return content


@cache
def _simplejpeg() -> Any:
    return import_module("simplejpeg") if find_spec("simplejpeg") else None


def _by_simplejpeg(data: bytearray, how: Decoding, shrink: int, rows: int | None) -> Scaled | None:
    """The image; None where Pillow must have a look: no, CMYK, damaged or too large a file."""
    decoder = _simplejpeg()
    if decoder is None:
        return None
    limit = pixel_limit() if how.most_pixels is None else how.most_pixels
    try:
        height, width, color, _ = decoder.decode_jpeg_header(data)
        if color not in ("Gray", "YCbCr", "RGB") or (limit and height * width > limit):
            return None
        segments = _segments(data)
        turned = _orientation(data, segments)
        if rows is not None and turned == 1:
            upper = _upper_rows(data, segments, (height, width), shrink, rows)
            if upper is not None:
                return upper
        pixels = decoder.decode_jpeg(data, "RGB", **_least(height, width, shrink))
    except RAISED_BY_PILLOW:
        return None
    upright = torch.from_numpy(turn(pixels, turned)).permute(2, 0, 1)
    if shrink == 1:
        return Scaled(upright)
    return _placed(upright, shrink, turned, (height, width))


def _least(height: int, width: int, shrink: int) -> dict[str, int]:
    """How `simplejpeg` is asked for a fraction of a size."""
    if shrink == 1:
        return {}
    return {"min_height": -(-height // shrink), "min_width": -(-width // shrink)}


def _upper_rows(
    data: bytearray, segments: "_Segments", size: tuple[int, int], shrink: int, rows: int
) -> Scaled | None:
    """The upper rows alone, with the same bits; None where that saves nothing or fails.

    A decoder is done when it has as many rows as the header states. So the header is made to state
    fewer: it decodes those, skips the bytes behind them up to the mark of the end, and complains.
    """
    height, width = size
    place, unit = _find_frame(data, segments)
    kept = -(-(rows + _MIXED * shrink) // unit) * unit if unit else height
    if kept >= height:
        return None
    pixels = np.empty((kept // shrink, -(-width // shrink), 3), dtype=np.uint8)
    data[place : place + 2] = kept.to_bytes(2)
    try:
        _simplejpeg().decode_jpeg(data, "RGB", buffer=pixels, **_least(kept, width, shrink))
    except ValueError as error:
        # This is its first complaint: nothing was wrong with the rows, and the file has its end.
        if not _SKIPPED.fullmatch(str(error)):
            return None
    finally:
        data[place : place + 2] = height.to_bytes(2)
    upright = torch.from_numpy(pixels).permute(2, 0, 1)
    over = -(-width // shrink) - width / shrink
    return Scaled(upright, shrink, (0, over), below=-(-height // shrink) - len(pixels))


_MIXED = 2
"""Rows below those wanted, of the shrunk image: where colors have fewer rows, they are mixed in."""

_SKIPPED = re.compile(r"Corrupt JPEG data: \d+ extraneous bytes before marker 0xd9")

_Segments = list[tuple[int, int]]


def _segments(data: bytearray) -> _Segments:
    """The kind and the place of each segment up to the first scan, which is the last of them."""
    place, found = 2, []
    while data[place] == _FILL:
        kind = data[place + 1]
        if kind != _FILL:
            found.append((kind, place))
        if kind == _SCAN:
            break
        place += 1 if kind == _FILL else 2 + int.from_bytes(data[place + 2 : place + 4])
    return found


def _find_frame(data: bytearray, segments: _Segments) -> tuple[int, int]:
    """Where the header states the height, and how many rows are stored together.

    (0, 0) unless the colors of the image follow all in one scan, from top to bottom and without
    marks on the way, which would be complained about first.
    """
    frames = [place for kind, place in segments if kind in _SEQUENTIAL]
    last, scan = segments[-1]
    if len(frames) != 1 or last != _SCAN or any(kind == _RESTARTS for kind, _ in segments):
        return 0, 0
    (frame,) = frames
    colors = data[frame + 9]
    if data[scan + 4] != colors:
        return 0, 0
    return frame + 5, _BLOCK * max(data[frame + 11 + 3 * color] & 15 for color in range(colors))


def _placed(upright: Tensor, shrink: int, turned: int, stored: tuple[int, int]) -> Scaled:
    """The image with how much of its border row and column lies beyond it, and where they are."""
    height, width = stored[::-1] if turned in SIDEWAYS else stored
    over = -(-height // shrink) - height / shrink, -(-width // shrink) - width / shrink
    return Scaled(upright, shrink, over, _MIRRORED.get(turned, (False, False)))


def _orientation(data: bytearray, segments: _Segments) -> int:
    """The orientation that Pillow finds; a file without the marker that holds it has none."""
    if all(kind != _APP1 for kind, _ in segments):
        return 1
    _, scan = segments[-1]
    with _opened(data[: scan + 2 + int.from_bytes(data[scan + 2 : scan + 4])]) as image:
        return orientation(image.getexif().get(ExifTags.Base.Orientation))


def _opened(data: bytearray) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=("JPEG", "MPO"))
