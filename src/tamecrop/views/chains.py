"""A crop policy in pipelines that stand: each view's chain of steps, with its crop taken out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torchvision import transforms as v1
from torchvision.transforms import v2

from tamecrop.geometry import Group, Policy, ViewPlan, plan
from tamecrop.views.datasets import as_tensor, draw_of_torch, next_key
from tamecrop.views.kernels import Fill, Scissors, read_fill, read_interpolation
from tamecrop.views.manner import read_size
from tamecrop.views.samples import as_params, find_size

Step = Callable[[Any], Any]
Text = str | Policy | ViewPlan


@dataclass(frozen=True)
class Chain:
    """The steps of one view around its crop.

    Args:
        before: the crop.
        crop: the host's RandomResizedCrop.
        after: the crop.
    """

    before: Sequence[Step]
    crop: Any
    after: Sequence[Step]

    @property
    def kind(self) -> tuple[Any, ...]:
        """What views of one group have in common."""
        return read_size(self.crop.size), tuple(self.crop.scale)


def read_chain(transform: Any) -> Chain:
    """The chain of a transform that is a `Compose`, or holds one as `transform`.

    Raises:
        TypeError: for one without steps.
        ValueError: for one without exactly one RandomResizedCrop among its steps.
    """
    holder = transform
    while not isinstance(holder, v1.Compose | v2.Compose):
        holder = getattr(holder, "transform", None)
        if holder is None:
            raise TypeError(f"a view's transform must be a Compose, got {transform!r}")
    steps = list(holder.transforms)
    kinds = (v1.RandomResizedCrop, v2.RandomResizedCrop)
    at = [number for number, step in enumerate(steps) if isinstance(step, kinds)]
    if len(at) != 1:
        names = ", ".join(type(step).__name__ for step in steps)
        raise ValueError(f"a view must have one RandomResizedCrop, got {len(at)} among {names}")
    return Chain(steps[: at[0]], steps[at[0]], steps[at[0] + 1 :])


class ChainViews:
    """The views of one image: every step of the host's but its crops, which are drawn together.

    Args:
        policy: a crop policy for all views, in whose text `{scale}` stands for the scale of the
            host's crop; or a view plan with a group for each of the host's, without sizes.
        chains: a transform for each view; views whose crops have one size and one scale are a
            group, in the order in which they come.
        fill: as `tamecrop.transforms.Crop`'s.
        return_boxes: put the boxes, int64 `(V, 4)`, behind the views, in their order.

    Raises:
        ValueError: for a plan that does not fit the host's views, or a chain without a crop.
        TypeError: for a transform that is no chain.
    """

    def __init__(
        self,
        policy: Text,
        chains: Sequence[Any],
        *,
        fill: Fill = 0,
        return_boxes: bool = False,
    ) -> None:
        self._chains = [read_chain(chain) for chain in chains]
        self._return_boxes = return_boxes
        kinds = dict.fromkeys(chain.kind for chain in self._chains)
        self._order = [
            [at for at, chain in enumerate(self._chains) if chain.kind == kind] for kind in kinds
        ]
        self.plan = ViewPlan(tuple(_groups(policy, kinds, self._order)))
        of_view = {
            at: group
            for group, places in zip(self.plan.groups, self._order, strict=True)
            for at in places
        }
        self._scissors = [
            Scissors(
                of_view[at].policy.content,
                of_view[at].size,
                read_fill(fill),
                read_interpolation(chain.crop.interpolation),
                antialias=True,
            )
            for at, chain in enumerate(self._chains)
        ]

    def __call__(self, image: Any) -> list[Any]:
        """The views of one PIL image or tensor, and with `return_boxes` their boxes."""
        moves = any(group.policy.later is not None for group in self.plan.groups)
        key = next_key(draw_of_torch, moves=moves)
        boxes: dict[int, tuple[int, int, int, int]] = {}
        for group, places in zip(self.plan.groups, self._order, strict=True):
            drawn = key.draw(group.policy, *find_size([image]), views=group.views)
            boxes |= zip(places, drawn, strict=True)
        views = []
        for at, (chain, scissors) in enumerate(zip(self._chains, self._scissors, strict=True)):
            view = scissors.cut(_through(chain.before, image), **as_params(boxes[at]))
            views.append(_through(chain.after, view))
        if self._return_boxes:
            views.append(as_tensor([boxes[at] for at in range(len(views))]))
        return views


def _through(steps: Sequence[Step], image: Any) -> Any:
    for step in steps:
        image = step(image)
    return image


def _groups(policy: Text, kinds: Any, order: list[list[int]]) -> Iterator[Group]:
    """The group of each kind of the host's views."""
    several = None
    if isinstance(policy, ViewPlan) or (isinstance(policy, str) and " + " in policy):
        several = plan(policy).groups
        counts = [group.views for group in several], [len(places) for places in order]
        if counts[0] != counts[1]:
            raise ValueError(f"the plan must have groups of {counts[1]} views, got {counts[0]}")
    for number, ((size, (low, high)), places) in enumerate(zip(kinds, order, strict=True)):
        if several is not None:
            if several[number].size not in (None, size):
                found = several[number].size
                raise ValueError(f"a group must have the host's size {size}, got {found}")
            yield Group(several[number].policy, len(places), size)
        else:
            of_host = f"{low}..{high}"
            stated = policy.replace("{scale}", of_host) if isinstance(policy, str) else policy
            yield plan(stated, views=len(places), size=size).only_group("a policy for all views")
