"""
torchvision: change one line
============================

A crop policy inside a plain torchvision pipeline: change one line, keep the rest.
"""

import torch
from torch.utils.data import DataLoader
from torchvision.datasets import FakeData
from torchvision.transforms import v2

import tamecrop as tc


def main() -> torch.Size:
    """Load one batch of views of 64 images."""
    pipeline = v2.Compose(
        [
            tc.transforms.Crop("gcc:scale=0.4,sigma=0.2165", size=32),  # was RandomResizedCrop(32)
            v2.RandomHorizontalFlip(),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
        ]
    )
    images = FakeData(size=64, image_size=(3, 48, 64), transform=pipeline)
    views, _ = next(iter(DataLoader(images, batch_size=64)))
    shape: torch.Size = views.shape
    return shape


if __name__ == "__main__":
    print(main())
