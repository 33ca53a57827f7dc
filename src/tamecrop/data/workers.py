"""How a process that decodes for the loader behaves when its run is stopped."""

import multiprocessing
import os
import signal
import threading


def outlive_a_stop(worker: int) -> None:  # noqa: ARG001  torch's signature
    """Keep a worker at work when a signal goes to all processes of a run, as Ctrl-C does.

    The main process hears it too, finishes its step with this worker's batches, and then ends the
    worker itself: a SIGTERM counts only when it comes from there.
    """
    # A terminal sends Ctrl-C, and SLURM its SIGTERM, to the whole process group. A worker that
    # died of it would take the batch of the step that the main process still wants to finish, and
    # torch would report a lost worker in place of a stopped run. SIGINT is easy: nobody else sends
    # it. SIGTERM is also how torch ends its workers, so its sender must be told apart, and only
    # `sigwaitinfo` says who sent a signal: SIGTERM is blocked, and a thread takes it from there.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main = multiprocessing.parent_process()
    if main is not None and hasattr(signal, "sigwaitinfo"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_obey, args=(main.pid,), daemon=True).start()


def _obey(main: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != main:
        pass
    # Not sys.exit: it would end this thread alone. Nothing of a worker needs to be put in order.
    os._exit(0)
