"""
Ray Data: whole batches in `map_batches`
========================================

`tc.cut` takes the batch; a row's own number keys its boxes, whatever the blocks.
"""

from typing import Any

import numpy as np
import ray
from matplotlib.figure import Figure

import tamecrop as tc
from tamecrop.reporting import Tile, tiles_figure

POLICY = "mgcc:scale=0.4"


def views(batch: dict[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """The boxes and views of a batch of rows."""
    images = batch["image"]
    boxes = tc.policy(POLICY).draw(images.shape[1:3], index=batch["index"])
    return batch | {"boxes": boxes, "views": tc.cut(images, boxes, size=32)}


def main() -> Figure:
    """Draw the first rows."""
    scenes = tc.load("scenes").train
    rows = [
        {"index": number, "image": scenes.image(number).permute(1, 2, 0).numpy()}
        for number in range(8)
    ]
    dataset = ray.data.from_items(rows).map_batches(views, batch_size=4)
    cut = sorted(dataset.take_all(), key=lambda row: int(row["index"]))
    tiles = [Tile(row["image"], row["boxes"], tuple(row["views"])) for row in cut[:3]]
    return tiles_figure({POLICY: tiles})


if __name__ == "__main__":
    figure = main()
