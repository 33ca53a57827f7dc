"""What the forked children of the reliability tests do; importing it computes nothing."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

import tamecrop as tc
from tamecrop.cli import main
from tamecrop.data import workers
from tamecrop.data.loader import ViewLoader
from tamecrop.data.sources import load
from tamecrop.learning import checkpoint, run_folder, training_state
from tamecrop.learning.config import Pretraining
from tamecrop.learning.curves import Run
from tamecrop.learning.evaluate import evaluate
from tamecrop.learning.methods.simclr import SimCLR
from tamecrop.learning.pretrain import pretrain
from tamecrop.learning.watching import Hooks, Progress, StopFlag, signals_raise

torch.set_num_threads(1)

DATA = "scenes:count=80,side=16"
LAW = "rc:scale=0.6"
EPOCHS, PER_EPOCH = 3, 4
STEPS = EPOCHS * PER_EPOCH
TINY = Pretraining(
    backbone="resnet10w16",
    optimizer="adam",
    learning_rate=3e-3,
    epochs=EPOCHS,
    warmup_epochs=0,
    batch_size=16,
    photometric="scenes",
    precision="32-true",
    save_every=1,
)


@dataclass(frozen=True)
class Plan:
    """What a child trains, and what happens on the way.

    Args:
        data: A name or a path.
        policy: A policy or a view plan.
        changes: Settings other than `TINY`'s.
        seed: Of the run.
        at: Step to what happens after it: `SIGTERM`, `random`, `probe`, `sleep`.
        threads: Of torch.
    """

    data: str = DATA
    policy: str = LAW
    changes: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    at: Mapping[int, str] = field(default_factory=dict)
    threads: int = 1


def train(out: Path, plan: Plan = Plan()) -> None:
    """Pre-train in a folder as `tamecrop pretrain` does; losses and weights lie beside it then."""
    torch.set_num_threads(plan.threads)
    flag = StopFlag()

    def stepped(progress: Progress) -> None:
        for happening in plan.at.get(progress.step, "").split():
            HAPPENINGS[happening](out)

    with signals_raise(flag):
        run = pretrain(
            load(plan.data),
            tc.plan(plan.policy),
            replace(TINY, **plan.changes),
            out,
            seed=plan.seed,
            hooks=Hooks(stepped=stepped, stop=flag),
        )
    keep(out, run)


def keep(out: Path, run: Run) -> None:
    """Losses and weights as `result-<rank>.safetensors`."""
    rank = os.environ.get("RANK", "0")
    result = {"losses": run.losses} | run.backbone.state_dict()
    result = {name: tensor.contiguous() for name, tensor in result.items()}
    safetensors.torch.save_file(result, out / f"result-{rank}.safetensors")


def result(out: Path, rank: int = 0) -> dict[str, torch.Tensor]:
    """What `keep` wrote."""
    found: dict[str, torch.Tensor] = safetensors.torch.load_file(out / f"result-{rank}.safetensors")
    return found


def _terminate(out: Path) -> None:
    (out / "signaled").write_text(repr(time.monotonic()))
    os.kill(os.getpid(), signal.SIGTERM)


def _terminate_all(out: Path) -> None:
    (out / "signaled").write_text(repr(time.monotonic()))
    subprocess.run(["kill", "-TERM", "--", f"-{os.getpgid(0)}"], check=True, start_new_session=True)


def _use_generators(out: Path) -> None:
    random.random()
    np.random.rand(3)  # noqa: NPY002  the global one is the point
    torch.rand(3)


def _probe(out: Path) -> None:
    if run_folder.checkpoint.list_saved(out / run_folder.CHECKPOINTS):
        evaluate(run_folder.open_run(out).backbone, load(DATA))


HAPPENINGS: dict[str, Callable[[Path], None]] = {
    "SIGTERM": _terminate,
    "group": _terminate_all,
    "random": _use_generators,
    "probe": _probe,
    "sleep": lambda out: time.sleep(0.3),
}


def train_noisily(out: Path, plan: Plan) -> None:
    """Broken: every loss depends on torch's global generator."""
    loss = SimCLR.loss

    def noisy(self: SimCLR, views: Sequence[torch.Tensor]) -> torch.Tensor:
        return loss(self, [group + 1e-3 * torch.rand(group.shape) for group in views])

    SimCLR.loss = noisy  # type: ignore[method-assign]
    torch.manual_seed(0)
    train(out, plan)


def train_forgetfully(out: Path, plan: Plan) -> None:
    """Broken: a resumed run starts with a fresh optimizer."""
    restore = training_state.restore

    def forgetful(model: Any, optimizer: Any, saved: Any) -> None:
        restore(model, optimizer, saved)
        optimizer.state.clear()

    training_state.restore = forgetful  # type: ignore[assignment]
    train(out, plan)


def train_with_mortal_workers(out: Path, plan: Plan) -> None:
    """Broken: a signal to the whole group ends the workers before the step is done."""

    def die(_: int) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    workers.outlive_a_stop = die
    train(out, plan)


def end_a_newborn_worker() -> None:
    """End a worker before it is set up, as a run does that fails while it starts its workers."""
    _with_a_newborn_worker(lambda worker: worker.terminate())


def die_at_the_birth_of_a_worker() -> None:
    """Be killed before the first worker is set up."""
    _with_a_newborn_worker(lambda _: os.kill(os.getpid(), signal.SIGKILL))


def _with_a_newborn_worker(do: Callable[[BaseProcess], None]) -> None:
    outlive = workers.outlive_a_stop

    def outlive_late(worker: int) -> None:
        time.sleep(0.5)
        outlive(worker)

    def do_with_the_first() -> None:
        while not (born := active_children()):
            time.sleep(0.001)
        do(born[0])

    workers.outlive_a_stop = outlive_late
    threading.Thread(target=do_with_the_first).start()
    with signals_raise(StopFlag()):
        list(workers.Steps(_count, 8, workers=1))


def _count(step: int) -> tuple[torch.Tensor, ...]:
    return (torch.tensor(step),)


def train_with_ledger(out: Path, plan: Plan, ledger: Path, shift: int = 0) -> None:
    """Train, and write the samples of every finished step as a line.

    Args:
        out: The run's folder.
        plan: What is trained.
        ledger: The file that lines are added to.
        shift: Steps that a resumed run is started too late; not 0 for a broken one.
    """
    batches, asked = ViewLoader.batches, list[list[int]]()

    def listed(self: ViewLoader, epoch: int, start_step: int = 0, **boxes: Any) -> Any:
        late = shift if start_step else 0
        for batch in batches(self, epoch, max(start_step - late, 0), **boxes):
            asked.append([epoch, *batch.index.tolist()])
            yield batch

    ViewLoader.batches = listed  # type: ignore[method-assign]

    def written(self: SimCLR, progress: float) -> None:
        with ledger.open("a") as file:
            file.write(" ".join(map(str, asked.pop(0))) + "\n")

    SimCLR.after_step = written  # type: ignore[method-assign]
    train(out, plan)


def command(words: list[str]) -> None:
    """Run a command and leave with its exit code."""
    torch.set_num_threads(1)
    sys.exit(main(words))


def command_stopped_in_probe(words: list[str], number: int) -> None:
    """Run a command that gets a signal while a probe is being fitted."""
    from tamecrop.learning import probe

    fitted = probe._fitted

    def signaled(*arguments: Any) -> Any:
        os.kill(os.getpid(), number)
        return fitted(*arguments)

    probe._fitted = signaled
    sys.exit(main(words))


def command_unlocked(words: list[str]) -> None:
    """Broken: a worker of a study that never finds a cell taken."""
    from contextlib import contextmanager

    from tamecrop.learning import processes
    from tamecrop.studies import store

    @contextmanager
    def free(*_: Any) -> Any:
        yield True

    store.claim = free  # type: ignore[assignment]
    processes.alone = free  # type: ignore[attr-defined]
    sys.exit(main(words))


def command_twice_interrupted(words: list[str]) -> None:
    """Run a command that gets Ctrl-C twice within its sixth step."""
    loss, steps = SimCLR.loss, count()

    def signaled(self: SimCLR, views: Sequence[torch.Tensor]) -> torch.Tensor:
        if next(steps) == 5:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, views)

    SimCLR.loss = signaled  # type: ignore[method-assign]
    sys.exit(main(words))


def command_losing_pictures(words: list[str], folder: str) -> None:
    """Run a command whose pictures vanish at the end of its first epoch."""
    save = checkpoint.save

    def vanished(*arguments: Any, **more: Any) -> Path:
        saved = save(*arguments, **more)
        for path in Path(folder).rglob("*.png"):
            path.unlink()
        return saved

    checkpoint.save = vanished
    sys.exit(main(words))


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def on_two(rank: int, port: int) -> dict[str, str]:
    """The variables that torchrun gives one of two processes on one machine."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "GROUP_RANK": "0",
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_RUN_ID": "test",
    }


def leave_a_process_behind() -> None:
    """Broken: end while a process of one's own goes on."""
    if not os.fork():
        time.sleep(60)
