"""The frozen linear probe: multinomial logistic regression on features that do not change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tamecrop.geometry import Draw, keys, rules
from tamecrop.learning.features import Features, Judged
from tamecrop.learning.watching import StopFlag

PENALTIES = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6)
"""Tried from strong to weak, each started where the one before ended."""

_STEPS = 200
_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear classifier of standardized features.

    Args:
        weight: `(D + 1, classes)`; the last row is the bias.
        mean: `(D,)`, subtracted from features.
        deviation: `(D,)`, that they are divided by.
        penalty: with which it was fitted.
    """

    weight: Tensor
    mean: Tensor
    deviation: Tensor
    penalty: float

    def accuracy(self, features: Features) -> float:
        """Share of features whose class scores highest."""
        right = self.scores(features.values).argmax(1) == features.labels
        return right.double().mean().item()

    def scores(self, values: Tensor) -> Tensor:
        """Scores `(N, classes)` of features `(N, D)`."""
        standard = (values - self.mean) / self.deviation
        return standard @ self.weight[:-1] + self.weight[-1]


@dataclass(frozen=True)
class Probed:
    """What a probe found.

    Args:
        accuracy: on test, a fraction.
        validation_accuracy: on validation, by which the penalty was chosen.
        penalty: chosen.
    """

    accuracy: float
    validation_accuracy: float
    penalty: float


def frozen(features: Judged, *, stop: StopFlag | None = None) -> Probed:
    """Fit on all train features, choose the penalty on validation, look at test once.

    Args:
        features: of whole images, in eval mode.
        stop: looked at before every pass over the features.

    Raises:
        Interrupted: when asked to stop.
    """
    best = fit_best(features, stop=stop)
    validated = best.accuracy(features.validation)
    return Probed(best.accuracy(features.test), validated, best.penalty)


def few_labels(
    features: Judged, share: float, *, seed: int = 0, stop: StopFlag | None = None
) -> Probed:
    """The same with the labels of some train images alone: as many of every class, keyed.

    Args:
        features: of whole images, in eval mode.
        share: of the labels of each class that are known, in (0, 1]; of each at least one.
        seed: key of which.
        stop: as `frozen`.

    Raises:
        ValueError: for a share outside (0, 1].
        Interrupted: when asked to stop.
    """
    rules.fraction("labels", share)
    labels = features.train.labels.cpu().numpy()
    u = keys.uniform(seed, 0, np.arange(len(labels)), 0, Draw.FEW_LABELS)
    kept = []
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        kept.append(mine[np.argsort(u[mine])[: max(round(share * len(mine)), 1)]])
    rows = torch.from_numpy(np.sort(np.concatenate(kept))).to(features.train.labels.device)
    few = Features(features.train.values[rows], features.train.labels[rows])
    return frozen(replace(features, train=few), stop=stop)


def fit_best(features: Judged, *, stop: StopFlag | None = None) -> Linear:
    """Fit on train features for each penalty; the one most accurate on validation, untested.

    Raises:
        Interrupted: when asked to stop.
    """
    fits = path(features.train, features.classes, stop=stop)
    return max(fits, key=lambda fit: fit.accuracy(features.validation))


def path(
    train: Features,
    classes: int,
    *,
    penalties: Sequence[float] = PENALTIES,
    stop: StopFlag | None = None,
) -> list[Linear]:
    """Logistic regressions for some penalties.

    Each minimizes `mean cross-entropy + penalty / 2 * |weight|^2` (bias not penalised) over
    standardized features; scikit-learn's `LogisticRegression` with `C = 1 / (N * penalty)`.

    Args:
        train: features and labels.
        classes: number of classes.
        penalties: from strong to weak.
        stop: looked at before every pass over the features.

    Raises:
        Interrupted: when asked to stop.
    """
    mean, deviation = train.values.mean(0), train.values.std(0, correction=0)
    deviation = deviation.clamp_min(1e-6)
    standard = (train.values - mean) / deviation
    weight = torch.zeros(standard.shape[1] + 1, classes, device=standard.device)
    fits = []
    for penalty in penalties:
        weight = _fitted(weight, standard, train.labels, penalty, stop or StopFlag())
        fits.append(Linear(weight, mean, deviation, penalty))
    return fits


def _fitted(
    start: Tensor, standard: Tensor, labels: Tensor, penalty: float, stop: StopFlag
) -> Tensor:
    weight = start.clone().requires_grad_()
    solver = torch.optim.LBFGS(
        [weight],
        max_iter=_STEPS,
        tolerance_grad=_TOLERANCE,
        tolerance_change=1e-9,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        stop.check()
        solver.zero_grad()
        scores = standard @ weight[:-1] + weight[-1]
        value = cross_entropy(scores, labels) + penalty / 2 * weight[:-1].square().sum()
        value.backward()
        return value

    solver.step(loss)
    return weight.detach()
