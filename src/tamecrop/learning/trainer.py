"""A run in memory: method, optimizer and position, one step after another."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import Optimizer

from tamecrop.data import Batch, Dataset, Loading, ViewLoader
from tamecrop.geometry.plans import ViewPlan
from tamecrop.learning import (
    checkpoint,
    methods,
    processes,
    run_folder,
    training_state,
)
from tamecrop.learning.backbones import Backbone, backbone
from tamecrop.learning.checkpoint import Checkpoint
from tamecrop.learning.config import Pretraining
from tamecrop.learning.methods.base import require_complete
from tamecrop.learning.watching import Clock, Hooks, Progress, write_curves
from tamecrop.views.photometric import normalize, photometric


@dataclass(frozen=True, eq=False)
class Run:
    """A finished pre-training.

    Args:
        backbone: the network kept, in eval mode.
        losses: float64 `(steps,)`, the loss of every step.
        feature_stds: float64 `(steps,)`, how far features of a batch varied in every step: about 1
            for independent ones, 0 when all are alike; NaN in steps of older versions.
        steps_per_epoch: of the run.
        seconds: of training, over all parts of a run that was resumed.
        compile_seconds: of compiling before the first step, in this part; not in `seconds`.
        images_per_second: source images trained on per second, over all parts.
    """

    backbone: Backbone
    losses: Tensor
    feature_stds: Tensor
    steps_per_epoch: int
    seconds: float
    compile_seconds: float
    images_per_second: float

    @property
    def epoch_losses(self) -> list[float]:
        """Mean loss of each epoch."""
        epochs: list[float] = self.losses.reshape(-1, self.steps_per_epoch).mean(1).tolist()
        return epochs


class Trainer:
    """Method, optimizer and position of one run.

    Args:
        dataset: of which the train images are used.
        plan: of the views, each group with its size.
        config: the settings.
        seed: key of everything random.
        fabric: launched; decides devices and precision.

    Raises:
        ValueError: for fewer images than a batch, or processes with unequal shares.
    """

    def __init__(
        self, dataset: Dataset, plan: ViewPlan, config: Pretraining, seed: int, *, fabric: Fabric
    ) -> None:
        self.config, self.seed, self.dataset, self.fabric = config, seed, dataset, fabric
        channels = dataset.train.channels
        self.plan, self.colors = plan, photometric(config.photometric).for_channels(channels)
        processes.require_equal_shares(
            len(dataset.train),
            batch_size=config.batch_size,
            last=config.last,
            processes=fabric.world_size,
        )
        self.loader = ViewLoader(
            dataset.train,
            plan,
            Loading(
                batch_size=config.batch_size,
                seed=seed,
                last=config.last,
                workers=config.workers,
                rank=self.fabric.global_rank,
                world_size=self.fabric.world_size,
            ),
            self.fabric.device,
        )
        with torch.random.fork_rng():  # torch's generators stay as they were
            torch.manual_seed(seed)
            network = backbone(config.backbone, stem=config.stem, channels=channels)
            untrained = methods.method(config.method, network, passes=config.passes)
        self.method = untrained.to(memory_format=torch.channels_last)
        require_complete(self.method)
        optimizer = training_state.optimizer(
            config.optimizer,
            self.method,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
        )
        shared = processes.with_global_statistics(fabric, self.method)
        self.model, self.optimizer = self.fabric.setup(shared, optimizer)
        self.losses, self.feature_stds = list[float](), list[float]()
        self.seconds = self.compile_seconds = 0.0

    @property
    def step(self) -> int:
        """Finished steps."""
        return len(self.losses)

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.config.epochs * self.loader.steps_per_epoch

    @property
    def finished(self) -> bool:
        """Whether no step is left."""
        return self.step == self.steps

    def resume(self, out: Path, hooks: Hooks, identity: Mapping[str, Any]) -> None:
        """Go to the latest usable checkpoint; the curves are what it says, whatever was killed."""
        found = run_folder.progress(out, identity)
        for line in found.damaged:
            hooks.warned(f"passed over a damaged checkpoint: {line}")
        saved = found.checkpoint
        if saved is None:
            return
        training_state.restore(self.method, self._torch_optimizer(), saved)
        self.losses = saved.train["losses"].tolist()
        unknown = torch.full((len(self.losses),), math.nan, dtype=torch.float64)
        self.feature_stds = saved.train.get("feature_stds", unknown).tolist()
        self.seconds = saved.state["seconds"]
        if self.fabric.is_global_zero:
            self._write_curves(out)

    def compile(self, hooks: Hooks) -> None:
        """Compile the backbone for every batch shape, if asked for; the method stays as it was."""
        if self.config.execution == "eager":
            return
        started = time.perf_counter()
        self.model.train()
        self.method.backbone.compile(dynamic=False)
        tensors = [*self.method.backbone.state_dict().values(), *self.method.state().values()]
        before = [tensor.clone() for tensor in tensors]
        batches = list(self.loader.batches(0, max(self.loader.steps_per_epoch - 2, 0)))
        for batch in batches:
            processes.agree(self.fabric, hooks.stop)
            hooks.stop.check()
            self.fabric.backward(self.model(self._prepared(batch, 0)))
        with torch.no_grad():
            for tensor, value in zip(tensors, before, strict=True):
                tensor.copy_(value)
        self.optimizer.zero_grad(set_to_none=True)
        self.compile_seconds = time.perf_counter() - started

    def train(self, out: Path, hooks: Hooks, identity: Mapping[str, Any]) -> None:
        """Train from where the run is to its end, saving on the way."""
        per_epoch = self.loader.steps_per_epoch
        self.model.train()
        clock = Clock(self.seconds, self.step)
        for epoch in range(self.step // per_epoch, self.config.epochs):
            for loss, feature_std in self._epoch(epoch):
                self.losses.append(loss)
                self.feature_stds.append(feature_std)
                self.seconds = clock.seconds()
                hooks.stepped(self._progress(clock))
                processes.agree(self.fabric, hooks.stop)
                if hooks.stop.raised:
                    self._save(out, identity)
                    hooks.stop.check()
            if (epoch + 1) % self.config.save_every == 0 or epoch + 1 == self.config.epochs:
                self._save(out, identity)

    def run(self) -> Run:
        """What the run has come to."""
        losses = torch.tensor(self.losses, dtype=torch.float64)
        images = len(losses) * self.config.batch_size
        return Run(
            self.method.backbone.eval(),
            losses,
            torch.tensor(self.feature_stds, dtype=torch.float64),
            self.loader.steps_per_epoch,
            self.seconds,
            self.compile_seconds,
            images / max(self.seconds, 1e-9),
        )

    def _epoch(self, epoch: int) -> Iterator[tuple[float, float]]:
        """Loss and deviation of features of each step that is left, once the step is taken.

        The views of the next step are asked for before this step's loss is waited for: a device
        makes them while the host reads the loss.
        """
        batches = self.loader.batches(epoch, self.step % self.loader.steps_per_epoch)
        prepared = ((batch, self._prepared(batch, epoch)) for batch in batches)
        here = next(prepared, None)
        while here is not None:
            self.optimizer.zero_grad(set_to_none=True)
            batch, views = here
            loss: Tensor = self.model(views)
            self.fabric.backward(loss)
            following = next(prepared, None)
            yield self._stepped(loss.detach(), batch)
            here = following

    def _prepared(self, batch: Batch, epoch: int) -> tuple[Tensor, ...]:
        """Views as the network wants them."""
        views = []
        for group, first in zip(batch.views, self.plan.first_views, strict=True):
            colored = self.colors.apply(
                group, seed=self.seed, epoch=epoch, index=batch.index, first_view=first
            )
            views.append(normalize(colored, self.dataset.mean, self.dataset.std))
        return tuple(views)

    def _stepped(self, loss: Tensor, batch: Batch) -> tuple[float, float]:
        """Take the optimizer's step, if loss and gradient are finite; loss and deviation."""
        known = self.method.feature_std
        deviation = torch.full_like(loss, math.nan) if known is None else known
        means = processes.mean(self.fabric, torch.stack([loss.double(), deviation.double()]))
        norm = torch.nn.utils.get_total_norm(
            [weights.grad for weights in self.method.parameters() if weights.grad is not None]
        )
        # One copy for all three: each wait for a device would cost as much as they do together.
        value, spread, length = torch.cat([means, norm.double()[None]]).tolist()
        if not (math.isfinite(value) and math.isfinite(length)):
            raise ValueError(
                f"loss {value} and gradient norm {length} must be finite: stopped before step "
                f"{self.step} changed a weight; the batch begins with samples {self._names(batch)}"
            )
        training_state.set_learning_rate(self.optimizer, self._rate(self.step))
        self.optimizer.step()
        with torch.no_grad():
            self.method.after_step((self.step + 1) / self.steps)
        return value, spread

    def _rate(self, step: int) -> float:
        return training_state.learning_rate_at(
            step,
            top=self.config.learning_rate,
            steps=self.steps,
            warmup=self.config.warmup_epochs * self.loader.steps_per_epoch,
        )

    def _names(self, batch: Batch) -> str:
        paths = self.dataset.train.paths
        shown = batch.index[:5].tolist()
        return ", ".join(str(number if paths is None else paths[number]) for number in shown)

    def _progress(self, clock: Clock) -> Progress:
        rate = clock.steps_per_second(self.step)
        return Progress(
            step=self.step,
            steps=self.steps,
            loss=self.losses[-1],
            images_per_second=rate * self.config.batch_size,
            seconds_left=(self.steps - self.step) / rate,
        )

    def _save(self, out: Path, identity: Mapping[str, Any]) -> None:
        if self.fabric.is_global_zero:
            tensors = training_state.training_tensors(self.method, self._torch_optimizer())
            tensors["losses"] = torch.tensor(self.losses, dtype=torch.float64)
            tensors["feature_stds"] = torch.tensor(self.feature_stds, dtype=torch.float64)
            position = {"step": self.step, "steps": self.steps, "seconds": self.seconds}
            state = {**position, "run": dict(identity)}
            saved = Checkpoint(training_state.weights(self.method), tensors, state)
            checkpoint.save(out / run_folder.CHECKPOINTS, saved, step=self.step)
            self._write_curves(out)
        self.fabric.barrier()

    def _write_curves(self, out: Path) -> None:
        curves = {
            "loss": self.losses,
            "learning_rate": [self._rate(step) for step in range(self.step)],
            "feature_std": self.feature_stds,
        }
        write_curves(out, curves, steps_per_epoch=self.loader.steps_per_epoch)

    def _torch_optimizer(self) -> Optimizer:
        return cast(Optimizer, self.optimizer.optimizer)
