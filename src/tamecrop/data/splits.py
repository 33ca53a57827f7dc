"""Dividing images into train, validation and test, and what must hold between the three."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tamecrop.data.images import Dataset, ImageSet
from tamecrop.geometry import Draw, keys, rules

Ints = NDArray[np.int64]

_FEW = 100
"""In a smaller test split one image is more than a point of accuracy."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images in train, validation and test.

    Args:
        sets: in this order.
        notes: sentences that a person should know.
    """

    sets: tuple[ImageSet, ImageSet, ImageSet]
    notes: tuple[str, ...] = ()


def complete(
    train: ImageSet,
    validation: ImageSet | None,
    test: ImageSet | None,
    *,
    share: float,
    seed: int,
    name: str,
) -> Split:
    """Carve the splits that a set lacks out of its train images, each `share` of what is there.

    The choice is a pure function of the seed and spreads over the classes. The last train image
    of a class is never taken, unless no class has another one. The test split is carved first,
    so asking for another share of validation never touches it.

    Raises:
        ValueError: unless 0 < share < 1/2, or when too few images are left.
    """
    rules.require("validation", "0 < validation < 0.5", share, holds=0 < share < 0.5)
    before = _labels(train)
    if test is None:
        train, test = _carve(train, share, seed=seed, draw=Draw.TEST, name=name)
    if validation is None:
        train, validation = _carve(train, share, seed=seed, draw=Draw.VALIDATION, name=name)
    lost = len(before - _labels(train))
    notes = (f"{lost} of {len(before)} classes have no image left to learn from: they had one",)
    return Split((train, validation, test), notes if lost else ())


def carve(images: ImageSet, share: float) -> tuple[Ints, Ints]:
    """Places of what is left, and of a share that spreads over the classes, by a fixed key.

    Raises:
        ValueError: unless 0 < share < 1/2.
    """
    rules.require("share", "0 < share < 0.5", share, holds=0 < share < 0.5)
    chosen = _chosen(images, share, seed=0, draw=Draw.CARVED)
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def number_labels(
    labels: Mapping[str, NDArray[Any] | None], own: Sequence[str] | None, *, name: str
) -> tuple[tuple[str, ...] | None, dict[str, torch.Tensor | None]]:
    """Names of the classes, and the number of each image's class.

    Args:
        labels: of each split, whole numbers or texts, `(N,)`.
        own: names of the whole numbers from 0 on; by default the labels that there are name the
            classes, in their order.
        name: of the data, for messages.

    Raises:
        ValueError: for numbers in a split and texts in another.
    """
    known = {split: each for split, each in labels.items() if each is not None}
    if "train" not in known:
        return None, dict.fromkeys(labels)
    are_texts = {each.dtype.kind == "U" for each in known.values()}
    if len(are_texts) > 1:
        raise ValueError(f"{name}: labels must be integers in every split, or texts in every split")
    places = known
    if own is None or are_texts == {True}:
        values = np.unique(np.concatenate([*known.values()]))
        places = {split: np.searchsorted(values, each) for split, each in known.items()}
        own = [str(value) for value in values.tolist()]
    tensors = {s: torch.from_numpy(each.astype(np.int64)) for s, each in places.items()}
    return tuple(own), dict.fromkeys(labels) | tensors


def require_classes(splits: Sequence[ImageSet], classes: Sequence[str], *, name: str) -> None:
    """Require that every class has an image to learn from.

    Args:
        splits: the train images first.
        classes: names of the labels `0 .. len(classes) - 1`.
        name: of the data set, for the error.

    Raises:
        ValueError: naming the first class that train lacks, or a label without a class.
    """
    found = [_labels(split) for split in splits]
    beyond = [label for labels in found for label in labels if not 0 <= label < len(classes)]
    if beyond:
        raise ValueError(f"{name}: label {beyond[0]} is not one of 0 to {len(classes) - 1}")
    missing = sorted(set(range(len(classes))) - found[0])
    if missing:
        lost = classes[missing[0]]
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        from tamecrop.data.names import plain  # for a message alone

        other = [each for each in classes if each != lost and plain(each) == plain(lost)]
        hint = f"; is it {other[0]!r}?" if other else ""
        taken = any(missing[0] in labels for labels in found[1:])
        where = ": all of its images are in val or test" if taken else ""
        raise ValueError(f"{name}: no train image of class {lost!r}{more}{hint or where}")


def doubts(test: ImageSet, classes: Sequence[str]) -> tuple[str, ...]:
    """What makes accuracies of a test split say little: one class, or few images.

    Args:
        test: images of which accuracies are a share.
        classes: names of their labels.
    """
    if test.labels is None or not len(test) or len(classes) < 2:
        return ()
    counts = torch.bincount(test.labels)
    share, name = float(counts.max() / len(test)), classes[int(counts.argmax())]
    found = []
    if share > (1 + 1 / len(classes)) / 2:
        found.append(
            f"{100 * share:.0f} % of the test images are of class {name!r}: who always says it has "
            f"that accuracy"
        )
    if len(test) < _FEW:
        step = 100 / len(test)
        found.append(
            f"the test split has {len(test)} images: one more that is right is {step:.1f} points"
        )
    return tuple(found)


def statistics(pixels: torch.Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel of uint8 `(N, C, H, W)`, in units of [0, 1].

    The deviation is at least one gray level: pixels are divided by it, and those of a channel that
    never changes must stay finite.
    """
    counts = [
        torch.bincount(channel.flatten().int(), minlength=256) for channel in pixels.unbind(1)
    ]
    weights = torch.stack(counts).double() / (pixels.numel() / pixels.shape[1])
    levels = torch.arange(256, dtype=torch.float64) / 255
    mean = weights @ levels
    std = (weights @ levels.square() - mean.square()).clamp_min(255.0**-2).sqrt()
    return tuple(mean.tolist()), tuple(std.tolist())


def _labels(images: ImageSet) -> set[int]:
    return set() if images.labels is None else set(images.labels.unique().tolist())


def _carve(
    images: ImageSet, share: float, *, seed: int, draw: int, name: str
) -> tuple[ImageSet, ImageSet]:
    """What is left, and the part carved out: both in their old order."""
    chosen = _chosen(images, share, seed=seed, draw=draw)
    kept = chosen & ~_last_of_class(images, chosen)
    chosen = kept if kept.any() else chosen
    if not 0 < chosen.sum() < len(images):
        few = f"too few images to carve a share of {share:g} for a split: {len(images)}"
        raise ValueError(f"{name}: {few}; it needs more, or val and test of its own")
    return images.subset(np.flatnonzero(~chosen)), images.subset(np.flatnonzero(chosen))


def _last_of_class(images: ImageSet, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The first image of each class of which all are chosen."""
    if images.labels is None:
        return np.zeros(len(images), dtype=np.bool_)
    labels = images.labels.numpy()
    kept = np.isin(labels, labels[~chosen])
    _, first = np.unique(labels, return_index=True)
    last = np.zeros(len(images), dtype=np.bool_)
    last[first] = True
    return last & ~kept


def _chosen(images: ImageSet, share: float, *, seed: int, draw: int) -> NDArray[np.bool_]:
    """Which images to carve: every `1 / share`-th of the images shuffled within their class."""
    n = len(images)
    labels = np.zeros(n) if images.labels is None else images.labels.numpy()
    order = np.lexsort((keys.uniform(seed, 0, np.arange(n), 0, draw), labels))
    steps = np.floor((np.arange(n + 1) + 0.5) * share)
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[order] = np.diff(steps) > 0
    return chosen


def cut_to(dataset: Dataset, images: int | None) -> Dataset:
    """The data set with some of its train images, the same ones for every seed and policy.

    Args:
        dataset: whose train split is cut.
        images: how many stay; None, or more than there are, keeps all.
    """
    if images is None or images >= len(dataset.train):
        return dataset
    order = keys.uniform(0, 0, np.arange(len(dataset.train)), 0, Draw.SUBSET).argsort()
    return dataset.with_train(dataset.train.subset(np.sort(order[:images])))
