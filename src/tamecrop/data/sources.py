"""A name or a path to a data set: images, labels and boxes in three splits."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np
from torch import Tensor

from tamecrop.data import downloads, scenes, splits
from tamecrop.data.account import Found, Needs, require_known
from tamecrop.data.images import Dataset, ImageSet
from tamecrop.geometry import Draw, keys, rules
from tamecrop.members import groups_of

if TYPE_CHECKING:
    from tamecrop.data.quarantine import Sizing

_DESCRIBE = (".yaml", ".yml", ".json", ".csv", ".txt")
_PACKED = (".zip", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz")
_SAMPLE, _SAMPLE_SIDE, _GROUPS = 1000, 64, 64


class How(TypedDict, total=False):
    """What `folders.read` may be told."""

    sizing: "Sizing"
    needs: Needs
    most_pixels: int | None


def load(
    spec: str | Path,
    *,
    seed: int = 0,
    root: str | Path | None = None,
    validation: float = 0.1,
    needs: Needs = None,
    most_pixels: int | None = None,
) -> Dataset:
    """Load a data set; its `account` says in one line what was read and what was not.

    Args:
        spec: `scenes` (with options, `scenes:offset=0.3,objects=2`), `cifar10`, `cifar100`,
            `stl10`, an `.npz` archive, or a folder of images, see `layouts` and `archives`;
            `wds:PATTERN`, WebDataset shards, see `shards`; `hf:PATH`, a Hugging Face data set on
            disk, see `arrow`.
        seed: key of the scenes and of the splits that are carved here.
        root: where downloads are kept; by default `$TAMECROP_DATA` or `~/.cache/tamecrop`.
        validation: share carved out of train for each split that the data does not have, in
            (0, 0.5).
        needs: what will be used: `pixels` of train, `labels` in every split, object `boxes` in
            train, or `known_boxes`, those that there are. That must be there, and nothing else
            is looked at or demanded. By default nothing must be there, and what is there must
            be right.
        most_pixels: of an image file; by default what `tamecrop data check` accepted, or
            `PIL.Image.MAX_IMAGE_PIXELS`.

    Raises:
        ValueError: for an unknown name, a missing path, data that breaks a rule, or that lacks
            what is needed, by file, key or folder.

    >>> data = load("scenes:count=100")
    >>> len(data.train), len(data.validation), len(data.test)
    (90, 10, 33)
    """
    require_known(needs)
    found = find(
        spec, seed=seed, root=root, validation=validation, needs=needs, most_pixels=most_pixels
    )
    missing = tuple(reason for reason in found.lacking.get("labels", ()) if "got none" in reason)
    if missing and (needs is None or "labels" in needs):
        raise ValueError(f"{spec}: {'; '.join(missing)}")
    given = (found.train, found.validation, found.test)
    split = splits.complete(*given, share=validation, seed=seed, name=str(spec))
    train, held, test = split.sets
    notes = (*found.notes, *missing, *split.notes)
    if found.classes is not None and (needs is None or "labels" in needs):
        splits.require_classes(split.sets, found.classes, name=str(spec))
    if found.classes is not None and "labels" in (needs or ()):
        notes = (*notes, *splits.doubts(test, found.classes))
    mean, std = splits.statistics(_sample(train))
    was = {"val": found.validation, "test": found.test}
    carved = [name for name, images in was.items() if images is None]
    data = Dataset(
        name=str(spec),
        train=train,
        validation=held,
        test=test,
        classes=found.classes,
        mean=mean,
        std=std,
        root=found.root,
        quarantined=found.quarantined,
        notes=notes,
        account=found.line({"train": train, "val": held, "test": test}, carved=carved),
        lacking=found.lacking,
    )
    for need in needs or ():
        data.require(need)
    return data


def find(
    spec: str | Path,
    *,
    seed: int = 0,
    root: str | Path | None = None,
    validation: float = 0.1,
    **how: Unpack[How],
) -> Found:
    """The images of a source in the splits that it has, however few: nothing is carved.

    Args:
        spec: as for `load`.
        seed: key of the scenes.
        root: where downloads are kept.
        validation: share of the scenes that is validation.
        how: as for `folders.read`.

    Raises:
        ValueError: for an unknown name, a missing path, or data that breaks a rule, by name.
    """
    require_spec(spec)
    name, _, tail = str(spec).partition(":")
    if name == "scenes":
        return _scenes(tail, seed=seed, validation=validation)
    found = _read(spec, root, **how)
    from tamecrop.data.names import list_alike  # embedded scenes have no names from outside

    pairs = list_alike(found.classes or ())
    if not pairs:
        return found
    (one, other), more = pairs[0], f" (and {len(pairs) - 1} more)" if pairs[1:] else ""
    said = f"classes {one!r} and {other!r}{more} differ in case, spaces, signs or zeros alone"
    return dataclasses.replace(found, notes=(*found.notes, said))


def require_spec(spec: object) -> None:
    """Refuse what names no data: an empty text would be the folder that a shell is in.

    Raises:
        ValueError: for an empty text.
        TypeError: for what is neither a text nor a path.
    """
    if not isinstance(spec, str | Path):
        raise TypeError(f"`data` must be a name or a path, got {type(spec).__name__}")
    if not str(spec).strip():
        raise ValueError("`data` must be a name or a path, got an empty text")


def _read(spec: str | Path, root: str | Path | None, **how: Unpack[How]) -> Found:
    """The images of a source that are not made here."""
    name, _, tail = str(spec).partition(":")
    tail = os.path.expanduser(tail)
    if name in downloads.NAMES:
        return downloads.read(name, None if root is None else Path(root))
    if name == "wds" and tail:
        from tamecrop.data import shards

        return shards.read(tail, **how)
    if name == "hf" and tail:
        from tamecrop.data import arrow

        return arrow.read(tail, **how)
    # The readers of files are half of this room: who trains on scenes loads none of them.
    path = Path(os.path.expanduser(spec))
    if path.is_dir():
        from tamecrop.data import folders

        return folders.read(path, **how)
    if path.suffix.lower() == ".npz" and path.is_file():
        from tamecrop.data import archives

        return archives.read(path, needs=how.get("needs"))
    _refuse(path, spec)
    raise ValueError(f"`data` must exist, got {spec}")


def _scenes(tail: str, *, seed: int, validation: float) -> Found:
    made = scenes.splits(_options(tail), seed=seed, validation=validation)
    train, held, test = made
    return Found(train=train, validation=held, test=test, classes=scenes.CLASSES)


def _refuse(path: Path, spec: str | Path) -> None:
    """Say what is wrong with a path that is no data."""
    if path.exists():
        rule = "a name, a folder or an .npz archive"
        from tamecrop.data.opening import suffixes  # for a message alone

        kind = path.suffix.lower()
        lies_beside = kind in _DESCRIBE or kind in suffixes()
        hint = f"; did you mean {path.parent}?" if lies_beside else ""
        hint = f"; shards are wds:{path}" if kind == ".tar" else hint
        hint = "; np.savez(PATH, train_images=...) makes one" if kind == ".npy" else hint
        hint = f"; unpack {path.name} first" if kind in _PACKED else hint
        raise ValueError(f"`data` must be {rule}, got the file {path}{hint}")
    if path.suffix or len(path.parts) > 1:
        raise ValueError(f"`data` must exist, got {spec}")
    rules.known("data", str(path), ("scenes", *downloads.NAMES))


def _sample(images: ImageSet) -> Tensor:
    """Pixels to take the statistics of: all, or of files a thousand at 64 px.

    Of images that are read in groups those of some groups: each costs the reading of all of it.
    """
    if images.pixels is not None:
        return images.pixels
    order = keys.uniform(0, 0, np.arange(len(images)), 0, Draw.STATISTICS).argsort()
    groups = groups_of(images.paths)
    if groups is not None:
        first = list(dict.fromkeys(groups[0][order].tolist()))[:_GROUPS]
        order = np.sort(order[np.isin(groups[0][order], first)][:_SAMPLE])
    pixels = images.subset(order[:_SAMPLE]).resident(_SAMPLE_SIDE).pixels
    assert pixels is not None, "a resident set holds its pixels"
    return pixels


def _options(tail: str) -> scenes.Scenes:
    """The options of scenes from `key=value,...`."""
    fields = {field.name: field.type for field in dataclasses.fields(scenes.Scenes)}
    chosen: dict[str, float | int] = {}
    for item in filter(None, (word.strip() for word in tail.split(","))):
        key, _, value = (word.strip() for word in item.partition("="))
        rules.known("option of scenes", key, fields)
        try:
            chosen[key] = int(value) if fields[key] is int else float(value)
        except ValueError as error:
            raise ValueError(f"`{key}` must be a number, got {value!r}") from error
    return scenes.Scenes(**chosen)  # type: ignore[arg-type]
