"""What views and a training step cost on this machine, beside other libraries' pipelines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2

from tamecrop.data import Batch, Dataset, ImageSet, Loading, ViewLoader
from tamecrop.data.cutting import Decode
from tamecrop.data.decode import decode
from tamecrop.geometry import PRESETS, Policy, ViewPlan, plan
from tamecrop.geometry.policy import policy
from tamecrop.learning import Pretraining, backbone, methods, one_thread, processes, training_state
from tamecrop.learning.config import SettledPrecision
from tamecrop.reporting.environment import Environment, environment
from tamecrop.studies.peers import MEAN, STD, CommonViews, Source, pipelines, versions
from tamecrop.studies.turns import Memory, Part, PeakMemory, Rate, Turn, measure
from tamecrop.views.photometric import Photometric, normalize, photometric
from tamecrop.views.tensors import cut_one

FILES, IMAGES, DRAWN = 32, 64, 4096
"""Images of a turn: files, images in memory, and those whose boxes are drawn."""

SCALE = (0.2, 1.0)
"""Of the crop that all libraries have: MoCo v2's."""


@dataclass(frozen=True)
class Bench:
    """What was measured.

    Args:
        data: as the user named it.
        images: of a turn.
        megapixels: of an image, the median.
        plan: of the views of the stages and of the step.
        batch_size: of the step.
        backbone: of the step.
        rounds: of turns.
        boxes: drawn by each preset policy.
        views: made end to end.
        colored: views made end to end, with colors.
        stages: of making colored views, each alone.
        step: `network`, a step without its views, and `views`, those of a step.
        views_share: of a training step whose views are made in the process that trains.
        memory: highest of the process.
        environment: hardware, threads, versions, commit.
        peers: versions of the other libraries.
        format: of this record.
    """

    data: str
    images: int
    megapixels: float
    plan: str
    batch_size: int
    backbone: str
    rounds: int
    boxes: Part
    views: Part
    colored: Part
    stages: Part
    step: Part
    views_share: float
    memory: Memory
    environment: Environment
    peers: dict[str, str]
    format: int = 1


def bench(
    dataset: Dataset,
    views: ViewPlan,
    config: Pretraining,
    *,
    rounds: int = 5,
    seconds: float = 0.2,
) -> Bench:
    """Measure boxes, views and training steps on some images of a data set.

    Args:
        dataset: of which the first train images are used.
        views: of the stages and of the step; a group without a size gets `default_size`.
        config: of the step: network, method, optimizer, batch, colors.
        rounds: of turns.
        seconds: of a turn, at least.

    Raises:
        ValueError: for views that the method cannot use.
    """
    config = processes.settle_precision(config)
    size = config.size or default_size(dataset.train)
    sized = views.at_size(size)
    methods.require_usable(config.method, sized, batch_size=config.batch_size)
    sample = dataset.train.subset(
        np.arange(min(len(dataset.train), IMAGES if dataset.train.paths is None else FILES))
    )
    colors = photometric(config.photometric).for_channels(sample.channels)
    how = _How(rounds, seconds)
    most = PeakMemory()
    with one_thread():
        boxes = Part(
            "boxes, one thread", "boxes/s", replace(how, seconds=seconds / 2)(_boxes(sample))
        )
        made, missing = _views(sample, sized, size, None)
        crops = Part("views without colors, one thread", "views/s", how(made), missing)
        made, missing = _views(sample, sized, size, colors)
        colored = Part("views with colors, one thread", "views/s", how(made), missing)
        stages = Part("stages alone, one thread", "views/s", how(_stages(sample, sized, colors)))
    memory = most.since_before()
    rivals = _step(sample, sized, config, colors)
    step = Part("a training step", "images/s", replace(how, seconds=0.0)(rivals))
    network, making = (1 / step.rate(name) for name in ("network", "views"))
    on_device = torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None
    return Bench(
        data=dataset.name,
        images=len(sample),
        megapixels=round(float(np.median(sample.sizes.prod(axis=1))) / 1e6, 4),
        plan=str(sized),
        batch_size=config.batch_size,
        backbone=config.backbone,
        rounds=rounds,
        boxes=boxes,
        views=crops,
        colored=colored,
        stages=stages,
        step=step,
        views_share=making / (making + network),
        memory=Memory(memory, most.since_before(), on_device),
        environment=environment(),
        peers=versions(),
    )


def default_size(images: ImageSet) -> int:
    """Side of views where none is stated: that of small images of one size, or 224.

    >>> default_size(ImageSet.in_memory(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)))
    32
    """
    side = int(images.sizes.min())
    return side if images.one_size and side <= 96 else 224


@dataclass(frozen=True)
class _How:
    rounds: int
    seconds: float

    def __call__(self, rivals: Mapping[str, Turn]) -> tuple[Rate, ...]:
        return measure(rivals, rounds=self.rounds, seconds=self.seconds)


def _boxes(sample: ImageSet) -> dict[str, Turn]:
    sizes = np.resize(sample.sizes, (DRAWN, 2))
    middle = np.concatenate([sizes[:, ::-1] / 4, sizes[:, ::-1] * 0.75], axis=1)

    def drawn(name: str) -> Turn:
        each: Policy = policy(name)
        views, given = each.needs_views or 2, middle if each.needs_boxes else None

        def turn(number: int) -> int:
            return each.draw(sizes, views=views, epoch=number, object_boxes=given)[..., 0].size

        return turn

    crop = v2.RandomResizedCrop(32, SCALE)
    torchvisions_draw = crop.make_params if hasattr(crop, "make_params") else crop._get_params
    images = [torch.empty(1, 1, 1).expand(1, *size) for size in sizes[:64].tolist()]

    def torchvisions(_: int) -> int:
        return len([torchvisions_draw([image]) for image in images])

    return {name: drawn(name) for name in PRESETS} | {"torchvision's rrc": torchvisions}


def _views(
    sample: ImageSet, sized: ViewPlan, size: int, colors: Photometric | None
) -> tuple[dict[str, Turn], tuple[str, ...]]:
    """End to end: ours on the common crop and on the user's plan, and the others on the crop."""
    common = plan(f"2x rrc:scale={SCALE[0]:g}..{SCALE[1]:g} @{size}")
    hows: tuple[Decode, ...] = ("full",) if sample.paths is None else ("fast", "full")
    shown = " --training.decode {}" if len(hows) > 1 else ""
    works: dict[str, Turn] = {
        "tamecrop" + shown.format(how): _ours(sample, common, colors, how) for how in hows
    }
    if sized != common:
        works[f"tamecrop {sized}"] = _ours(sample, sized, colors, hows[-1])
    if sample.channels != 3:  # the others' colors and files are RGB
        return works, ()
    sources: Sequence[Source] = sample.paths or list(sample.pixels)  # type: ignore[arg-type]
    found, missing = pipelines(CommonViews(2, size, SCALE, colors))
    for name, work in found.items():
        works[name] = lambda _, work=work: (work(sources), 2 * len(sources))[1]  # type: ignore[misc]
    return works, missing


def _loader(sample: ImageSet, views: ViewPlan, how: Decode) -> ViewLoader:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return ViewLoader(sample, views, Loading(batch_size=len(sample), decode=how), device)


def _ours(sample: ImageSet, views: ViewPlan, colors: Photometric | None, how: Decode) -> Turn:
    loader = _loader(sample, views, how)

    def turn(number: int) -> int:
        (batch,) = loader.batches(number)
        if colors is not None:
            _colored(batch, views, colors)
        return len(sample) * views.views

    return turn


def _colored(batch: Batch, views: ViewPlan, colors: Photometric) -> list[Tensor]:
    mean, std = (MEAN, STD) if batch.views[0].shape[2] == 3 else ((0.5,), (0.25,))
    return [
        normalize(colors.apply(group, index=batch.index, first_view=first), mean, std)
        for group, first in zip(batch.views, views.first_views, strict=True)
    ]


def _stages(sample: ImageSet, views: ViewPlan, colors: Photometric) -> dict[str, Turn]:
    """Each stage alone, on what the one before it gives; to decode a file is to read it too."""
    (batch,) = _loader(sample, views, "full").batches(0)
    works: dict[str, Callable[[int], object]] = {}
    if sample.paths is None:
        works["draw and cut"] = _ours(sample, views, None, "full")
    else:
        paths, decoding = sample.paths, sample.decoding
        pixels = [decode(path, decoding) for path in paths]
        works["read"] = lambda _: [path.read_bytes() for path in paths]
        works["read and decode"] = lambda _: [decode(path, decoding) for path in paths]
        works["draw and cut"] = lambda number: _cut(pixels, views, number)
    works["color"] = lambda _: _colored(batch, views, colors)
    items = len(sample) * views.views

    def counted(work: Callable[[int], object]) -> Turn:
        return lambda number: (work(number), items)[1]

    return {name: counted(work) for name, work in works.items()}


def _cut(images: Sequence[Tensor], views: ViewPlan, number: int) -> object:
    sizes = [image.shape[-2:] for image in images]
    boxes = views.draw(sizes, epoch=number)
    return [
        cut_one(image, part[row], size=group.size, content=group.policy.content)
        for row, image in enumerate(images)
        for group, part in zip(views.groups, boxes, strict=True)
    ]


def _step(
    sample: ImageSet, views: ViewPlan, config: Pretraining, colors: Photometric
) -> dict[str, Turn]:
    """A step on views that are there, and making the views of as many images."""
    fabric = processes.fabric(cast(SettledPrecision, config.precision))
    with torch.random.fork_rng():
        network = backbone(config.backbone, stem=config.stem, channels=sample.channels)
        method = methods.method(config.method, network, passes=config.passes)
    model, optimizer = fabric.setup(
        method.to(memory_format=torch.channels_last).train(),
        training_state.optimizer(
            config.optimizer,
            method,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
        ),
    )
    (batch,) = _loader(sample, views, "full").batches(0)
    rows = torch.arange(config.batch_size).remainder(len(sample)).to(fabric.device)
    ready = [group[rows].to(fabric.device) for group in _colored(batch, views, colors)]
    making = _ours(sample, views, colors, config.decode)

    def train(_: int) -> int:
        optimizer.zero_grad(set_to_none=True)
        fabric.backward(model(ready))
        optimizer.step()
        method.after_step(0.5)
        return config.batch_size

    return {"network": train, "views": lambda number: making(number) // views.views}
