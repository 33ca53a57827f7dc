"""K7: channels, deep values, missing data and transparency: one range for the set, and said."""

import logging
import struct
import sys

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from tamecrop.cli import main
from tamecrop.data import bands, folders
from tamecrop.data.decode import DecodeError, decode
from tamecrop.data.headers import header_size, orientation
from tamecrop.data.sources import load
from tamecrop.views import ranges


def gray(low, high, dtype=np.uint16, shape=(16, 24)):
    return np.linspace(low, high, shape[0] * shape[1]).reshape(shape).astype(dtype)


def tell(pixels):
    return int(pixels.min()), int(pixels.max())


def saved(root, *images, suffix="tiff"):
    root.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        Image.fromarray(image).save(root / f"{number}.{suffix}")
    return root


SETS = {
    "12 of 16 bits": ([gray(0, 4095), gray(0, 800)], [(0, 255), (0, 50)], "12 bits in use"),
    "10 of 16 bits": ([gray(0, 1000), gray(0, 8)], [(0, 250), (0, 2)], "10 bits in use"),
    "16 of 16 bits": ([gray(0, 65535), gray(0, 4095)], [(0, 255), (0, 15)], "16 bits in use"),
    "8 of 16 bits": ([gray(0, 255), gray(3, 9)], [(0, 255), (3, 9)], "8 bits in use"),
    "floats of one value": (
        [np.full((16, 24), 0.5, np.float32), gray(0, 0.1, np.float32)],
        [(128, 128), (0, 26)],
        "0 to 1 became 0 to 255",
    ),
    "floats 200 to 201": (
        [gray(200, 201, np.float32), gray(0, 100, np.float32)],
        [(200, 201), (0, 100)],
        "0 to 255 became",
    ),
    "floats with a mark": (
        [np.where(gray(0, 9) < 1, -9999, gray(100, 300, np.float32)).astype(np.float32),
         gray(200, 500, np.float32)],
        [(0, 120), (52, 255)],
        "-9999 is no data",
    ),
    "floats with infinities": (
        [np.where(gray(0, 9) < 1, np.inf, gray(0, 1, np.float32)).astype(np.float32),
         np.where(gray(0, 9) < 1, -3.4028235e38, gray(0, 1, np.float32)).astype(np.float32)],
        [(0, 255), (0, 255)],
        "0 to 1 became",
    ),
    "heights below and above zero": (
        [gray(-100, 0, np.float32), gray(0, 100, np.float32)],
        [(0, 128), (128, 255)],
        "-100 to 100 became",
    ),
    "32-bit integers": (
        [gray(0, 100_000, np.int32), gray(0, 1000, np.int32)],
        [(0, 255), (0, 3)],
        "0 to 100000 became",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_one_range_for_the_set(tmp_path, name):
    images, ends, account = SETS[name]
    root = saved(tmp_path / "ds", *images)
    for found in (folders.read(root), folders.read(root), folders.read(root, sizing=header_size)):
        assert [tell(found.train.image(place)) for place in range(len(images))] == ends
        assert account in found.account


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_twelve_bits_alone_are_not_nearly_black(tmp_path, suffix):
    Image.fromarray(gray(0, 4095)).save(tmp_path / f"a.{suffix}")
    assert tell(decode(tmp_path / f"a.{suffix}")) == (0, 255)


def test_a_mark_that_the_file_declares_is_no_data(tmp_path):
    tags = ImageFileDirectory_v2()
    tags[42113] = "7"
    values = gray(0, 4095)
    values[0, :5] = 7
    (tmp_path / "ds").mkdir()
    Image.fromarray(values).save(tmp_path / "ds" / "a.tiff", tiffinfo=tags)
    found = folders.read(tmp_path / "ds")
    assert "7 is no data" in found.account
    assert (found.train.image(0)[:, 0, :5] == 0).all()


def test_a_scale_never_wraps_and_keeps_the_order():
    """The rule behind the rows, for every kind of value."""
    random = np.random.default_rng(0)
    for dtype in (np.uint16, np.int16, np.int32, np.uint32, np.float32, np.float64):
        for _ in range(20):
            low, high = np.sort(random.uniform(-3e4, 6e4, 2))
            if np.dtype(dtype).kind == "u":
                low, high = np.sort(np.abs([low, high]))
            values = random.uniform(low, high, 500)
            values = values.clip(*((-3e4, 3e4) if dtype == np.int16 else (None, None))).astype(
                dtype
            )
            seen = ranges.measure(values)
            scale = ranges.depth_of([seen]).scale(seen.kind)
            levels = scale(values)
            order = values.argsort(kind="stable")
            assert (np.diff(levels[order].astype(int)) >= 0).all(), (dtype, low, high)
            assert levels.dtype == np.uint8


def test_files_without_depth_are_not_touched(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    root = saved(tmp_path / "ds", image, suffix="png")
    found = folders.read(root)
    assert found.depth == ""
    assert np.array_equal(found.train.image(0).permute(1, 2, 0), image)


def block(high, *shape, low=0, dtype=np.uint16):
    return np.linspace(low, high, int(np.prod(shape))).reshape(shape).astype(dtype)


NOTHING = np.full((16, 24), np.nan, np.float32)


def test_values_that_say_nothing_are_told(tmp_path):
    saved(tmp_path / "nan", NOTHING, NOTHING)
    assert "there is no measured value, and all became 0" in folders.read(tmp_path / "nan").depth
    saved(tmp_path / "flat", gray(300, 300, np.float32))
    assert "all are 300 and became 0" in folders.read(tmp_path / "flat").depth


ARRAYS = {
    "13 channels last": (block(10_000, 40, 8, 8, 13), 13, "14 bits"),
    "13 channels first": (block(10_000, 40, 13, 16, 16), 13, "14 bits"),
    "2 channels": (block(255, 40, 8, 12, 2, dtype=np.uint8), 2, "channels: 2"),
    "RGB of 16 bits": (block(4095, 40, 8, 8, 3), 3, "12 bits"),
    "gray floats": (block(1, 40, 8, 8, dtype=np.float64), 3, "0 to 1"),
    "one channel": (block(255, 40, 8, 8, 1, dtype=np.uint8), 3, ""),
    "truth values": (block(9, 40, 8, 8) > 4, 3, ""),
    "RGB first": (block(255, 40, 3, 8, 8, dtype=np.uint8), 3, ""),
    "four channels": (block(255, 40, 8, 8, 4, dtype=np.uint8), 4, "channels: 4"),
    "standardized": (block(2, 40, 8, 8, 3, low=-2, dtype=np.float32), 3, "-2 to 2"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_any_depth_and_channels(tmp_path, name):
    images, channels, account = ARRAYS[name]
    np.savez(tmp_path / "a.npz", train_images=images, train_labels=np.arange(40) % 2)
    data = load(tmp_path / "a.npz")
    assert data.train.channels == channels == len(data.mean)
    assert data.train.pixels.shape[1] == channels
    assert data.train.pixels.max() > 100
    assert account in data.account


def test_array_files_are_images_where_there_are_no_others(tmp_path):
    (tmp_path / "ds" / "a").mkdir(parents=True)
    (tmp_path / "ds" / "b").mkdir()
    values = gray(0, 10_000, shape=(16, 24 * 13)).reshape(16, 24, 13)
    for number in range(20):
        np.save(tmp_path / "ds" / "ab"[number % 2] / f"{number}.npy", values)
    data = load(tmp_path / "ds")
    assert data.train.channels == 13
    assert data.classes == ("a", "b")
    assert tuple(data.train.image(0).shape) == (13, 16, 24)
    assert header_size(data.train.paths[0]) == (16, 24)
    assert "channels: 13; deep pixels: whole numbers: 14 bits in use" in data.account
    Image.new("RGB", (24, 16)).save(tmp_path / "ds" / "a" / "0.png")
    Image.new("RGB", (24, 16)).save(tmp_path / "ds" / "b" / "0.png")
    found = folders.read(tmp_path / "ds")
    assert len(found.train) == 2
    assert "not read: 20 .npy" in found.account


def test_array_files_that_are_no_image_are_named(tmp_path):
    np.save(tmp_path / "X_train.npy", np.zeros((10, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match=r"X_train\.npy: .*got uint8 \(10, 8, 8, 3\)"):
        folders.read(tmp_path)


def test_channels_must_be_the_same_in_a_set(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((16, 16, 5), np.uint8))
    np.save(tmp_path / "b.npy", np.zeros((16, 16, 4), np.uint8))
    with pytest.raises(ValueError, match=r"as many channels: (a\.npy has 5, b|b\.npy has 4, a)"):
        folders.read(tmp_path)


def many_bands(path):
    tifffile = pytest.importorskip("tifffile")
    values = gray(0, 10_000, shape=(16, 24 * 13)).reshape(16, 24, 13)
    tifffile.imwrite(path, values, photometric="minisblack", planarconfig="contig")


def test_a_tiff_of_many_bands_is_read_by_tifffile(tmp_path):
    many_bands(tmp_path / "a.tif")
    found = folders.read(tmp_path)
    assert tuple(found.train.image(0).shape) == (13, 16, 24)
    assert header_size(tmp_path / "a.tif") == (16, 24)
    assert "channels: 13" in found.account


def test_without_tifffile_such_a_tiff_is_one_line(tmp_path, monkeypatch, capsys):
    many_bands(tmp_path / "a.tif")
    monkeypatch.setitem(sys.modules, "tifffile", None)
    for read in (decode, header_size):
        with pytest.raises(DecodeError, match=r"cannot open \S+a\.tif: .*pip install tifffile"):
            read(tmp_path / "a.tif")
    assert main(["data", "check", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[0].startswith("a.tif: open: a TIFF that Pillow cannot read")
    assert said.err.count("\n") == 1
    assert any(isinstance(h, logging.NullHandler) for h in logging.getLogger("PIL").handlers)


def png(width, height, depth, color, rows, *chunks):
    import zlib

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    middle = b"".join(chunk(*each) for each in chunks)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + middle
        + chunk(b"IDAT", data)
        + chunk(b"IEND", b"")
    )


def color_png(high, channels=3, *chunks):
    values = np.linspace(0, high, 16 * 24 * channels).reshape(16, 24, channels).astype(np.uint16)
    rows = [row.astype(">u2").tobytes() for row in values]
    return values, png(24, 16, 16, {2: 4, 3: 2, 4: 6}[channels], rows, *chunks)


COLORS = {
    "12 of 16 bits": ((4095, 800), 16, "12 bits in use, divided by 16"),
    "10 of 16 bits": ((1000, 1), 4, "10 bits in use, divided by 4"),
    "16 of 16 bits": ((65535, 4095), 256, "16 bits in use, divided by 256"),
}


@pytest.mark.parametrize("name", COLORS)
def test_colors_of_16_bits_have_the_range_of_the_set(tmp_path, name):
    ends, step, account = COLORS[name]
    for number, high in enumerate(ends):
        values, content = color_png(high)
        (tmp_path / f"{number}.png").write_bytes(content)
    for _ in range(2):
        found = folders.read(tmp_path)
        assert account in found.account
        image = found.train.image(1).permute(1, 2, 0).numpy()
        assert np.array_equal(image, values // step)
    assert folders.read(tmp_path, sizing=header_size).depth == found.depth


def test_colors_of_16_bits_are_blended_over_black_and_filters_hold(tmp_path):
    values, content = color_png(4095, channels=4)
    values[..., 3] = 65535
    rows = [row.astype(">u2").tobytes() for row in values]
    (tmp_path / "a.png").write_bytes(png(24, 16, 16, 6, rows))
    image = decode(tmp_path / "a.png").permute(1, 2, 0).numpy()
    assert np.array_equal(image, values[..., :3] // 16)
    (tmp_path / "b.png").write_bytes(content)
    assert decode(tmp_path / "b.png").max() <= 15, "its alpha is 15 of 255 at most"


def test_gray_of_16_bits_with_alpha_keeps_its_bits(tmp_path):
    values, content = color_png(4095, channels=2)
    (tmp_path / "a.png").write_bytes(content)
    assert "12 bits in use" in folders.read(tmp_path).account
    values[..., 1] = 65535
    rows = [row.astype(">u2").tobytes() for row in values]
    (tmp_path / "a.png").write_bytes(png(24, 16, 16, 4, rows))
    image = decode(tmp_path / "a.png").numpy()
    assert np.array_equal(image, np.broadcast_to(values[..., 0] // 16, image.shape))


def test_transparency_of_16_bit_pngs_is_black_as_documented(tmp_path):
    values = [60_000, 40_000, 60_000]
    row = struct.pack(">3H", *values)
    (tmp_path / "gray.png").write_bytes(
        png(3, 1, 16, 0, [row], (b"tRNS", struct.pack(">H", 60_000)))
    )
    assert decode(tmp_path / "gray.png")[0, 0].tolist() == [0, 156, 0]
    row = struct.pack(">6H", 60_000, 0, 128, 40_000, 0, 128)
    clear = struct.pack(">3H", 60_000, 0, 128)
    (tmp_path / "rgb.png").write_bytes(png(2, 1, 16, 2, [row], (b"tRNS", clear)))
    assert decode(tmp_path / "rgb.png")[0, 0].tolist() == [0, 156]


@pytest.mark.parametrize(("extra", "blended"), [(None, False), (0, False), (1, True), (2, True)])
def test_a_fourth_band_is_alpha_where_it_is_declared(tmp_path, extra, blended):
    pixels = np.full((8, 8, 4), 200, np.uint8)
    pixels[..., 3] = 0
    path = tmp_path / "a.tiff"
    tifffile = pytest.importorskip("tifffile")
    options = {} if extra is None else {"extrasamples": [extra]}
    tifffile.imwrite(path, pixels, photometric="rgb", **options)
    if extra is None:
        content = bytearray(path.read_bytes())
        at = content.index(struct.pack("<HHI", 338, 3, 1))
        content[at : at + 2] = struct.pack("<H", 65000)
        path.write_bytes(content)
    assert tell(decode(path)) == ((0, 0) if blended else (200, 200))


def exif(kind, value):
    """An APP1 segment whose orientation is stored as some type."""
    body = (
        b"II*\0\x08\0\0\0\x01\0"
        + struct.pack("<HHI", 0x0112, kind, len(value))
        + value.ljust(4, b"\0")
        + bytes(4)
    )
    content = b"Exif\0\0" + body
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


STORED = {
    "SHORT": (3, struct.pack("<H", 6)),
    "BYTE": (1, b"\x06"),
    "ASCII": (2, b"6\0"),
    "UNDEFINED": (7, b"\x06"),
    "LONG": (4, struct.pack("<I", 6)),
}


@pytest.mark.parametrize("name", STORED)
def test_header_and_decoder_know_one_orientation(tmp_path, name):
    import io

    kind, value = STORED[name]
    count = 1 if name in ("SHORT", "LONG") else len(value)
    file = io.BytesIO()
    Image.fromarray(gray(0, 255, np.uint8)).save(file, "JPEG")
    segment = exif(kind, value).replace(
        struct.pack("<HHI", 0x0112, kind, len(value)), struct.pack("<HHI", 0x0112, kind, count)
    )
    content = file.getvalue()
    (tmp_path / "a.jpg").write_bytes(content[:2] + segment + content[2:])
    assert (
        header_size(tmp_path / "a.jpg") == tuple(decode(tmp_path / "a.jpg").shape[1:]) == (24, 16)
    )
    found = folders.read(tmp_path, sizing=header_size)
    assert found.train.image(0).shape == (3, 24, 16), "no file has changed"


def test_an_orientation_of_any_kind_is_one_of_eight():
    for stored in (None, 0, 9, -1, 2.5, "x", b"", b"\xff\x00", (), [], object(), "\u0666", 10**30):
        assert orientation(stored) == 1, stored


FEW = [
    "--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=8",
    "--training.photometric=none", "--images=16",
]  # fmt: skip


def test_deep_files_train(tmp_path, capsys):
    root = saved(tmp_path / "ds", *[gray(0, 4095)] * 24)
    words = [
        "pretrain",
        str(root),
        "--policy",
        "rc:scale=0.5",
        *FEW,
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(words) == 0, capsys.readouterr().err
    assert "12 bits in use, divided by 16" in capsys.readouterr().out


def test_what_bands_calls_channels():
    assert bands.channels_first(np.zeros((16, 24))).shape == (1, 16, 24)
    for wrong in (np.zeros(3), np.zeros((2, 3, 4, 5)), np.zeros((0, 3)), np.array([["a"]])):
        with pytest.raises(ValueError, match="an array must be numbers"):
            bands.channels_first(wrong)
