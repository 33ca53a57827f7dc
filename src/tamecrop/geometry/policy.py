"""A crop policy: a probability law over the boxes of all views of one image."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamecrop.geometry import elementwise as of
from tamecrop.geometry import keys, rules, text
from tamecrop.geometry.borders import Border, Content, Pad
from tamecrop.geometry.boxes import Boxes
from tamecrop.geometry.centers import Center, Gaussian
from tamecrop.geometry.draws import HORIZONTAL, VERTICAL, AnyDraws, Axis, Draws, ViewDraws
from tamecrop.geometry.elementwise import Truths, Wholes
from tamecrop.geometry.extents import Extent
from tamecrop.geometry.pairs import Independent, Pair
from tamecrop.geometry.roundings import Ints, Nearest, Rounding


@dataclass(frozen=True)
class Policy:
    """The four parts of a crop policy, and how it comes to whole pixels.

    Args:
        extent: how large a view's box is.
        center: where it sits.
        border: what happens if it leaves the image.
        pair: how the views of one image relate.
        rounding: from real sizes and centers to whole pixels.
        name: the preset whose defaults `str` leaves out; `"crop"` states everything.

    Raises:
        TypeError: when a part is not of its kind.
        ValueError: when the parts contradict each other.

    >>> from tamecrop.geometry.centers import Uniform
    >>> from tamecrop.geometry.extents import FixedArea
    >>> Policy(FixedArea(0.8), Uniform())
    Policy('crop:extent=fixed,scale=0.8,center=uniform,border=pad,pair=independent,rounding=nearest')
    """

    extent: Extent
    center: Center
    border: Border = field(default_factory=Pad)
    pair: Pair = field(default_factory=Independent)
    rounding: Rounding = field(default_factory=Nearest)
    name: str = field(default="crop", compare=False)

    def __post_init__(self) -> None:
        for part, kinds in text.PARTS.items():
            if getattr(getattr(self, part), "kind", None) not in kinds:
                got = f"got {getattr(self, part)!r}"
                raise TypeError(f"`{part}` must be a part such as {', '.join(kinds)}, {got}")
        ranged = isinstance(self.center, Gaussian) and isinstance(self.center.mean, tuple)
        if self.pair.shares_mean and not ranged:
            raise ValueError("`pair=shared` needs a Gaussian center with a range, `mean=low..high`")

    def __str__(self) -> str:
        return text.write(self)

    def __repr__(self) -> str:
        return f"Policy({str(self)!r})"

    @property
    def content(self) -> Content:
        """Where `cut` puts what survives inside the image: `"in_place"` or `"centered"`."""
        return self.border.content

    @property
    def needs_boxes(self) -> bool:
        """Whether the policy looks at the box of an object: `mean=given` or `box=given`."""
        return "given" in (getattr(self.center, "mean", None), getattr(self.center, "box", None))

    @property
    def relates_views(self) -> bool:
        """Whether the boxes of an image depend on each other: one view alone has another law."""
        return self.pair.kind != "independent" or self.extent.kind == "joint"

    @property
    def needs_views(self) -> int | None:
        """How many views of an image the policy can draw, or None: any number."""
        return 2 if self.pair.kind == "iou" or self.extent.kind == "joint" else None

    def draw(  # noqa: PLR0913  the parts of the key are words of their own
        self,
        sizes: ArrayLike,
        *,
        views: int = 2,
        first_view: int = 0,
        seed: int = 0,
        epoch: int = 0,
        index: ArrayLike | None = None,
        object_boxes: ArrayLike | None = None,
    ) -> Boxes:
        """Draw the boxes of all views of a batch of images: a pure function of its arguments.

        Args:
            sizes: `(N, 2)` image sizes (height, width) in pixels, each at least 1, or one such
                pair for all images of `index`.
            views: number of views per image, at least 1.
            first_view: number of the first of them, part of their keys: the groups of a view plan
                count on from each other.
            seed: key of the run.
            epoch: key of the pass over the data.
            index: `(N,)` sample indices, the keys of the images; `0 .. N - 1` by default.
            object_boxes: `(N, 4)` real numbers, one box of each image for a policy that
                `needs_boxes`; a row of NaN where an image has none: it keeps the law that needs no
                box.

        Returns:
            int64 `(N, V, 4)`; a box leaves its image only where the border rule says so.

        Raises:
            ValueError: on sizes below one pixel, mismatched lengths, or a policy that cannot make
                this many views.

        >>> policy("rc:scale=0.25").draw((32, 32), index=[7]).shape
        (1, 2, 4)
        """
        rules.count("views", views)
        rules.count("first_view", first_view, least=0)
        rules.integer("seed", seed)
        rules.integer("epoch", epoch)
        sizes, index = _sizes_and_index(sizes, index)
        boxes = _checked_boxes(object_boxes, len(sizes))
        states = keys.state(seed, epoch, index[:, None], first_view + np.arange(views))

        def draw_rows(draws: Draws, rows: Ints) -> Boxes:
            ends: list[Any] = [None, None]
            if boxes is not None:
                x1, y1, x2, y2 = boxes[rows].T[:, :, None]
                ends = [(x1, x2), (y1, y2)]
            height, width = sizes[rows, :1], sizes[rows, 1:]
            edges = self._draw_views(height, width, ends, draws)
            return np.stack(edges, axis=-1)

        return self.pair.draw(draw_rows, Draws(states), sizes)

    def draw_one(  # noqa: PLR0913  the parts of the key are words of their own
        self,
        height: int,
        width: int,
        *,
        views: int = 1,
        first_view: int = 0,
        seed: int = 0,
        epoch: int = 0,
        index: int = 0,
        object_box: Sequence[float] | None = None,
    ) -> list[tuple[int, int, int, int]]:
        """Draw the boxes of one image: the same as `draw` gives it in a batch, in microseconds.

        Args:
            height: of the image in pixels, at least 1.
            width: of the image in pixels, at least 1.
            views: number of views, at least 1.
            first_view: number of the first of them.
            seed: key of the run.
            epoch: key of the pass over the data.
            index: key of the image.
            object_box: `(x1, y1, x2, y2)` for a policy that `needs_boxes`, or None.

        Returns:
            V boxes `(x1, y1, x2, y2)` of Python's ints.

        Raises:
            ValueError: as `draw`.

        >>> policy("rc:scale=0.25").draw_one(32, 32, index=7) == [
        ...     tuple(policy("rc:scale=0.25").draw((32, 32), index=[7])[0, 0].tolist())
        ... ]
        True
        """
        if height < 1 or width < 1:
            raise ValueError(f"an image must be at least one pixel a side, got {height}x{width}")
        ends: list[Any] = [None, None]
        if object_box is not None:
            x1, y1, x2, y2 = map(float, object_box)
            ends = [(x1, x2), (y1, y2)]
        of_image = 0
        for part in (seed, epoch, index):
            of_image = keys.absorb_one(of_image, part)
        states = [keys.absorb_one(of_image, first_view + view) for view in range(views)]

        def draw_again(redraw: int) -> list[tuple[int, ...]]:
            return [
                self._draw_views(height, width, ends, ViewDraws(state, states[0], n, views, redraw))
                for n, state in enumerate(states)
            ]

        return self.pair.draw_one(draw_again, height, width)  # type: ignore[return-value]

    def _draw_views(
        self, height: Wholes, width: Wholes, objects: list[Any], draws: AnyDraws
    ) -> tuple[Any, ...]:
        """Edges x1, y1, x2, y2 of the views before their relation is looked at; elementwise."""
        sides = self.extent.draw(height, width, draws, self.rounding)
        mean_per_image = self.pair.shares_mean
        across = Axis(width, sides.width, objects[0], self.rounding, mean_per_image, HORIZONTAL)
        down = Axis(height, sides.height, objects[1], self.rounding, mean_per_image, VERTICAL)
        left, top = (self._place(axis, sides.fallback, draws) for axis in (across, down))
        return left, top, left + sides.width, top + sides.height

    def _place(self, axis: Axis, fallback: Truths, draws: AnyDraws) -> Wholes:
        """Near edges: the box of an extent that fell back sits in the middle of the image."""
        edge = self.border.edge(self.center, axis, draws)
        return of.where(fallback, axis.last // 2, edge)


def policy(stated: str | Policy) -> Policy:
    """The policy that a text names; a policy is returned as it is.

    The text is `name` or `name:key=value,...`: a preset (`tamecrop.geometry.presets`) and the
    keys to change in it. Numbers are decimal or `3/4`, ranges `low..high`. `str(policy)` prints a
    text that parses to an equal policy.

    Args:
        stated: such as `"gcc:scale=0.4,alpha=1.5"`.

    Raises:
        ValueError: naming an unknown preset or key with the nearest known one, or a value with
            its rule.
        TypeError: for anything but a text or a policy.

    >>> policy("gcc:scale=0.8,alpha=2")
    Policy('gcc:scale=0.8,alpha=2')
    """
    if isinstance(stated, Policy):
        return stated
    if not isinstance(stated, str):
        raise TypeError(f"`policy` must be a text or a Policy, got {stated!r}")
    return _read(stated)


@lru_cache(maxsize=1024)
def _read(stated: str) -> Policy:
    """A text is read once: it costs a thousand draws of one box, and policies do not change."""
    return Policy(**text.read(stated))


def _sizes_and_index(sizes: ArrayLike, index: ArrayLike | None) -> tuple[Ints, Ints]:
    sizes = _integers("sizes", sizes)
    if sizes.ndim not in (1, 2) or sizes.shape[-1] != 2:
        raise ValueError(f"`sizes` must have shape (N, 2) or (2,), got {sizes.shape}")
    if (sizes < 1).any():
        low = sizes[(sizes < 1).any(axis=-1)] if sizes.ndim == 2 else sizes
        raise ValueError(f"`sizes` must be at least one pixel a side, got {low.ravel()[:2]}")
    if index is None:
        index = np.arange(1 if sizes.ndim == 1 else len(sizes))
    index = _integers("index", index)
    if index.ndim != 1 or (sizes.ndim == 2 and len(index) != len(sizes)):
        raise ValueError(f"`index` must have shape ({len(sizes)},), got {index.shape}")
    return np.broadcast_to(sizes, (len(index), 2)), index


def _integers(name: str, values: ArrayLike) -> Ints:
    array = np.asarray(values)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"`{name}` must be integers, got {array.dtype}")
    return array.astype(np.int64)


def _checked_boxes(object_boxes: ArrayLike | None, images: int) -> NDArray[np.float64] | None:
    if object_boxes is None:
        return None
    boxes = np.asarray(object_boxes, dtype=np.float64)
    if boxes.shape != (images, 4):
        raise ValueError(f"`object_boxes` must have shape ({images}, 4), got {boxes.shape}")
    if np.isinf(boxes).any():
        raise ValueError("`object_boxes` must be finite boxes or rows of NaN, got an infinite edge")
    reversed_ = (boxes[:, :2] > boxes[:, 2:]).any(axis=1)
    if reversed_.any():
        raise ValueError(
            f"`object_boxes` must satisfy x1 <= x2, y1 <= y2, got {boxes[reversed_][0]}"
        )
    return boxes
