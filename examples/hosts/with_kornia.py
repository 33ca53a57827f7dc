"""
Kornia: a batch of images, each with a box of its own
=====================================================

Kornia's crops run on whole batches of tensors, on a GPU too. The boxes of a pair are drawn first
and handed over as parameters, so that both views know of each other.
"""

import kornia.augmentation as K
import torch
from matplotlib.figure import Figure

import tamecrop as tc
from tamecrop.reporting import Tile, tiles_figure
from tamecrop.views.adapters.kornia import Crop


def main() -> Figure:
    """Draw both views of three scenes with the boxes that cut them."""
    scenes = tc.load("scenes").train
    images = torch.stack([scenes.image(number) for number in range(3)])
    policy, crop = tc.policy("mgcc:scale=0.4"), Crop("gcc:scale=0.4", 32)
    color = K.ColorJiggle(0.2, 0.2, 0.2, 0.05, p=1)
    boxes = policy.draw((32, 32), index=range(3))
    views = [
        color(crop(images / 255, params=crop.params(boxes[:, view], images / 255)))
        for view in range(2)
    ]
    pictures = [
        (255 * view).round().byte().permute(0, 2, 3, 1).numpy() for view in (images / 255, *views)
    ]
    tiles = [
        Tile(source, pair, (a, b)) for source, a, b, pair in zip(*pictures, boxes, strict=True)
    ]
    return tiles_figure({str(policy): tiles})


if __name__ == "__main__":
    torch.manual_seed(0)
    figure = main()
