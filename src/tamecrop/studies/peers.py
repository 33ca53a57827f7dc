"""Pipelines of other libraries that do what `2x rrc` does, for `tamecrop bench` to stand beside.

Each gets the same files or images, the same scale, size and colors as ours, with draws of its own.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from tamecrop.views.photometric import Photometric

Source = Path | Tensor
"""A file, or an image in memory, uint8 `(3, H, W)`."""

Work = Callable[[Sequence[Source]], object]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class CommonViews:
    """What every peer makes of an image.

    Args:
        views: of an image.
        size: side of a view in pixels.
        scale: of the random resized crop.
        colors: what follows the crop; None stops behind it.
    """

    views: int
    size: int
    scale: tuple[float, float]
    colors: Photometric | None = None


def pipelines(wanted: CommonViews) -> tuple[dict[str, Work], tuple[str, ...]]:
    """The pipelines of the libraries that are installed, by name, and what is not installed."""
    known: Mapping[str, tuple[str, Callable[[CommonViews], Work]]] = {
        "torchvision on PIL": ("torchvision", _torchvision_on_pil),
        "torchvision on tensors": ("torchvision", _torchvision_on_tensors),
        "Lightly": ("lightly", _lightly),
        "Albumentations": ("albumentations", _albumentations),
        "Kornia": ("kornia", _kornia),
    }
    # Lightly's crop is torchvision's: it only adds something with its colors.
    chosen = {k: v for k, v in known.items() if wanted.colors is not None or k != "Lightly"}
    there = {name for name, (package, _) in chosen.items() if find_spec(package)}
    works = {name: make(wanted) for name, (_, make) in chosen.items() if name in there}
    return works, tuple(name for name in chosen if name not in there)


def versions() -> dict[str, str]:
    """Versions of the libraries that are installed."""
    known = {
        "torchvision",
        "lightly",
        "albumentations",
        "albumentationsx",
        "kornia",
        "opencv-python-headless",
        "pillow",
    }
    return {each.name: each.version for each in distributions() if each.name in known}


def _picture(source: Source) -> Image.Image:
    if isinstance(source, Path):
        with Image.open(io.BytesIO(source.read_bytes())) as file:
            return file.convert("RGB")
    return Image.fromarray(source.permute(1, 2, 0).numpy())


def _tensor(source: Source) -> Tensor:
    if isinstance(source, Tensor):
        return source
    found: Tensor = v2.functional.pil_to_tensor(_picture(source))
    return found


def _each(read: Callable[[Source], Any], make: Callable[[Any], object], views: int) -> Work:
    def work(sources: Sequence[Source]) -> object:
        return [[make(image) for _ in range(views)] for image in map(read, sources)]

    return work


def torchvision_transform(wanted: CommonViews, *closing: Any) -> v2.Compose:
    """One view: the crop, and colors where there are any; what follows them comes in `closing`."""
    crop = v2.RandomResizedCrop(wanted.size, wanted.scale, antialias=True)
    if wanted.colors is None:
        return v2.Compose([crop, *closing[:1]])
    has = wanted.colors
    jitter = v2.ColorJitter(has.brightness, has.contrast, has.saturation, has.hue)
    steps = [
        v2.RandomHorizontalFlip(has.flip),
        v2.RandomApply([jitter], has.jitter),
        v2.RandomGrayscale(has.gray),
        v2.RandomApply([v2.GaussianBlur(3, has.blur_sigma)], has.blur),
        v2.RandomInvert(has.invert),
    ]
    ending = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    return v2.Compose([crop, *steps, *closing, *ending])


def _torchvision_on_pil(wanted: CommonViews) -> Work:
    return _each(_picture, torchvision_transform(wanted, v2.PILToTensor()), wanted.views)


def _torchvision_on_tensors(wanted: CommonViews) -> Work:
    return _each(_tensor, torchvision_transform(wanted), wanted.views)


def lightly_transform(wanted: CommonViews) -> Any:
    """Lightly's two views of a picture, with its colors."""
    from lightly.transforms import SimCLRTransform

    has = wanted.colors
    assert has is not None, "it adds nothing but colors to torchvision's crop"
    return SimCLRTransform(
        input_size=wanted.size,
        cj_prob=has.jitter,
        cj_bright=has.brightness,
        cj_contrast=has.contrast,
        cj_sat=has.saturation,
        cj_hue=has.hue,
        min_scale=wanted.scale[0],
        random_gray_scale=has.gray,
        gaussian_blur=has.blur,
        sigmas=has.blur_sigma,
        hf_prob=has.flip,
    )


def _lightly(wanted: CommonViews) -> Work:
    make = lightly_transform(wanted)
    return lambda sources: [make(_picture(source)) for source in sources]


def _albumentations(wanted: CommonViews) -> Work:
    import albumentations
    import cv2

    cv2.setNumThreads(1)  # as a worker of a loader has
    side = (wanted.size, wanted.size)
    steps: list[Any] = [albumentations.RandomResizedCrop(side, wanted.scale)]
    if wanted.colors is not None:
        has = wanted.colors
        jitter = (has.brightness, has.contrast, has.saturation)
        ranges = [(1 - strength, 1 + strength) for strength in jitter]
        steps += [
            albumentations.HorizontalFlip(p=has.flip),
            albumentations.ColorJitter(*ranges, (-has.hue, has.hue), p=has.jitter),
            albumentations.ToGray(p=has.gray),
            albumentations.GaussianBlur((3, 3), has.blur_sigma, p=has.blur),
            albumentations.InvertImg(p=has.invert),
            albumentations.Normalize(MEAN, STD),
        ]
    # AlbumentationsX, of the same import name, reports each pipeline to its makers otherwise.
    is_x = hasattr(albumentations.DualTransform, "sample_parameters")
    crop = albumentations.Compose(steps, **({"telemetry": False} if is_x else {}))

    def read(source: Source) -> Any:
        if isinstance(source, Tensor):
            return source.permute(1, 2, 0).numpy()
        content = np.frombuffer(source.read_bytes(), dtype=np.uint8)
        return cv2.cvtColor(cv2.imdecode(content, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

    return _each(
        read,
        lambda image: torch.from_numpy(crop(image=image)["image"]).permute(2, 0, 1),
        wanted.views,
    )


def _kornia(wanted: CommonViews) -> Work:
    """A batch in one call where all images have one size, else one image a call."""
    from kornia import augmentation

    steps = [augmentation.RandomResizedCrop((wanted.size, wanted.size), wanted.scale)]
    if wanted.colors is not None:
        has = wanted.colors
        steps += [
            augmentation.RandomHorizontalFlip(p=has.flip),
            augmentation.ColorJitter(
                has.brightness, has.contrast, has.saturation, has.hue, p=has.jitter
            ),
            augmentation.RandomGrayscale(p=has.gray),
            augmentation.RandomGaussianBlur((3, 3), has.blur_sigma, p=has.blur),
            augmentation.RandomInvert(p=has.invert),
            augmentation.Normalize(torch.tensor(MEAN), torch.tensor(STD)),
        ]
    make = augmentation.ImageSequential(*steps)

    def work(sources: Sequence[Source]) -> object:
        images = [_tensor(source).float() / 255 for source in sources]
        alike = len({image.shape for image in images}) == 1
        batches = [torch.stack(images)] if alike else [image[None] for image in images]
        return [make(batch) for batch in batches for _ in range(wanted.views)]

    return work
