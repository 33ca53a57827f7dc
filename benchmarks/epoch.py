"""One epoch of the paper's protocol: tamecrop's two loaders, the authors' way, Lightly's loader.

Every rival trains the same network with the same loss and optimizer; the authors' way does so in
float32, as they did, the others in bfloat16 where the machine computes in it. Rivals take turns in
one run. Also: where the time of a step goes, and what share of the machine's matrix rate the
training step reaches.

Run: .venv/bin/python benchmarks/epoch.py            (all of CIFAR-10's size on a GPU)
     .venv/bin/python benchmarks/epoch.py --images 1024 --rounds 3 --name epoch_cpu
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from lightly.data import LightlyDataset
from lightly.transforms.multi_view_transform import MultiViewTransform
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms import v2

import tamecrop as tc
from common import report, write
from tamecrop.data.images import ImageSet
from tamecrop.data.loader import Loading, ViewLoader
from tamecrop.geometry.plans import plan
from tamecrop.learning import methods
from tamecrop.learning.backbones import backbone
from tamecrop.learning.config import Stem
from tamecrop.learning.processes import computes_in_bfloat16
from tamecrop.learning.training_state import optimizer
from tamecrop.paper.published import best, faithful
from tamecrop.views.cut import cut
from tamecrop.views.photometric import normalize, photometric

SIDE, BATCH = 32, 512
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
DTYPE = torch.bfloat16 if computes_in_bfloat16() else torch.float32
"""A CPU without such instructions emulates bfloat16 ten times slower than float32."""
SCALES = {20: 0.4, 28: 0.8}
STEP = photometric("paper")


def synchronize() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def law(side: int) -> tc.Policy:
    published = best("gcc", SCALES[side])
    return faithful("gcc", SCALES[side], published.alpha)


class Training:
    """The paper's network, loss and optimizer; one call is one step."""

    def __init__(
        self, name: str, *, dtype: torch.dtype, compiled: bool, stem: Stem = "small"
    ) -> None:
        self.dtype = dtype
        text = "simclr:projector=linear,temperature=0.1"
        model = methods.method(text, backbone(name, stem=stem), passes="per_view")
        self.model = model.to(DEVICE, memory_format=torch.channels_last).train()
        if compiled:
            self.model.backbone.compile(dynamic=False)
        self.optimizer = optimizer("adam", model, learning_rate=0.01, weight_decay=0.0)

    def forward(self, views: Tensor) -> Tensor:
        """The loss of normalized views."""
        with torch.autocast(DEVICE.type, self.dtype, enabled=self.dtype != torch.float32):
            loss: Tensor = self.model([views])
        return loss

    def __call__(self, views: Tensor) -> float:
        """One step; the loss."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.forward(views)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def prepared(loader: ViewLoader, epoch: int) -> Iterator[Tensor]:
    for batch in loader.batches(epoch):
        views = STEP.apply(batch.views[0], seed=0, epoch=epoch, index=batch.index)
        yield normalize(views, MEAN, STD)


def ours(images: ImageSet, side: int, training: Training, **loading: object) -> Callable[[], None]:
    loader = ViewLoader(images, plan(law(side)), Loading(batch_size=BATCH, **loading), DEVICE)
    epochs = itertools.count()

    def epoch() -> None:
        views = prepared(loader, next(epochs))
        here = next(views, None)
        while here is not None:
            training.optimizer.zero_grad(set_to_none=True)
            loss = training.forward(here)
            loss.backward()
            here = next(views, None)  # made while the device is at the step, as in pretrain
            loss.item()
            training.optimizer.step()

    return epoch


class Pictures(Dataset):
    """PIL images, as torchvision's CIFAR10 gives them."""

    def __init__(self, images: ImageSet, transform: Callable | None = None) -> None:
        self.pictures = [Image.fromarray(p.permute(1, 2, 0).numpy()) for p in images.pixels]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[object, int]:
        picture = self.pictures[index]
        return (self.transform(picture) if self.transform else picture), 0


def colors(crop: Callable) -> v2.Compose:
    return v2.Compose(
        [
            crop,
            v2.RandomHorizontalFlip(),
            v2.GaussianBlur(3),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )


class CenteredByNumpy:
    """A Gaussian-centered crop of one picture: one NumPy draw, one PIL crop."""

    def __init__(self, side: int, alpha: float) -> None:
        self.side, self.covariance = side, [[alpha * SIDE, 0], [0, alpha * SIDE]]

    def __call__(self, picture: Image.Image) -> Image.Image:
        """The crop, filled with black where it leaves the picture."""
        center = np.random.multivariate_normal([SIDE // 2] * 2, self.covariance)  # noqa: NPY002
        x, y = center.astype(int) - self.side // 2
        return picture.crop((x, y, x + self.side, y + self.side))


def authors_way(
    images: ImageSet, side: int, training: Training, workers: int
) -> Callable[[], None]:
    one = colors(CenteredByNumpy(side, law(side).center.alpha))
    pairs = Pictures(images, lambda picture: torch.stack([one(picture), one(picture)]))
    loader = DataLoader(
        pairs, BATCH, shuffle=True, num_workers=workers, pin_memory=DEVICE.type == "cuda"
    )

    def epoch() -> None:
        for views, _ in loader:
            training(views.to(DEVICE))

    return epoch


def lightlys_way(
    images: ImageSet, side: int, training: Training, workers: int
) -> Callable[[], None]:
    crop = colors(v2.RandomCrop(side))
    transform = MultiViewTransform([crop, crop])
    data = LightlyDataset.from_torch_dataset(Pictures(images), transform=transform)
    loader = DataLoader(
        data, BATCH, shuffle=True, num_workers=workers, pin_memory=DEVICE.type == "cuda"
    )

    def epoch() -> None:
        for views, _, _ in loader:
            training(torch.stack(list(views), dim=1).to(DEVICE))

    return epoch


def seconds(work: Callable[[], object]) -> float:
    synchronize()
    started = time.perf_counter()
    work()
    synchronize()
    return time.perf_counter() - started


def stages(images: ImageSet, side: int, training: Training) -> dict[str, float]:
    """Seconds of each stage of one step, the median over ten, each waited for."""
    policy, index = law(side), np.arange(BATCH)
    pixels = images.pixels[:BATCH].to(DEVICE)
    found: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], object]) -> object:
        results: list[object] = []
        took = seconds(lambda: results.append(work()))
        found.setdefault(name, []).append(took)
        return results[0]

    for epoch in range(12):
        boxes = timed("draw", lambda e=epoch: policy.draw((SIDE, SIDE), epoch=e, index=index))
        views = timed("cut", lambda b=boxes: cut(pixels, b, content=policy.content))
        colored = timed(
            "photometric",
            lambda v=views, e=epoch: normalize(STEP.apply(v, epoch=e, index=index), MEAN, STD),
        )
        training.optimizer.zero_grad(set_to_none=True)
        loss = timed("forward", lambda c=colored: training.forward(c))
        timed("backward", loss.backward)
        timed("optimizer", training.optimizer.step)
    return {name: statistics.median(times[2:]) for name, times in found.items()}


def matrix_rate() -> float:
    """Measured multiply-adds of a large square product in `DTYPE`, in operations a second."""
    side = 8192 if DEVICE.type == "cuda" else 2048
    one = torch.randn(side, side, device=DEVICE, dtype=DTYPE)
    took = [seconds(lambda: one @ one) for _ in range(12)]
    return 2 * side**3 / statistics.median(took[2:])


def operations(side: int, name: str) -> float:
    """Operations of forward and backward for one step."""
    training = Training(name, dtype=torch.float32, compiled=False)
    views = torch.randn(8, 2, 3, side, side, device=DEVICE)
    with FlopCounterMode(display=False) as counter:
        training.forward(views).backward()
    return counter.get_total_flops() * BATCH / 8


def measure(side: int, arguments: argparse.Namespace) -> list[dict[str, object]]:
    pixels = torch.randint(0, 256, (arguments.images, 3, SIDE, SIDE), dtype=torch.uint8)
    images = ImageSet.in_memory(pixels)
    compiled = Training(arguments.backbone, dtype=DTYPE, compiled=arguments.execution == "compiled")
    eager = Training(arguments.backbone, dtype=DTYPE, compiled=False)
    as_published = Training(arguments.backbone, dtype=torch.float32, compiled=False)
    workers = arguments.workers
    rivals = {
        "tamecrop, resident": ours(images, side, compiled),
        "tamecrop, streamed": ours(images, side, compiled, source="streamed", workers=workers),
        "Lightly's loader": lightlys_way(images, side, eager, workers),
        "the authors' way": authors_way(images, side, as_published, workers),
    }
    first = {name: seconds(epoch) for name, epoch in rivals.items()}
    rounds = [{n: seconds(epoch) for n, epoch in rivals.items()} for _ in range(arguments.rounds)]
    took = {name: statistics.median(each[name] for each in rounds) for name in rivals}
    rates = {name: arguments.images / each for name, each in took.items()}
    title = f"one epoch of {arguments.images} images, {side} px, {arguments.backbone}"
    epochs = report(title, "images/s", rates)
    epochs["seconds"] = took
    epochs["first_epoch_seconds_with_compiling"] = first
    epochs["rounds"] = arguments.rounds
    epochs["workers"] = workers
    return [epochs, where_it_goes(images, side, compiled, arguments.backbone)]


def where_it_goes(images: ImageSet, side: int, training: Training, name: str) -> dict[str, object]:
    parts = stages(images, side, training)
    total = sum(parts.values())
    print(f"\nwhere a step of {BATCH} images at {side} px goes")
    for stage, took in parts.items():
        print(f"  {stage:<12} {1000 * took:>9.2f} ms  {100 * took / total:>5.1f} %")
    network = parts["forward"] + parts["backward"]
    reached, rate = operations(side, name) / network, matrix_rate()
    views = sum(parts[stage] for stage in ("draw", "cut", "photometric")) / total
    print(
        f"  views {100 * views:.1f} % of the step; {100 * reached / rate:.0f} % of the matrix rate"
    )
    return {
        "title": f"where a step goes, {side} px",
        "seconds": parts,
        "views_share": views,
        "operations_per_second": reached,
        "matrix_rate": rate,
        "share_of_matrix_rate": reached / rate,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    on_gpu = DEVICE.type == "cuda"
    parser.add_argument("--images", type=int, default=50_000 if on_gpu else 1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--execution", default="compiled" if on_gpu else "eager")
    parser.add_argument("--workers", type=int, default=min(torch.get_num_threads(), 16))
    parser.add_argument("--sides", type=int, nargs="+", default=[20, 28])
    parser.add_argument("--name", default="epoch" if on_gpu else "epoch_cpu")
    arguments = parser.parse_args()
    write(arguments.name, [part for side in arguments.sides for part in measure(side, arguments)])


if __name__ == "__main__":
    main()
