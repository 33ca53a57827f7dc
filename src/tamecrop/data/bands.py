"""Arrays: `.npy` and `.npz` files, and TIFF files of many bands by the optional `tifffile`."""

import logging
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamecrop.data.opening import pixel_limit

SUFFIX = ".npy"

_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MOST_CHANNELS, _PILLOWS_CHANNELS = 512, 4


def is_array(path: Path) -> bool:
    """Whether a file is an array by its name."""
    return path.suffix.lower() == SUFFIX


def is_tiff(path: Path) -> bool:
    """Whether a file begins as a TIFF."""
    with path.open("rb") as file:
        return file.read(4) in _TIFF_HEADS


def read(path: Path) -> NDArray[Any]:
    """The array of a `.npy` file.

    Raises:
        ValueError: when it holds objects, or is damaged.
    """
    return np.asarray(np.load(path, allow_pickle=False, mmap_mode="r"))


def size(path: Path) -> tuple[int, int]:
    """(height, width) of a `.npy` file: only its header is read."""
    _, height, width = channels_first(read(path)).shape
    return height, width


def read_archive(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an `.npz` file; one of Python objects has its shape, and None everywhere.

    Raises:
        ValueError: for what is no such archive, or unpacks to more than memory holds.
    """
    try:
        _require_room(path)
        with np.load(path, allow_pickle=False) as archive:
            return {key: _array(archive, key) for key in archive.files}
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} must be an .npz archive of plain arrays: {error}") from error


def _array(archive: Any, key: str) -> NDArray[Any]:
    """One array; objects would have to be unpickled, which runs what the file says."""
    with archive.zip.open(f"{key}.npy") as file:
        version = np.lib.format.read_magic(file)
        first = version == (1, 0)
        header = np.lib.format.read_array_header_1_0 if first else _read_header
        shape, _, dtype = header(file)
    if dtype.hasobject:
        return np.broadcast_to(np.array(None, dtype=object), shape)
    return np.asarray(archive[key])


def _read_header(file: Any) -> Any:
    return np.lib.format.read_array_header_2_0(file)


def _require_room(path: Path) -> None:
    """Refuse what would unpack to more than memory holds twice: images are copied once."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    room = _memory() // 2
    if unpacked > room:
        raise ValueError(f"it unpacks to {unpacked:,} bytes, and there is room for {room:,}")


def _memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def channels_first(pixels: NDArray[Any]) -> NDArray[Any]:
    """An array `(H, W)`, `(H, W, C)` or `(C, H, W)` as `(C, H, W)`.

    See `channels_are_first` for which axis is that of the channels.

    Raises:
        ValueError: for another number of axes, or values that are no numbers.

    >>> channels_first(np.zeros((64, 48, 13))).shape, channels_first(np.zeros((13, 64, 48))).shape
    ((13, 64, 48), (13, 64, 48))
    """
    if pixels.ndim not in (2, 3) or pixels.dtype.kind not in "buif" or not pixels.size:
        got = f"{pixels.dtype} {pixels.shape}"
        raise ValueError(f"an array must be numbers (H, W), (H, W, C) or (C, H, W), got {got}")
    if pixels.ndim == 2:
        return pixels[None]
    if min(pixels.shape[0], pixels.shape[2]) > _MOST_CHANNELS:
        raise ValueError(f"an array must have few channels first or last, got {pixels.shape}")
    return pixels if channels_are_first(pixels.shape) else np.moveaxis(pixels, -1, 0)


def channels_are_first(shape: tuple[int, ...]) -> bool:
    """Whether the first of three axes is that of the channels, and not the last.

    Of two equal axes and another one, the other one is; else the one of fewest entries.

    >>> [channels_are_first(s) for s in [(8, 8, 13), (13, 8, 8), (3, 40, 50), (40, 50, 3)]]
    [False, True, True, False]
    """
    first, middle, last = shape
    if (middle == last) != (first == middle):
        return middle == last
    return first < last


def read_tiff(path: Path, most_pixels: int | None = None) -> NDArray[Any]:
    """The bands of the first image of a TIFF.

    Raises:
        ValueError: without `tifffile`, or for what it cannot read.
    """
    with _first(path, most_pixels) as first:
        return np.asarray(first.asarray())


def tiff_size(path: Path, most_pixels: int | None = None) -> tuple[int, int]:
    """(height, width) of the first image of a TIFF, from its header."""
    with _first(path, most_pixels) as first:
        shape = tuple(first.shape)
    _, height, width = channels_first(np.broadcast_to(np.uint8(0), shape)).shape
    return height, width


@contextmanager
def _first(path: Path, most_pixels: int | None) -> Iterator[Any]:
    """The first image of a TIFF, with all of its bands."""
    try:
        import tifffile
    except ModuleNotFoundError as error:
        raise ValueError(
            "a TIFF that Pillow cannot read, with many bands or of a rare kind: "
            "pip install tifffile, or save it as .npy"
        ) from error
    limit = pixel_limit() if most_pixels is None else most_pixels
    damage = _Damage()
    logger = logging.getLogger("tifffile")
    logger.addHandler(damage)
    propagates, logger.propagate = logger.propagate, False
    try:
        with tifffile.TiffFile(path) as file:
            page: Any = file.pages[0]
            if limit is not None and page.imagewidth * page.imagelength > limit:
                size = f"{page.imagewidth} x {page.imagelength}"
                raise ValueError(f"more than {limit} pixels: {size}")
            _require_rare(page)
            yield file.series[0]
        damage.require_none()
    except tifffile.TiffFileError as error:
        raise ValueError(f"tifffile: {error}") from error
    finally:
        logger.propagate = propagates
        logger.removeHandler(damage)


def _require_rare(page: Any) -> None:
    """Refuse a TIFF of a kind that Pillow reads: as it could not, the file is damaged.

    `tifffile` forgives damaged tags, and would give some pixels for them.
    """
    if page.samplesperpixel <= _PILLOWS_CHANNELS and (
        page.dtype is None or page.dtype.itemsize == 1
    ):
        raise ValueError(f"damaged: {page.samplesperpixel} bands of {page.dtype}")


class _Damage(logging.Handler):
    """What `tifffile` logs of a damaged file, which it reads all the same."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())

    def require_none(self) -> None:
        if self._lines:
            raise ValueError(f"tifffile: {self._lines[0]}")
