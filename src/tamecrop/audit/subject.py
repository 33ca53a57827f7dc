"""What is audited: images with what is known about them, and policies with their sweeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from tamecrop.audit.held_images import channels_first, narrow_all, read_labels
from tamecrop.audit.measures.view_pairs import ViewPair, list_pairs
from tamecrop.data import Dataset, ImageSet, annotations, header_size, sources
from tamecrop.data.images import Need
from tamecrop.geometry import (
    Draw,
    Policy,
    Sweep,
    ViewPlan,
    are_fractions,
    keep_masks,
    keys,
    rules,
)
from tamecrop.reporting.intervals import counted

Images = str | Path | Dataset | ImageSet | ArrayLike | Tensor | Sequence[Any]
"""A name or path, a data set, an array `(N, C, H, W)`, or a list of images or of files."""

Ints = NDArray[np.int64]

MOST_IMAGES = 50_000

NEEDS: tuple[Need, ...] = ("pixels", "known_boxes")
"""What an audit needs of data: train pixels, and boxes where there are any; labels it may lack."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject:
    """A data set as an audit sees it; one image is enough.

    Args:
        name: what the user typed.
        images: on which crop policies are tried.
        index: int64 `(N,)`, their places among all images of the source: the keys of their boxes.
        held: images of the source's own validation split, or None.
        classes: names of the labels, or None.
        notes: what had to be left out or changed, in sentences.
        account: one line on what of the data was read.
    """

    name: str
    images: ImageSet
    index: Ints
    held: ImageSet | None
    classes: tuple[str, ...] | None
    notes: tuple[str, ...]
    account: str = ""

    @property
    def is_boxed(self) -> bool:
        """Whether any image has an object box."""
        return any(len(each) for each in self.images.boxes or ())


def find_subject(
    images: Images,
    *,
    labels: ArrayLike | None = None,
    boxes: Sequence[ArrayLike] | None = None,
    seed: int = 0,
    most: int = MOST_IMAGES,
) -> Subject:
    """Find the images of an audit; of files the sizes are read from headers, no pixel is decoded.

    Of the splits of a source train is audited; test is never used.

    Args:
        images: a name or path as for `sources.load`; a Dataset or an ImageSet; a tensor
            `(N, C, H, W)` or an array, whose channels may be last; or a list of images `(C, H, W)`
            of any sizes, of PIL images, or of files. Values that are not uint8 become 8 bits by the
            range of them all, as `load` does it.
        labels: `(N,)` whole numbers from 0 on or texts, for arrays and lists.
        boxes: the object boxes `(k, 4)` of each image, for arrays and lists; `MaskedBoxes` where
            masks are known.
        seed: key of embedded scenes.
        most: a larger set is audited on this many of its images, chosen by a fixed key.

    Raises:
        ValueError: for an unknown name, a missing path, or data that breaks a rule, by name.
    """
    rules.count("images", most)
    if isinstance(images, (str, Path)):
        found = _find_source(images, seed)
    elif isinstance(images, Dataset):
        found = _subject(images.train, images.name, classes=images.classes, notes=images.notes)
        found = replace(found, held=images.validation, account=images.account)
    else:
        given, depth = _hold(images, labels, boxes)
        notes = (depth,) if depth else ()
        if boxes is not None and given.boxes is not None:
            inside, changes = annotations.inside(given.boxes, given.sizes)
            given, notes = replace(given, boxes=inside), (*notes, *changes)
        found = _subject(given, "images in memory", classes=_name_classes(given), notes=notes)
    if not len(found.images):
        raise ValueError(f"`images` must hold at least one image, got none in {found.name}")
    return _limit(found, most)


def _find_source(spec: str | Path, seed: int) -> Subject:
    found = sources.find(spec, seed=seed, sizing=header_size, needs=NEEDS)
    notes = list(found.notes)
    if found.quarantined:
        first = found.quarantined[0]
        notes.append(f"left out: {counted(len(found.quarantined), 'file')}; the first: {first}")
    subject = _subject(found.train, str(spec), classes=found.classes, notes=tuple(notes))
    return replace(subject, held=found.validation, account=found.account)


def _subject(
    images: ImageSet,
    name: str,
    *,
    classes: tuple[str, ...] | None,
    notes: tuple[str, ...] = (),
) -> Subject:
    index = np.arange(len(images))
    return Subject(name=name, images=images, index=index, held=None, classes=classes, notes=notes)


def _limit(found: Subject, most: int) -> Subject:
    """The same, with at most so many images."""
    total = len(found.images)
    if total <= most:
        return found
    order = keys.uniform(0, 0, np.arange(total), 0, Draw.AUDITED).argsort()
    index = np.sort(order[:most])
    note = f"{most:,} of {total:,} images were audited, chosen by a fixed key"
    images = found.images.subset(index)
    return replace(found, images=images, index=index, notes=(*found.notes, note))


def _name_classes(images: ImageSet) -> tuple[str, ...] | None:
    if images.labels is None:
        return None
    return tuple(str(label) for label in range(int(images.labels.max()) + 1))


def _hold(
    images: ImageSet | ArrayLike | Tensor | Sequence[Any],
    labels: ArrayLike | None,
    boxes: Sequence[ArrayLike] | None,
) -> tuple[ImageSet, str]:
    """Images that a caller holds, or whose files it names, as a set; and how they became 8 bits."""
    if isinstance(images, ImageSet):
        return images, ""
    objects = None
    if boxes is not None:
        for each in boxes:
            rules.corners("boxes", each)
        objects = tuple(keep_masks(np.asarray(each).reshape(-1, 4), each) for each in boxes)
        if objects and are_fractions(np.concatenate(objects)):
            raise ValueError("`boxes` must be pixels, got fractions from 0 to 1")
    numbers = None if labels is None else read_labels(labels)
    if isinstance(images, (Tensor, np.ndarray)):
        (pixels,), depth = narrow_all([channels_first(images)])
        if pixels.ndim != 4:
            rule = "(N, C, H, W) or (N, H, W, C), of gray images (N, 1, H, W)"
            raise ValueError(f"`images` must have shape {rule}, got {tuple(pixels.shape)}")
        return ImageSet.in_memory(pixels, labels=numbers, boxes=objects), depth
    each = list(images)  # type: ignore[arg-type]
    if each and all(isinstance(one, (str, Path)) for one in each):
        paths = tuple(map(Path, each))
        sizes = np.array([header_size(path) for path in paths], dtype=np.int64)
        return ImageSet(sizes=sizes, paths=paths, labels=numbers, boxes=objects), ""
    for one in each:
        if isinstance(one, (tuple, Mapping)):
            raise TypeError(
                f"`images` must hold images alone, got a {type(one).__name__}: give labels as "
                "`labels`, as in [image for image, label in dataset]"
            )
    tensors, depth = narrow_all([channels_first(one) for one in each])
    for one in tensors:
        if one.ndim != 3 or len(one) != len(tensors[0]):
            rule = "images of shape (C, H, W), as many channels each"
            raise ValueError(f"`images` must be {rule}, got {tuple(one.shape)}")
    sizes = np.array([one.shape[-2:] for one in tensors], dtype=np.int64).reshape(-1, 2)
    return _ImageList(sizes=sizes, tensors=tensors, labels=numbers, boxes=objects), depth


@dataclass(frozen=True, eq=False, kw_only=True)
class _ImageList(ImageSet):
    """Images of any sizes in memory.

    Args:
        tensors: uint8 `(C, H, W)` each.
    """

    tensors: tuple[Tensor, ...]

    @property
    def channels(self) -> int:
        """Channels of every image."""
        return len(self.tensors[0])

    def __post_init__(self) -> None:
        for name in ("labels", "boxes"):
            part = getattr(self, name)
            if part is not None and len(part) != len(self):
                raise ValueError(
                    f"`{name}` must have one entry per image, got {len(part)} for {len(self)}"
                )

    def image(self, position: int) -> Tensor:
        """The image at a position, uint8 `(C, H, W)`."""
        return self.tensors[position]

    def subset(self, positions: ArrayLike | Sequence[int]) -> "ImageSet":
        """The images at some positions, in that order."""
        kept = np.asarray(positions, dtype=np.int64)
        return _ImageList(
            sizes=self.sizes[kept],
            tensors=tuple(self.tensors[place] for place in kept),
            labels=None if self.labels is None else self.labels[torch.from_numpy(kept)],
            boxes=None if self.boxes is None else tuple(self.boxes[place] for place in kept),
        )


@dataclass(frozen=True)
class Candidate:
    """Two views of a plan that an audit judges.

    Attributes:
        views: Which two views of which plan.
        curve: Text form of the policy that was swept to get it, or None for a named one.
        swept: The parameter swept, or None.
    """

    views: ViewPair
    curve: str | None = None
    swept: str | None = None

    @property
    def plan(self) -> str | None:
        """Text form of the plan of several groups that these views are of, or None."""
        plan = self.views.plan
        return str(plan) if len(plan.groups) > 1 else None

    @property
    def name(self) -> str:
        """What tells it from the others of an audit."""
        return name_views(str(self.views), self.plan)


def name_views(policy: str, plan: str | None) -> str:
    """A name of views that no others of an audit have."""
    return policy if plan is None else f"{policy}, of {plan}"


def list_candidates(
    plans: Sequence[ViewPlan], current: ViewPlan, sweeps: Sequence[Sweep]
) -> tuple[Candidate, ...]:
    """The policy in use first, then those named, each once; then the sweeps of all of them.

    A plan of several groups gives one candidate for each group and one for every two; a sweep
    moves plans of one group alone.

    Raises:
        ValueError: for a sweep whose parameter none of the policies has, a current plan of several
            groups, or a plan of one view.
    """
    current.only_group("`current`")
    named = tuple(dict.fromkeys((current, *plans)))
    alone = [plan for plan in named if len(plan.groups) == 1]
    points = [
        Candidate(ViewPair(_with_policy(plan, policy)), str(plan), sweep.key)
        for sweep in sweeps
        for plan in alone
        for policy in sweep.of(plan.groups[0].policy)
    ]
    for sweep in sweeps:
        if not any(sweep.of(plan.groups[0].policy) for plan in alone):
            raise ValueError(f"`sweep` moves `{sweep.key}`, which none of the policies has")
    return (*(Candidate(views) for plan in named for views in list_pairs(plan)), *points)


def _with_policy(plan: ViewPlan, policy: Policy) -> ViewPlan:
    return ViewPlan((replace(plan.groups[0], policy=policy),))
