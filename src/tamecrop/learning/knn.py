"""Accuracy of weighted nearest neighbors (Wu et al. 2018)."""

from lightly.utils.benchmarking import knn_predict
from torch import Tensor
from torch.nn.functional import normalize

from tamecrop.learning.features import Features

K, TEMPERATURE = 200, 0.1
_BATCH = 2048


def knn_accuracy(
    train: Features,
    test: Features,
    *,
    classes: int,
    k: int = K,
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
