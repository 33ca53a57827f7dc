"""How good the features of a backbone are, by the two usual measures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lightly.utils.benchmarking import knn_predict
from torch import Tensor, nn
from torch.nn.functional import normalize

from tamecrop.data.images import Dataset, require_dataset
from tamecrop.geometry import rules
from tamecrop.learning import features
from tamecrop.learning.backbones import Backbone
from tamecrop.learning.features import Features
from tamecrop.learning.paper_probe import paper
from tamecrop.learning.probe import few_labels, frozen
from tamecrop.learning.watching import Interrupted, StopFlag

Probe = Literal["frozen", "paper"]

NEIGHBORS, TEMPERATURE = 200, 0.1
"""Of the vote of nearest neighbors (Wu et al. 2018)."""

_BATCH = 2048


@dataclass(frozen=True)
class Evaluation:
    """What was found.

    Args:
        linear_accuracy: of the linear probe on test, a fraction.
        knn_accuracy: of weighted nearest neighbors on test, a fraction.
        validation_accuracy: of the linear probe on validation: what choices are made by.
        few_labels: of the frozen probe on test, by the share of train labels that it knew.
    """

    linear_accuracy: float
    knn_accuracy: float
    validation_accuracy: float
    few_labels: Mapping[float, float] = field(default_factory=dict)


def evaluate(  # noqa: PLR0913  each is asked for by itself
    backbone: Backbone,
    dataset: Dataset,
    *,
    probe: Probe = "frozen",
    size: int | None = None,
    seed: int = 0,
    few: Sequence[float] = (),
    stop: StopFlag | None = None,
) -> Evaluation:
    """Judge a backbone: learn from train, choose on validation, count on test.

    The `frozen` probe chooses its penalty on validation, so it learns from train alone, and so do
    nearest neighbors, to know as many labels. The probe of `paper` chooses nothing there: then both
    learn from the validation images too.

    Args:
        backbone: pre-trained; put into eval mode.
        dataset: with labels, and `normalized` as the backbone's views were.
        probe: `frozen`, the one to trust, or `paper`, to reproduce arXiv:2504.19824.
        size: side that images are resized to; needed when they differ in size.
        seed: key of the paper's probe, and of which labels are few; nothing else is random.
        few: shares of the train labels, in (0, 1], with which the frozen probe is trained too.
        stop: looked at on the way.

    Raises:
        ValueError: for a data set without labels, or a share outside (0, 1].
        TypeError: for what is no data set or no backbone.
        Interrupted: when asked to stop.
    """
    require_dataset(dataset)
    if not isinstance(backbone, nn.Module):
        kind = type(backbone).__name__
        raise TypeError(f"`backbone` must be a network, such as a run's `backbone`, got {kind}")
    for share in few:
        rules.fraction("labels", share)
    found = features.extract_splits(backbone, dataset, size=size, stop=stop)
    bank = found.train if probe == "frozen" else found.train.joined(found.validation)
    neighbors = knn_accuracy(bank, found.test, classes=found.classes)
    probed = (
        paper(backbone, dataset, seed=seed, stop=stop)
        if probe == "paper"
        else frozen(found, stop=stop)
    )
    known = {each: few_labels(found, each, seed=seed, stop=stop).accuracy for each in few}
    return Evaluation(probed.accuracy, neighbors, probed.validation_accuracy, known)


def validation_knn(
    backbone: Backbone, dataset: Dataset, *, size: int | None = None, stop: StopFlag | None = None
) -> float:
    """Accuracy of nearest neighbors on the validation images: for a look while a run trains.

    Args:
        backbone: put into eval mode and left there.
        dataset: with labels.
        size: side that images are resized to.
        stop: looked at on the way.

    Returns:
        A fraction; NaN when it was asked to stop, which the caller then does.
    """
    try:
        train, validation = (
            features.of_split(backbone, dataset, split, size=size, stop=stop)
            for split in (dataset.train, dataset.validation)
        )
    except Interrupted:
        return math.nan
    return knn_accuracy(train, validation, classes=len(dataset.classes or ()))


def knn_accuracy(
    train: Features,
    test: Features,
    *,
    classes: int,
    k: int = NEIGHBORS,
    temperature: float = TEMPERATURE,
) -> float:
    """Share of test images whose class wins the vote of their nearest train images.

    Neighbors are found by cosine similarity and vote with weight `exp(similarity /
    temperature)`.

    Args:
        train: those that vote.
        test: those that are judged.
        classes: number of classes.
        k: neighbors; all of train when it holds fewer.
        temperature: of the vote.

    Returns:
        Accuracy, a fraction.
    """
    bank = normalize(train.values, dim=1).T.contiguous()
    neighbors = min(k, len(train.values))
    right = 0
    for values, labels in zip(
        normalize(test.values, dim=1).split(_BATCH), test.labels.split(_BATCH), strict=True
    ):
        voted: Tensor = knn_predict(values, bank, train.labels, classes, neighbors, temperature)
        right += int((voted[:, 0] == labels).sum())
    return right / len(test.labels)
