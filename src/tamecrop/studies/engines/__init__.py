"""Where the cells of a study run: here, one after another, or in processes of this machine."""

from tamecrop.data import write_atomic
from tamecrop.learning import StopFlag, one_thread
from tamecrop.studies import store
from tamecrop.studies.arms import Study
from tamecrop.studies.cells import Summary
from tamecrop.studies.engines import local
from tamecrop.studies.grid import Queue, finish, outline, publish_numbers
from tamecrop.studies.listening import Listener


def run(
    study: Study,
    *,
    jobs: int = 1,
    listener: Listener | None = None,
    stop: StopFlag | None = None,
) -> Summary:
    """Finish the missing cells of a study, each written as soon as it is done.

    Several processes may share a study's folder: each cell is done by one of them. A cell computes
    with one CPU thread, or on one device, whatever the number of jobs, which changes no bit.

    Args:
        study: what is wanted; see `arms.check` for what should be found before.
        jobs: cells side by side. One runs here; more run in processes that are started by `spawn`,
            for which a script needs the usual `if __name__ == "__main__":`.
        listener: told of every event.
        stop: looked at after every step.

    Returns:
        The summary, as in `summary.json`.

    Raises:
        Interrupted: when asked to stop; everything is saved, and the same call continues.
        ValueError: when a cell fails, or cells of the store have another provenance.
    """
    listener, stop = listener or Listener(), stop or StopFlag()
    study.out.mkdir(parents=True, exist_ok=True)
    if study.config is not None:
        with store.writing(study.out):
            write_atomic(study.out / "config.yaml", study.config.encode())
    cells = store.read(study.out)
    listener.study_started(*outline(study, cells))
    queue = Queue(study, listener)
    queue.tell(cells)
    if jobs == 1:
        with one_thread():
            while (wanted := queue.take()) is not None:
                stop.check()
                queue.end(wanted, finish(wanted, study, listener, stop))
    else:
        local.run(study, queue, jobs=jobs, listener=listener, stop=stop)
    summary = publish_numbers(study)
    listener.study_ended(summary)
    return summary
