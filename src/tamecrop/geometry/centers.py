"""Where the boxes sit: laws of the near edge (left or top) of a box along one axis.

The two axes are independent given the sizes, so a law is written once, for an `Axis`.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol

import numpy as np

from tamecrop.geometry import beta, gaussian, rules
from tamecrop.geometry.axis import Axis
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.draws import Draws
from tamecrop.geometry.roundings import Ints

Mean = Literal["center", "given"] | rules.Range

_NODES = 48


class Center(Protocol):
    """Where a view's box sits."""

    kind: ClassVar[str]

    def edge(self, axis: Axis, draws: Draws) -> Ints:
        """Near edges `(N, V)`."""

    def edge_inside(self, axis: Axis, draws: Draws) -> Ints:
        """Near edges `(N, V)` under the law conditioned on the box being inside the image."""

    def at_or_before(self, edge: Ints, axis: Axis) -> Floats:
        """P(near edge <= edge), exactly; `edge` broadcasts against the axis."""


@dataclass(frozen=True)
class Uniform:
    """Every whole place where the box fits is equally likely: RandomCrop's center."""

    kind: ClassVar[str] = "uniform"

    def edge(self, axis: Axis, draws: Draws) -> Ints:
        """Uniform over `0 .. side - crop`."""
        return _integer(draws(axis.stream.edge), 0, axis.last)

    def edge_inside(self, axis: Axis, draws: Draws) -> Ints:
        """The same: the box is always inside."""
        return self.edge(axis, draws)

    def at_or_before(self, edge: Ints, axis: Axis) -> Floats:
        """A staircase from 0 to `side - crop`."""
        return _staircase(edge, np.zeros_like(axis.last), axis.last)


@dataclass(frozen=True)
class PaddedUniform:
    """Uniform over the places on a canvas that is wider than the image on every side.

    A rim of a whole number of pixels makes every whole place equally likely; of another rim the
    fraction of a pixel makes the two outermost places less likely, so the law changes smoothly.

    Args:
        padding: width of the rim as a fraction of the side, above 0.

    Relation: torchvision's `RandomCrop(padding=...)`, to which it is equal for a whole rim.
    """

    padding: float = 0.25
    kind: ClassVar[str] = "padded"

    def __post_init__(self) -> None:
        rules.positive("padding", self.padding)

    def rim(self, side: Ints) -> Floats:
        """Width of the rim in pixels, to a billionth: 0.3125 of 32 is whole, and 1/3 of 30 too."""
        return np.asarray(np.round(self.padding * side, 9), dtype=np.float64)

    def edge(self, axis: Axis, draws: Draws) -> Ints:
        """Real places uniform over a rim's reach beyond `0 .. side - crop`, to the nearest."""
        rim = self.rim(axis.side)
        place = draws(axis.stream.edge) * (axis.last + 2 * rim + 1) - rim
        return np.asarray(np.floor(place), dtype=np.int64)

    def edge_inside(self, axis: Axis, draws: Draws) -> Ints:
        """Uniform over `0 .. side - crop`."""
        return _integer(draws(axis.stream.edge), 0, axis.last)

    def at_or_before(self, edge: Ints, axis: Axis) -> Floats:
        """A staircase from one rim to the other; its first and last step may be lower."""
        rim = self.rim(axis.side)
        return _staircase(edge, -rim, axis.last + rim)


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian center: the paper's law, in the paper's units or free of the image's scale.

    Args:
        sigma: standard deviation as a fraction of the side, above 0. Exactly one of the two.
        alpha: the paper's spread, variance `alpha * side` px^2, above 0.
        mean: `"center"` of the image, `"given"` (the center of a given box, the image's where an
            image has none), or a range `(low, high)` of fractions of the side, from which it is
            drawn uniformly.

    Source: GCC and MGCC of arXiv:2504.19824.
    """

    sigma: float | None = None
    alpha: float | None = None
    mean: Mean = "center"
    kind: ClassVar[str] = "gaussian"

    def __post_init__(self) -> None:
        if (self.sigma is None) == (self.alpha is None):
            both = f"sigma={self.sigma!r}, alpha={self.alpha!r}"
            raise ValueError(f"exactly one of `sigma` and `alpha` must be given, got {both}")
        name = "alpha" if self.sigma is None else "sigma"
        rules.positive(name, getattr(self, name))
        if self.mean not in ("center", "given"):
            rules.ordered("mean", self.mean, low=0, high=1)

    def spread(self, side: Ints) -> Floats:
        """Standard deviation in pixels."""
        if self.sigma is not None:
            return np.asarray(self.sigma * side)
        return np.sqrt(np.asarray(self.alpha) * side)

    def middle(self, axis: Axis, draws: Draws) -> Floats:
        """Mean of the center in pixels, `(N, 1)` or `(N, V)`."""
        if isinstance(self.mean, tuple):
            drawn = draws.of_image if axis.mean_per_image else draws
            low, high = self.mean
            return (low + (high - low) * drawn(axis.stream.mean)) * axis.side
        return self.settled_middle(axis)

    def settled_middle(self, axis: Axis) -> Floats:
        """Mean of the center in pixels where it is not drawn, `(N, 1)`."""
        if isinstance(self.mean, tuple):
            return np.asarray(self.mean[0] * axis.side)
        middle = axis.rounding.middle(axis.side)
        if self.mean == "center" or axis.object is None:
            return middle
        near, far = axis.object
        return np.where(np.isnan(near + far), middle, (near + far) / 2)

    def components(self) -> list[tuple[float, "Gaussian"]]:
        """The law as a mixture of laws whose mean is not drawn, with weights: Gauss-Legendre."""
        if not isinstance(self.mean, tuple) or self.mean[0] == self.mean[1]:
            return [(1.0, self)]
        low, high = self.mean
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        means = (low + (high - low) * (nodes + 1) / 2).tolist()
        halves = (weights / 2).tolist()
        return [(w, replace(self, mean=(m, m))) for w, m in zip(halves, means, strict=True)]

    def at_or_before(self, edge: Ints, axis: Axis) -> Floats:
        """The normal law at the last center that rounds to `edge`; the mean must be settled."""
        limit = axis.rounding.center_below(edge, axis.crop)
        return gaussian.cdf((limit - self.settled_middle(axis)) / self.spread(axis.side))

    def edge(self, axis: Axis, draws: Draws) -> Ints:
        """Near edge of the box around a Gaussian center."""
        noise = gaussian.quantile(draws(axis.stream.edge))
        center = self.middle(axis, draws) + self.spread(axis.side) * noise
        return axis.rounding.near_edge(center, axis.crop)

    def edge_inside(self, axis: Axis, draws: Draws) -> Ints:
        """Inverse of the distribution function, between its values at the ends of the inside."""
        middle, spread = self.middle(axis, draws), self.spread(axis.side)
        low, high = (
            (axis.rounding.center_below(edge, axis.crop) - middle) / spread
            for edge in (np.full_like(axis.crop, -1), axis.last)
        )
        z = gaussian.truncated_quantile(draws(axis.stream.edge), low, high)
        edge = axis.rounding.near_edge(middle + spread * z, axis.crop)
        return np.clip(edge, 0, axis.last)


@dataclass(frozen=True)
class Beta:
    """ContrastiveCrop's center: a symmetric Beta(a, a) between the ends of a box.

    The near edge runs over both edges of the box minus half the crop, each clamped to the inside
    of the image; a below 1 favors the ends, and so the variance.

    Args:
        a: shape of the Beta law, in [0.01, 100].
        box: `"given"` (the given box; the whole image where an image has none) or a range
            `(low, high)` of fractions of the side, the same for both axes.

    Source: ContrastiveCrop, CVPR 2022; SimCCrop with a fixed box.
    """

    a: float = 0.6
    box: Literal["given"] | rules.Range = "given"
    kind: ClassVar[str] = "beta"

    def __post_init__(self) -> None:
        holds = rules.is_number(self.a) and 0.01 <= self.a <= 100
        rules.require("a", "0.01 <= a <= 100", self.a, holds=holds)
        if self.box != "given":
            rules.ordered("box", self.box, low=0, high=1)

    def ends(self, axis: Axis) -> tuple[Floats, Floats]:
        """Near and far edge of the box in pixels."""
        if isinstance(self.box, tuple):
            low, high = self.box
            return np.asarray(low * axis.side), np.asarray(high * axis.side)
        whole = np.zeros(axis.side.shape), axis.side.astype(np.float64)
        if axis.object is None:
            return whole
        none = np.isnan(axis.object[0] + axis.object[1])
        near, far = (np.where(none, w, g) for w, g in zip(whole, axis.object, strict=True))
        return near, far

    def edge(self, axis: Axis, draws: Draws) -> Ints:
        """Low end plus Beta(a, a) of the way to the high end, rounded."""
        low, high = (np.clip(end - axis.crop / 2, 0, axis.last) for end in self.ends(axis))
        place = low + (high - low) * beta.draw(self.a, draws, axis.stream)
        return np.clip(np.floor(place + 0.5).astype(np.int64), 0, axis.last)

    def edge_inside(self, axis: Axis, draws: Draws) -> Ints:
        """The same: the box is always inside."""
        return self.edge(axis, draws)

    def at_or_before(self, edge: Ints, axis: Axis) -> Floats:
        """The incomplete beta function at the last place that rounds to `edge`."""
        low, high = (np.clip(end - axis.crop / 2, 0, axis.last) for end in self.ends(axis))
        x = np.clip(edge + 0.5 - low, 0, high - low) / np.maximum(high - low, 1e-9)
        return np.where(edge + 0.5 > high, 1.0, beta.cdf(self.a, x))


def _integer(u: Floats, low: Ints | int, high: Ints) -> Ints:
    """Whole numbers uniform over `low .. high`, both included."""
    return low + np.floor(u * (high - low + 1)).astype(np.int64)


def _staircase(edge: Ints, first: Ints | Floats, last: Ints | Floats) -> Floats:
    """Distribution function of a uniform whole number in `first .. last`."""
    return np.clip((edge - first + 1) / (last - first + 1), 0, 1)


CENTERS: dict[str, type[Uniform | PaddedUniform | Gaussian | Beta]] = {
    part.kind: part for part in (Uniform, PaddedUniform, Gaussian, Beta)
}
