"""Images with their labels and object boxes, in memory or on disk, and the splits of a set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torchvision.transforms.v2 import functional

from tamecrop.data import fingerprints
from tamecrop.data.decode import PLAIN, DecodeError, Decoding, decode
from tamecrop.geometry import rules
from tamecrop.geometry.object_masks import scale_boxes

if TYPE_CHECKING:
    from tamecrop.views.shrunk import Scaled

Ints = NDArray[np.int64]
Size = int | tuple[int, int]
Need = Literal["pixels", "labels", "boxes", "known_boxes"]
"""Pixels of train; labels in every split; object boxes in train, or where the data has them."""

COLOR_CONSTANTS = {"cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))}
"""Mean and deviation that others normalize by. Those of `cifar10` are in much code for these
images, that of arXiv:2504.19824 too; the pixels deviate by more, 0.247, 0.243, 0.262."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageSet:
    """Some images, either as one uint8 tensor or as files that are decoded when asked for.

    Args:
        pixels: uint8 `(N, C, H, W)`, or None when the images are files.
        paths: one file per image, or None when the images are in memory.
        sizes: int64 `(N, 2)`, (height, width) in pixels after EXIF orientation.
        labels: int64 `(N,)`, or None.
        boxes: the object boxes of each image, float64 `(k, 4)` each, k >= 0, `MaskedBoxes` where
            masks are known; or None.
        decoding: how files are decoded, the same for all images of a set.

    Raises:
        ValueError: unless exactly one of pixels and paths is given and all lengths agree.
    """

    sizes: Ints
    pixels: Tensor | None = None
    paths: tuple[Path, ...] | None = None
    labels: Tensor | None = None
    boxes: tuple[NDArray[Any], ...] | None = None
    decoding: Decoding = PLAIN

    def __post_init__(self) -> None:
        if self.boxes is not None:
            boxes = tuple(np.asanyarray(each, dtype=np.float64) for each in self.boxes)
            object.__setattr__(self, "boxes", boxes)
        if (self.pixels is None) == (self.paths is None):
            raise ValueError("an image set must have `pixels` or `paths`, and not both")
        for name in ("pixels", "paths", "labels", "boxes"):
            part = getattr(self, name)
            if part is not None and len(part) != len(self.sizes):
                raise ValueError(
                    f"`{name}` must have one entry per image, got {len(part)} for {len(self)}"
                )

    def __len__(self) -> int:
        return len(self.sizes)

    @classmethod
    def in_memory(
        cls,
        pixels: Tensor,
        *,
        labels: Tensor | None = None,
        boxes: tuple[NDArray[Any], ...] | None = None,
    ) -> "ImageSet":
        """Images that are already decoded, uint8 `(N, C, H, W)`.

        >>> len(ImageSet.in_memory(torch.zeros(5, 3, 8, 8, dtype=torch.uint8)))
        5
        """
        if pixels.dtype != torch.uint8 or pixels.ndim != 4:
            got = f"{pixels.dtype} {tuple(pixels.shape)}"
            raise ValueError(f"`pixels` must be uint8 of shape (N, C, H, W), got {got}")
        sizes = np.tile(np.array(pixels.shape[-2:], dtype=np.int64), (len(pixels), 1))
        return cls(sizes=sizes, pixels=pixels, labels=labels, boxes=boxes)

    @property
    def channels(self) -> int:
        """Channels of every image."""
        return self.decoding.channels if self.pixels is None else self.pixels.shape[1]

    @property
    def one_size(self) -> bool:
        """Whether all images have the same height and width."""
        return bool((self.sizes == self.sizes[:1]).all())

    def image(self, position: int) -> Tensor:
        """The image at a position, uint8 `(C, H, W)`; a file is decoded to RGB.

        Raises:
            DecodeError: when its file can no longer be read, or has another size than it had.
        """
        if self.pixels is not None:
            return self.pixels[position]
        assert self.paths is not None, "__post_init__ leaves no other case"
        image = decode(self.paths[position], self.decoding)
        self._require_same(position, image, 1)
        return image

    def scaled(self, position: int, shrink: int, rows: int | None = None) -> "Scaled":
        """The file at a position, a JPEG at a fraction of its size; arguments as of `read_scaled`.

        Raises:
            DecodeError: as `image`.
        """
        from tamecrop.data.scaled import read_scaled

        assert self.paths is not None, "only files are decoded"
        image = read_scaled(self.paths[position], self.decoding, shrink, rows)
        self._require_same(position, image.pixels, image.shrink, image.below)
        return image

    def _require_same(self, position: int, image: Tensor, shrink: int, below: int = 0) -> None:
        assert self.paths is not None, "only files can change"
        height, width = (-(-side // shrink) for side in self.sizes[position].tolist())
        channels, found, wide = image.shape[0], image.shape[1] + below, image.shape[2]
        if (channels, found, wide) != (self.channels, height, width):
            now = f"{found} x {wide} pixels, and had {height} x {width}"
            if (found, wide) == (height, width):
                now = f"{channels} channels, and had {self.channels}"
            raise DecodeError(self.paths[position], "decode", f"the file has changed: it has {now}")

    def subset(self, positions: ArrayLike | Sequence[int]) -> "ImageSet":
        """The images at some positions, in that order."""
        kept = np.asarray(positions, dtype=np.int64)
        chosen = torch.from_numpy(kept)
        return ImageSet(
            sizes=self.sizes[kept],
            pixels=None if self.pixels is None else self.pixels[chosen],
            paths=None if self.paths is None else tuple(self.paths[i] for i in kept),
            labels=None if self.labels is None else self.labels[chosen],
            boxes=None if self.boxes is None else tuple(self.boxes[i] for i in kept),
            decoding=self.decoding,
        )

    def joined(self, other: "ImageSet") -> "ImageSet":
        """These images and then those of another set, which both hold in memory.

        Raises:
            ValueError: unless both are in memory with one size, and both or neither have labels.
        """
        sets = (self, other)
        pixels = [each.pixels for each in sets if each.pixels is not None]
        labels = [each.labels for each in sets if each.labels is not None]
        boxes = [each.boxes for each in sets if each.boxes is not None]
        alike = len(pixels) == 2 and pixels[0].shape[1:] == pixels[1].shape[1:]
        if not alike or len(labels) == 1:
            raise ValueError("only images in memory, of one size and labeled alike, can be joined")
        return ImageSet.in_memory(
            torch.cat(pixels),
            labels=torch.cat(labels) if labels else None,
            boxes=sum(boxes, ()) if len(boxes) == 2 else None,
        )

    def resident(self, size: Size | None = None) -> "ImageSet":
        """The same images in memory, resized (antialiased, aspect not kept) where asked for.

        Args:
            size: side or (height, width) of every image; None keeps their common size.

        Raises:
            ValueError: when the images differ in size and none is asked for.
        """
        if size is None and not self.one_size:
            raise ValueError("`size` must be given to hold images of different sizes in memory")
        if size is None and self.pixels is not None:
            return self
        images = torch.stack([self._resized(i, size) for i in range(len(self))])
        return ImageSet.in_memory(images, labels=self.labels, boxes=self._scaled_boxes(images))

    def _resized(self, position: int, size: Size | None) -> Tensor:
        image = self.image(position)
        if size is None:
            return image
        sides = [size, size] if isinstance(size, int) else list(size)
        resized: Tensor = functional.resize(image, sides, antialias=True)
        return resized

    def _scaled_boxes(self, images: Tensor) -> tuple[NDArray[Any], ...] | None:
        if self.boxes is None:
            return None
        height, width = images.shape[-2:]
        factors = np.tile((np.array((height, width)) / self.sizes)[:, ::-1], 2)
        return tuple(
            scale_boxes(boxes, factor, tuple(size), (height, width))
            for boxes, factor, size in zip(self.boxes, factors, self.sizes.tolist(), strict=True)
        )


def require_dataset(dataset: object) -> None:
    """Refuse what is no data set, such as its name.

    Raises:
        TypeError: with the way to one.
    """
    if not isinstance(dataset, Dataset):
        kind = type(dataset).__name__
        raise TypeError(f"`dataset` must be a Dataset, as tc.load(DATA) makes it, got {kind}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """A data set ready for training: three splits without a common image.

    Args:
        name: what the user typed.
        train: images to learn from.
        validation: images for every choice.
        test: images for the final figure.
        classes: names of the labels, or None when there are no labels.
        mean: per channel, of train pixels in [0, 1].
        std: per channel, of train pixels in [0, 1].
        root: folder to which the paths of the images are relative in the fingerprint.
        quarantined: files that could not be read and were left out.
        notes: sentences that whoever uses the data should know.
        account: one line on what was read, how it was split, and what was not read.
        lacking: why labels or object boxes are missing somewhere, by what is missing.
    """

    name: str
    train: ImageSet
    validation: ImageSet
    test: ImageSet
    classes: tuple[str, ...] | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    root: Path | None = None
    quarantined: tuple[DecodeError, ...] = ()
    notes: tuple[str, ...] = ()
    account: str = ""
    lacking: Mapping[Need, tuple[str, ...]] = field(default_factory=dict)

    def require(self, need: Need) -> None:
        """Refuse the set for work that needs what it does not have.

        Args:
            need: see `Need`; pixels and known boxes are never missing.

        Raises:
            ValueError: naming what is missing, by file, key or folder.
        """
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        if need == "labels":
            missing = [name for name, images in splits.items() if images.labels is None]
            reasons = self.lacking.get("labels", ()) or [f"{name} has none" for name in missing]
            if missing or self.classes is None or self.lacking.get("labels"):
                raise ValueError(f"{self.name} has no labels in every split: {'; '.join(reasons)}")
        if need == "boxes" and not any(len(each) for each in self.train.boxes or ()):
            reasons = self.lacking.get("boxes", ()) or ["no train image has one"]
            raise ValueError(f"{self.name} has no object boxes: {'; '.join(reasons)}")

    def fingerprint(self) -> str:
        """A SHA-256 in hex that changes when an image, a label, a box or a split changes.

        Images in memory are hashed whole; of files the path below the root, the size in bytes
        and the first and last 4096 bytes are hashed, so that a large folder takes seconds.
        """
        splits = (self.train, self.validation, self.test)
        parts = (
            part
            for split in splits
            for part in (split.pixels, split.paths, split.labels, split.boxes)
        )
        return fingerprints.of_parts(parts, self.root)

    def normalized(self, by: str) -> "Dataset":
        """The same set with the mean and deviation that its colors are normalized by.

        Args:
            by: `train`, those of its train images, or `cifar10`, the constants of the field.

        Raises:
            ValueError: for an unknown name, or constants of RGB for images of other channels.
        """
        rules.known("normalize", by, ("train", *COLOR_CONSTANTS))
        if by == "train":
            return self
        if self.train.channels != 3:
            got = f"{by} for images of {self.train.channels} channels"
            raise ValueError(f"`normalize` must be train where images are not RGB, got {got}")
        mean, std = COLOR_CONSTANTS[by]
        return replace(self, mean=mean, std=std)

    def with_train(self, train: ImageSet) -> "Dataset":
        """The same set with other training images, for a quicker run on some of them."""
        return replace(self, train=train)
