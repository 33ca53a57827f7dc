"""
stable-pretraining: the box is in the sample
============================================

`Views` stands where `MultiViewTransform` stood, and each view's sample says where it was cut.
"""

import numpy as np
from matplotlib.figure import Figure
from stable_pretraining.data import FromTorchDataset, transforms

import tamecrop as tc
from tamecrop.reporting import Tile, tiles_figure
from tamecrop.views.adapters.stable_pretraining import Views


def main() -> Figure:
    """Draw the two views of three scenes."""
    scenes = tc.load("scenes").train
    images = [scenes.image(number) for number in range(3)]
    color = transforms.Compose(transforms.RandomGrayscale(p=0.5), transforms.ToImage())
    views = Views("mgcc:scale=0.4", [color, color], size=32)
    dataset = FromTorchDataset([(each,) for each in images], names=["image"], transform=views)
    tiles = []
    for number, image in enumerate(images):
        both = dataset[number]["views"]
        top, left, height, width = np.array([view["Crop"].tolist() for view in both]).T
        boxes = np.stack([left, top, left + width, top + height], axis=1)
        pictures = [(255 * view["image"]).byte().permute(1, 2, 0).numpy() for view in both]
        tiles.append(Tile(image.permute(1, 2, 0).numpy(), boxes, tuple(pictures)))
    return tiles_figure({"mgcc:scale=0.4": tiles})


if __name__ == "__main__":
    figure = main()
