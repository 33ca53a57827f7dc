"""
fastai: an item transform of a `DataBlock`
==========================================

`Crop` stands where `RandomResizedCrop` stood; validation keeps fastai's center crop.
"""

from fastai.vision.all import CategoryBlock, DataBlock, ImageBlock, IndexSplitter, PILImage
from matplotlib.figure import Figure

import tamecrop as tc
from tamecrop.reporting import new_figure
from tamecrop.views.adapters.fastai import Crop


def main() -> Figure:
    """Draw a batch of six scenes as fastai hands it over."""
    scenes = tc.load("scenes").train
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_x=lambda number: PILImage.create(scenes.image(number).permute(1, 2, 0).numpy()),
        get_y=lambda number: int(scenes.labels[number]),
        splitter=IndexSplitter([6, 7]),
        item_tfms=Crop("gcc:scale=0.4,sigma=0.2165", 32),
    )
    loaders = block.dataloaders(range(8), bs=6, num_workers=0)
    views, _ = loaders.one_batch()
    figure = new_figure(8, 1.6)
    for axes, view in zip(figure.subplots(1, 6), views.cpu(), strict=True):
        axes.imshow(view.permute(1, 2, 0))
        axes.axis("off")
    return figure


if __name__ == "__main__":
    figure = main()
