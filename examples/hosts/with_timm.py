"""
timm: the first step of its transforms
======================================

timm's loader keeps its own augmentation; the crop in front of it is another.
"""

from collections.abc import Callable
from typing import Any

import timm.data
from matplotlib.figure import Figure
from torch.utils.data import Dataset
from torchvision.transforms.functional import to_pil_image

import tamecrop as tc
from tamecrop.reporting import new_figure


class Scenes(Dataset[tuple[Any, int]]):
    """Images as timm's loader takes them: it sets their transform."""

    def __init__(self) -> None:
        self.scenes = tc.load("scenes").train
        self.transform: Callable[[Any], Any] = lambda image: image

    def __len__(self) -> int:
        return 16

    def __getitem__(self, number: int) -> tuple[Any, int]:
        """The view of a scene, and its label."""
        image = to_pil_image(self.scenes.image(number))
        return self.transform(image), int(self.scenes.labels[number])


def main() -> Figure:
    """Draw a batch as timm's loader hands it over."""
    loader = timm.data.create_loader(
        Scenes(), 32, 8, is_training=True, use_prefetcher=False, num_workers=0
    )
    steps = loader.dataset.transform.transforms
    steps[0] = tc.transforms.Crop("gcc:scale=0.4,sigma=0.2165", 32, "bicubic")
    views, _ = next(iter(loader))
    low, high = views.min(), views.max()
    figure = new_figure(8, 1.3)
    for axes, view in zip(figure.subplots(1, 8), views, strict=True):
        axes.imshow((view.permute(1, 2, 0) - low) / (high - low))
        axes.axis("off")
    return figure


if __name__ == "__main__":
    figure = main()
