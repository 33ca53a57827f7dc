"""The probe of arXiv:2504.19824, as it was run: batch norm keeps adapting, the last weights count.

Kept to reproduce the paper's numbers; `tamecrop.learning.probe.frozen` is the one to trust.
"""

import copy
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD

from tamecrop.data import Batch, Dataset, ImageSet, Loading, ViewLoader
from tamecrop.geometry import Draw, keys, plan, rules
from tamecrop.learning.backbones import Backbone
from tamecrop.learning.features import as_input
from tamecrop.learning.processes import computes_in_bfloat16
from tamecrop.learning.training_state import set_learning_rate
from tamecrop.learning.watching import StopFlag
from tamecrop.views.photometric import Photometric

EPOCHS, BATCH = 100, 512
_RATE, _DECAYS, _MOMENTUM = 0.01, (20, 40, 60, 80), 0.9
_PATIENCE, _WORSE = 15, 0.001
_HELD = 0.2
_FLIP = Photometric(flip=0.5)
_PADDING = 4

Part = Literal["augmentation", "adaptation"]
"""What can be left out of the probe."""


@dataclass(frozen=True)
class PaperProbed:
    """What the paper's probe found.

    Args:
        accuracy: on test, with the last weights, a fraction.
        validation_accuracy: on the held part, whole images, with the last weights.
        epochs: run before it stopped.
    """

    accuracy: float
    validation_accuracy: float
    epochs: int


def paper(
    backbone: Backbone,
    dataset: Dataset,
    *,
    seed: int = 0,
    epochs: int = EPOCHS,
    without: Collection[Part] = (),
    stop: StopFlag | None = None,
) -> PaperProbed:
    """Train a linear layer on a backbone whose weights are fixed but whose batch norm is not.

    A random 80/20 split of train and validation together; crops of the image's side after
    padding by 4 px, and flips, on both parts; SGD 0.01, momentum 0.9, a tenth at epochs 20, 40,
    60 and 80; batch 512. Batch norm sees the batch while the layer learns, and its running
    statistics in validation and on test. It stops after 15 epochs with a validation loss more than
    0.001 above the least one, counted anew from every new least one. Features are computed in
    bfloat16 where the device has it, the layer in float32.

    Args:
        backbone: copied, not changed.
        dataset: with labels, images in memory.
        seed: key of the split, the order, the crops, and the layer's first weights.
        epochs: at most.
        without: parts left out, to find out what they are worth: `augmentation`, for whole
            images throughout; `adaptation`, for batch norm as pre-training left it.
        stop: looked at between two steps.

    Raises:
        ValueError: for a data set without labels, or an unknown part.
        Interrupted: when asked to stop.
    """
    dataset.require("labels")
    for part in without:
        rules.known("part of the probe", part, get_args(Part))
    probing = _Probing(backbone, dataset, seed, without)
    patience = _Patience()
    for epoch in range(epochs):
        if patience.ends(probing.epoch(epoch, stop or StopFlag())):
            break
    accuracy, held = (probing.accuracy(part) for part in (dataset.test, probing.parts[1]))
    return PaperProbed(accuracy, held, epoch + 1)


@dataclass
class _Patience:
    """The authors' early stop: a loss that is neither a new least one nor clearly worse is free."""

    least: float = float("inf")
    worse: int = 0

    def ends(self, loss: float) -> bool:
        """Whether a validation loss is one too many."""
        if loss < self.least:
            self.least, self.worse = loss, 0
        elif loss > self.least + _WORSE:
            self.worse += 1
        return self.worse >= _PATIENCE


class _Probing:
    """The layer, its optimizer and the two parts of the images."""

    def __init__(
        self, backbone: Backbone, dataset: Dataset, seed: int, without: Collection[Part]
    ) -> None:
        self.dataset, self.seed = dataset, seed
        self.augments, self.adapts = (part not in without for part in get_args(Part))
        self.device = next(backbone.parameters()).device
        self.backbone = copy.deepcopy(backbone).requires_grad_(requires_grad=False).train()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            layer = nn.Linear(backbone.features, len(dataset.classes or ()))
        self.layer = layer.to(self.device)
        self.optimizer = SGD(self.layer.parameters(), lr=_RATE, momentum=_MOMENTUM)
        images = dataset.train.joined(dataset.validation)
        order = keys.uniform(seed, 0, np.arange(len(images)), 0, Draw.PAPER_SPLIT).argsort()
        held = round(_HELD * len(images))
        self.parts = [images.subset(order[held:]), images.subset(order[:held])]
        self.loaders = [self._loader(part) for part in self.parts]

    def _loader(self, images: ImageSet) -> ViewLoader:
        side = int(images.sizes[0, 0])
        shifted = f"rc_pad:scale=1,padding={_PADDING / side!r}"
        whole = plan(shifted if self.augments else "rc:scale=1", views=1)
        loading = Loading(batch_size=min(BATCH, len(images)), seed=self.seed)
        return ViewLoader(images, whole, loading, self.device)

    def epoch(self, epoch: int, stop: StopFlag) -> float:
        """Train for one epoch; the validation loss after it."""
        self.backbone.train(self.adapts)
        set_learning_rate(self.optimizer, _RATE * 0.1 ** sum(epoch >= at for at in _DECAYS))
        for batch in self.loaders[0].batches(epoch):
            stop.check()
            self.optimizer.zero_grad()
            self._loss(batch, epoch, self.parts[0]).backward()
            self.optimizer.step()
        self.backbone.eval()
        with torch.no_grad():
            losses = [
                self._loss(batch, epoch, self.parts[1]).item() * len(batch.index)
                for batch in self.loaders[1].batches(epoch)
            ]
        return sum(losses) / len(self.parts[1])

    def _loss(self, batch: Batch, epoch: int, images: ImageSet) -> Tensor:
        views = batch.views[0]
        if self.augments:
            views = _FLIP.apply(views, seed=self.seed, epoch=epoch, index=batch.index)
        assert images.labels is not None, "a set with classes has labels"
        labels = images.labels[torch.from_numpy(batch.index)].to(self.device)
        return cross_entropy(self._scores(views[:, 0]), labels)

    def _scores(self, images: Tensor) -> Tensor:
        inputs = as_input(images, self.backbone, mean=self.dataset.mean, std=self.dataset.std)
        half = torch.autocast(self.device.type, torch.bfloat16, enabled=computes_in_bfloat16())
        with torch.no_grad(), half:
            features = self.backbone(inputs.contiguous(memory_format=torch.channels_last))
        scores: Tensor = self.layer(features.float())
        return scores

    @torch.no_grad()
    def accuracy(self, test: ImageSet) -> float:
        """On whole images, with the statistics that batch norm has adapted."""
        self.backbone.eval()  # where it is after an epoch; said for who calls this first
        assert test.pixels is not None, "the paper's probe works on images in memory"
        assert test.labels is not None, "a set with classes has labels"
        right = 0
        for pixels, labels in zip(test.pixels.split(BATCH), test.labels.split(BATCH), strict=True):
            scores = self._scores(pixels)
            right += int((scores.argmax(1).cpu() == labels.cpu()).sum())
        return right / len(test)
