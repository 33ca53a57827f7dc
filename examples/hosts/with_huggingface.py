"""
Hugging Face datasets: boxes in a column
========================================

`set_transform` hands over a batch of rows; `OnRows` draws for each row by its index, so that the
boxes are the same for any batch, order and number of workers, and others in every epoch.
"""

import numpy as np
from datasets import Dataset, Image
from matplotlib.figure import Figure
from torchvision.transforms.functional import to_pil_image

import tamecrop as tc
from tamecrop.reporting import Tile, tiles_figure
from tamecrop.views.adapters.huggingface import OnRows


def main() -> Figure:
    """Draw the views of three rows in two epochs."""
    scenes = tc.load("scenes").train
    images = [to_pil_image(scenes.image(number)) for number in range(8)]
    dataset = Dataset.from_dict({"image": images, "index": range(8)}).cast_column("image", Image())
    views = tc.transforms.Views("mgcc:scale=0.4", views=2, size=32)
    transform = OnRows(views, "image", index="index", boxes="boxes")
    dataset.set_transform(transform)

    rows = {}
    for epoch in range(2):
        transform.set_epoch(epoch)
        rows[f"epoch {epoch}"] = [
            Tile(
                np.asarray(images[number]),
                np.asarray(dataset[number]["boxes"]),
                tuple(np.asarray(view) for view in dataset[number]["image"]),
            )
            for number in range(3)
        ]
    return tiles_figure(rows)


if __name__ == "__main__":
    figure = main()
