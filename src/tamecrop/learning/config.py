"""The settings of one pre-training run; imports no torch, so that a command line may show them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tamecrop.geometry import rules

Stem = Literal["small", "imagenet"]
Passes = Literal["joint", "per_view"]
Optimizer = Literal["adam", "sgd", "lars"]
SettledPrecision = Literal["32-true", "bf16-mixed", "64-true"]
Precision = Literal["auto"] | SettledPrecision
Execution = Literal["eager", "compiled"]
Normalize = Literal["train", "cifar10"]
Activations = Literal["keep", "recompute"]
Strategy = Literal["ddp", "fsdp"]


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """How a backbone is pre-trained.

    Args:
        backbone: the network kept: `resnet7w16`, `resnet7w32`, `resnet10w16`, `resnet18`,
            `resnet34`, `resnet50`, or a model of timm such as `timm:vit_tiny_patch16_224`.
        stem: `small`, 3x3 without pooling, for images up to 64 px, or `imagenet`.
        method: what it is trained for, `simclr:projector=linear,temperature=0.1` for example; a
            file of `tamecrop.learning.methods`, whose `Settings` are the keys.
        passes: all views of a group `joint` in one pass, or one pass `per_view`; decides what
            batch norm sees together.
        optimizer: `adam`, `sgd`, or `lars`, which adapts the rate of matrices, decayed or not.
        learning_rate: at the top of the schedule.
        weight_decay: L2 penalty; not on biases and norms.
        epochs: passes over the train images.
        warmup_epochs: of these, epochs of linear rise; cosine to zero follows.
        batch_size: images per global batch.
        accumulate: parts in which the images of each process pass the network, so that activations
            of one part at a time are in memory, for one more forward pass. Loss and gradients are
            those of the whole batch, but for batch norm, which sees a part.
        last: `keep` a last batch that is not full, or `drop` it.
        size: side that the views of a group without a size are resized to; None cuts exactly.
        photometric: name of the color step.
        normalize: by the mean and deviation of `train`, or by the constants that most code for
            `cifar10` has; in pre-training and in all that judges the backbone.
        precision: of the forward pass. `auto` is `bf16-mixed` where the device computes in bfloat16
            and `32-true` elsewhere: a CPU without such instructions emulates them ten times slower
            than float32; the run records which it was. `64-true` tells rounding from the rest.
        execution: of the backbone: `eager`, or `compiled` by torch before the first step.
        activations: of the backbone, until the backward pass: `keep` all, or `recompute` those
            inside its blocks: less memory for one more forward pass, and the same numbers.
        strategy: of several processes: `ddp`, each holds all weights, or `fsdp`, each holds a part
            of every weight, for networks that are too large for a device. The same numbers but for
            rounding.
        decode: of files: `full`, every pixel, or `fast`, JPEGs at the smallest scale that feeds the
            views, which changes their pixels by a gray level or two.
        workers: processes that decode, for images in files.
        save_every: epochs between checkpoints.
        knn_every: epochs after which nearest neighbors judge the features on the validation images;
            0 never. It changes no number of the run.
    """

    backbone: str = "resnet18"
    stem: Stem = "small"
    method: str = "simclr"
    passes: Passes = "joint"
    optimizer: Optimizer = "sgd"
    learning_rate: float = 0.06
    weight_decay: float = 5e-4
    epochs: int = 200
    warmup_epochs: int = 10
    batch_size: int = 512
    accumulate: int = 1
    last: Literal["keep", "drop"] = "drop"
    size: int | None = None
    photometric: str = "simclr"
    normalize: Normalize = "train"
    precision: Precision = "auto"
    execution: Execution = "eager"
    activations: Activations = "keep"
    strategy: Strategy = "ddp"
    decode: Literal["fast", "full"] = "full"
    workers: int = 0
    save_every: int = 10
    knn_every: int = 0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.generic):  # of a sweep; runs are recorded in plain numbers
                object.__setattr__(self, name, value.item())
        for name in ("epochs", "batch_size", "accumulate", "save_every"):
            rules.count(name, getattr(self, name))
        for name in ("warmup_epochs", "workers", "knn_every"):
            rules.count(name, getattr(self, name), least=0)
        rules.positive("learning_rate", self.learning_rate)
        rules.known("decode", self.decode, ("fast", "full"))
        rules.known("activations", self.activations, ("keep", "recompute"))
        once = self.activations == "keep" or self.execution == "eager"
        rules.require("activations", "keep with execution compiled", self.activations, holds=once)
        rules.known("strategy", self.strategy, ("ddp", "fsdp"))
        for name, other in (("execution", "eager"), ("knn_every", 0)):
            rule, found = f"ddp unless {name} is {other}", getattr(self, name)
            holds = self.strategy == "ddp" or found == other
            rules.require("strategy", rule, self.strategy, holds=holds)
        rule, single = "ddp with precision 64-true", self.precision != "64-true"
        rules.require("strategy", rule, self.strategy, holds=self.strategy == "ddp" or single)
        most = max(self.batch_size // 2, 1)
        rule = f"1 <= accumulate <= batch_size / 2, parts of two images, {most}"
        rules.require("accumulate", rule, self.accumulate, holds=self.accumulate <= most)
        decay = self.weight_decay
        rules.require("weight_decay", "weight_decay >= 0", decay, holds=decay >= 0)
        shorter = self.warmup_epochs < self.epochs
        rule = f"warmup_epochs < epochs, which is {self.epochs}"
        rules.require("warmup_epochs", rule, self.warmup_epochs, holds=shorter)
        if self.size is not None:
            rules.count("size", self.size)

    FREE: ClassVar[tuple[str, ...]] = (
        "workers",
        "save_every",
        "knn_every",
        "activations",
        "strategy",
    )
    """Settings that decide no number and may differ when a run is continued."""

    ADDED: ClassVar[Mapping[str, Any]] = {
        "decode": "full",
        "accumulate": 1,
        "normalize": "train",
    }
    """Settings that older runs do not record, and what those did."""

    def decisive(self) -> dict[str, Any]:
        """The settings that decide the numbers of a run, as plain values.

        One that was added later is left out while it says what older runs did.
        """
        found = {name: value for name, value in asdict(self).items() if name not in self.FREE}
        silent = [name for name, before in self.ADDED.items() if found[name] == before]
        return {name: value for name, value in found.items() if name not in silent}
