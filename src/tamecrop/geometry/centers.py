"""Where the boxes sit: distributions of the near edge (left or top) of a box along one axis.

The two axes are independent given the sizes, so a center is written once, for an `Axis`.
"""

import itertools
import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol

import numpy as np

from tamecrop.geometry import distributions, elementwise as of, rules
from tamecrop.geometry.draws import AnyDraws, Axis
from tamecrop.geometry.elementwise import Reals, Truths, Wholes

Mean = Literal["center", "given"] | rules.Range

_NODES = 48


class Center(Protocol):
    """Where a view's box sits."""

    kind: ClassVar[str]

    def edge(self, axis: Axis, draws: AnyDraws) -> Wholes:
        """Near edges `(N, V)`."""

    def edge_inside(self, axis: Axis, draws: AnyDraws) -> Wholes:
        """Near edges `(N, V)` under the law conditioned on the box being inside the image."""

    def at_or_before(self, edge: Wholes, axis: Axis) -> Reals:
        """P(near edge <= edge), exactly; `edge` broadcasts against the axis."""


@dataclass(frozen=True)
class Uniform:
    """Every whole place where the box fits is equally likely: RandomCrop's center."""

    kind: ClassVar[str] = "uniform"

    def edge(self, axis: Axis, draws: AnyDraws) -> Wholes:
        """Uniform over `0 .. side - crop`."""
        return _integer(draws(axis.stream.edge), 0, axis.last)

    def edge_inside(self, axis: Axis, draws: AnyDraws) -> Wholes:
        """The same: the box is always inside."""
        return self.edge(axis, draws)

    def at_or_before(self, edge: Wholes, axis: Axis) -> Reals:
        """A staircase from 0 to `side - crop`."""
        return _staircase(edge, 0, axis.last)


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

    def rim(self, side: Wholes) -> Reals:
        """Width of the rim in pixels, to a billionth: 0.3125 of 32 is whole, and 1/3 of 30 too."""
        return of.nearest(self.padding * side * 1e9) / 1e9

    def edge(self, axis: Axis, draws: AnyDraws) -> Wholes:
        """Real places uniform over a rim's reach beyond `0 .. side - crop`, to the nearest."""
        rim = self.rim(axis.side)
        place = draws(axis.stream.edge) * (axis.last + 2 * rim + 1) - rim
        return of.floor(place)

    def edge_inside(self, axis: Axis, draws: AnyDraws) -> Wholes:
        """Uniform over `0 .. side - crop`."""
        return _integer(draws(axis.stream.edge), 0, axis.last)

    def at_or_before(self, edge: Wholes, axis: Axis) -> Reals:
        """A staircase from one rim to the other; its first and last step may be lower."""
        rim = self.rim(axis.side)
        return _staircase(edge, -rim, axis.last + rim)


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian center: the paper's law, in the paper's units or free of the image's scale.

    Args:
        sigma: standard deviation as a fraction of the side, above 0. Exactly one of the two.
        alpha: the paper's spread, variance `alpha * side` px^2, above 0.
        mean: `"center"` of the image, `"given"` (the centroid of a given mask, else the center of a
            given box, the image's where an image has none), or a range `(low, high)` of fractions
            of the side, from which it is drawn uniformly.

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

    def spread(self, side: Wholes) -> Reals:
        """Standard deviation in pixels."""
        if self.sigma is not None:
            return self.sigma * side
        return of.sqrt(self.alpha * side)

    def middle(self, axis: Axis, draws: AnyDraws) -> Reals:
        """Mean of the center in pixels, `(N, 1)` or `(N, V)`."""
        if isinstance(self.mean, tuple):
            drawn = draws.of_image if axis.mean_per_image else draws
            low, high = self.mean
            return (low + (high - low) * drawn(axis.stream.mean)) * axis.side
        return self.settled_middle(axis)

    def settled_middle(self, axis: Axis) -> Reals:
        """Mean of the center in pixels where it is not drawn, `(N, 1)`."""
        if isinstance(self.mean, tuple):
            return self.mean[0] * axis.side
        middle = axis.rounding.middle(axis.side)
        if self.mean == "center" or axis.object is None:
            return middle
        _, _, given = axis.object
        return of.where(of.is_nan(given), middle, given)

    def components(self) -> list[tuple[float, "Gaussian"]]:
        """The law as a mixture of laws whose mean is not drawn, with weights: Gauss-Legendre."""
        if not isinstance(self.mean, tuple) or self.mean[0] == self.mean[1]:
            return [(1.0, self)]
        low, high = self.mean
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        means = (low + (high - low) * (nodes + 1) / 2).tolist()
        halves = (weights / 2).tolist()
        return [(w, replace(self, mean=(m, m))) for w, m in zip(halves, means, strict=True)]

    def at_or_before(self, edge: Wholes, axis: Axis) -> Reals:
        """The normal law at the last center that rounds to `edge`; the mean must be settled."""
        limit = axis.rounding.center_below(edge, axis.crop)
        return distributions.normal_cdf(
            (limit - self.settled_middle(axis)) / self.spread(axis.side)
        )

    def edge(self, axis: Axis, draws: AnyDraws) -> Wholes:
        """Near edge of the box around a Gaussian center."""
        noise = distributions.normal_quantile(draws(axis.stream.edge))
        center = self.middle(axis, draws) + self.spread(axis.side) * noise
        return axis.rounding.near_edge(center, axis.crop)

    def edge_inside(self, axis: Axis, draws: AnyDraws) -> Wholes:
        """Inverse of the distribution function, between its values at the ends of the inside."""
        middle, spread = self.middle(axis, draws), self.spread(axis.side)
        low = (axis.rounding.center_below(-1, axis.crop) - middle) / spread
        high = (axis.rounding.center_below(axis.last, axis.crop) - middle) / spread
        z = distributions.truncated_normal_quantile(draws(axis.stream.edge), low, high)
        edge = axis.rounding.near_edge(middle + spread * z, axis.crop)
        return of.clip(edge, 0, axis.last)


@dataclass(frozen=True)
class Beta:
    """ContrastiveCrop's center: a symmetric Beta(a, a) between the ends of a box.

    The near edge runs over both edges of the box minus half the crop, each clamped to the inside
    of the image; a below 1 favors the ends, and so the variance.

    Args:
        a: shape of the Beta law, in [0.01, 100].
        box: `"given"` (the given box; the whole image where an image has none), `"encoder"` (the
            same, and pre-training gives the boxes that the network finds), or a range
            `(low, high)` of fractions of the side, the same for both axes.
        threshold: of the encoder's boxes: a box is the extent of what exceeds this share of the
            range of the feature map, in (0, 1).

    Source: ContrastiveCrop, CVPR 2022; SimCCrop with a fixed box.
    """

    a: float = 0.6
    box: Literal["given", "encoder"] | rules.Range = "given"
    threshold: float = 0.1
    kind: ClassVar[str] = "beta"

    def __post_init__(self) -> None:
        holds = rules.is_number(self.a) and 0.01 <= self.a <= 100
        rules.require("a", "0.01 <= a <= 100", self.a, holds=holds)
        inside = rules.is_number(self.threshold) and 0 < self.threshold < 1
        rules.require("threshold", "0 < threshold < 1", self.threshold, holds=inside)
        if self.box not in ("given", "encoder"):
            rules.ordered("box", self.box, low=0, high=1)

    def ends(self, axis: Axis) -> tuple[Reals, Reals]:
        """Near and far edge of the box in pixels."""
        if isinstance(self.box, tuple):
            low, high = self.box
            return low * axis.side, high * axis.side
        if axis.object is None:
            return axis.side * 0.0, axis.side * 1.0
        near, far, _ = axis.object
        none = of.is_nan(near + far)
        return of.where(none, 0.0, near), of.where(none, axis.side * 1.0, far)

    def range(self, axis: Axis) -> tuple[Reals, Reals]:
        """The lowest and the highest near edge: that of a box around either end, inside."""
        near, far = self.ends(axis)
        half = axis.crop / 2
        return of.clip(near - half, 0, axis.last), of.clip(far - half, 0, axis.last)

    def edge(self, axis: Axis, draws: AnyDraws) -> Wholes:
        """Low end plus Beta(a, a) of the way to the high end, rounded."""
        low, high = self.range(axis)
        place = low + (high - low) * self.share(axis, draws)
        return of.clip(of.floor(place + 0.5), 0, axis.last)

    def share(self, axis: Axis, draws: AnyDraws) -> Reals:
        """Beta(a, a): Ulrich's formula above 1/2 (1984), Joehnk's rejection up to it (1964)."""
        a, stream = self.a, axis.stream
        if a > 0.5:
            u, v = draws(stream.edge), draws(stream.other)
            return 0.5 + 0.5 * of.sqrt(1 - of.power(u, 1 / (a - 0.5))) * of.cos(2 * math.pi * v)

        def trial(draws: AnyDraws, attempt: int) -> tuple[Reals, Truths]:
            log_u = of.log(draws(stream.edge, attempt=attempt)) / a
            log_v = of.log(draws(stream.other, attempt=attempt)) / a
            # The share is u^(1/a) / (u^(1/a) + v^(1/a)), accepted where that sum is at most 1. At
            # a = 0.01 both powers underflow, so their logarithms are compared. `exp` overflows
            # above 709: from 700 on the share is below 1e-304 whatever the exponent, and 0 pixels.
            share = 1 / (1 + of.exp(of.minimum(log_v - log_u, 700.0)))
            return share, of.logaddexp(log_u, log_v) <= 0

        (share,), _ = draws.retry(trial, (), lambda: (0.5,), itertools.count())
        return share

    def edge_inside(self, axis: Axis, draws: AnyDraws) -> Wholes:
        """The same: the box is always inside."""
        return self.edge(axis, draws)

    def at_or_before(self, edge: Wholes, axis: Axis) -> Reals:
        """The incomplete beta function at the last place that rounds to `edge`."""
        low, high = self.range(axis)
        x = of.clip(edge + 0.5 - low, 0, high - low) / np.maximum(high - low, 1e-9)
        return of.where(edge + 0.5 > high, 1.0, distributions.beta_cdf(self.a, x))


def _integer(u: Reals, low: Wholes | int, high: Wholes) -> Wholes:
    """Whole numbers uniform over `low .. high`, both included."""
    return low + of.floor(u * (high - low + 1))


def _staircase(edge: Wholes, first: Wholes | Reals, last: Wholes | Reals) -> Reals:
    """Distribution function of a uniform whole number in `first .. last`."""
    return of.clip((edge - first + 1) / (last - first + 1), 0, 1)


CENTERS: dict[str, type[Uniform | PaddedUniform | Gaussian | Beta]] = {
    part.kind: part for part in (Uniform, PaddedUniform, Gaussian, Beta)
}
