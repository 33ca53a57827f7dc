"""
Grain: crops for JAX without torch
==================================

`pip install tamecrop` alone cuts arrays. `map_with_index` comes before the shuffle, so that the
index is that of the source.
"""

from typing import Any

import grain.python as grain
import numpy as np
from matplotlib.figure import Figure

import tamecrop as tc
from tamecrop.reporting import Tile, tiles_figure

POLICY = tc.policy("mgcc:scale=0.4")


def views(index: int, image: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """An image, its boxes and its views."""
    boxes = POLICY.draw(image.shape[:2], index=[index])[0]
    return {"image": image, "boxes": boxes, "views": tc.cut(image, boxes, size=32)}


def main() -> Figure:
    """Draw a shuffled batch."""
    scenes = tc.load("scenes").train
    images = [scenes.image(number).permute(1, 2, 0).numpy() for number in range(8)]
    dataset = grain.MapDataset.source(images).map_with_index(views).shuffle(seed=1).batch(3)
    batch = dataset[0]
    tiles = [
        Tile(image, boxes, tuple(cuts))
        for image, boxes, cuts in zip(batch["image"], batch["boxes"], batch["views"], strict=True)
    ]
    return tiles_figure({str(POLICY): tiles})


if __name__ == "__main__":
    figure = main()
