"""References that learn on the data itself, a small network or a probe on a run; their mean."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tamecrop.audit.reference.judge import RIMS, Agreement, ReferenceAccuracy
from tamecrop.audit.reference.network import Reference
from tamecrop.audit.reference.pixels import CHUNK, Pixels, decode_pixels, decode_squares
from tamecrop.data import ImageSet, carve, statistics
from tamecrop.data.images import COLOR_CONSTANTS
from tamecrop.geometry import Draw, keys
from tamecrop.geometry.policy import policy
from tamecrop.learning import Features, Judged, backbone, fit_best, open_run
from tamecrop.views.photometric import normalize, unit

MOST_SIDE = 64
"""A run that did not resize gets views of the images' own side, at most this."""

SMALL_SIDE = 48
"""The input of the small network has the images' own side, at most this."""

VIEWS = 32_000
"""Views of 32 px that the small network learns from; fewer of larger ones, for the same time."""

MIXTURE = (
    ("rrc:scale=0.08..1", 0.4),
    ("rc_pad:scale=1,padding=0.25", 0.12),
    ("rc_pad:scale=0.5,padding=0.3", 0.12),
    ("gcc:scale=0.8,sigma=0.3", 0.12),
    ("gcc:scale=0.4,sigma=0.3,border=recenter", 0.12),
    ("cgcc:scale=0.3,sigma=0.3", 0.06),
    ("gcc:scale=0.3,sigma=0.3,border=reflect", 0.06),
)
"""What it learns from, with shares: every extent, position, fill and border that it judges.

One trained on crops inside the image does not recognize views with fill, and one trained on whole
images alone no small crops; what it would then measure is that, and not the label.
"""

_LEAST_VIEWS = 6_000
_PASSES = 4
_MOST_PASSES = 60
_BATCH = 128
_RATE = 3e-3
_CHOSEN = 0.1
_COLORS = 2000


def train_small(learn: ImageSet, classes: int, *, seed: int = 0) -> Reference:
    """Train a small network on the spot: seven layers, crops of `MIXTURE`, 20 s on a core.

    Args:
        learn: labeled images.
        classes: number of classes.
        seed: key of weights, order and crops.
    """
    side = min(SMALL_SIDE, int(learn.sizes.max()))
    views = max(_LEAST_VIEWS, round(VIEWS * (32 / side) ** 2 * min(1, 32 / side)))
    views = min(views, _MOST_PASSES * len(learn))  # a few images teach no more after that
    whole, labels = _take_squares(learn, side, most=views // _PASSES)
    mean, std = statistics(whole)
    network = _Small(classes, len(mean), seed)
    _train(network, (whole, labels), views=views, seed=seed, colors=(mean, std))
    name = f"a small network trained on {len(whole):,} images"
    return Reference(name, side, network.backbone, network.head, mean, std, trained_on_fill=True)


class _Small(nn.Module):
    """The narrow backbone with a linear layer; weights are a function of the seed."""

    def __init__(self, classes: int, channels: int, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.backbone = backbone("resnet7w16", channels=channels)
            self.head = nn.Linear(self.backbone.features, classes)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.head(self.backbone(images))
        return scores


def _take_squares(learn: ImageSet, side: int, *, most: int) -> tuple[Tensor, Tensor]:
    """At most so many whole images resized to squares, with their labels."""
    assert learn.labels is not None, "a reference learns from labeled images"
    some = learn.subset(keys.permutation(len(learn), seed=0, epoch=0)[:most])
    whole, kept = decode_squares(some, side=side)
    assert some.labels is not None, "a subset of labeled images is labeled"
    return whole, some.labels[torch.from_numpy(kept)]


def _train(
    network: nn.Module,
    labeled: tuple[Tensor, Tensor],
    *,
    views: int,
    seed: int,
    colors: tuple[tuple[float, ...], tuple[float, ...]],
) -> None:
    """Adam under a cosine from its top to zero, on one crop of each image a pass."""
    whole, labels = labeled
    network.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=_RATE)
    passes = math.ceil(views / len(whole))
    per_pass = math.ceil(len(whole) / _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=_RATE, total_steps=passes * per_pass
    )
    source = decode_pixels(ImageSet.in_memory(whole), most_side=whole.shape[-1])
    for epoch in range(passes):
        crops = _cut_crops(source, seed=seed, epoch=epoch)
        order = torch.from_numpy(keys.permutation(len(whole), seed=seed, epoch=epoch))
        for batch in order.split(_BATCH):
            inputs = normalize(unit(crops[batch]), *colors)
            scores = network(inputs.contiguous(memory_format=torch.channels_last))
            loss = cross_entropy(scores, labels[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    network.eval()


def _cut_crops(source: Pixels, *, seed: int, epoch: int) -> Tensor:
    """One crop `(N, C, side, side)` of each square image, its policy chosen from the mixture."""
    count, side = len(source), int(source.sizes[0, 0])
    policies, shares = zip(*MIXTURE, strict=True)
    drawn = keys.uniform(seed, epoch, np.arange(count), 0, Draw.REFERENCE_CROP)
    chosen = np.searchsorted(np.cumsum(shares)[:-1], drawn, side="right")
    views: Tensor | None = None
    for number, text in enumerate(policies):
        rows = np.flatnonzero(chosen == number)
        if not rows.size:
            continue
        crops, some = policy(text), source.take(rows)
        boxes = crops.draw(some.sizes, views=1, seed=seed, epoch=epoch, index=rows)
        parts = some.cut_views(boxes, side=side, contents=(crops.content,))
        for part, places in zip(parts, torch.from_numpy(rows).split(CHUNK), strict=True):
            views = part.new_empty(count, *part.shape[2:]) if views is None else views
            views[places] = part[:, 0]
    assert views is not None, "a reference learns from at least one image"
    return views


def load_run_with_probe(folder: Path, learn: ImageSet, classes: int) -> Reference:
    """Load a finished tamecrop run and fit the frozen probe on the data that is audited.

    The penalty of the probe is chosen on a tenth of the images that it may learn from.

    Args:
        folder: of `tamecrop pretrain`, or a cell's.
        learn: labeled images.
        classes: number of classes.

    Raises:
        ValueError: when the folder holds no checkpoint.
    """
    run = load_run(folder, learn)
    parts = [_compute_features(run, learn.subset(part)) for part in carve(learn, _CHOSEN)]
    linear = fit_best(Judged(parts[0], parts[1], parts[1], classes))
    name = f"{run.name}, with a probe fitted on {len(parts[0].labels):,} images"
    return Reference(name, run.side, run.body, linear.scores, run.mean, run.std, run.mean)


def load_run(folder: Path, images: ImageSet) -> Reference:
    """Load the backbone of a finished run, for views of the side it was trained on.

    Args:
        folder: of the run.
        images: whose colors are normalized; a run that did not resize looks at views of their
            side, at most 64.
    """
    run = open_run(folder)
    side = run.size or min(MOST_SIDE, int(images.sizes.max()))
    whole, _ = decode_squares(images.subset(np.arange(min(len(images), _COLORS))), side=side)
    mean, std = statistics(whole)
    colors = (mean, std) if run.normalize == "train" else COLOR_CONSTANTS[run.normalize]
    return Reference(f"run {folder}", side, run.backbone, None, *colors, mean)


def _compute_features(run: Reference, images: ImageSet) -> Features:
    whole, labels = _take_squares(images, run.side, most=VIEWS)
    return Features(run.run(whole).features, labels)


JUDGED = 0.9
"""It judges views with fill while its accuracy on whole images with as much is this share of that
without."""


def average_accuracy(found: Sequence[ReferenceAccuracy]) -> ReferenceAccuracy:
    """The means over references of different seeds on the same images."""
    first = found[0]
    if len(found) == 1 or first.accuracy is None:
        return first

    def average(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
        return {key: float(np.mean([table[key] for table in tables])) for key in tables[0]}

    return replace(
        first,
        name=f"{len(found)} times {first.name}",
        correct=round(float(np.mean([each.correct or 0 for each in found]))),
        accuracy=float(np.mean([each.accuracy or 0.0 for each in found])),
        crop_accuracy=average([each.crop_accuracy for each in found]),
        padded_accuracy=average([each.padded_accuracy for each in found]),
        references=len(found),
    )


def average_agreement(found: Sequence[Agreement]) -> Agreement:
    """The means over references of different seeds; their spread enters the standard errors."""

    def combine(values: Sequence[float], errors: Sequence[float]) -> float:
        training = np.var(values, ddof=1) / len(values) if len(values) > 1 else 0.0
        return float(np.sqrt(np.mean(np.square(errors)) + training))

    views, pairs = (
        [getattr(each, name) for each in found] for name in ("label_agreement", "pair_agreement")
    )
    return Agreement(
        label_agreement=float(np.mean(views)),
        pair_agreement=float(np.mean(pairs)),
        error=combine(views, [each.error for each in found]),
        pair_error=combine(pairs, [each.pair_error for each in found]),
    )


def explain_unjudged(
    reference: Reference, accuracy: ReferenceAccuracy, content_share: float
) -> str | None:
    """Why a reference cannot judge views with as much fill, or None where it can.

    A network that was not trained on fill gets its mean color there. Whole images with a rim tell
    how much of it the network bears: the one with no more content than the views decides.

    Args:
        reference: the network.
        accuracy: how good it is.
        content_share: mean share of the views that is image.
    """
    if reference.trained_on_fill or accuracy.accuracy is None or content_share > 0.999:
        return None
    contents = {rim: (1 + 2 * rim) ** -2 for rim in RIMS}
    enough = [rim for rim in RIMS if contents[rim] <= content_share] or [RIMS[-1]]
    rim = enough[0]
    padded = accuracy.padded_accuracy[f"{rim:g}"]
    if contents[rim] <= content_share and padded >= JUDGED * accuracy.accuracy:
        return None
    return (
        f"views are {100 * (1 - content_share):.0f} % fill, and the reference recognizes "
        f"{100 * padded:.0f} % of whole images with {100 * (1 - contents[rim]):.0f} % fill "
        f"against {100 * accuracy.accuracy:.0f} % without"
    )
