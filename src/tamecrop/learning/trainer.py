"""A run in memory: method, optimizer and position, one step after another."""

import math
import time
from collections.abc import Iterator, Mapping
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
from tamecrop.learning.curves import KNN, QUEUED, WAITING, WHOLE_BOXES, Curves, Run, write_curves
from tamecrop.learning.methods.base import require_complete
from tamecrop.learning.watching import Clock, Hooks, Progress
from tamecrop.views.photometric import Finish, photometric


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
        self.plan = plan
        colors = photometric(config.photometric).for_channels(channels)
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
                decode=config.decode,
                workers=config.workers,
                rank=self.fabric.global_rank,
                world_size=self.fabric.world_size,
            ),
            self.fabric.device,
            Finish(colors, dataset.mean, dataset.std, seed),
        )
        with torch.random.fork_rng():  # torch's generators stay as they were
            torch.manual_seed(seed)
            untrained = methods.method(config.method, self._new_backbone(), passes=config.passes)
        self.method = untrained.to(memory_format=torch.channels_last)
        require_complete(self.method)
        self.method.images_per_part = processes.images_per_part(config, fabric.world_size)
        self.model = fabric.setup_module(processes.with_global_statistics(fabric, self.method))
        optimizer = training_state.optimizer(  # of the weights as they are now, perhaps divided
            config.optimizer,
            self.method,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
        )
        self.optimizer: Any = fabric.setup_optimizers(optimizer)
        self.boxes = None
        if plan.box_threshold is not None:
            from tamecrop.learning.encoder_boxes import EncoderBoxes  # few plans look at them

            self.boxes = EncoderBoxes(plan, dataset, config.epochs, self.method.backbone)
        has = {QUEUED: self.loader.queues, WHOLE_BOXES: self.boxes, KNN: config.knn_every}
        self.curves = Curves(tuple(name for name, value in has.items() if value))
        self.seconds = self.compile_seconds = self.waiting = 0.0

    def _new_backbone(self) -> Backbone:
        channels = self.dataset.train.channels
        return backbone(self.config.backbone, stem=self.config.stem, channels=channels)

    @property
    def step(self) -> int:
        """Finished steps."""
        return self.curves.steps

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
        self.curves.restore(saved.train)
        if self.boxes:
            self.boxes.restore(saved.train)
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
            self.fabric.backward(self.model(self._chosen(batch.views)))
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
            self._find_boxes(epoch, out, hooks, identity)
            for values in self._epoch(epoch, clock):
                self._record(values | {WAITING: clock.lap()}, epoch, hooks)
                self.seconds, self.waiting = clock.seconds(), clock.waiting
                hooks.stepped(self._progress(clock))
                self._stop_if_asked(out, hooks, identity)
            if (epoch + 1) % self.config.save_every == 0 or epoch + 1 == self.config.epochs:
                self._save(out, identity)

    def run(self) -> Run:
        """What the run has come to."""
        return Run(
            training_state.whole_backbone(self.method, self._new_backbone).eval(),
            self.curves.tensors(),
            self.loader.steps_per_epoch,
            self.seconds,
            self.compile_seconds,
            self.step * self.config.batch_size / max(self.seconds, 1e-9),
            self.waiting,
        )

    def _epoch(self, epoch: int, clock: Clock) -> Iterator[dict[str, float]]:
        """What is to record of each step that is left, once the step is taken.

        The views of the next step are asked for before this step's loss is waited for: a device
        makes them while the host reads the loss. On a CPU they come after those of this step are
        gone: of a large batch there is room for one.
        """
        found = self.boxes.boxes if self.boxes else None
        start = self.step % self.loader.steps_per_epoch
        batches = self.loader.batches(epoch, start, found_boxes=found)
        watched, on_host = clock.watch(batches), self.fabric.device.type == "cpu"
        here = next(watched, None)
        while here is not None:
            self.optimizer.zero_grad(set_to_none=True)
            loss: Tensor = self.model(self._chosen(here.views))
            self.fabric.backward(loss)
            following = None if on_host else next(watched, None)
            values = self._stepped(loss.detach(), here)
            here = following
            del loss  # its graph holds views
            if on_host:
                here = next(watched, None)
            yield values

    def _chosen(self, views: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Those that the method gets, chosen with the weights that it has now."""
        if not any(group.kept for group in self.plan.groups):
            return views
        from tamecrop.learning.hard_views import hardest  # few plans have such groups

        with self.fabric.autocast():
            return hardest(self.method, self.plan, views)

    def _find_boxes(self, epoch: int, out: Path, hooks: Hooks, identity: Mapping[str, Any]) -> None:
        """Let the encoder find the boxes that an epoch begins with; a stop leaves those before."""
        if not (self.boxes and self.boxes.due(epoch)):
            return
        for _ in self.boxes.find(epoch, self.fabric):
            self._stop_if_asked(out, hooks, identity)

    def _stop_if_asked(self, out: Path, hooks: Hooks, identity: Mapping[str, Any]) -> None:
        processes.agree(self.fabric, hooks.stop)
        if hooks.stop.raised:
            self._save(out, identity)
            hooks.stop.check()

    def _record(self, values: dict[str, float], epoch: int, hooks: Hooks) -> None:
        """Add a step to the curves, with nearest neighbors after the last one of some epochs."""
        if self.boxes:
            values[WHOLE_BOXES] = self.boxes.whole_share
        every = self.config.knn_every
        is_last = (self.step + 1) % self.loader.steps_per_epoch == 0
        if every and is_last and (epoch + 1) % every == 0:
            if self.fabric.is_global_zero:
                from tamecrop.learning.evaluate import validation_knn  # a probe, for few runs

                values[KNN] = validation_knn(
                    self.method.backbone, self.dataset, size=self.config.size, stop=hooks.stop
                )
            self.fabric.barrier()
            self.model.train()
        self.curves.add(**values)

    def _stepped(self, loss: Tensor, batch: Batch) -> dict[str, float]:
        """Take the optimizer's step, if loss and gradient are finite; what is to record of it."""
        known = self.method.feature_std
        deviation = torch.full_like(loss, math.nan) if known is None else known
        means = processes.mean(self.fabric, torch.stack([loss.double(), deviation.double()]))
        norm = training_state.gradient_norm(self.method)
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
        queued = math.nan if batch.queued is None else batch.queued
        return {"loss": value, "feature_std": spread, QUEUED: queued}

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
        loss, batch_size = self.curves["loss"][-1], self.config.batch_size
        return clock.progress(self.step, self.steps, loss=loss, batch_size=batch_size)

    def _save(self, out: Path, identity: Mapping[str, Any]) -> None:
        if self.fabric.is_global_zero or self.config.strategy == "fsdp":
            tensors = training_state.training_tensors(self.method, self._torch_optimizer())
            weights = training_state.weights(self.method)
        if self.fabric.is_global_zero:
            tensors |= self.curves.state() | (self.boxes.state() if self.boxes else {})
            position = {"step": self.step, "steps": self.steps, "seconds": self.seconds}
            state = {**position, "run": dict(identity)}
            saved = Checkpoint(weights, tensors, state)
            checkpoint.save(out / run_folder.CHECKPOINTS, saved, step=self.step)
            self._write_curves(out)
        self.fabric.barrier()

    def _write_curves(self, out: Path) -> None:
        rates = {"learning_rate": [self._rate(step) for step in range(self.step)]}
        curves = {"loss": self.curves["loss"]} | rates | self.curves
        write_curves(out, curves, steps_per_epoch=self.loader.steps_per_epoch)

    def _torch_optimizer(self) -> Optimizer:
        return cast(Optimizer, self.optimizer.optimizer)
