"""Fixtures of the reliability tests R1 to R28."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


@pytest.fixture
def pictures(tmp_path):
    """A folder of small pictures in two classes: decoded by workers while training."""
    noise = np.random.default_rng(0).integers(0, 255, (100, 16, 16, 3), dtype=np.uint8)
    for number, pixels in enumerate(noise):
        path = tmp_path / "images" / "ab"[number % 2] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return str(tmp_path / "images")
