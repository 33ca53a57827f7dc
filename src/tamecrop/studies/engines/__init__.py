"""Where the cells of a study run: on this machine, on a Ray cluster, or as jobs of SLURM.

An engine is chosen by a text in the grammar of crop policies, `ray:address=10.0.0.1:6379,gpus=1`;
an engine is one file, with a subclass of `pool.Engine` named `ENGINE`.
"""

from dataclasses import fields
from importlib import import_module
from typing import Any

from tamecrop.data import write_atomic
from tamecrop.geometry import rules, text
from tamecrop.learning import StopFlag, one_thread
from tamecrop.studies import store
from tamecrop.studies.arms import Study
from tamecrop.studies.cells import Summary
from tamecrop.studies.engines import pool
from tamecrop.studies.grid import Queue, finish, outline, publish_numbers
from tamecrop.studies.listening import Listener

NAMES = ("local", "ray", "slurm")


def choose_engine(stated: str | pool.Engine) -> pool.Engine:
    """An engine from its text.

    Args:
        stated: such as `"slurm:partition=gpu,time=4h,gpus=1"`.

    Raises:
        ValueError: for an unknown engine or setting, with the nearest known one, or a value that
            breaks its rule.

    >>> choose_engine("local")
    Local()
    """
    if isinstance(stated, pool.Engine):
        return stated
    name = stated.partition(":")[0].strip()
    rules.known("grid engine", name, NAMES)
    kind: Any = import_module(f"{__name__}.{name}").ENGINE
    kinds = {field.name: field.type for field in fields(kind)}
    found = text.split_settings(stated.partition(":")[2], stated, what="grid engine", keys=kinds)
    made: pool.Engine = kind(**{key: _read(key, kinds[key], word) for key, word in found.items()})
    return made


def _read(key: str, kind: Any, word: str) -> str | int | float:
    """A setting as its type; a number that is none is refused."""
    if str in (kind, *getattr(kind, "__args__", ())):
        return word
    whole = kind is int
    try:
        return int(word) if whole else float(word)
    except ValueError:
        fraction = " without a fraction" * whole
        raise ValueError(
            f"`{key}` of a grid engine must be a number{fraction}, got {word!r}"
        ) from None


def run(
    study: Study,
    *,
    jobs: int = 1,
    engine: str | pool.Engine = "local",
    listener: Listener | None = None,
    stop: StopFlag | None = None,
) -> Summary:
    """Finish the missing cells of a study, each written as soon as it is done.

    Several processes may share a study's folder: each cell is done by one of them. A cell computes
    with one CPU thread, or on one device, whatever the engine and the number of jobs, which change
    no bit.

    Args:
        study: what is wanted; see `arms.check` for what should be found before.
        jobs: cells side by side. One runs here under the engine `local`; more run in processes that
            are started by `spawn`, for which a script needs the usual
            `if __name__ == "__main__":`.
        engine: where they run: `local`, `ray` or `slurm`, with its settings.
        listener: told of every event.
        stop: looked at after every step.

    Returns:
        The summary, as in `summary.json`.

    Raises:
        Interrupted: when asked to stop; everything is saved, and the same call continues.
        ValueError: when a cell fails, or cells of the store have another provenance; when a
            cluster does not answer.
    """
    chosen = choose_engine(engine)
    listener, stop = listener or Listener(), stop or StopFlag()
    study.out.mkdir(parents=True, exist_ok=True)
    if study.config is not None:
        with store.writing(study.out):
            write_atomic(study.out / "config.yaml", study.config.encode())
    cells = store.read(study.out)
    listener.study_started(*outline(study, cells))
    queue = Queue(study, listener)
    queue.tell(cells)
    if jobs == 1 and chosen == choose_engine("local"):
        with one_thread():
            while (wanted := queue.take()) is not None:
                stop.check()
                queue.end(wanted, finish(wanted, study, listener, stop))
    else:
        pool.run(chosen, study, queue, jobs=jobs, listener=listener, stop=stop)
    summary = publish_numbers(study)
    listener.study_ended(summary)
    return summary
