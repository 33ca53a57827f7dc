"""Training on a folder of JPEG files with two workers: our loader, torchvision's way, Lightly's.

Every rival trains the same small network with the same loss and optimizer on as many views of the
same files and the same colors; all take turns in each round, and worker processes are started anew
in each epoch. `python benchmarks/loader.py FOLDER [IMAGES] [ROUNDS]` writes
`results/benchmarks/loader.json`.
"""

import itertools
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from lightly.data import LightlyDataset
from lightly.transforms import SimCLRTransform
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from common import report, write
from epoch import Training
from tamecrop.data import Loading, ViewLoader
from tamecrop.data.sources import find
from tamecrop.geometry import plan
from tamecrop.learning.watching import Clock
from tamecrop.views.photometric import normalize, photometric

SIDE, BATCH, WORKERS, SCALE = 224, 32, 2, (0.2, 1.0)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
COLORS = photometric("simclr")


def copied(found: list[Path], place: Path, count: int) -> Path:
    """A folder of as many files, some of them several times."""
    place.joinpath("all").mkdir(parents=True)
    for number, source in zip(range(count), itertools.cycle(found), strict=False):
        shutil.copy(source, place / "all" / f"{number:05d}.jpg")
    return place


def trained(training: Training, batches: Iterable[Tensor], waiting: list[float]) -> None:
    clock = Clock(0.0, 0)
    for views in clock.watch(iter(batches)):
        training(views)
    waiting.append(clock.waiting)


def ours(folder: Path, how: str, training: Training, waiting: list[float]) -> Callable[[], None]:
    images = find(folder, needs=("pixels",)).train
    loading = Loading(batch_size=BATCH, last="drop", decode=how, workers=WORKERS)
    loader = ViewLoader(images, plan(f"2x rrc:scale={SCALE[0]}..{SCALE[1]} @{SIDE}"), loading)
    epochs = itertools.count()

    def epoch() -> None:
        number = next(epochs)
        batches = (
            normalize(COLORS.apply(b.views[0], epoch=number, index=b.index), MEAN, STD)
            for b in loader.batches(number)
        )
        trained(training, batches, waiting)

    return epoch


def torchvisions(folder: Path, training: Training, waiting: list[float]) -> Callable[[], None]:
    has = COLORS
    jitter = v2.ColorJitter(has.brightness, has.contrast, has.saturation, has.hue)
    one = v2.Compose(
        [
            v2.RandomResizedCrop(SIDE, SCALE),
            v2.RandomHorizontalFlip(has.flip),
            v2.RandomApply([jitter], has.jitter),
            v2.RandomGrayscale(has.gray),
            v2.RandomApply([v2.GaussianBlur(3, has.blur_sigma)], has.blur),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    data = ImageFolder(str(folder), transform=lambda image: torch.stack([one(image), one(image)]))
    loader = DataLoader(data, BATCH, shuffle=True, drop_last=True, num_workers=WORKERS)
    return lambda: trained(training, (views for views, _ in loader), waiting)


def lightlys(folder: Path, training: Training, waiting: list[float]) -> Callable[[], None]:
    has = COLORS
    transform = SimCLRTransform(
        input_size=SIDE,
        cj_prob=has.jitter,
        cj_bright=has.brightness,
        cj_contrast=has.contrast,
        cj_sat=has.saturation,
        cj_hue=has.hue,
        min_scale=SCALE[0],
        random_gray_scale=has.gray,
        gaussian_blur=has.blur,
        sigmas=has.blur_sigma,
        hf_prob=has.flip,
    )
    data = LightlyDataset(str(folder), transform=transform)
    loader = DataLoader(data, BATCH, shuffle=True, drop_last=True, num_workers=WORKERS)
    batches = lambda: (torch.stack(list(views), dim=1) for views, *_ in loader)  # noqa: E731
    return lambda: trained(training, batches(), waiting)


def main(source: Path, count: int, rounds: int) -> None:
    torch.set_num_threads(1)
    found = sorted(source.rglob("*.jpg"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = copied(found, Path(scratch) / "files", count)
        names = ("tamecrop, fast", "tamecrop, full", "torchvision", "Lightly")
        waiting: dict[str, list[float]] = {name: [] for name in names}
        training = Training("resnet7w16", dtype=torch.float32, compiled=False)
        works = {
            names[0]: ours(folder, "fast", training, waiting[names[0]]),
            names[1]: ours(folder, "full", training, waiting[names[1]]),
            names[2]: torchvisions(folder, training, waiting[names[2]]),
            names[3]: lightlys(folder, training, waiting[names[3]]),
        }
        took: dict[str, list[float]] = {name: [] for name in works}
        for turn in range(rounds + 1):  # the first one warms up
            for name, work in works.items():
                started = time.perf_counter()
                work()
                if turn:
                    took[name].append(time.perf_counter() - started)
    images = count // BATCH * BATCH
    rates = {name: [images / each for each in times] for name, times in took.items()}
    part = report(
        f"{count} files, {SIDE} px, {WORKERS} workers, resnet7w16",
        "images/s",
        {name: statistics.median(each) for name, each in rates.items()},
    )
    ratios = {
        name: [ours / other for ours, other in zip(rates[names[0]], each, strict=True)]
        for name, each in rates.items()
    }
    part["ratios_of_rounds"] = {name: sorted(each) for name, each in ratios.items()}
    part["rates_of_rounds"] = rates
    part["waiting"] = {name: statistics.median(each[1:]) for name, each in waiting.items()}
    part["rounds"] = rounds
    write("loader", [part])


if __name__ == "__main__":
    arguments = [int(word) for word in sys.argv[2:]]
    main(Path(sys.argv[1]), *(arguments or [256, 5]))
