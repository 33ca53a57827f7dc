"""A name or a path to a data set: images, labels and boxes in three splits."""

import dataclasses
import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tamecrop.data import scene_material, scenes, splits
from tamecrop.data.images import Dataset, ImageSet
from tamecrop.geometry import rules


def load(
    spec: str | Path, *, seed: int = 0, root: str | Path | None = None, validation: float = 0.1
) -> Dataset:
    """Load a data set.

    Args:
        spec: `scenes` (with options, `scenes:offset=0.3,objects=2`).
        seed: key of the scenes and of the splits that are carved here.
        root: where downloads are kept.
        validation: share carved out of train for each split that the data does not have, in
            (0, 0.5).

    >>> data = load("scenes:count=100")
    >>> len(data.train), len(data.validation), len(data.test)
    (90, 10, 33)
    """
    name, _, tail = str(spec).partition(":")
    options = _options(scenes.Scenes, tail, str(spec))
    train, held, test = scenes.splits(options, seed=seed, validation=validation)
    mean, std = splits.statistics(train.pixels)
    return Dataset(
        name=str(spec),
        train=train,
        validation=held,
        test=test,
        classes=scene_material.CLASSES,
        mean=mean,
        std=std,
    )


def _options(made_of: Any, tail: str, spec: str) -> Any:
    """An options dataclass from `key=value,...`."""
    fields = {field.name: field.type for field in dataclasses.fields(made_of)}
    chosen: dict[str, float | int] = {}
    for item in filter(None, (word.strip() for word in tail.split(","))):
        key, _, value = (word.strip() for word in item.partition("="))
        rules.known("option of scenes", key, fields)
        try:
            chosen[key] = int(value) if fields[key] is int else float(value)
        except ValueError as error:
            raise ValueError(f"`{key}` must be a number, got {value!r} in {spec!r}") from error
    return made_of(**chosen)
