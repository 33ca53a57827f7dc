"""Files to RGB pixels: one way for every mode, and one error for everything that goes wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image
from torch import Tensor

from tamecrop.data import bands
from tamecrop.data.headers import SIDEWAYS, TURNED, Pixels, orientation
from tamecrop.data.opening import (
    RAISED_BY_PILLOW,
    DecodeError as DecodeError,
    lift_limit,
    name_errors,
    open_image,
    require_no_bomb,
)
from tamecrop.views.ranges import Depth, Scale, Values, depth_of, measure


@dataclass(frozen=True)
class Decoding:
    """How the files of a set are decoded.

    Args:
        most_pixels: of an image; None is Pillow's own limit.
        depth: how deep values become 8 bits; None: each file by its own range.
        channels: of every image; a file with other ones is an error.
    """

    most_pixels: int | None = None
    depth: Depth | None = None
    channels: int = 3

    @property
    def account(self) -> str:
        """What a person should know, or an empty text."""
        return "" if self.depth is None else self.depth.account


PLAIN = Decoding()


def decode(path: str | Path, decoding: Decoding | None = None, *, shrink: int = 1) -> Tensor:
    """Read an image file as RGB, upright; or, of an array file, all of its channels.

    EXIF orientation is applied. Gray is repeated, palettes are looked up, transparent pixels are
    blended over black, CMYK and YCbCr are converted as Pillow does; a fourth band of a TIFF that
    is not declared as alpha is left out. Deep gray, 16 or 32 bits or floats, and colors of 16 bits
    become 8 bits by the range of the set, see `tamecrop.views.ranges`; alone, a file is its own
    set. Of an animation the first frame is read. What is needed beside the result is one decoded
    image of Pillow's, of colors of 16 bits two: pixels are converted in strips.

    `.npy` files, and TIFF files that Pillow cannot read (by `tifffile`, where it is installed),
    may have any number of channels.

    Args:
        path: an image file of one of `FORMATS`, or an array `(H, W)`, `(H, W, C)` or `(C, H, W)`.
        decoding: how; by default as a file of its own.
        shrink: 1, 2, 4 or 8: a JPEG is decoded at this fraction of its size, rounded up.

    Returns:
        uint8 `(C, H, W)`, three channels of images.

    Raises:
        DecodeError: whatever is wrong with the file, also when it has more pixels than
            `most_pixels`, or `PIL.Image.MAX_IMAGE_PIXELS`.
    """
    path, how = Path(path) if isinstance(path, str) else path, decoding or PLAIN
    if bands.is_array(path):
        with name_errors(path, "decode"):
            return _from_array(bands.read(path), how)
    with lift_limit(how.most_pixels):
        return _decoded(path, how, shrink)


def _decoded(path: Path, how: Decoding, shrink: int) -> Tensor:
    with name_errors(path, "open"):
        image = _opened_or_bands(path, how)
    if not isinstance(image, Image.Image):
        with name_errors(path, "convert"):
            return _from_array(image, how)
    with image:
        with name_errors(path, "decode"):
            require_no_bomb(image, how.most_pixels)
            wide = _all_bits(image, path)
            if shrink > 1 and image.format in ("JPEG", "MPO"):
                image.draft(None, (image.width // shrink, image.height // shrink))
            image.load()
            turned = orientation(image.getexif().get(ExifTags.Base.Orientation))
        with name_errors(path, "convert"):
            narrow = _without_loose_band(image) if wide is None else _narrow(wide, image, how)
            return torch.from_numpy(_upright(narrow, turned, how)).permute(2, 0, 1)


def values_of(path: Path, decoding: Decoding = PLAIN) -> tuple[int, Values | None]:
    """The channels of a file, and the range of its values where they have more than 8 bits.

    Only the pixels of deep files are decoded.

    Raises:
        DecodeError: as `decode`.
    """
    with lift_limit(decoding.most_pixels):
        with name_errors(path, "open"):
            image = bands.read(path) if bands.is_array(path) else _opened_or_bands(path, decoding)
        with name_errors(path, "decode"):
            if not isinstance(image, Image.Image):
                pixels = bands.channels_first(image)
                deep = pixels.dtype not in (np.uint8, np.bool_)
                return (3 if len(pixels) == 1 else len(pixels)), measure(pixels) if deep else None
            with image:
                require_no_bomb(image, decoding.most_pixels)
                wide = _all_bits(image, path)
                if wide is not None:
                    return 3, measure(wide[..., :3])
                return 3, measure_values(image) if _is_deep(image) else None


def _opened_or_bands(path: Path, how: Decoding) -> "Image.Image | NDArray[Any]":
    """The file with its header read; or its array, of a TIFF that Pillow does not know."""
    try:
        return open_image(path)
    except RAISED_BY_PILLOW as error:
        if getattr(error, "errno", None) is not None or not bands.is_tiff(path):
            raise
        return bands.read_tiff(path, how.most_pixels)


def _from_array(pixels: NDArray[Any], how: Decoding) -> Tensor:
    """Channels first, 8 bits; gray becomes RGB."""
    pixels = bands.channels_first(pixels)
    if pixels.dtype == np.bool_:
        pixels = pixels * np.uint8(255)
    if pixels.dtype != np.uint8:
        pixels = _scale(measure(pixels), how)(pixels)
    found = torch.from_numpy(np.array(pixels, order="C"))
    return found.expand(3, -1, -1).contiguous() if len(found) == 1 else found


def _scale(own: Values, how: Decoding) -> Scale:
    """The scale of the set for values of a kind; a file that the set did not know is its own."""
    there = None if how.depth is None else how.depth.scale(own.kind)
    alone = depth_of([own]).scale(own.kind)
    found = there or alone
    if found is None:
        raise ValueError("a range has a scale")
    return found


def measure_values(image: Image.Image) -> Values:
    """The range of the values of a deep image."""
    declared = _nodata(image)
    each = [measure(np.asarray(strip), declared) for _, strip in _strips(image)]
    marks = tuple(sorted({mark for values in each for mark in values.nodata}))
    low, high = min(values.low for values in each), max(values.high for values in each)
    return Values(each[0].kind, low, high, marks)


def _nodata(image: Image.Image) -> float | None:
    """What GDAL wrote into a TIFF as the mark of missing data."""
    tags = getattr(image, "tag_v2", None)
    try:
        return float(str(tags.get(_GDAL_NODATA)).strip("\0 ")) if tags else None
    except ValueError:
        return None


_STRIP = 2**17
_GDAL_NODATA, _EXTRA_SAMPLES, _ALPHA = 42113, 338, (1, 2)


def _upright(image: Image.Image, turned: int, how: Decoding) -> Pixels:
    """Pixels `(H, W, 3)` of a loaded image, turned as its camera says."""
    size = image.size if turned in SIDEWAYS else image.size[::-1]
    upright = np.empty((*size, 3), dtype=np.uint8)
    stored = TURNED[turned](upright) if turned in TURNED else upright
    convert = _deep_to_rgb(image, how) if _is_deep(image) else to_rgb
    for top, strip in _strips(image):
        stored[top : top + strip.height] = convert(strip)
    return upright


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """First row and pixels of strips of some 100,000 pixels, copied one at a time.

    The memory of so few is used again from strip to strip and from image to image. Larger pieces
    come new from the system each time, page by page, which takes longer than to decode a JPEG.
    """
    rows = max(1, _STRIP // image.width)
    if rows >= image.height:
        yield 0, image
        return
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def to_rgb(image: Image.Image) -> Pixels:
    """Pixels `(H, W, 3)` of an image of 8 bits a channel, whatever its mode."""
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        image = Image.new("RGB", over.size)
        image.paste(over, mask=over.getchannel("A"))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _without_loose_band(image: Image.Image) -> Image.Image:
    """A TIFF without its fourth band, unless that is declared to be alpha."""
    tags = getattr(image, "tag_v2", None)
    if image.mode != "RGBA" or tags is None:
        return image
    extra = tags.get(_EXTRA_SAMPLES, ())
    if (extra if isinstance(extra, tuple) else (extra,))[:1] in [(kind,) for kind in _ALPHA]:
        return image
    red, green, blue, _ = image.split()
    return Image.merge("RGB", (red, green, blue))


def _all_bits(image: Image.Image, path: Path) -> NDArray[np.uint16] | None:
    """The 16 bits of a PNG in colors or with alpha that is not loaded yet, `(H, W, 3 or 4)`.

    None of any other image. Pillow gives the upper 8 bits; told that the file has the other order
    of bytes, it gives the lower. Gray with alpha has four bytes a pixel, as RGBA of 8 bits has.
    """
    tiles: list[Any] = [*getattr(image, "tile", ())]
    modes = [str(tile[3]) for tile in tiles]
    if image.format != "PNG" or modes not in (["RGB;16B"], ["RGBA;16B"], ["LA;16B"]):
        return None
    codec, extents, offset, mode = tiles[0]
    is_gray = mode == "LA;16B"
    with open_image(path) as other:
        raw = "RGBA" if is_gray else mode.replace("16B", "16L")
        other.tile = [(codec, extents, offset, raw)]  # type: ignore[attr-defined]
        low = np.asarray(other)
    high = low[..., [0, 0, 0, 2]] if is_gray else np.asarray(image)
    wide: NDArray[np.uint16] = np.left_shift(high, 8, dtype=np.uint16)
    wide |= low[..., [1, 1, 1, 3]] if is_gray else low
    return wide


def _narrow(wide: NDArray[np.uint16], image: Image.Image, how: Decoding) -> Image.Image:
    """8 bits of 16 by the range of the colors; what is transparent by a color is black."""
    colors = wide[..., :3]
    there = None if how.depth is None else how.depth.whole
    narrow = (there or _scale(measure(colors), how))(colors)
    clear = image.info.get("transparency")
    if isinstance(clear, tuple):
        narrow[(colors == clear).all(axis=-1)] = 0
    alpha = (wide[..., 3:] >> 8).astype(np.uint8)
    return Image.fromarray(np.concatenate([narrow, alpha], axis=-1))


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith("I") or image.mode == "F"


def _deep_to_rgb(image: Image.Image, how: Decoding) -> Callable[[Image.Image], Pixels]:
    """Deep gray values to 8 bits, the transparent one to black."""
    kind = "real" if image.mode == "F" else "whole"
    there = None if how.depth is None else how.depth.scale(kind)  # type: ignore[arg-type]
    scale = there or _scale(measure_values(image), how)
    clear = image.info.get("transparency")

    def convert(strip: Image.Image) -> Pixels:
        values = np.asarray(strip)
        gray = scale(values)
        if isinstance(clear, int):
            gray[values == clear] = 0
        return np.broadcast_to(gray[..., None], (*gray.shape, 3))

    return convert
