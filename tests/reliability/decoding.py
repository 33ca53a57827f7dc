"""What forked children do with image files: decode them by themselves, and be measured."""

import json
import resource
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

import tamecrop as tc
from tamecrop.cli import main
from tamecrop.data.decode import DecodeError, decode
from tamecrop.data.headers import header_size
from tamecrop.data.images import ImageSet
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.data.opening import open_image
from tamecrop.geometry import plan
from tamecrop.views.tensors import cut_one

LAWS = ("rrc", "gcc:scale=0.4,sigma=0.2", "rc:scale=0.9", "gcc:scale=0.9,sigma=0.3")


def check(root: Path, *, lenient: bool = False) -> None:
    """`tamecrop data check`; the wrong way lets Pillow make up what a truncated file lacks."""
    ImageFile.LOAD_TRUNCATED_IMAGES = lenient
    sys.exit(main(["data", "check", str(root)]))


def judge(root: Path, result: Path) -> None:
    """Names of the files that plain Pillow cannot load, and of those that give no finite image."""
    refused, odd = [], []
    for path in sorted(path for path in root.iterdir() if not path.name.startswith(".")):
        try:
            with open_image(path) as image:
                image.load()
        except Exception:  # noqa: BLE001 - whatever it is, Pillow did not load the file
            refused.append(path.name)
            continue
        try:
            pixels = decode(path)
        except DecodeError:
            continue
        if pixels.shape[0] != 3 or min(pixels.shape) < 1:
            odd.append(path.name)
    result.write_text(json.dumps({"refused": refused, "odd": odd}))


def views(path: Path, result: Path) -> None:
    """Decode and cut views of an image; how many MB the process grew by."""
    before = _peak()
    try:
        image = decode(path)
        shapes = [tuple(_views(image, law).shape) for law in LAWS]
        said = "" if set(shapes) == {(2, 3, 64, 64)} else f"views of shapes {shapes}"
    except DecodeError as error:
        said = str(error)
    result.write_text(json.dumps({"added_mb": _peak() - before, "said": said}))


def read_views(path: Path, small: Path, how: str, result: Path) -> None:
    """Read two views of a file as the loader does; how many MB the process grew by.

    A small file is read before: a forked process has none of the pages that code lies in until it
    runs that code, and how many come at once depends on how the libraries were written to disk.
    """
    _read_two(small, how)
    before = _peak()
    _read_two(path, how)
    result.write_text(json.dumps({"added_mb": _peak() - before}))


def _read_two(path: Path, how: str) -> None:
    images = ImageSet(sizes=np.array([header_size(path)]), paths=(path,))
    loader = ViewLoader(images, plan("2x rrc:scale=0.5..1 @224"), Loading(batch_size=1, decode=how))
    views = next(iter(loader.batches(0))).views[0]
    assert tuple(views.shape) == (1, 2, 3, 224, 224)


def copied_whole(path: Path, result: Path) -> None:
    """The wrong way: Pillow's image as an array, and a copy of it for each view."""
    before = _peak()
    with open_image(path) as image:
        pixels = np.array(image.convert("RGB"))
    copies = [pixels.copy() for _ in LAWS]
    result.write_text(json.dumps({"added_mb": _peak() - before, "said": str(len(copies))}))


def _views(image, law):
    height, width = image.shape[1:]
    boxes = tc.policy(law).draw((height, width), index=[0])[0]
    return cut_one(image, boxes, size=64)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


Image.init()
