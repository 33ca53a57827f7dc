"""Pairs of views drawn for real image sizes, and what is measured of each pair."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tamecrop.data.images import ImageSet
from tamecrop.geometry import Boxes, Floats, Policy, ViewPlan, boxes as box, choose_objects, plan

Ints = NDArray[np.int64]

LEAST_PAIRS = 40_000
"""Images are drawn so often that a share has a standard error of a quarter point."""

_BATCH = 50_000


@dataclass(frozen=True)
class ViewPair:
    """Two views of an image that a method compares.

    Args:
        plan: the view plan.
        groups: places of the two groups; twice the same: the first two views of one group, else
            the first view of each.
    """

    plan: ViewPlan
    groups: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        if len(self.plan.groups) == 1:
            return str(self.plan)
        return " with ".join(str(self.plan.groups[place]) for place in dict.fromkeys(self.groups))

    @property
    def policies(self) -> tuple[Policy, Policy]:
        """The policy of each of the two views."""
        first, second = (self.plan.groups[place].policy for place in self.groups)
        return first, second

    @property
    def policy(self) -> Policy | None:
        """The policy of both views, or None for views of different groups."""
        return self.policies[0] if self.groups[0] == self.groups[1] else None

    @property
    def needs_boxes(self) -> bool:
        """Whether the policy of a view looks at the box of an object."""
        return any(policy.needs_boxes for policy in self.policies)

    def draw(
        self, sizes: Ints, *, seed: int = 0, index: Ints, object_boxes: Floats | None = None
    ) -> Boxes:
        """Boxes `(N, 2, 4)` of both views, as the plan draws them in its first epoch."""

        def draw_group(place: int) -> Boxes:
            group = self.plan.groups[place]
            return group.policy.draw(
                sizes,
                views=group.views,
                first_view=self.plan.first_views[place],
                seed=seed,
                index=index,
                object_boxes=object_boxes if group.policy.needs_boxes else None,
            )

        first, second = self.groups
        if first == second:
            return draw_group(first)[:, :2]
        return np.stack([draw_group(place)[:, 0] for place in self.groups], axis=1)


def pair_views(views: str | Policy | ViewPlan) -> ViewPair:
    """The pair of views of a policy, or of a plan of one group.

    Raises:
        ValueError: for a plan of several groups.
    """
    found = plan(views)
    found.only_group("a pair of views")
    return ViewPair(found)


def list_pairs(of: ViewPlan) -> tuple[ViewPair, ...]:
    """The pairs by which a plan is judged: one of each group, then one of every two groups.

    Raises:
        ValueError: for a plan of a single view.

    >>> [str(each) for each in list_pairs(plan("2x rc + 1x gcc"))]
    ['2x rc:scale=0.4', '2x rc:scale=0.4 with 1x gcc:scale=0.4,sigma=0.2165']
    """
    if of.views < 2:
        raise ValueError(f"an audit judges pairs of views, and the plan {of} has one view")
    places = range(len(of.groups))
    within = [ViewPair(of, (place, place)) for place in places if of.groups[place].views > 1]
    across = [ViewPair(of, (one, two)) for one in places for two in places if one < two]
    return (*within, *across)


@dataclass(frozen=True, eq=False)
class Shapes:
    """What the boxes of views depend on: one entry an image.

    Args:
        sizes: `(N, 2)`, (height, width) in pixels.
        index: `(N,)` keys of the images, `0 .. N - 1` by default.
        object_boxes: the objects of each image, `(k, 4)`, or None where they are not known.
    """

    sizes: Ints
    index: Ints | None = None
    object_boxes: Sequence[Boxes] | None = None

    @classmethod
    def of(cls, images: ImageSet, index: Ints | None = None) -> "Shapes":
        """Those of a set of images."""
        return cls(images.sizes, index, images.boxes)

    @property
    def keys(self) -> Ints:
        """`(N,)` keys of the images."""
        return np.arange(len(self.sizes)) if self.index is None else self.index

    def take(self, places: Ints) -> "Shapes":
        """Those of some images; their keys stay."""
        boxes = self.object_boxes
        chosen = None if boxes is None else tuple(boxes[place] for place in places)
        return Shapes(self.sizes[places], self.keys[places], chosen)

    def needed_by(self, views: ViewPair) -> bool:
        """Whether object boxes are known and the views depend on them."""
        return self.object_boxes is not None and views.needs_boxes


class Pairs(NamedTuple):
    """Drawn pairs of views.

    Args:
        image: `(P,)` places of the images in the set.
        boxes: int64 `(P, 2, 4)`.
    """

    image: Ints
    boxes: Boxes


def count_draws(images: int) -> int:
    """Draws of each image: as many as make `LEAST_PAIRS` pairs in all.

    >>> count_draws(50_000), count_draws(128)
    (1, 313)
    """
    return -(-LEAST_PAIRS // images)


def draw_pairs(views: ViewPair, shapes: Shapes, *, draws: int, seed: int = 0) -> Iterator[Pairs]:
    """The boxes of both views for every draw of every image.

    A policy that needs the box of an object gets one of the image's, chosen by key anew for each
    draw as for each epoch of a training.

    Args:
        views: which two views of which plan.
        shapes: of the images. The first draw of each gives the boxes that training with the same
            seed uses in its first epoch.
        draws: of each image.
        seed: key of the run.
    """
    count, index = len(shapes.sizes), shapes.keys
    span = int(index.max()) + 1
    for start in range(0, count * draws, _BATCH):
        draw, image = np.divmod(np.arange(start, min(start + _BATCH, count * draws)), count)
        objects = _choose_objects(shapes, draw, image, seed) if shapes.needed_by(views) else None
        key = index[image] + span * draw
        boxes = views.draw(shapes.sizes[image], seed=seed, index=key, object_boxes=objects)
        yield Pairs(image, boxes)


def _choose_objects(shapes: Shapes, draw: Ints, image: Ints, seed: int) -> Floats:
    """One object `(P, 4)` for each drawn pair; a row of NaN for an image without any."""
    assert shapes.object_boxes is not None, "called where objects are known"
    boxes = [shapes.object_boxes[place] for place in image]
    return choose_objects(boxes, seed=seed, epoch=draw, index=shapes.keys[image])


@dataclass(frozen=True, eq=False)
class Measures:
    """Figures of `P` drawn pairs, `(P, 2)` for the views and `(P,)` for the pairs.

    Args:
        area: of the box, as a share of the image.
        ratio: width / height of the box.
        content_share: share of the view that is image.
        content_area: of the content, as a share of the image.
        at_edge: whether the box reaches or crosses an edge of the image.
        iou: of the contents of the two views.
        distance: of the boxes' centers, x by the image's width and y by its height.
        log_area_ratio: |ln(a / b)| of the contents' areas; not finite where one is empty.
    """

    area: Floats
    ratio: Floats
    content_share: Floats
    content_area: Floats
    at_edge: NDArray[np.bool_]
    iou: Floats
    distance: Floats
    log_area_ratio: Floats

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """The figures of several batches, one after the other."""
        rows = list(parts)
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(row, name) for row in rows]) for name in names))


def measure_pairs(boxes: Boxes, sizes: Ints) -> Measures:
    """Measure drawn pairs.

    Args:
        boxes: int64 `(P, 2, 4)`.
        sizes: `(P, 2)`, (height, width) of the image of each.
    """
    area, content = box.area(boxes), box.area(box.clip(boxes, sizes[:, None]))
    image = (sizes[:, :1] * sizes[:, 1:]).astype(np.float64)
    width, height = np.moveaxis(boxes[..., 2:] - boxes[..., :2], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_area_ratio = np.abs(np.log(content[:, 0] / content[:, 1]))
    return Measures(
        area=area / image,
        ratio=width / height,
        content_share=content / area,
        content_area=content / image,
        at_edge=_touch_edges(boxes, sizes),
        iou=box.content_iou(boxes, sizes),
        distance=_measure_distance(boxes, sizes),
        log_area_ratio=log_area_ratio,
    )


def _touch_edges(boxes: Boxes, sizes: Ints) -> NDArray[np.bool_]:
    return np.asarray(
        (boxes[..., :2] <= 0).any(axis=-1) | (boxes[..., 2:] >= sizes[:, None, ::-1]).any(axis=-1)
    )


def _measure_distance(boxes: Boxes, sizes: Ints) -> Floats:
    centers = (boxes[..., :2] + boxes[..., 2:]) / (2 * sizes[:, None, ::-1])
    return np.asarray(np.hypot(*np.moveaxis(centers[:, 0] - centers[:, 1], -1, 0)))
