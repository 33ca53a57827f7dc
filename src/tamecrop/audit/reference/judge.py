"""What a reference network says of the views of a policy: labels kept, similarity of features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from tamecrop.audit.measures.view_pairs import Shapes, ViewPair, draw_pairs
from tamecrop.audit.reference.network import Output, Reference
from tamecrop.audit.reference.pixels import Pixels
from tamecrop.geometry import Boxes, Content
from tamecrop.geometry.policy import Policy, policy

Ints = NDArray[np.int64]

ACCURACY_POLICIES = ("rc:scale=0.1", "rc:scale=0.25", "rc:scale=0.5")
"""Random crops on which a reference's own accuracy is measured: what it cannot recognize itself."""

RIMS = (0.0625, 0.125, 0.25)
"""Rims of fill around whole images, as shares of the side, on which accuracy is measured too."""

SURE = 0.01
"""Standard error of a share at which no more views are drawn."""

LEAST_PAIRS = 500
"""Fewer pairs do not tell their own standard error."""


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
    """How often a reference gives views the class of the whole image, where that is right.

    Args:
        label_agreement: share of views.
        pair_agreement: share of pairs in which both views agree.
        error: standard error of the share of views, over images and trainings.
        pair_error: likewise of the share of pairs.
    """

    label_agreement: float
    pair_agreement: float
    error: float
    pair_error: float


@dataclass(frozen=True)
class ReferenceAccuracy:
    """How good a reference is by itself.

    Args:
        name: what it is.
        side: of its input, in pixels.
        images: that it was evaluated on.
        correct: of these, whole images classified rightly; None for features alone.
        accuracy: on whole images, a fraction.
        crop_accuracy: on uniform random crops, by their policy; one crop an image.
        padded_accuracy: on whole images with a rim of fill, by the rim as a share of the side.
        references: networks of different seeds that these are means over.
    """

    name: str
    side: int
    images: int
    correct: int | None
    accuracy: float | None
    crop_accuracy: dict[str, float]
    padded_accuracy: dict[str, float]
    references: int


@dataclass(frozen=True, eq=False)
class ViewFeatures:
    """A reference's features and classes of drawn pairs of views.

    Args:
        image: `(P,)` places among the images evaluated on.
        boxes: `(P, 2, 4)`.
        features: of both views, unit length, `(P, 2, D)`.
        classes: `(P, 2)`, or None.
    """

    image: Ints
    boxes: Boxes
    features: Tensor
    classes: Tensor | None


class Evaluator:
    """A reference and the decoded images that it is evaluated on.

    Args:
        reference: the network.
        images: decoded.
        labels: `(N,)` of the images; needed when the reference is a classifier.
        object_boxes: of the images, or None.
    """

    def __init__(
        self,
        reference: Reference,
        images: Pixels,
        labels: Tensor | None,
        object_boxes: Sequence[Boxes] | None = None,
    ) -> None:
        self.reference, self.images, self.labels = reference, images, labels
        self.shapes = Shapes(images.sizes, object_boxes=object_boxes)
        whole = self._run(images.whole, contents=("in_place",))
        self.whole = normalize(whole.features, dim=1)
        self.classes = whole.classes
        self.correct: Tensor | None = None
        if whole.classes is not None and labels is not None:
            self.correct = whole.classes.eq(labels)

    def measure_accuracy(self) -> ReferenceAccuracy:
        """How good the reference is by itself."""
        accuracy, crops, padded = None, {}, {}
        if self.correct is not None:
            accuracy = self.correct.double().mean().item()
            crops = {text: self._measure_crops(policy(text)) for text in ACCURACY_POLICIES}
            padded = {f"{rim:g}": self._measure_boxes(self._pad_whole(rim)) for rim in RIMS}
        return ReferenceAccuracy(
            name=self.reference.name,
            side=self.reference.side,
            images=len(self.images),
            correct=None if self.correct is None else int(self.correct.sum()),
            accuracy=accuracy,
            crop_accuracy=crops,
            padded_accuracy=padded,
            references=1,
        )

    def evaluate(self, views: ViewPair, *, most: int, seed: int = 0) -> ViewFeatures:
        """Features and classes of pairs of views of the images, some times over.

        A classifier is run on the images whose class it knows, until the share of pairs that keep
        it has a standard error under a point.

        Args:
            views: which two views of which plan.
            most: pairs at most, but one of each image.
            seed: key of the draws.
        """
        places = self._choose_images()
        images, shapes = self.images.take(places), self.shapes.take(places)
        draws = max(1, round(most / len(places)))
        batches = list(draw_pairs(views, shapes, draws=draws, seed=seed))
        boxes = np.split(np.concatenate([batch.boxes for batch in batches]), draws)
        contents = tuple(each.content for each in views.policies)
        found: list[Output] = []
        for each in boxes:
            found.append(self._run(each, contents=contents, images=images))
            if self._is_sure(found, places):
                break
        features = normalize(torch.cat([each.features for each in found]), dim=1)
        return ViewFeatures(
            image=np.tile(places, len(found)),
            boxes=np.concatenate(boxes[: len(found)]),
            features=features.reshape(len(found) * len(places), 2, -1),
            classes=_pair_classes(found),
        )

    def _choose_images(self) -> Ints:
        """Places of the images that tell something: a classifier's, where it is right on some."""
        if self.correct is None or not self.correct.any():
            return np.arange(len(self.images))
        return np.flatnonzero(self.correct.numpy())

    def _is_sure(self, found: Sequence[Output], places: Ints) -> bool:
        """Whether the share of pairs that keep the label has the error wanted."""
        classes = _pair_classes(found)
        if classes is None or self.classes is None:
            return False
        image = torch.from_numpy(np.tile(places, len(found)))
        kept = (classes == self.classes[image][:, None]).all(1).double()
        return len(kept) >= LEAST_PAIRS and _cluster_error(kept, image) < SURE

    def compare_features(self, views: ViewFeatures) -> Similarity:
        """How alike the views are to the whole image and to each other."""
        whole = self.whole[torch.from_numpy(views.image)][:, None]
        between = compute_cosines(views)
        return Similarity(
            whole_mean=(views.features * whole).sum(-1).mean().item(),
            pair_mean=between.mean().item(),
            pair_p05=between.double().quantile(0.05).item(),
        )

    def compare_labels(self, views: ViewFeatures) -> Agreement | None:
        """How often the label is kept; None when no whole image was classified rightly."""
        if views.classes is None or self.classes is None or self.correct is None:
            return None
        image = torch.from_numpy(views.image)
        judged = self.correct[image]
        if not judged.any():
            return None
        same = (views.classes == self.classes[image][:, None])[judged].double()
        return Agreement(
            label_agreement=same.mean().item(),
            pair_agreement=same.prod(1).mean().item(),
            error=_cluster_error(same.mean(1), image[judged]),
            pair_error=_cluster_error(same.prod(1), image[judged]),
        )

    def _measure_crops(self, crops: Policy) -> float:
        return self._measure_boxes(crops.draw(self.images.sizes, views=1), crops.content)

    def _pad_whole(self, rim: float) -> Boxes:
        """Boxes `(N, 1, 4)` of whole images with a rim around them."""
        sides = self.images.sizes[:, None, ::-1]
        reach = np.rint(rim * sides).astype(np.int64)
        return np.concatenate([-reach, sides + reach], axis=-1)

    def _measure_boxes(self, boxes: Boxes, content: Content = "in_place") -> float:
        classes = self._run(boxes, contents=(content,)).classes
        assert classes is not None, "called for a classifier"
        assert self.labels is not None, "called for labeled images"
        return classes.eq(self.labels).double().mean().item()

    def _run(
        self, boxes: Boxes, *, contents: tuple[Content, ...], images: Pixels | None = None
    ) -> Output:
        """The output for every view of boxes `(N, V, 4)`, one row a view.

        Args:
            boxes: of the views.
            contents: where each view puts what survives inside its image, `(V,)`.
            images: of the boxes; all by default.
        """
        side = self.reference.side
        outputs = [
            self.reference.run(part.flatten(0, 1))
            for part in (images or self.images).cut_views(
                boxes, side=side, contents=contents, fill=self.reference.fill
            )
        ]
        classes = [each.classes for each in outputs if each.classes is not None]
        features = torch.cat([each.features for each in outputs])
        return Output(features, torch.cat(classes) if classes else None)


def compute_cosines(views: ViewFeatures) -> Tensor:
    """Cosine `(P,)` between the features of the two views of each pair."""
    return (views.features[:, 0] * views.features[:, 1]).sum(-1)


def _pair_classes(found: Sequence[Output]) -> Tensor | None:
    """Classes `(P, 2)` of pairs of views, or None without any."""
    classes = [each.classes for each in found if each.classes is not None]
    return torch.cat(classes).reshape(-1, 2) if classes else None


def _cluster_error(values: Tensor, image: Tensor) -> float:
    """Standard error of a mean whose values of one image belong together."""
    _, place = image.unique(return_inverse=True)
    count = torch.bincount(place).double()
    means = torch.bincount(place, weights=values) / count
    n = len(count)
    error: float = (means.std(correction=0) / max(n - 1, 1) ** 0.5).item()
    return error
