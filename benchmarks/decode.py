"""What it costs to read an image file and make its views, beside the pipelines that people use.

One process, one thread, its CPU time an image; all rivals take turns in every round, so that
whatever else the machine does meets all of them, and all end in one batch a group of views. The
files are real photographs, as they are and enlarged at quality 90.
`python benchmarks/decode.py FOLDER [ROUNDS]` writes
`results/benchmarks/decode.json`: medians over rounds, and of each round's ratio to torchvision.
Then what it would gain to cut decoded images of different sizes together.
"""

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from common import write
from tamecrop import cut, policy
from tamecrop.data import scaled
from tamecrop.data.decode import decode
from tamecrop.data.images import ImageSet
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.geometry.plans import plan

try:
    import albumentations
    import cv2
except ImportError:
    albumentations = cv2 = None

CASES = ((0.3, 32), (2, 12), (12, 4))
"""Megapixels, and how many files."""

SIDES = (32, 64, 128, 224)
"""Of views of images of different sizes."""


@dataclass(frozen=True)
class Kind:
    """Views of a plan, and the same as (number, side, scale) for the others."""

    text: str
    groups: tuple[tuple[int, int, tuple[float, float]], ...]


KINDS = {
    "2 views": Kind("2x rrc:scale=0.2..1 @224", ((2, 224, (0.2, 1)),)),
    "2 + 6 views": Kind(
        "2x rrc:scale=0.4..1 @224 + 6x rrc:scale=0.05..0.4 @96",
        ((2, 224, (0.4, 1)), (6, 96, (0.05, 0.4))),
    ),
}


def enlarged(file: Path, megapixels: float) -> bytes:
    """A photograph at another size, quality 90."""
    with Image.open(file) as image:
        picture = image.convert("RGB")
    factor = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
    size = round(picture.width * factor), round(picture.height * factor)
    content = io.BytesIO()
    picture.resize(size, Image.Resampling.BICUBIC).save(content, "JPEG", quality=90)
    return content.getvalue()


def batch(kind: Kind, views: list[list[Tensor]]) -> list[Tensor]:
    """The views of all images in one tensor a group `(B V, C, h, w)`, which ours are too."""
    ends = np.cumsum([number for number, _, _ in kind.groups])
    groups = zip([0, *ends], ends, strict=False)
    return [torch.stack([v for each in views for v in each[a:b]]) for a, b in groups]


def torchvision_pil(kind: Kind) -> Callable[[Path], list[Tensor]]:
    crops = [
        v2.Compose([v2.RandomResizedCrop(side, scale), v2.PILToTensor()])
        for number, side, scale in kind.groups
        for _ in range(number)
    ]

    def views(path: Path) -> list[Tensor]:
        with Image.open(path) as file:
            image = file.convert("RGB")
        return [crop(image) for crop in crops]

    return views


def torchvision_io(kind: Kind) -> Callable[[Path], list[Tensor]]:
    crops = [
        v2.RandomResizedCrop(side, scale)
        for number, side, scale in kind.groups
        for _ in range(number)
    ]

    def views(path: Path) -> list[Tensor]:
        image = decode_image(str(path), ImageReadMode.RGB, apply_exif_orientation=True)
        return [crop(image) for crop in crops]

    return views


def opencv(kind: Kind) -> Callable[[Path], list[Tensor]]:
    crops = [
        albumentations.RandomResizedCrop((side, side), scale)
        for number, side, scale in kind.groups
        for _ in range(number)
    ]

    def views(path: Path) -> list[Tensor]:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        return [torch.from_numpy(crop(image=image)["image"]).permute(2, 0, 1) for crop in crops]

    return views


def tamecrop(kind: Kind, files: list[Path], how: str) -> Callable[[int], object]:
    sizes = np.array([decode(path).shape[1:] for path in files])
    images = ImageSet(paths=tuple(files), sizes=sizes)
    loading = Loading(batch_size=len(files), decode=how)
    loader = ViewLoader(images, plan(kind.text), loading)
    return lambda epoch: next(iter(loader.batches(epoch)))


def without_simplejpeg(work: Callable[[int], object]) -> Callable[[int], object]:
    def run(epoch: int) -> object:
        known, scaled._simplejpeg = scaled._simplejpeg, lambda: None
        try:
            return work(epoch)
        finally:
            scaled._simplejpeg = known

    return run


def rivals(kind: Kind, files: list[Path]) -> dict[str, Callable[[int], object]]:
    def each(make: Callable[[Path], list[Tensor]]) -> Callable[[int], object]:
        return lambda _: batch(kind, [make(path) for path in files])

    found = {
        "torchvision on PIL": each(torchvision_pil(kind)),
        "torchvision.io, tensors": each(torchvision_io(kind)),
        "tamecrop, decode=full": tamecrop(kind, files, "full"),
        "tamecrop, decode=fast": tamecrop(kind, files, "fast"),
        "tamecrop, decode=fast by Pillow": without_simplejpeg(tamecrop(kind, files, "fast")),
    }
    if cv2 is not None:
        cv2.setNumThreads(1)
        found["Albumentations on OpenCV (no antialias)"] = each(opencv(kind))
    return found


def measure(
    works: dict[str, Callable[[int], object]], files: int, rounds: int
) -> dict[str, list[float]]:
    """Milliseconds of CPU time an image of each rival in each round."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work(0)
    for epoch in range(rounds):
        for name, work in works.items():
            started = time.process_time()
            work(epoch)
            took[name].append((time.process_time() - started) / files * 1e3)
    return took


def together(images: list[Tensor], boxes: NDArray[np.int64], side: int) -> Tensor:
    """The views of images of different sizes, filled up to one size and cut as one batch."""
    height, width = (max(image.shape[axis] for image in images) for axis in (1, 2))
    filled = torch.zeros(len(images), 3, height, width, dtype=torch.uint8)
    for place, image in zip(filled, images, strict=True):
        place[:, : image.shape[1], : image.shape[2]] = image
    return cut(filled, boxes, size=side)


def ragged(files: list[Path], side: int, rounds: int) -> dict[str, object]:
    """Images of one to two times the views' side, all different: cut one by one, or together."""
    random = np.random.default_rng(0)
    images = [
        functional.resize(decode(path), random.integers(side, 2 * side, 2).tolist())
        for path in files
    ]
    sizes = np.array([image.shape[1:] for image in images])
    boxes = policy("rrc:scale=0.2..1").draw(sizes, index=np.arange(len(images)))
    works: dict[str, Callable[[int], Tensor]] = {
        "one by one, as tamecrop does": lambda _: cut(images, boxes, size=side),
        "filled up and together": lambda _: together(images, boxes, side),
    }
    one, other = (work(0).int() for work in works.values())
    off = (one - other).abs()
    title = f"ragged: 2 views of {side} px of {len(files)} images of {side} to {2 * side} px"
    took = measure(works, len(files), rounds)
    differ = {"differ": round((off > 0).float().mean().item(), 4), "levels": off.max().item()}
    return {**summarize(title, took), **differ}


def summarize(title: str, took: dict[str, list[float]]) -> dict[str, object]:
    """Medians, and the median over rounds of how many times faster than the first a rival is."""
    first = next(iter(took.values()))
    rows = {
        name: {
            "milliseconds": round(statistics.median(times), 2),
            "faster": round(statistics.median(f / t for t, f in zip(times, first, strict=True)), 2),
        }
        for name, times in took.items()
    }
    print(f"\n{title}")
    for name, row in rows.items():
        print(f"  {name:<42} {row['milliseconds']:>8.2f} ms   x {row['faster']:.2f}", flush=True)
    return {"title": title, "rows": rows}


def main(folder: Path, rounds: int) -> None:
    torch.set_num_threads(1)
    found = sorted(folder.rglob("*.jpg"))
    parts: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for megapixels, number in CASES:
            files = []
            for place, file in enumerate(found[:number]):
                files.append(Path(scratch) / f"{megapixels}_{place}.jpg")
                as_it_is = megapixels == min(CASES)[0]
                files[-1].write_bytes(file.read_bytes() if as_it_is else enlarged(file, megapixels))
            for name, kind in KINDS.items():
                took = measure(rivals(kind, files), len(files), rounds)
                title = f"{name}, {len(files)} files of {megapixels} Mpx"
                parts.append(summarize(title, took))
    parts += [ragged(found[:64], side, rounds) for side in SIDES]
    write("decode", [{"rounds": rounds, "threads": 1, "clock": "CPU time of the process"}, *parts])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 15)
