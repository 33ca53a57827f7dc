"""What it costs to read an image file and make its views, beside the pipelines that people use.

CPU time an image, one thread. Each rival has a process of its own, as what one frees and keeps of
memory changes what another pays, and starts again after some rounds, as that differs from process
to process too. They take turns in every round, so that whatever else the machine does meets all of
them, and all end in one batch a group of views. The files are real photographs, as they are and
enlarged at quality 90. `python benchmarks/decode.py FOLDER [ROUNDS]` writes
`results/benchmarks/decode.json`: medians over rounds, and of each round's ratio to torchvision.
Then what it would gain to cut decoded images of different sizes together.
"""

import io
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
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
try:
    from nvidia import dali
except ImportError:
    dali = None

CASES = ((0.3, 32), (2, 12), (12, 4))
"""Megapixels, and how many files."""

ROUNDS_OF_A_PROCESS = 3

SIDES = (32, 64, 128, 224)
"""Of views of images of different sizes."""


@dataclass(frozen=True)
class Kind:
    """Views of a plan, and the same as (number, side, scale) for the others."""

    text: str
    groups: tuple[tuple[int, int, tuple[float, float]], ...]

    @property
    def bounds(self) -> list[tuple[int, int]]:
        """First and one past the last view of each group."""
        ends = list(itertools.accumulate(number for number, _, _ in self.groups))
        return list(zip([0, *ends], ends, strict=False))


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


Work = Callable[[int], object]
"""An epoch of some files."""


def batches(kind: Kind, files: list[Path], make: Callable[[Path], list[Tensor]]) -> Work:
    """The views of all files in one tensor a group, as ours come."""

    def work(_: int) -> object:
        views = [make(path) for path in files]
        return [torch.stack([v for each in views for v in each[a:b]]) for a, b in kind.bounds]

    return work


def torchvision_pil(kind: Kind, files: list[Path]) -> Work:
    crops = [
        v2.Compose([v2.RandomResizedCrop(side, scale), v2.PILToTensor()])
        for number, side, scale in kind.groups
        for _ in range(number)
    ]

    def views(path: Path) -> list[Tensor]:
        with Image.open(path) as file:
            image = file.convert("RGB")
        return [crop(image) for crop in crops]

    return batches(kind, files, views)


def torchvision_io(kind: Kind, files: list[Path]) -> Work:
    crops = [
        v2.RandomResizedCrop(side, scale)
        for number, side, scale in kind.groups
        for _ in range(number)
    ]

    def views(path: Path) -> list[Tensor]:
        image = decode_image(str(path), ImageReadMode.RGB, apply_exif_orientation=True)
        return [crop(image) for crop in crops]

    return batches(kind, files, views)


def opencv(kind: Kind, files: list[Path]) -> Work:
    cv2.setNumThreads(1)
    crops = [
        albumentations.RandomResizedCrop((side, side), scale)
        for number, side, scale in kind.groups
        for _ in range(number)
    ]

    def views(path: Path) -> list[Tensor]:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        return [torch.from_numpy(crop(image=image)["image"]).permute(2, 0, 1) for crop in crops]

    return batches(kind, files, views)


def dali_cpu(kind: Kind, files: list[Path]) -> Work:
    """An image is decoded once for all views, by one thread, when it is asked for."""
    pipeline = dali.Pipeline(
        len(files), num_threads=1, device_id=None, exec_pipelined=False, exec_async=False
    )
    with pipeline:
        encoded, _ = dali.fn.readers.file(files=[str(path) for path in files])
        image = dali.fn.decoders.image(encoded)
        views = [
            dali.fn.random_resized_crop(image, size=side, random_area=scale)
            for number, side, scale in kind.groups
            for _ in range(number)
        ]
        pipeline.set_outputs(*views)
    pipeline.build()

    def work(_: int) -> object:
        views = [torch.from_numpy(each.as_array()).permute(0, 3, 1, 2) for each in pipeline.run()]
        return [torch.cat(views[a:b]) for a, b in kind.bounds]

    return work


def tamecrop(how: str, kind: Kind, files: list[Path]) -> Work:
    sizes = np.array([decode(path).shape[1:] for path in files])
    images = ImageSet(paths=tuple(files), sizes=sizes)
    loading = Loading(batch_size=len(files), decode=how)
    loader = ViewLoader(images, plan(kind.text), loading)
    return lambda epoch: next(iter(loader.batches(epoch)))


def without_simplejpeg(kind: Kind, files: list[Path]) -> Work:
    scaled._simplejpeg = lambda: None
    return tamecrop("fast", kind, files)


RIVALS: dict[str, Callable[[Kind, list[Path]], Work]] = {
    "torchvision on PIL": torchvision_pil,
    "torchvision.io, tensors": torchvision_io,
    "tamecrop, decode=full": partial(tamecrop, "full"),
    "tamecrop, decode=fast": partial(tamecrop, "fast"),
    "tamecrop, decode=fast by Pillow": without_simplejpeg,
}
if cv2 is not None:
    RIVALS["Albumentations on OpenCV (no antialias)"] = opencv
if dali is not None:
    RIVALS["DALI on the CPU"] = dali_cpu


def measure(
    makes: dict[str, Callable[[], Work]], files: int, rounds: int
) -> dict[str, list[float]]:
    """Milliseconds of CPU time an image of each rival in each round."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["albumentations", "cv2", "tamecrop.data.loader", "torchvision"])
    took: dict[str, list[float]] = {name: [] for name in makes}
    for first in range(0, rounds, ROUNDS_OF_A_PROCESS):
        pipes = {}
        for name, make in makes.items():
            pipes[name], theirs = context.Pipe()
            context.Process(target=take_turns, args=(make, theirs), daemon=True).start()
        for pipe in pipes.values():
            pipe.recv()
        for epoch in range(first, min(first + ROUNDS_OF_A_PROCESS, rounds)):
            for name, pipe in pipes.items():
                pipe.send(epoch)
                took[name].append(pipe.recv() / files * 1e3)
        for pipe in pipes.values():
            pipe.send(None)
    return took


def take_turns(make: Callable[[], Work], pipe: Connection) -> None:
    """A rival's process: the CPU time of each epoch that it is asked for; it warms up first."""
    torch.set_num_threads(1)
    work = make()
    work(0)
    pipe.send("ready")
    while (epoch := pipe.recv()) is not None:
        started = time.process_time()
        work(epoch)
        pipe.send(time.process_time() - started)


def ragged_images(files: list[Path], side: int) -> tuple[list[Tensor], NDArray[np.int64]]:
    """Images of one to two times a side, all different, and two boxes of each."""
    random = np.random.default_rng(0)
    images = [
        functional.resize(decode(path), random.integers(side, 2 * side, 2).tolist())
        for path in files
    ]
    sizes = np.array([image.shape[1:] for image in images])
    return images, policy("rrc:scale=0.2..1").draw(sizes, index=np.arange(len(images)))


def one_by_one(files: list[Path], side: int) -> Callable[[int], Tensor]:
    images, boxes = ragged_images(files, side)
    return lambda _: cut(images, boxes, size=side)


def together(files: list[Path], side: int) -> Callable[[int], Tensor]:
    """The same views of images that are filled up to one size and cut as one batch."""
    images, boxes = ragged_images(files, side)

    def work(_: int) -> Tensor:
        height, width = (max(image.shape[axis] for image in images) for axis in (1, 2))
        filled = torch.zeros(len(images), 3, height, width, dtype=torch.uint8)
        for place, image in zip(filled, images, strict=True):
            place[:, : image.shape[1], : image.shape[2]] = image
        return cut(filled, boxes, size=side)

    return work


def ragged(files: list[Path], side: int, rounds: int) -> dict[str, object]:
    """Images of different sizes: how fast they are cut one by one or together, and what differs."""
    ways = {
        "one by one, as tamecrop does": partial(one_by_one, files, side),
        "filled up and together": partial(together, files, side),
    }
    one, other = (make()(0).int() for make in ways.values())
    off = (one - other).abs()
    title = f"ragged: 2 views of {side} px of {len(files)} images of {side} to {2 * side} px"
    differ = {"differ": round((off > 0).float().mean().item(), 4), "levels": off.max().item()}
    return {**summarize(title, measure(ways, len(files), rounds)), **differ}


def summarize(title: str, took: dict[str, list[float]]) -> dict[str, object]:
    """Medians, and over rounds how many times faster than the first a rival is."""
    first = next(iter(took.values()))
    rows = {}
    for name, times in took.items():
        faster = sorted(f / t for t, f in zip(times, first, strict=True))
        rows[name] = {
            "milliseconds": round(statistics.median(times), 2),
            "faster": round(statistics.median(faster), 2),
            "rounds_from_to": [round(faster[0], 2), round(faster[-1], 2)],
        }
    print(f"\n{title}")
    for name, row in rows.items():
        spread = "{} to {}".format(*row["rounds_from_to"])
        line = f"  {name:<42} {row['milliseconds']:>8.2f} ms   x {row['faster']:.2f} ({spread})"
        print(line, flush=True)
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
                makes = {name: partial(make, kind, files) for name, make in RIVALS.items()}
                took = measure(makes, len(files), rounds)
                title = f"{name}, {len(files)} files of {megapixels} Mpx"
                parts.append(summarize(title, took))
    parts += [ragged(found[:64], side, rounds) for side in SIDES]
    write(
        "decode",
        [{"rounds": rounds, "threads": 1, "clock": "CPU time of each rival's process"}, *parts],
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 9)
