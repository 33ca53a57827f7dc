"""
MosaicML Streaming: the place in the stream is the key
======================================================

A class of yours, one base more: samples draw by their place and the epoch, and hand the boxes over.
"""

import tempfile
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from streaming import MDSWriter, StreamingDataset
from torchvision.transforms.functional import to_pil_image

import tamecrop as tc
from tamecrop.reporting import Tile, tiles_figure
from tamecrop.views.adapters.streaming import KeyedStream


class Pictures(StreamingDataset):  # type: ignore[misc]  # the host is not typed
    """Two views of each scene."""

    views = tc.transforms.Views("mgcc:scale=0.4", views=2, size=32)

    def __getitem__(self, at: int) -> dict[str, Any]:
        """The scene and its views."""
        image = super().__getitem__(at)["image"]
        return {"image": image, "views": self.views(image)}


class KeyedPictures(KeyedStream, Pictures):
    """The same, keyed."""

    boxes = "boxes"


def main() -> Figure:
    """Draw three samples."""
    scenes = tc.load("scenes").train
    with tempfile.TemporaryDirectory() as folder:
        with MDSWriter(out=folder, columns={"image": "png"}) as writer:
            for number in range(8):
                writer.write({"image": to_pil_image(scenes.image(number))})
        samples = [KeyedPictures(local=folder, batch_size=4)[at] for at in range(3)]
        tiles = [
            Tile(
                np.asarray(sample["image"]),
                np.asarray(sample["boxes"]),
                tuple(np.asarray(view) for view in sample["views"]),
            )
            for sample in samples
        ]
    return tiles_figure({"mgcc:scale=0.4": tiles})


if __name__ == "__main__":
    figure = main()
