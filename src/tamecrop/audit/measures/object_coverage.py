"""How much of an image's best-covered object a view shows: one number for a law on a data set."""

import math

import numpy as np

from tamecrop.data.images import ImageSet
from tamecrop.geometry import boxes as box
from tamecrop.geometry.boxes import Boxes
from tamecrop.geometry.policy import Policy
from tamecrop.geometry.roundings import Ints

VIEWS = 50_000
"""At least so many views are drawn, always the same ones: a standard error near 0.001."""


class ObjectCoverage:
    """Mean over images of the coverage of the best-covered object by a view.

    Coverage is the share of the object's box that lies in the view's content; the best-covered
    object of an image is chosen for each view. Images without an object are left out.

    Args:
        images: a set with object boxes.

    Raises:
        ValueError: when no image has an object.
    """

    def __init__(self, images: ImageSet) -> None:
        if images.boxes is None:
            raise ValueError("`coverage` needs data with object boxes")
        objects = [
            box.clip(found, size) for found, size in zip(images.boxes, images.sizes, strict=True)
        ]
        objects = [found[box.area(found) > 0] for found in objects]
        kept = np.array([len(found) > 0 for found in objects], dtype=bool)
        if not kept.any():
            raise ValueError("`coverage` needs an image with an object, got none")
        self.images = int(kept.sum())
        rounds = math.ceil(VIEWS / (2 * self.images))
        self._sizes: Ints = np.tile(images.sizes[kept], (rounds, 1))
        self._counts: Ints = np.tile([len(found) for found in objects if len(found)], rounds)
        self._objects: Boxes = np.tile(np.concatenate(objects), (rounds, 1))

    @property
    def smallest_side(self) -> int:
        """Of any image, in pixels."""
        return int(self._sizes.min())

    @staticmethod
    def require_known(law: Policy) -> None:
        """Refuse a law that uses a given box: which of the objects that is, is not defined.

        Raises:
            ValueError: naming the law.
        """
        if "given" in (getattr(law.center, "mean", None), getattr(law.center, "box", None)):
            raise ValueError(f"`coverage` needs a law without given boxes, got {law}")

    def __call__(self, law: Policy) -> float:
        """The mean for one law, from keyed draws: two views of every image, in rounds.

        Raises:
            ValueError: as `require_known` does.
        """
        self.require_known(law)
        views = box.clip(law.draw(self._sizes), self._sizes[:, None])
        image = np.repeat(np.arange(len(self._sizes)), self._counts)
        covered = box.coverage(views[image], self._objects[:, None])
        first = np.cumsum(self._counts) - self._counts
        return float(np.maximum.reduceat(covered, first, axis=0).mean())
