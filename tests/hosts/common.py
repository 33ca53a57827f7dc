"""What the tests of hosts share: a library that may be missing, images, pages, worker data sets."""

import os
import re
import runpy
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset

import tamecrop as tc

PAGES = Path(__file__).parents[2] / "docs" / "hosts"
EXAMPLES = PAGES.parents[1] / "examples" / "hosts"
HEIGHT, WIDTH = 60, 90
LENIENT = pytest.mark.filterwarnings("default")
"""Hosts warn of what is theirs."""

LEAVES = "gcc:scale=0.5,sigma=0.5"
"""A policy whose boxes leave the image."""


def need(module: str) -> ModuleType:
    """A module of the host; without it the tests are skipped, but not in the host's environment."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "TAMECROP_HOST" in os.environ:
            return import_module(module)
        return pytest.importorskip(
            module, reason=f"{module} is not installed: make test-hosts", exc_type=ImportError
        )


def run_page(host: str, **given: Any) -> dict[str, Any]:
    """Run the Python snippets of a host's page, one after the other; the names that they leave."""
    names: dict[str, Any] = {"__name__": f"page_{host}", **given}
    path = PAGES / f"{host}.md"
    page = path.read_text("utf-8")
    blocks = [*re.finditer(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]
    assert blocks, f"the page of {host} has no snippet"
    for block in blocks:
        above = page.count("\n", 0, block.start(1))  # a line has the number that it has there
        exec(compile("\n" * above + block[1], str(path), "exec"), names)
    return names


def run_example(host: str) -> Any:
    """What the example of a host returns, which the gallery shows."""
    return runpy.run_path(str(EXAMPLES / f"with_{host}.py"), run_name="example")["main"]()


def pixels(number: int = 0, channels: int = 3, dtype: Any = np.uint8) -> np.ndarray:
    """An image `(H, W, C)` with structure, of the whole range of its type."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / np.array([HEIGHT, WIDTH])[:, None, None]
    waves = [
        np.sin(2 * np.pi * ((2 + c) * x + (1 + number) * y) + c + number) for c in range(channels)
    ]
    top = np.iinfo(dtype).max
    return ((np.stack(waves, axis=-1) / 2 + 0.5) * top).round().astype(dtype)


def picture(number: int = 0) -> Image.Image:
    """`pixels` as Pillow has them."""
    return Image.fromarray(pixels(number))


def by_pillow(image: np.ndarray, box: Any, size: int) -> np.ndarray:
    """A box inside an image, cut and resized by Pillow."""
    cut = Image.fromarray(image).crop(tuple(int(edge) for edge in box))
    return np.asarray(cut.resize((size, size), Image.Resampling.BILINEAR))


def levels_apart(first: Any, second: Any) -> float:
    """The largest difference of two images."""
    return float(np.abs(np.asarray(first, np.float64) - np.asarray(second, np.float64)).max())


def covers(box: Any, part: tuple[int, int, int, int]) -> bool:
    """Whether a box holds all of another."""
    x1, y1, x2, y2 = box
    return bool(x1 <= part[0] and y1 <= part[1] and part[2] <= x2 and part[3] <= y2)


def keyed_box(policy: str, index: int, *, epoch: int = 0, seed: int = 0, views: int = 1) -> Any:
    """The boxes `(V, 4)` of image `index`, as the policy draws them in a batch."""
    size = (HEIGHT, WIDTH)
    return tc.policy(policy).draw(size, views=views, index=[index], epoch=epoch, seed=seed)[0]


class Pictures(Dataset[Any]):
    """Images with a transform, which worker processes can read."""

    def __init__(self, transform: Any, count: int = 8) -> None:
        self.transform, self.count = transform, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return self.transform(picture(index))


def train(batches: Any, channels: int = 3) -> list[float]:
    """The losses of training steps of SimCLR with a small network.

    Args:
        batches: of each step the first and the second view, `(B, C, h, w)` floats.
        channels: C.
    """
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(channels, 16, 5, stride=2),
        torch.nn.BatchNorm2d(16),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(3),
        torch.nn.Flatten(),
        torch.nn.Linear(144, 32),
        torch.nn.BatchNorm1d(32),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for first, second in batches:
        both = torch.nn.functional.normalize(network(torch.cat([first, second]).float()), dim=1)
        alike = (both @ both.T / 0.2).fill_diagonal_(-torch.inf)
        partner = torch.arange(len(both)).roll(len(first))
        loss = torch.nn.functional.cross_entropy(alike, partner)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def has_learned(losses: list[float]) -> bool:
    """Whether twenty steps were made and the last five lose less than the first five."""
    return len(losses) == 20 and np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
