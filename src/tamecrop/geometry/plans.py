"""View plans: groups of views that a method looks at, each with a policy, a number and a size."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from tamecrop.geometry import rules
from tamecrop.geometry.boxes import Boxes
from tamecrop.geometry.policy import Policy, policy
from tamecrop.geometry.text import GROUP, split_plan

_WRITTEN = "a view plan is written `2x POLICY @SIZE + 6x POLICY @SIZE`"


_PAPERS_SIDE, _MOST_SIDE = 32, 64
"""Pixels a side of the paper's images, and up to where its `alpha` is left without a word."""


@dataclass(frozen=True)
class Group:
    """Views that are drawn together under one policy and come out in one size.

    Args:
        policy: the crop policy, with the pair rule that relates the views of this group.
        views: number of views of an image, at least 1.
        size: (height, width) in pixels that views are resized to, or None: they are cut exactly.
        kept: 2 where training keeps the hardest pair of more views, or None: it keeps all of them.
            Whatever does not train shows all views.
    """

    policy: Policy
    views: int = 2
    size: tuple[int, int] | None = None
    kept: int | None = None

    def __post_init__(self) -> None:
        rules.count("views", self.views)
        if self.kept is not None:
            holds = self.kept == 2 < self.views
            rules.require("kept", "kept = 2 < views", f"{self.kept} of {self.views}", holds=holds)
        needed = self.policy.needs_views
        if needed not in (None, self.views):
            raise ValueError(f"`views` must be {needed} with {self.policy}, got {self.views}")
        for side in self.size or ():
            rules.count("size", side)

    def __str__(self) -> str:
        number = f"{self.kept}of{self.views}" if self.kept else self.views
        return f"{number}x {self.policy}" + (f" @{write_size(self.size)}" if self.size else "")


@dataclass(frozen=True)
class ViewPlan:
    """All views of an image that a method looks at.

    Relation: the multi-crop of SwAV and DINO is a plan of two groups; a crop policy alone is a plan
    of one group of two views. Views of different groups have different keys: none repeats
    another's draws.

    Args:
        groups: at least one, in the order in which their views are handed on.

    >>> plan("2x rrc:scale=0.4..1 @224 + 6x rrc:scale=0.05..0.4 @96").views
    8
    """

    groups: tuple[Group, ...]

    def __post_init__(self) -> None:
        if not self.groups:
            raise ValueError("a view plan must have at least one group, got none")
        found = {_threshold(each.policy) for each in self.groups if each.policy.needs_boxes}
        if len(found) > 1:
            raise ValueError(f"all groups must take their boxes from one source, got {self}")

    def __str__(self) -> str:
        only = self.groups[0]
        if self.groups == (Group(only.policy),):
            return str(only.policy)
        return " + ".join(map(str, self.groups))

    @property
    def views(self) -> int:
        """Number of views of an image, over all groups."""
        return sum(group.views for group in self.groups)

    @property
    def needs_boxes(self) -> bool:
        """Whether the policy of any group looks at the box of an object."""
        return any(group.policy.needs_boxes for group in self.groups)

    @property
    def box_threshold(self) -> float | None:
        """Where pre-training finds the boxes, `box=encoder`, the threshold of them; or None."""
        return next(filter(None, (_threshold(each.policy) for each in self.groups)), None)

    @property
    def trained_on(self) -> "ViewPlan":
        """The views that a method gets: of `2of4x` two."""
        groups = (replace(each, views=each.kept or each.views, kept=None) for each in self.groups)
        return ViewPlan(tuple(groups))

    @property
    def first_views(self) -> tuple[int, ...]:
        """For each group the number of its first view, counted over all groups: part of its key."""
        counts = [group.views for group in self.groups]
        return tuple(np.cumsum([0, *counts[:-1]]).tolist())

    def notes(self, sizes: ArrayLike) -> tuple[str, ...]:
        """What a person should know of the plan on images of such sizes, in sentences.

        Args:
            sizes: `(N, 2)` image sizes (height, width) in pixels.

        >>> plan("gcc:scale=0.4,alpha=1.5").notes([(32, 32)])
        ()
        >>> plan("gcc:scale=0.4,alpha=1.5").notes([(150, 150)])  # doctest: +ELLIPSIS
        ('alpha=1.5 on sides of 150 px is sigma=0.1, and sigma=0.2165 at 32 px: ... sigma',)
        """
        side = float(np.median(np.asarray(sizes)))
        alphas = [getattr(group.policy.center, "alpha", None) for group in self.groups]
        known = dict.fromkeys(alpha for alpha in alphas if alpha is not None)
        return tuple(
            f"alpha={alpha:g} on sides of {side:g} px is sigma={(alpha / side) ** 0.5:.4g}, and "
            f"sigma={(alpha / _PAPERS_SIDE) ** 0.5:.4g} at {_PAPERS_SIDE} px: its meaning changes "
            f"with the resolution; to keep it, state sigma"
            for alpha in known
            if side > _MOST_SIDE
        )

    def only_group(self, what: str) -> Group:
        """The group of a plan that has one.

        Args:
            what: what is asked of it, for the message.

        Raises:
            ValueError: when there are several groups.
        """
        if len(self.groups) > 1:
            raise ValueError(f"{what} needs a plan of one group, got {self}")
        return self.groups[0]

    def at_size(self, size: int | tuple[int, int] | None) -> "ViewPlan":
        """The same plan with a size for the groups that have none.

        >>> str(plan("1x rc:scale=0.4 @24 + 1x rc:scale=0.4").at_size(32))
        '1x rc:scale=0.4 @24 + 1x rc:scale=0.4 @32'
        """
        default = (size, size) if isinstance(size, int) else size
        return ViewPlan(tuple(replace(each, size=each.size or default) for each in self.groups))

    def draw(
        self,
        sizes: ArrayLike,
        *,
        seed: int = 0,
        epoch: int = 0,
        index: ArrayLike | None = None,
        object_boxes: ArrayLike | None = None,
    ) -> tuple[Boxes, ...]:
        """Draw the boxes of all views of a batch of images: a pure function of its arguments.

        Args:
            sizes: `(N, 2)` image sizes (height, width) in pixels, or one such pair.
            seed: key of the run.
            epoch: key of the pass over the data.
            index: `(N,)` sample indices, the keys of the images; `0 .. N - 1` by default.
            object_boxes: `(N, 4)`, as `Policy.draw` takes them.

        Returns:
            For each group int64 `(N, V, 4)`.

        Raises:
            ValueError: as `Policy.draw`.

        >>> [boxes.shape for boxes in plan("rc:scale=0.25 @32").draw((64, 48), index=[7])]
        [(1, 2, 4)]
        """
        return tuple(
            group.policy.draw(
                sizes,
                views=group.views,
                first_view=first,
                seed=seed,
                epoch=epoch,
                index=index,
                object_boxes=object_boxes,
            )
            for group, first in zip(self.groups, self.first_views, strict=True)
        )


def plan(
    text: str | Policy | ViewPlan, *, views: int = 2, size: int | tuple[int, int] | None = None
) -> ViewPlan:
    """The view plan that a text names; a plan is returned as it is.

    The text is one group or several, joined by ` + `; a group is `Nx POLICY @SIZE`, in which the
    number and the size may be left out; or it is the name of one of `PLANS`. `2of4x POLICY` draws
    four views, of which training keeps the hardest pair. `str(plan)` prints a text that parses to
    an equal plan.

    Args:
        text: such as `"2x rrc:scale=0.4..1 @224 + 6x rrc:scale=0.05..0.4 @96"`; a policy alone
            is one group.
        views: of a group that states no number.
        size: side or (height, width) in pixels of a group that states no size; None cuts exactly.

    Raises:
        ValueError: for a text that is not so written, or a policy or number that breaks its rule.
        TypeError: for anything but a text, a policy or a plan.

    >>> str(plan("rrc:scale=0.2..1", size=32))
    '2x rrc:scale=0.2..1 @32'
    """
    if isinstance(text, ViewPlan):
        return text
    default = (size, size) if isinstance(size, int) else size
    if isinstance(text, Policy):
        return ViewPlan((Group(text, views, default),))
    if not isinstance(text, str):
        raise TypeError(f"a view plan must be a text, a Policy or a ViewPlan, got {text!r}")
    return ViewPlan(tuple(_group(word, views, default) for word in split_plan(text)))


def only_policy(policy: str | Policy | ViewPlan, what: str) -> Policy:
    """The policy of a text, or of a plan that has one group.

    Args:
        policy: a policy, a view plan, or their text.
        what: what is asked of it, for the message.

    Raises:
        ValueError: when there are several groups, or the policy moves with the epoch.

    >>> str(only_policy("rrc:scale=0.2..1", "a closed form"))
    'rrc:scale=0.2..1'
    """
    found = policy if isinstance(policy, Policy) else plan(policy).only_group(what).policy
    if found.later is not None:
        raise ValueError(f"{what} needs a policy of one epoch, got {found}: take policy.at(epoch)")
    return found


def _group(word: str, views: int, size: tuple[int, int] | None) -> Group:
    found = GROUP.fullmatch(word.strip())
    if found is None:
        raise ValueError(f"{_WRITTEN}, got {word!r}")
    stated = found["size"]
    return Group(
        policy(found["policy"]),
        views if found["views"] is None else int(found["views"]),
        size if stated is None else read_size(stated),
        None if found["kept"] is None else int(found["kept"]),
    )


def _threshold(of: Policy) -> float | None:
    """That of the boxes that the encoder finds; None where the images bring them, or none."""
    is_found = getattr(of.center, "box", None) == "encoder"
    return getattr(of.center, "threshold", None) if is_found else None


def read_size(word: str) -> tuple[int, int]:
    """A size (height, width) in pixels from a side or `HEIGHTxWIDTH`.

    Raises:
        ValueError: for anything but whole numbers of at least 1.

    >>> read_size("32"), read_size("30x45")
    ((32, 32), (30, 45))
    """
    sides = word.split("x")
    whole = len(sides) <= 2 and all(side.isdecimal() and int(side) > 0 for side in sides)
    rules.require("size", "a whole side, or HEIGHTxWIDTH", word, holds=whole)
    return int(sides[0]), int(sides[-1])


def write_size(size: tuple[int, int]) -> str:
    """The text of a size; one number for a square.

    >>> write_size((32, 32)), write_size((30, 45))
    ('32', '30x45')
    """
    height, width = size
    return str(height) if height == width else f"{height}x{width}"
