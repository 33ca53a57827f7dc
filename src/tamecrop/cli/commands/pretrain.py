"""`tamecrop pretrain`: one backbone under one crop policy."""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from tamecrop.cli import training
from tamecrop.cli.command import Command, Work, check_folder, say


def _declare(parser: ArgumentParser, words: Sequence[str]) -> None:
    settings = training.declare(parser, words)
    parser.add_argument(
        "--policy", type=str, default=settings.policies[0], help="the view plan, or one policy"
    )
    parser.add_argument("--seed", type=int, default=0, help="key of everything random")
    parser.add_argument("--out", type=Path, default=Path("run"), help="the run's folder")


def _prepare(parsed: Namespace, effective: str) -> Work:
    from tamecrop.geometry.plans import plan
    from tamecrop.geometry.rules import integer

    views = plan(parsed.policy)

    from rich.console import Console

    from tamecrop.cli.display import display
    from tamecrop.files import write_atomic
    from tamecrop.learning import (
        Hooks,
        StopFlag,
        identity,
        processes,
        require_same,
        signals_raise,
    )
    from tamecrop.learning.pretrain import check_training, pretrain
    from tamecrop.studies.cells import Key

    integer("seed", parsed.seed)
    chosen = training.choose(parsed, (views,), needs=())
    out = check_folder(parsed.out, parsed.data)
    config = processes.settle_precision(chosen.recipe.training)
    check_training(chosen.dataset, views, config)
    require_same(out, identity(chosen.dataset, views, config, seed=parsed.seed))

    def work() -> None:
        flag, console = StopFlag(), Console(quiet=not processes.leads())
        with signals_raise(flag), display(console) as listener:
            key = Key(str(views), "pretrain", parsed.seed)
            listener.cell_started(key)
            hooks = Hooks(
                claimed=lambda: write_atomic(out / "config.yaml", effective.encode()),
                stepped=lambda progress: listener.stepped(key, progress),
                warned=listener.warned,
                stop=flag,
            )
            run = pretrain(chosen.dataset, views, config, out, seed=parsed.seed, hooks=hooks)
        if processes.leads():
            say(
                f"{out}: {len(run.losses)} steps, loss {run.epoch_losses[-1]:.3f}, "
                f"{run.images_per_second:,.0f} images/s"
                + f", {100 * run.waiting:.0f} % waiting for views"
                * (run.waiting > 0)
            )

    return work


COMMAND = Command("pre-train one backbone under one crop policy", _declare, _prepare)
