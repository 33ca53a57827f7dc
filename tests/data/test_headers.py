"""Sizes from headers alone, equal to what decoding finds."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tamecrop.data import folders
from tamecrop.data.decode import DecodeError, decode
from tamecrop.data.headers import header_size


def save(path, orientation=None):
    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.fromarray(noise).save(path, exif=exif)
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
@pytest.mark.parametrize("orientation", [None, 1, 3, 5, 6, 8])
def test_header_and_pixels_agree_on_the_size(tmp_path, suffix, orientation):
    path = save(tmp_path / f"a.{suffix}", orientation)
    size = header_size(path)
    assert size == tuple(decode(path).shape[1:])
    assert (size == (60, 40)) == (orientation in (5, 6, 8))


def test_an_orientation_behind_the_pixels_of_a_png_is_found(tmp_path):
    early = save(tmp_path / "early.png", 6).read_bytes()
    at = early.index(b"eXIf") - 4
    length = struct.unpack(">I", early[at : at + 4])[0] + 12
    chunk, rest = early[at : at + length], early[:at] + early[at + length :]
    assert zlib.crc32(chunk[4:-4]) == struct.unpack(">I", chunk[-4:])[0]
    path = tmp_path / "late.png"
    path.write_bytes(rest[:-12] + chunk + rest[-12:])
    assert header_size(path) == tuple(decode(path).shape[1:]) == (60, 40)


def test_no_pixel_is_decoded(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:200])
    assert header_size(path) == (40, 60)
    with pytest.raises(DecodeError, match="decode"):
        decode(path)
    found = folders.read(tmp_path, sizing=header_size)
    assert len(found.train) == 1
    with pytest.raises(ValueError, match="cannot be read"):
        folders.read(tmp_path)


def test_a_broken_header_and_a_bomb_are_typed_errors(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"nothing")
    with pytest.raises(DecodeError, match=r"cannot open .*a\.png"):
        header_size(path)
    save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    with pytest.raises(DecodeError, match=r"more than 2000 pixels|exceeds limit"):
        header_size(path)
