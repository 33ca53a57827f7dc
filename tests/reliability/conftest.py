"""Fixtures of the reliability tests R1 to R28."""

import pytest

from reliability import figures


@pytest.fixture
def record():
    """`record("R1", "50 kills, 0 unloadable", n=50)`: see `reliability.figures`."""
    return figures.record
