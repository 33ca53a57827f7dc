"""Training on a folder of JPEG files with two workers: our loader, torchvision's way, Lightly's.

Every rival trains the same network with the same loss and optimizer, on as many views of the same
files and the same colors, which all make in their workers: no network, one that starts by shrinking
views to a quarter of their side, as is usual at this size, and one that halves it. All take turns
in each round; worker processes are started anew in each epoch. Beside the rate the
CPU time of all processes is counted, which other work on the machine changes less. `python
benchmarks/loader.py FOLDER [IMAGES] [ROUNDS]` writes `results/benchmarks/loader.json`; the last
network gets a fourth of the images.
"""

import itertools
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import torch
from lightly.data import LightlyDataset
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
from tamecrop.studies.peers import MEAN, STD, CommonViews, lightly_transform, torchvision_transform
from tamecrop.views.photometric import Finish, photometric

SIDE, BATCH, WORKERS, SCALE = 224, 32, 2, (0.2, 1.0)
COLORS = photometric("simclr")
COMMON = CommonViews(2, SIDE, SCALE, COLORS)
RIVALS = ("tamecrop, fast", "tamecrop, full", "torchvision", "Lightly")
Step = Callable[[Tensor], float]


def copied(found: list[Path], place: Path, count: int) -> Path:
    """A folder of as many files, some of them several times."""
    place.joinpath("all").mkdir(parents=True)
    for number, source in zip(range(count), itertools.cycle(found), strict=False):
        shutil.copy(source, place / "all" / f"{number:05d}.jpg")
    return place


def trained(training: Step, batches: Iterable[Tensor], waiting: list[float]) -> None:
    clock = Clock(0.0, 0)
    for views in clock.watch(iter(batches)):
        training(views)
    waiting.append(clock.waiting)


def ours(folder: Path, how: str, training: Step, waiting: list[float]) -> Callable[[], None]:
    images = find(folder, needs=("pixels",)).train
    loading = Loading(batch_size=BATCH, last="drop", decode=how, workers=WORKERS)
    views = plan(f"2x rrc:scale={SCALE[0]}..{SCALE[1]} @{SIDE}")
    loader = ViewLoader(images, views, loading, finish=Finish(COLORS, MEAN, STD))
    epochs = itertools.count()
    return lambda: trained(training, (b.views[0] for b in loader.batches(next(epochs))), waiting)


def torchvisions(folder: Path, training: Step, waiting: list[float]) -> Callable[[], None]:
    one = torchvision_transform(COMMON, v2.PILToTensor())
    data = ImageFolder(str(folder), transform=lambda image: torch.stack([one(image), one(image)]))
    loader = DataLoader(data, BATCH, shuffle=True, drop_last=True, num_workers=WORKERS)
    return lambda: trained(training, (views for views, _ in loader), waiting)


def lightlys(folder: Path, training: Step, waiting: list[float]) -> Callable[[], None]:
    data = LightlyDataset(str(folder), transform=lightly_transform(COMMON))
    loader = DataLoader(data, BATCH, shuffle=True, drop_last=True, num_workers=WORKERS)
    batches = lambda: (torch.stack(list(views), dim=1) for views, *_ in loader)  # noqa: E731
    return lambda: trained(training, batches(), waiting)


def without_network(views: Tensor) -> float:
    """A step that costs next to nothing: what is left is the loader and its colors."""
    return views.mean().item()


def measured(folder: Path, name: str, training: Step, count: int, rounds: int) -> dict[str, object]:
    waiting: dict[str, list[float]] = {rival: [] for rival in RIVALS}
    works = {
        RIVALS[0]: ours(folder, "fast", training, waiting[RIVALS[0]]),
        RIVALS[1]: ours(folder, "full", training, waiting[RIVALS[1]]),
        RIVALS[2]: torchvisions(folder, training, waiting[RIVALS[2]]),
        RIVALS[3]: lightlys(folder, training, waiting[RIVALS[3]]),
    }
    took: dict[str, list[float]] = {rival: [] for rival in works}
    used: dict[str, list[float]] = {rival: [] for rival in works}
    images = count // BATCH * BATCH
    for turn in range(rounds + 1):  # the first one warms up
        for rival, work in works.items():
            started, before = time.perf_counter(), sum(os.times()[:4])
            work()
            if turn:
                took[rival].append(time.perf_counter() - started)
                used[rival].append((sum(os.times()[:4]) - before) / images * 1e3)
    rates = {rival: [images / each for each in times] for rival, times in took.items()}
    part = report(
        f"{count} files, {SIDE} px, {WORKERS} workers, {name}",
        "images/s",
        {rival: statistics.median(each) for rival, each in rates.items()},
    )
    part["ratios_of_rounds"] = {
        rival: sorted(one / other for one, other in zip(rates[RIVALS[0]], each, strict=True))
        for rival, each in rates.items()
    }
    part["rates_of_rounds"] = rates
    part["cpu_milliseconds_an_image"] = used
    part["cpu_time_over_first"] = {
        rival: statistics.median(
            one / other for one, other in zip(each, used[RIVALS[0]], strict=True)
        )
        for rival, each in used.items()
    }
    print({rival: round(ratio, 2) for rival, ratio in part["cpu_time_over_first"].items()})
    part["waiting"] = {rival: statistics.median(each[1:]) for rival, each in waiting.items()}
    part["rounds"] = rounds
    return part


def main(source: Path, count: int, rounds: int) -> None:
    torch.set_num_threads(1)
    found = sorted(source.rglob("*.jpg"))
    train = partial(Training, "resnet7w16", dtype=torch.float32, compiled=False)
    steps: dict[str, tuple[int, Step]] = {
        "no network": (count, without_network),
        "resnet7w16, stem imagenet": (count, train(stem="imagenet")),
        "resnet7w16, stem small": (count // 4, train(stem="small")),
    }
    with tempfile.TemporaryDirectory() as scratch:
        parts = []
        for name, (number, step) in steps.items():
            folder = copied(found, Path(scratch) / name, number)
            parts.append(measured(folder, name, step, number, rounds))
    write("loader", parts)


if __name__ == "__main__":
    arguments = [int(word) for word in sys.argv[2:]]
    main(Path(sys.argv[1]), *(arguments or [512, 5]))
