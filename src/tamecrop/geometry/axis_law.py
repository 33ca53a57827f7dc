"""The distribution of a box along one axis of one image, as a finite table of probabilities."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.centers import Center, Gaussian
from tamecrop.geometry.draws import HORIZONTAL, Axis
from tamecrop.geometry.policy import Policy
from tamecrop.geometry.roundings import Ints


@dataclass(frozen=True)
class AxisLaw:
    """Probabilities of the near edge (left or top) of a box.

    Args:
        side: side of the image in pixels.
        crop: side of the box in pixels.
        first: the first near edge of the table.
        components: `(K, E)` probabilities of the edges `first .. first + E - 1`, one row for each
            value of a drawn mean.
        weights: `(K,)` weights of the rows.
    """

    side: int
    crop: int
    first: int
    components: Floats
    weights: Floats

    @cached_property
    def probability(self) -> Floats:
        """`(E,)` probabilities of the near edges."""
        return np.asarray(self.weights @ self.components)

    @cached_property
    def edges(self) -> Ints:
        """`(E,)` near edges. At `-crop` and `side`, the box shows nothing or is farther still."""
        return self.first + np.arange(self.components.shape[1])

    @cached_property
    def content(self) -> tuple[Ints, Ints]:
        """Near and far edge of the part inside the image, `(E,)` each."""
        near = np.clip(self.edges, 0, self.side)
        return near, np.maximum(np.minimum(self.edges + self.crop, self.side), near)

    @property
    def content_length(self) -> Ints:
        """`(E,)` pixels of the box inside the image."""
        near, far = self.content
        return far - near

    @property
    def mean_content(self) -> float:
        """Mean number of pixels inside the image."""
        return float(self.probability @ self.content_length)

    @property
    def empty(self) -> float:
        """Probability that nothing is inside the image."""
        return float(self.probability[self.content_length == 0].sum())

    @property
    def strictly_inside(self) -> float:
        """Probability that both edges lie strictly within the image."""
        inside = (self.edges > 0) & (self.edges + self.crop < self.side)
        return float(self.probability[inside].sum())

    @property
    def atoms(self) -> tuple[float, float]:
        """Probability of the first and of the last place inside: what clamping piles up."""
        first, last = (self.probability[self.edges == edge].sum() for edge in (0, self.last))
        return float(first), float(last)

    @property
    def last(self) -> int:
        """The last near edge inside."""
        return self.side - self.crop

    @property
    def entropy(self) -> float:
        """Entropy of the near edge in nats."""
        return _entropy(self.probability)

    def joint(self, *, shared: bool) -> Floats:
        """`(E, E)` joint probabilities of the near edges of two views.

        Args:
            shared: whether the views share the drawn mean; else they are independent.
        """
        if not shared:
            return np.outer(self.probability, self.probability)
        return np.asarray((self.components.T * self.weights) @ self.components)

    def offset_entropy(self, *, shared: bool) -> float:
        """Entropy in nats of the difference of the near edges of two views.

        Args:
            shared: whether the views share the drawn mean; else they are independent.
        """
        places = np.arange(self.edges.size)
        apart = np.subtract.outer(places, places) + places.size
        masses = np.bincount(apart.ravel(), weights=self.joint(shared=shared).ravel())
        return _entropy(masses.astype(np.float64))


def axis_law(policy: Policy, side: int, crop: int) -> AxisLaw:
    """The law of the near edge of a box of side `crop`, exact up to the quadrature of a mean."""
    sides, crops = np.array([[side]]), np.array([[crop]])
    axis = Axis(sides, crops, None, policy.rounding, policy.pair.shares_mean, HORIZONTAL)
    parts = components(policy.center)
    firsts, rows = zip(*(policy.border.masses(part, axis) for _, part in parts), strict=True)
    return AxisLaw(side, crop, firsts[0], np.array(rows), np.array([w for w, _ in parts]))


def certain(side: int, crop: int) -> AxisLaw:
    """The law of a box that always sits in the middle: RandomResizedCrop's fallback."""
    return AxisLaw(side, crop, (side - crop) // 2, np.ones((1, 1)), np.ones(1))


def components(center: Center) -> list[tuple[float, Center]]:
    """A center as a mixture of centers whose mean is not drawn."""
    return [*center.components()] if isinstance(center, Gaussian) else [(1.0, center)]


def _entropy(probability: Floats) -> float:
    mass = probability[probability > 0]
    return float(-(mass * np.log(mass)).sum())
