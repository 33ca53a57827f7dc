"""JPEG files decoded at the smallest scale that still feeds every view.

A JPEG decoder can leave out the fine part of each block of 8 x 8 pixels, and so give the image at
a half, a quarter or an eighth of its size in a fraction of the time. Views that are smaller than
their boxes need no more, see `views.shrunk`. `decode full` (see `Loading`) does without.
"""

import io
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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


def read_scaled(path: Path, decoding: Decoding, shrink: int) -> Scaled:
    """Decode a file, a JPEG at the fraction `1 / shrink` of its size, rounded up; others whole.

    By `simplejpeg` where it is installed and reads the file without a complaint, else by Pillow:
    both hand the work to libjpeg-turbo and give the same pixels, and Pillow says what is wrong.

    Args:
        path: the file.
        decoding: how it is decoded.
        shrink: 1, 2, 4 or 8.

    Raises:
        DecodeError: as `decode`.
    """
    with name_errors(path, "open"):
        data = _content(path)
    found = None if data is None else _by_simplejpeg(data, decoding, shrink)
    if found is not None:
        return found
    if data is None or shrink == 1:
        return Scaled(decode(path, decoding))
    with lift_limit(decoding.most_pixels), name_errors(path, "open"), _opened(data) as image:
        turned, size = orientation(image.getexif().get(ExifTags.Base.Orientation)), image.size
    return _placed(decode(path, decoding, shrink=shrink), shrink, turned, size[::-1])


def _content(path: Path) -> bytes | None:
    """The bytes of a JPEG; None of another file."""
    with path.open("rb") as file:
        head = file.read(3)
        return head + file.read() if head == bytes((_FILL, _START, _FILL)) else None


@cache
def _simplejpeg() -> Any:
    return import_module("simplejpeg") if find_spec("simplejpeg") else None


def _by_simplejpeg(data: bytes, how: Decoding, shrink: int) -> Scaled | None:
    """The image; None where Pillow must have a look: no, CMYK, damaged or too large a file."""
    decoder = _simplejpeg()
    if decoder is None:
        return None
    limit = pixel_limit() if how.most_pixels is None else how.most_pixels
    try:
        height, width, color, _ = decoder.decode_jpeg_header(data)
        if color not in ("Gray", "YCbCr", "RGB") or (limit and height * width > limit):
            return None
        turned = _orientation(data)
        least = {"min_height": -(-height // shrink), "min_width": -(-width // shrink)}
        pixels = decoder.decode_jpeg(data, "RGB", **(least if shrink > 1 else {}))
    except RAISED_BY_PILLOW:
        return None
    upright = torch.from_numpy(turn(pixels, turned)).permute(2, 0, 1)
    if shrink == 1:
        return Scaled(upright)
    return _placed(upright, shrink, turned, (height, width))


def _placed(upright: Tensor, shrink: int, turned: int, stored: tuple[int, int]) -> Scaled:
    """The image with how much of its border row and column lies beyond it, and where they are."""
    height, width = stored[::-1] if turned in SIDEWAYS else stored
    over = -(-height // shrink) - height / shrink, -(-width // shrink) - width / shrink
    return Scaled(upright, shrink, over, _MIRRORED.get(turned, (False, False)))


def _orientation(data: bytes) -> int:
    """The orientation that Pillow finds; a file without the marker that holds it has none."""
    place = 2
    while data[place] == _FILL and (kind := data[place + 1]) != _SCAN:
        if kind == _APP1:
            with _opened(data) as image:
                return orientation(image.getexif().get(ExifTags.Base.Orientation))
        length = int.from_bytes(data[place + 2 : place + 4])
        place += 1 if kind == _FILL else 2 + length
    return 1


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=("JPEG", "MPO"))
