"""Views per second of cutting alone: 32 px, two views, uint8, batches in memory.

A source image counts once, whatever its number of views. The rivals get their boxes for free
where they can take boxes, and draw their own where they cannot.

Run: .venv/bin/python benchmarks/cut.py
"""

import kornia.augmentation
import kornia.geometry.transform
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

import tamecrop as tc
from common import rates, report, write

IMAGES, FEW, SIDE, CROP = 50_000, 2_000, 32, 20
PIXELS = torch.randint(0, 256, (IMAGES, 3, SIDE, SIDE), dtype=torch.uint8)
PICTURES = [Image.fromarray(p.permute(1, 2, 0).numpy()) for p in PIXELS[:FEW]]


def boxes(policy: str) -> np.ndarray:
    return tc.policy(policy).draw((SIDE, SIDE), index=np.arange(IMAGES))


def torchvision_exact(crop: v2.RandomCrop) -> list[Tensor]:
    return [torch.stack([crop(image) for image in PIXELS[:FEW]]) for _ in range(2)]


def torchvision_resized(where: list[list[list[int]]]) -> Tensor:
    views = [
        functional.resized_crop(image, y1, x1, y2 - y1, x2 - x1, [SIDE, SIDE], antialias=True)
        for image, views in zip(PIXELS[:FEW], where, strict=True)
        for x1, y1, x2, y2 in views
    ]
    return torch.stack(views)


def one_picture_at_a_time(generator: np.random.Generator) -> list[Image.Image]:
    """The way of published code: a NumPy draw and a PIL crop for each view."""
    covariance = [[1.5 * SIDE, 0], [0, 1.5 * SIDE]]
    views = []
    for picture in PICTURES:
        for _ in range(2):
            x, y = generator.multivariate_normal([SIDE // 2] * 2, covariance).astype(int)
            left, top = x - CROP // 2, y - CROP // 2
            views.append(picture.crop((left, top, left + CROP, top + CROP)))
    return views


def kornia_exact(crop: kornia.augmentation.RandomCrop) -> list[Tensor]:
    images = PIXELS[:FEW].float()
    return [crop(images) for _ in range(2)]


def kornia_resized(corners: Tensor) -> list[Tensor]:
    images = PIXELS[:FEW].float()
    size = (SIDE, SIDE)
    return [kornia.geometry.transform.crop_and_resize(images, each, size) for each in corners]


def corners_of(where: np.ndarray) -> Tensor:
    """Boxes `(N, 2, 4)` as Kornia's inclusive corners `(2, N, 4, 2)`."""
    x1, y1, x2, y2 = np.moveaxis(where.astype(np.float32), -1, 0)
    points = [(x1, y1), (x2 - 1, y1), (x2 - 1, y2 - 1), (x1, y2 - 1)]
    stacked = np.stack([np.stack(point, axis=-1) for point in points], axis=-2)
    return torch.from_numpy(np.ascontiguousarray(stacked.swapaxes(0, 1)))


def main() -> None:
    inside, leaving = boxes("rc:scale=0.4"), boxes("gcc:scale=0.4,alpha=1.5")
    generator = np.random.default_rng(0)
    crop = kornia.augmentation.RandomCrop((CROP, CROP), cropping_mode="slice")
    exact = rates(
        {
            "tamecrop.cut, rc": (lambda: tc.cut(PIXELS, inside), IMAGES),
            "tamecrop.cut, gcc": (lambda: tc.cut(PIXELS, leaving), IMAGES),
            "tamecrop.cut, gcc border=recenter": (
                lambda: tc.cut(PIXELS, leaving, content="centered"),
                IMAGES,
            ),
            "torchvision v2 RandomCrop, image by image": (
                lambda: torchvision_exact(v2.RandomCrop(CROP)),
                FEW,
            ),
            "Kornia RandomCrop, batch": (lambda: kornia_exact(crop), FEW),
            "NumPy and PIL, image by image": (lambda: one_picture_at_a_time(generator), FEW),
        }
    )
    random = boxes("rrc:scale=0.2..1")
    chosen, corners = random[:FEW].tolist(), corners_of(random[:FEW])
    part = PIXELS[: 5 * FEW]
    resized = rates(
        {
            "tamecrop.cut, size=32, antialiased": (
                lambda: tc.cut(part, random[: 5 * FEW], size=SIDE),
                5 * FEW,
            ),
            "torchvision v2 resized_crop, antialiased": (lambda: torchvision_resized(chosen), FEW),
            "Kornia crop_and_resize, not antialiased": (lambda: kornia_resized(corners), FEW),
        }
    )
    threads = torch.get_num_threads()
    write(
        "cut",
        [
            report(f"exact cuts 32 -> 20 px, 2 views, {threads} threads", "images/s", exact),
            report(f"resized cuts 32 -> 32 px, 2 views, {threads} threads", "images/s", resized),
        ],
    )


if __name__ == "__main__":
    main()
