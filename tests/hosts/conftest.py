"""Every test of a host begins with the same random numbers."""

import random

import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded():
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  hosts draw from it
    torch.manual_seed(0)
