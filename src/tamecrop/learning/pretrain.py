"""The one training loop: any method on the views of a plan, on any number of devices."""

import operator
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import cast

import torch

from tamecrop.data import Loading, ViewLoader
from tamecrop.data.images import Dataset, require_dataset
from tamecrop.geometry import Policy, ViewPlan, plan, rules
from tamecrop.learning import methods, processes, run_folder
from tamecrop.learning.backbones import backbone, recomputed, require_blocks
from tamecrop.learning.config import Pretraining, SettledPrecision, Stem
from tamecrop.learning.curves import Run
from tamecrop.learning.encoder_boxes import require_map
from tamecrop.learning.trainer import Trainer
from tamecrop.learning.watching import Hooks
from tamecrop.views.photometric import photometric


def pretrain(
    dataset: Dataset,
    views: str | Policy | ViewPlan,
    config: Pretraining,
    out: str | Path,
    *,
    seed: int = 0,
    hooks: Hooks | None = None,
) -> Run:
    """Pre-train a backbone; an unfinished run in `out` is continued, a finished one is loaded.

    Initial weights, order, boxes and colors are functions of the seed alone, so two policies
    with one seed differ in nothing else, and a resumed run ends with the same bits (on one
    device, with the same number of threads).

    Args:
        dataset: of which the train images are used.
        views: which views are made of an image: a view plan, a crop policy, or the text of either;
            `config.size` is the size of groups that state none.
        config: the settings.
        out: the run's folder.
        seed: key of everything random.
        hooks: what to tell while training, and whether to stop.

    Returns:
        The finished run.

    Raises:
        TypeError: for what is no data set.
        ValueError: for a method that cannot use these views, or constants of colors that do not fit
            the images; when `out` holds a run with other
            settings, by name; for fewer images than a batch; when the loss or the gradient stops
            being finite.
        CheckpointError: when `out` holds only damaged checkpoints.
        Interrupted: when asked to stop; everything up to the last whole step is saved.
    """
    require_dataset(dataset)
    out, hooks = Path(out), hooks or Hooks()
    rules.integer("seed", seed)
    seed = operator.index(seed)
    stated, config = plan(views), processes.settle_precision(config)
    dataset = dataset.normalized(config.normalize)
    methods.require_usable(config.method, stated, batch_size=config.batch_size)
    if config.knn_every:
        dataset.require("labels")
    identity = run_folder.identity(dataset, stated, config, seed=seed)
    if config.accumulate > 1 or config.activations == "recompute":
        processes.free_at_once()
    if config.strategy == "fsdp":
        from tamecrop.learning.dividing import require_dividable  # few runs divide their weights

        require_dividable(stated)
    fabric = processes.fabric(cast(SettledPrecision, config.precision), config.strategy)
    if not fabric.is_global_zero:
        hooks = Hooks(stop=hooks.stop)
    with processes.folder_held(fabric, out, identity):
        hooks.claimed()
        trainer = Trainer(dataset, stated.at_size(config.size), config, seed, fabric=fabric)
        if lacking := trainer.loader.images_without_box:
            hooks.warned(
                f"{lacking} of {len(dataset.train)} train images have no object box, which "
                f"{stated} looks at: their views are drawn as if the whole image were the object"
            )
        for note in stated.notes(dataset.train.sizes):
            hooks.warned(note)
        if trainer.method.sees_parts:
            hooks.warned(
                f"batch norm sees parts of {trainer.method.images_per_part} images, not the batch: "
                f"with `accumulate` its statistics differ"
            )
        if lost := photometric(config.photometric).left_out(dataset.train.channels):
            hooks.warned(f"color step {config.photometric} {lost}")
        trainer.resume(out, hooks, identity)
        if not trainer.finished:
            trainer.compile(hooks)
            keeps = config.activations == "keep"
            with nullcontext() if keeps else recomputed(trainer.method.backbone):
                trainer.train(out, hooks, identity)
        run = trainer.run()
        if run.is_collapsed:
            hooks.warned(f"{config.method} on {stated} has collapsed: its features are all alike")
        return run


def check_training(dataset: Dataset, views: ViewPlan, config: Pretraining) -> None:
    """Find before training what would end it, at its start or hours later.

    Args:
        dataset: of which the train images are used.
        views: the view plan.
        config: the settings.

    Raises:
        ValueError: for what the method, the batch size, the backbone or the sizes of images refuse.
    """
    methods.require_usable(config.method, views, batch_size=config.batch_size)
    dataset.normalized(config.normalize)
    sized = views.at_size(config.size)
    ViewLoader(dataset.train, sized, Loading(batch_size=config.batch_size))
    judged = {(config.size, config.size)} if config.size else set()
    _check_backbone(
        config.backbone,
        config.stem,
        dataset.train.channels,
        frozenset(judged.union(group.size for group in sized.groups if group.size is not None)),
        chooses=views.box_threshold is not None,
        recomputes=config.activations == "recompute",
    )


@cache
def _check_backbone(
    name: str,
    stem: Stem,
    channels: int,
    sizes: frozenset[tuple[int, int]],
    *,
    chooses: bool,
    recomputes: bool,
) -> None:
    """Pass a view of each size (height, width) through a backbone that nobody keeps."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        network = backbone(name, stem=stem, channels=channels).eval()
        if chooses:
            require_map(network)
        if recomputes:
            require_blocks(network)
        for height, width in sorted(sizes):
            try:
                network(torch.zeros(1, channels, height, width))
            except (AssertionError, RuntimeError, ValueError) as error:
                why = str(error).partition("\n")[0]
                raise ValueError(
                    f"`backbone` {name} takes no views of {height} x {width} px: {why}"
                ) from error
