"""
tf.data: views through `tf.numpy_function`
==========================================

`enumerate` gives the index that keys the boxes, before any shuffle.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import tamecrop as tc
from tamecrop.reporting import Tile, tiles_figure

# isort: split
import tensorflow as tf  # behind torchvision, which the pictures need: the other order crashes

POLICY = tc.policy("mgcc:scale=0.4")


def views_of(index: int, image: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """The views and boxes of an image, in NumPy."""
    boxes = POLICY.draw(image.shape[:2], index=[index])[0]
    return tc.cut(image, boxes, size=32), boxes


def crop(index: Any, image: Any) -> tuple[Any, Any, Any]:
    """An image, its views and its boxes, in TensorFlow."""
    views, boxes = tf.numpy_function(views_of, [index, image], [tf.uint8, tf.int64])
    return image, tf.ensure_shape(views, (2, 32, 32, 3)), tf.ensure_shape(boxes, (2, 4))


def main() -> Figure:
    """Draw a shuffled batch."""
    scenes = tc.load("scenes").train
    images = np.stack([scenes.image(number).permute(1, 2, 0).numpy() for number in range(8)])
    dataset = tf.data.Dataset.from_tensor_slices(images).enumerate().map(crop).shuffle(8, seed=1)
    tiles = [
        Tile(image, boxes, tuple(views))
        for image, views, boxes in dataset.take(3).as_numpy_iterator()
    ]
    return tiles_figure({str(POLICY): tiles})


if __name__ == "__main__":
    figure = main()
