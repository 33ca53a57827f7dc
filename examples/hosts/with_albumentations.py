"""
Albumentations: image and mask along one box
============================================

`Crop` stands where `A.RandomResizedCrop` stood: masks follow, and the box is among the parameters
that Albumentations writes down.
"""

import albumentations as A
import numpy as np
from matplotlib.figure import Figure

import tamecrop as tc
from tamecrop.reporting import Tile, tiles_figure
from tamecrop.views.adapters.albumentations import Crop


def main() -> Figure:
    """Cut two views of two scenes, and of masks of their objects."""
    scenes = tc.load("scenes").train
    pipeline = A.Compose(
        [Crop("gcc:scale=0.4,sigma=0.2165", size=32), A.RandomBrightnessContrast(p=1)],
        save_applied_params=True,
        seed=0,
    )
    rows: dict[str, list[Tile]] = {"image": [], "mask": []}
    for number in range(2):
        image = scenes.image(number).permute(1, 2, 0).numpy()
        mask = np.zeros(image.shape[:2], np.uint8)
        x1, y1, x2, y2 = scenes.boxes[number][0].astype(int)
        mask[y1:y2, x1:x2] = 255
        views = [pipeline(image=image, mask=mask) for _ in range(2)]
        boxes = np.array([view["applied_transforms"][0][1]["crop_coords"] for view in views])
        rows["image"].append(Tile(image, boxes, tuple(view["image"] for view in views)))
        masks = tuple(np.stack([view["mask"]] * 3, axis=-1) for view in views)
        rows["mask"].append(Tile(np.stack([mask] * 3, axis=-1), boxes, masks))
    return tiles_figure(rows)


if __name__ == "__main__":
    figure = main()
