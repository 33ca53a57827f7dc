"""The user's own images under the audited laws: both boxes, and the most suspicious pairs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from matplotlib.figure import Figure

from tamecrop.audit.measures.suspicious import Suspect
from tamecrop.audit.subject import Subject
from tamecrop.data.decode import DecodeError
from tamecrop.geometry.boxes import Floats
from tamecrop.geometry.policy import Policy
from tamecrop.reporting.view_grid import Look, Tile, sheet_figure, tile_of, tiles_figure

_SHOWN = 4
_TRIED = 50


def views_figure(subject: Subject, policies: Sequence[Policy], *, seed: int) -> Figure | None:
    """The first readable images under each law, objects dashed; None when none can be read."""
    found: list[tuple[int, torch.Tensor]] = []
    for place in range(min(_TRIED, len(subject.images))):
        image = _image(subject, place)
        if image is not None and len(found) < _SHOWN:
            found.append((place, image))
    if not found:
        return None
    objects = [_objects(subject, place) for place, _ in found]
    images = [image for _, image in found]
    return sheet_figure(images, policies, look=Look(seed=seed), objects=objects)


def suspects_figure(
    subject: Subject, policies: Sequence[Policy], suspects: Sequence[Sequence[Suspect]]
) -> Figure | None:
    """The most suspicious pairs of each law; None when no image of theirs can be read.

    Args:
        subject: the images.
        policies: the laws.
        suspects: of each law.
    """
    rows = {
        str(policy): [tile for each in row if (tile := _tile(subject, policy, each)) is not None]
        for policy, row in zip(policies, suspects, strict=True)
    }
    return tiles_figure(rows) if any(rows.values()) else None


def _tile(subject: Subject, policy: Policy, suspect: Suspect) -> Tile | None:
    image = _image(subject, suspect.image)
    if image is None:
        return None
    tile = tile_of(image, suspect.boxes, policy, Look(), index=suspect.image)
    return replace(tile, objects=_objects(subject, suspect.image), note=suspect.why)


def _objects(subject: Subject, place: int) -> Floats:
    boxes = subject.images.boxes
    return np.empty((0, 4)) if boxes is None else boxes[place]


def _image(subject: Subject, place: int) -> torch.Tensor | None:
    """An image, or None for a file whose header is sound and whose pixels are not."""
    try:
        return subject.images.image(place)
    except DecodeError:
        return None
