"""R22: 17 ways to store pixels x 6 sizes, EXIF, bombs, deep gray, and the memory they take."""

import json
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

import tamecrop as tc
from reliability import decoding
from tamecrop.data.decode import DecodeError, decode
from tamecrop.views.tensors import cut_one

SIZES = [(1, 1), (1, 7), (7, 1), (33, 20), (100_000, 1), (1, 60_000)]
"""Width and height; 60,000 because TIFF's and PNG's one long side has room for both."""

LIMIT_MB = 400


def gray(size, most, dtype):
    width, height = size
    return np.linspace(0, most, width * height).reshape(height, width).astype(dtype)


def noise(size, bands):
    random = np.random.default_rng(22)
    shape = (*size[::-1], bands) if bands > 1 else size[::-1]
    return random.integers(0, 256, shape, dtype=np.uint8)


def palette(size, transparent=None):
    image = Image.fromarray(noise(size, 1)).convert("P")
    image.putpalette(np.random.default_rng(1).integers(0, 256, 768, dtype=np.uint8).tobytes())
    if transparent is not None:
        image.info["transparency"] = transparent
    return image


def colored(mode, bands=3):
    return lambda size: Image.fromarray(noise(size, bands)).convert(mode)


WAYS = {
    "1.png": lambda size: Image.fromarray(noise(size, 1)).convert("1"),
    "L.png": lambda size: Image.fromarray(noise(size, 1)),
    "P.png": palette,
    "P, one transparent.png": lambda size: palette(size, transparent=3),
    "LA.png": lambda size: Image.fromarray(noise(size, 2)),
    "RGB.png": colored("RGB"),
    "RGBA.png": lambda size: Image.fromarray(noise(size, 4)),
    "I;16.png": lambda size: Image.fromarray(gray(size, 65535, np.uint16)),
    "PA.tiff": lambda size: palette(size).convert("PA"),
    "RGBX.tiff": colored("RGBX"),
    "CMYK.tiff": lambda size: Image.fromarray(noise(size, 4)).convert("CMYK"),
    "YCbCr.tiff": colored("YCbCr"),
    "LAB.tiff": lambda size: Image.frombytes("LAB", size, noise(size, 3).tobytes()),
    "I.tiff": lambda size: Image.fromarray(gray(size, 2**31 - 1, np.int32)),
    "F.tiff": lambda size: Image.fromarray(gray(size, 1, np.float32)),
    "I;16B.tiff": lambda size: Image.frombytes(
        "I;16B", size, gray(size, 65535, np.dtype(">u2")).tobytes()
    ),
    "F, not all finite.tiff": lambda size: Image.fromarray(
        np.where(noise(size, 1) < 9, np.nan, gray(size, 1, np.float32)).astype(np.float32)
    ),
}


def test_every_mode_in_every_size_gives_finite_views(tmp_path, record):
    cells = 0
    for way, made in WAYS.items():
        for size in SIZES:
            path = tmp_path / way
            made(size).save(path)
            pixels = decode(path)
            assert pixels.dtype == torch.uint8
            assert pixels.shape == (3, size[1], size[0]), (way, size)
            for law in ("rrc", "gcc:scale=0.6,sigma=0.3"):
                boxes = tc.policy(law).draw(size[::-1], index=[0])[0]
                assert cut_one(pixels, boxes, size=8).shape == (2, 3, 8, 8)
            cells += 1
    assert cells == 17 * 6
    record("R22.modes", f"{cells} modes x sizes, finite views", n=cells)


@pytest.mark.parametrize("way", ["1.png", "L.png", "P.png", "RGB.png", "CMYK.tiff", "YCbCr.tiff"])
def test_pixels_are_pillows_own(tmp_path, way):
    WAYS[way]((33, 20)).save(tmp_path / way)
    with Image.open(tmp_path / way) as image:
        theirs = np.asarray(image.convert("RGB"))
    assert np.array_equal(decode(tmp_path / way).permute(1, 2, 0), theirs)


@pytest.mark.parametrize("way", ["RGBA.png", "P, one transparent.png", "I;16.png", "F.tiff"])
def test_strips_give_what_the_whole_gives(tmp_path, monkeypatch, way):
    """Large images are converted in strips; here of three rows."""
    WAYS[way]((33, 20)).save(tmp_path / way)
    whole = decode(tmp_path / way)
    monkeypatch.setattr("tamecrop.data.decode._STRIP", 100)
    assert torch.equal(decode(tmp_path / way), whole)


def levels(pixels):
    return len(pixels.unique())


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_a_ramp_of_sixteen_bits_keeps_200_levels(tmp_path, suffix, record):
    ramp = Image.fromarray(gray((64, 64), 65535, np.uint16))
    ramp.save(tmp_path / f"ramp.{suffix}")
    kept = levels(decode(tmp_path / f"ramp.{suffix}"))
    assert kept >= 200
    clipped = np.asarray(ramp).clip(0, 255).astype(np.uint8)
    assert len(np.unique(clipped)) < 200
    record(f"R22.ramp_{suffix}", f"a 16-bit ramp keeps {kept} levels", n=1, levels=kept)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "webp"])
def test_cameras_are_held_upright(tmp_path, suffix, record):
    """Pillow's own way of turning, which copies the image, is the judge."""
    picture = Image.fromarray(noise((40, 24), 3)).resize((40, 24))
    path = tmp_path / f"a.{suffix}"
    turned = 0
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture.save(path, exif=exif)
        with Image.open(path) as image:
            upright = np.asarray(ImageOps.exif_transpose(image))
            lying = np.asarray(image)
        assert np.array_equal(decode(path).permute(1, 2, 0), upright), orientation
        turned += not np.array_equal(upright, lying)
    assert turned == (0 if suffix == "tiff" else 7)  # Pillow turns a TIFF as it loads it
    record(f"R22.exif_{suffix}", "8 orientations upright", n=8)


def bomb(path, width, height):
    """A PNG of a few bytes that claims many pixels, with a sound checksum."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    parts = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


@pytest.mark.parametrize("size", [(9500, 9500), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
def test_bombs_are_refused_before_a_pixel_is_decoded(tmp_path, size, forks, record):
    bomb(tmp_path / "bomb.png", *size)
    with pytest.raises(DecodeError, match=r"bomb\.png: "):
        decode(tmp_path / "bomb.png")
    found = measured(forks, decoding.views, tmp_path / "bomb.png", tmp_path)
    assert found["added_mb"] < 50
    assert "pixels" in found["said"]


def measured(forks, work, path, tmp_path):
    child = forks.start(work, path, tmp_path / "measured.json")
    assert child.wait() == 0, child.said()
    return json.loads((tmp_path / "measured.json").read_text())


@pytest.fixture(scope="module")
def long_images(tmp_path_factory):
    """100,000 x 500 pixels in four modes, as PNG."""
    folder = tmp_path_factory.mktemp("long")
    for mode in ("L", "RGB", "RGBA", "I;16"):
        Image.new(mode, (100_000, 500)).save(folder / f"{mode}.png", compress_level=1)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16"])
def test_a_long_image_takes_little_memory(long_images, tmp_path, forks, mode, record):
    found = measured(forks, decoding.views, long_images / f"{mode}.png", tmp_path)
    assert found["said"] == ""
    assert found["added_mb"] < LIMIT_MB
    added = round(found["added_mb"])
    name = "".join(sign for sign in mode.lower() if sign.isalpha())
    record(f"R22.memory_{name}", f"{mode} of 100,000 x 500: {added} MB added", n=1, added_mb=added)


@pytest.mark.slow
def test_a_reader_that_copies_the_whole_is_seen(long_images, tmp_path, forks):
    found = measured(forks, decoding.copied_whole, long_images / "RGB.png", tmp_path)
    assert found["added_mb"] > LIMIT_MB
