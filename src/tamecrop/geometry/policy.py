"""A crop policy: a probability law over the boxes of all views of one image."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tamecrop.geometry import elementwise as of, keys, rules, text
from tamecrop.geometry.borders import Border, Content, Pad
from tamecrop.geometry.boxes import Boxes
from tamecrop.geometry.centers import Center, Gaussian
from tamecrop.geometry.draws import HORIZONTAL, VERTICAL, AnyDraws, Axis, Draws, Stream, ViewDraws
from tamecrop.geometry.elementwise import Wholes
from tamecrop.geometry.extents import Extent, Sides
from tamecrop.geometry.object_masks import add_middle, add_middles, by_axis, masks_of
from tamecrop.geometry.pairs import Aim, Independent, Pair
from tamecrop.geometry.regions import Ends, Part, Region, WholeImage
from tamecrop.geometry.roundings import Ints, Nearest, Rounding


@dataclass(frozen=True)
class Policy:
    """The parts of a crop policy, and how it comes to whole pixels.

    Args:
        extent: how large a view's box is.
        center: where it sits.
        border: what happens if it leaves the image.
        pair: how the views of one image relate.
        rounding: from real sizes and centers to whole pixels.
        name: the preset whose defaults `str` leaves out; `"crop"` states everything.
        region: the part of the image that all of this happens in.
        later: what the policy comes to, with parts of the same kinds, or None: it stays as it is.
        over: number of epochs in which it comes there, at least 1.

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
    region: Region = field(default_factory=WholeImage)
    later: "Policy | None" = None
    over: int = 1

    def __post_init__(self) -> None:
        for part, kinds in text.PARTS.items():
            if getattr(getattr(self, part), "kind", None) not in kinds:
                got = f"got {getattr(self, part)!r}"
                raise TypeError(f"`{part}` must be a part such as {', '.join(kinds)}, {got}")
        ranged = isinstance(self.center, Gaussian) and isinstance(self.center.mean, tuple)
        if self.pair.shares_mean and not ranged:
            raise ValueError("`pair=shared` needs a Gaussian center with a range, `mean=low..high`")
        if self.later is not None:
            rules.count("over", self.over)
            self.at(1)  # refuses parts that cannot move

    def __str__(self) -> str:
        return text.write(self)

    def __repr__(self) -> str:
        return f"Policy({str(self)!r})"

    def at(self, epoch: int) -> "Policy":
        """The policy as it is in one epoch; itself if it does not move.

        Settings move in a straight line, from the first epoch to number `over - 1`.

        >>> policy("rrc:scale=0.5..1->0.2..1,over=4").at(1)
        Policy('rrc:scale=0.4..1')
        """
        if self.later is None:
            return self
        from tamecrop.geometry.moving import move

        share = min(max(epoch, 0) / max(self.over - 1, 1), 1.0)
        parts: dict[str, Any] = {
            part: move(getattr(self, part), getattr(self.later, part), share) for part in text.PARTS
        }
        return replace(self, **parts, later=None, over=1)

    @property
    def content(self) -> Content:
        """Where `cut` puts what survives inside the image: `"in_place"` or `"centered"`."""
        return self.border.content

    @property
    def needs_boxes(self) -> bool:
        """Whether it looks at a box: one is given, found, a region, or to be covered."""
        asked = {getattr(self.center, name, None) for name in ("mean", "box")}
        is_asked = self.pair.kind == "covers" or not asked.isdisjoint({"given", "encoder"})
        return is_asked or self.region.needs_boxes

    @property
    def relates_views(self) -> bool:
        """Whether the boxes of an image depend on each other: one view alone has another law."""
        return self.pair.kind not in ("independent", "covers") or self.needs_views is not None

    @property
    def needs_views(self) -> int | None:
        """How many views of an image the policy can draw, or None: any number."""
        redrawn = self.pair.is_redrawn or self.extent.kind == "joint"
        return 2 if redrawn else self.region.needs_views

    @property
    def has_closed_form(self) -> bool:
        """Whether what one view shows on average is known without drawing."""
        return self.needs_views is None and self.later is None and self.pair.kind != "covers"

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
            index: `(N,)` sample indices, the keys of the images; `0 .. N - 1` by default. The same
                seed, epoch and index give the same boxes: in a loop, pass all three.
            object_boxes: `(N, 4)` in pixels, not rounded, one box of each image for a policy that
                `needs_boxes`; a row of NaN where an image has none: it keeps the law that needs no
                box. `MaskedBoxes` give a mask's centroid as mean, and its pixels to be covered.

        Returns:
            int64 `(N, V, 4)`; a box leaves its image only where the border rule says so.

        Raises:
            ValueError: on sizes below one pixel, mismatched lengths, or a policy that cannot make
                this many views.

        >>> policy("rc:scale=0.25").draw((32, 32), index=[7]).shape
        (1, 2, 4)
        """
        if self.later is not None:
            key = {"views": views, "first_view": first_view, "seed": seed, "epoch": epoch}
            now = self.at(epoch)
            return now.draw(sizes, **key, index=index, object_boxes=object_boxes)
        rules.count("views", views)
        rules.count("first_view", first_view, least=0)
        rules.integer("seed", seed)
        rules.integer("epoch", epoch)
        sizes, index = rules.sizes_and_index(sizes, index)
        masks = masks_of(object_boxes)
        boxes = rules.object_boxes(object_boxes, len(sizes))
        objects = None if boxes is None else add_middles(boxes, masks)
        states = keys.state(seed, epoch, index[:, None], first_view + np.arange(views))

        def draw_rows(draws: Draws, rows: Ints) -> Boxes:
            mine = None if objects is None else objects[rows].T[:, :, None]
            height, width = sizes[rows, :1], sizes[rows, 1:]
            edges = self._draw_views(height, width, by_axis(mine), draws)
            return np.stack(edges, axis=-1)

        return self.pair.draw(draw_rows, Draws(states), sizes, Aim(boxes, self.extent, masks))

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
            object_box: `(x1, y1, x2, y2)` for a policy that `needs_boxes`, `MaskedBoxes` of one, or
                None.

        Returns:
            V boxes `(x1, y1, x2, y2)` of Python's ints.

        Raises:
            ValueError: as `draw`.

        >>> policy("rc:scale=0.25").draw_one(32, 32, index=7) == [
        ...     tuple(policy("rc:scale=0.25").draw((32, 32), index=[7])[0, 0].tolist())
        ... ]
        True
        """
        if self.later is not None:
            key = {"views": views, "first_view": first_view, "seed": seed, "epoch": epoch}
            now = self.at(epoch)
            return now.draw_one(height, width, **key, index=index, object_box=object_box)
        if height < 1 or width < 1:
            raise ValueError(f"an image must be at least one pixel a side, got {height}x{width}")
        masks = masks_of(object_box)
        found = None if object_box is None else add_middle(object_box, masks)
        ends = by_axis(found)
        of_image = 0
        for part in (seed, epoch, index):
            of_image = keys.absorb_one(of_image, part)
        states = [keys.absorb_one(of_image, first_view + view) for view in range(views)]

        def draw_again(redraw: int) -> list[tuple[int, ...]]:
            return [
                self._draw_views(height, width, ends, ViewDraws(state, states[0], n, views, redraw))
                for n, state in enumerate(states)
            ]

        aim = Aim(found and found[:4], self.extent, masks)
        return self.pair.draw_one(draw_again, height, width, aim)  # type: ignore[return-value]

    def _draw_views(
        self, height: Wholes, width: Wholes, objects: list[Any], draws: AnyDraws
    ) -> tuple[Any, ...]:
        """Edges x1, y1, x2, y2 of the views before their relation is looked at; elementwise."""
        columns, rows = self.region.draw((width, height), objects, draws)
        sides = self.extent.draw(rows.side, columns.side, draws, self.rounding)
        left = self._place(columns, sides.width, objects[0], HORIZONTAL, sides, draws)
        top = self._place(rows, sides.height, objects[1], VERTICAL, sides, draws)
        return left, top, left + sides.width, top + sides.height

    def _place(
        self,
        part: Part,
        crop: Wholes,
        ends: Ends,
        stream: Stream,
        sides: Sides,
        draws: AnyDraws,
    ) -> Wholes:
        """Near edges: the box of an extent that fell back sits in the middle of its region."""
        if ends is not None and self.region.needs_boxes:
            near, far, middle = ends
            ends = near - part.near, far - part.near, middle - part.near
        axis = Axis(part.side, crop, ends, self.rounding, self.pair.shares_mean, stream)
        edge = self.border.edge(self.center, axis, draws)
        return part.near + of.where(sides.fallback, axis.last // 2, edge)


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
    parts = text.read(stated)
    if "later" in parts:
        parts["later"] = Policy(**parts["later"])
    return Policy(**parts)
