"""Fixtures of the reliability tests R1 to R28."""

import tempfile
from pathlib import Path

import pytest

from reliability import figures, forking


@pytest.fixture
def record():
    """`record("R1", "50 kills, 0 unloadable", n=50)`: see `reliability.figures`."""
    return figures.record


@pytest.fixture(scope="session")
def server():
    """The process that has imported torch, from which children are forked."""
    with forking.served():
        yield


@pytest.fixture
def forks(server, tmp_path_factory):
    """`forks.start(function, ...)`: see `reliability.forking`; nothing outlives the test."""
    running = forking.Forks(tmp_path_factory.mktemp("logs"))
    yield running
    running.end()


@pytest.fixture
def memory_disk(tmp_path):
    """A folder where waiting for the disk takes no time, where the machine has one."""
    shared = Path("/dev/shm")
    if not shared.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)
