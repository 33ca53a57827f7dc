"""Boxes per second: 50,000 images of 32 px, two views.

Run: .venv/bin/python benchmarks/boxes.py
"""

import numpy as np
import torch
from torchvision.transforms import v2

import tamecrop as tc
from common import rates, report, write

IMAGES, FEW, SIDE = 50_000, 2_000, 32


def drawn(policy: str) -> np.ndarray:
    return tc.policy(policy).draw((SIDE, SIDE), index=np.arange(IMAGES))


def one_call_an_image(generator: np.random.Generator) -> list[tuple[int, int]]:
    """The way of published code: one call of NumPy's Gaussian for each view of each image."""
    crop = int(SIDE * 0.4**0.5)
    covariance = [[1.5 * SIDE, 0], [0, 1.5 * SIDE]]
    corners = []
    for _ in range(2 * FEW):
        x, y = generator.multivariate_normal([SIDE // 2, SIDE // 2], covariance).astype(int)
        corners.append((x - crop // 2, y - crop // 2))
    return corners


def torchvision_params() -> list[tuple[int, int, int, int]]:
    image = torch.empty(3, SIDE, SIDE)
    crop = v2.RandomResizedCrop(SIDE, scale=(0.2, 1))
    return [crop.make_params([image]) for _ in range(2 * FEW)]


def main() -> None:
    generator = np.random.default_rng(0)
    many, few = 2 * IMAGES, 2 * FEW
    measured = rates(
        {
            "tamecrop gcc:scale=0.4,alpha=1.5": (lambda: drawn("gcc:scale=0.4,alpha=1.5"), many),
            "tamecrop rc:scale=0.4": (lambda: drawn("rc:scale=0.4"), many),
            "tamecrop rrc:scale=0.2..1": (lambda: drawn("rrc:scale=0.2..1"), many),
            "one NumPy call an image": (lambda: one_call_an_image(generator), few),
            "torchvision RandomResizedCrop.make_params": (torchvision_params, few),
        }
    )
    write("boxes", [report("boxes, one thread", "boxes/s", measured)])


if __name__ == "__main__":
    main()
