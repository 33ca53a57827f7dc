"""What a reference sees under a crop law: whether the label is kept, and how alike views are."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from tamecrop.audit.measures.pairs import pairs
from tamecrop.audit.reference.network import Look, Reference
from tamecrop.audit.reference.pixels import Pixels
from tamecrop.geometry.borders import Content
from tamecrop.geometry.boxes import Boxes
from tamecrop.geometry.policy import Policy, policy

Ints = NDArray[np.int64]

BLINDNESS = ("rc:scale=0.1", "rc:scale=0.25", "rc:scale=0.5")
"""Random crops on which a reference's own accuracy is told, so that its blindness is known."""


@dataclass(frozen=True)
class Similarity:
    """Cosines of a reference's features.

    Args:
        whole_mean: mean cosine between a view and the whole image.
        pair_mean: mean cosine between the two views.
        pair_p05: its 5 % quantile.
    """

    whole_mean: float
    pair_mean: float
    pair_p05: float


@dataclass(frozen=True)
class Agreement:
    """How often a reference names views as it names the whole image, where that is right.

    Args:
        label_agreement: share of views.
        error: standard error of it over images.
        pair_agreement: share of pairs in which both views agree.
    """

    label_agreement: float
    error: float
    pair_agreement: float


@dataclass(frozen=True)
class Known:
    """How good a reference is by itself.

    Args:
        name: what it is.
        side: of the views it looks at, in pixels.
        images: that it was asked about.
        right: of these, named rightly when whole; None for a reference that names nothing.
        accuracy: on whole images, a fraction.
        crop_accuracy: on uniform random crops, by their law; one crop an image.
    """

    name: str
    side: int
    images: int
    right: int | None
    accuracy: float | None
    crop_accuracy: dict[str, float]


@dataclass(frozen=True, eq=False)
class Seen:
    """The views of one law as a reference sees them.

    Args:
        image: `(P,)` places among the images asked about.
        boxes: `(P, 2, 4)`.
        features: of both views, unit length, `(P, 2, D)`.
        answers: `(P, 2)`, or None.
    """

    image: Ints
    boxes: Boxes
    features: Tensor
    answers: Tensor | None


class Witness:
    """A reference and the images that it is asked about, whose whole it has seen.

    Args:
        reference: the network.
        images: decoded.
        labels: `(N,)` of the images; needed when the reference names something.
    """

    def __init__(self, reference: Reference, images: Pixels, labels: Tensor | None) -> None:
        self.reference, self.images, self.labels = reference, images, labels
        whole = self._look(images.whole, content="in_place")
        self.whole = normalize(whole.features, dim=1)
        self.answers = whole.answers
        self.right: Tensor | None = None
        if whole.answers is not None and labels is not None:
            self.right = whole.answers.eq(labels)

    def known(self) -> Known:
        """How good the reference is by itself."""
        accuracy, crops = None, {}
        if self.right is not None:
            accuracy = self.right.double().mean().item()
            crops = {law: self._accuracy(policy(law)) for law in BLINDNESS}
        return Known(
            name=self.reference.name,
            side=self.reference.side,
            images=len(self.images),
            right=None if self.right is None else int(self.right.sum()),
            accuracy=accuracy,
            crop_accuracy=crops,
        )

    def see(self, law: Policy, *, draws: int, seed: int = 0) -> Seen:
        """Look at the views of every image under a law, some times over."""
        batches = list(pairs(law, self.images.sizes, draws=draws, seed=seed))
        image = np.concatenate([batch.image for batch in batches])
        boxes = np.concatenate([batch.boxes for batch in batches])
        rounds = [self._look(each, content=law.content) for each in np.split(boxes, draws)]
        features = normalize(torch.cat([each.features for each in rounds]), dim=1)
        answers = [each.answers for each in rounds if each.answers is not None]
        told = torch.cat(answers).reshape(-1, 2) if answers else None
        return Seen(image, boxes, features.reshape(len(boxes), 2, -1), told)

    def similarity(self, seen: Seen) -> Similarity:
        """How alike the views are to the whole image and to each other."""
        whole = self.whole[torch.from_numpy(seen.image)][:, None]
        between = pair_cosines(seen)
        return Similarity(
            whole_mean=(seen.features * whole).sum(-1).mean().item(),
            pair_mean=between.mean().item(),
            pair_p05=between.double().quantile(0.05).item(),
        )

    def agreement(self, seen: Seen) -> Agreement | None:
        """How often the label is kept; None when no whole image was named rightly."""
        if seen.answers is None or self.answers is None or self.right is None:
            return None
        image = torch.from_numpy(seen.image)
        judged = self.right[image]
        if not judged.any():
            return None
        same = (seen.answers == self.answers[image][:, None])[judged].double()
        return Agreement(
            label_agreement=same.mean().item(),
            error=_clustered_error(same.mean(1), image[judged]),
            pair_agreement=same.prod(1).mean().item(),
        )

    def _accuracy(self, law: Policy) -> float:
        boxes = law.draw(self.images.sizes, views=1)
        answers = self._look(boxes, content=law.content).answers
        assert answers is not None, "asked of a reference that names"
        assert self.labels is not None, "asked about labeled images"
        return answers.eq(self.labels).double().mean().item()

    def _look(self, boxes: Boxes, *, content: Content) -> Look:
        """Every view of some boxes `(N, V, 4)`, one row a view."""
        views = self.images.views(boxes, side=self.reference.side, content=content)
        looks = [self.reference.look(part.flatten(0, 1)) for part in views]
        answers = [look.answers for look in looks if look.answers is not None]
        features = torch.cat([look.features for look in looks])
        return Look(features, torch.cat(answers) if answers else None)


def pair_cosines(seen: Seen) -> Tensor:
    """Cosine `(P,)` between the features of the two views of each pair."""
    return (seen.features[:, 0] * seen.features[:, 1]).sum(-1)


def _clustered_error(values: Tensor, image: Tensor) -> float:
    """Standard error of a mean whose values of one image belong together."""
    _, place = image.unique(return_inverse=True)
    count = torch.bincount(place).double()
    means = torch.bincount(place, weights=values) / count
    n = len(count)
    error: float = (means.std(correction=0) / max(n - 1, 1) ** 0.5).item()
    return error
