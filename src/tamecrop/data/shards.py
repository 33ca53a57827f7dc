"""WebDataset shards, `wds:PATTERN`: tar files whose neighbors of one name are a sample.

Shards are indexed once, and images are then read where they lie, in any order: an epoch is shuffled
whole, resumes at any step, and is divided among workers and processes as that of a folder. Samples
are ordered by their keys, so that boxes and order do not depend on how they are dealt to shards.

Relation: the format of the `webdataset` package, which streams shards in their own order.
"""

import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from tamecrop.data import names
from tamecrop.data.account import Found, Needs
from tamecrop.data.first_look import look_once, size_of, sizes_of
from tamecrop.data.images import ImageSet, Need
from tamecrop.data.label_tables import by_number
from tamecrop.data.members import Member, Slice
from tamecrop.data.opening import suffixes
from tamecrop.data.quarantine import Sizing, decoded_size

PREFIX = "wds"

_BLOCK = tarfile.BLOCKSIZE
_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
_LABEL = "cls"


@dataclass(eq=False)
class _Sample:
    """What neighbors of one name in a shard hold.

    Args:
        key: their name, up to the first dot.
        images: the images.
        label: text of the label, or None.
    """

    key: str
    images: list[Member] = field(default_factory=list)
    label: str | None = None


def read(
    pattern: str,
    *,
    sizing: Sizing = decoded_size,
    needs: Needs = None,  # noqa: ARG001  one signature with folders: labels cost nothing here
    most_pixels: int | None = None,
) -> Found:
    """Read shards.

    A sample has one image (`jpg`, `png`, ...) and may have a label (`cls`, a number or a name).
    The word for a split in the name of a shard (`train-000.tar`, `imagenet-val-01.tar`) makes it
    part of that split; without any such word all are train.

    Args:
        pattern: a folder of `.tar` files, or a path in which `{000..012}` counts and `*` stands
            for any text.
        sizing: as for `folders.read`.
        needs: as for `folders.read`.
        most_pixels: as for `folders.read`.

    Raises:
        ValueError: naming the shard that is missing, compressed, cut off or damaged, or a sample
            that is unclear; for more unreadable images than a hundredth.
    """
    shards = expand(pattern)
    root = _common(shards)
    unread: Counter[str] = Counter()
    splits = {
        split: sorted(_samples(files, unread), key=lambda sample: sample.key)
        for split, files in _splits(shards).items()
    }
    without = [each for samples in splits.values() for each in samples if not each.images]
    splits = {s: [each for each in samples if each.images] for s, samples in splits.items()}
    paths = [sample.images[0] for samples in splits.values() for sample in samples]
    if not paths:
        raise ValueError(f"{pattern} must hold images, got none in {len(shards)} shards")
    source = f"{PREFIX}:{pattern}"
    memory, notes = look_once(root, paths, source=source, sizing=sizing, most_pixels=most_pixels)
    good = {
        split: [s for s in samples if size_of(root, s.images[0], memory) is not None]
        for split, samples in splits.items()
    }
    if without:
        told = f"{len(without)} samples have no image and are left out, such as {without[0].key}"
        notes.append(told)
    if not good.get(names.TRAIN):
        raise ValueError(f"{pattern}: the train split must hold images, got none")
    classes, decoding = _classes(good), memory.decoding(root)
    paths_of = {split: tuple(s.images[0] for s in each) for split, each in good.items() if each}
    sets = {
        split: ImageSet(
            paths=found,
            sizes=sizes_of(root, found, memory),
            labels=_labels(good[split], classes),
            decoding=decoding,
        )
        for split, found in paths_of.items()
    }
    return Found(
        train=sets[names.TRAIN],
        validation=sets.get(names.VALIDATION),
        test=sets.get(names.TEST),
        classes=classes,
        root=root,
        quarantined=tuple(entry.error(root) for entry in memory.bad),
        notes=tuple(notes),
        depth=decoding.account,
        unread=tuple(f"{count} .{kind}" for kind, count in unread.most_common(6)),
        lacking=_lacking(pattern, good),
    )


def expand(pattern: str) -> list[Path]:
    """The shards that a pattern names, in the order of their names.

    Raises:
        ValueError: naming the first one that is missing, or the pattern that names none.

    >>> expand("train-{08..10}.tar")
    Traceback (most recent call last):
    ValueError: there is no shard train-08.tar, the first of 3 that are missing
    """
    path = Path(pattern)
    if path.is_dir():
        found = sorted(path.glob("*.tar"))
    elif any(sign in pattern for sign in "*?["):
        fixed = Path(*[part for part in path.parts if not any(s in part for s in "*?[")])
        found = sorted(fixed.glob(str(path.relative_to(fixed))))
    else:
        found = [Path(text) for text in _counted(pattern)]
        missing = [each for each in found if not each.is_file()]
        if missing:
            rest = f", the first of {len(missing)} that are missing" if missing[1:] else ""
            raise ValueError(f"there is no shard {missing[0]}{rest}")
    if not found:
        raise ValueError(f"`{PREFIX}:` must name at least one shard, got {pattern}")
    return found


def _counted(pattern: str) -> list[str]:
    """A pattern with `{first..last}` written out, as wide as the first number is."""
    braces = _BRACES.search(pattern)
    if braces is None:
        return [pattern]
    first, last = braces.groups()
    numbers = (f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1))
    head, tail = pattern[: braces.start()], pattern[braces.end() :]
    return [head + number + rest for number in numbers for rest in _counted(tail)]


def _common(shards: Sequence[Path]) -> Path:
    """The folder that all shards lie in."""
    return next(p for p in shards[0].parents if all(s.is_relative_to(p) for s in shards))


def _splits(shards: Sequence[Path]) -> dict[str, list[Path]]:
    """The shards of each split.

    Raises:
        ValueError: naming a shard of no split beside some that have one.
    """
    words = {shard: _split(shard.stem) for shard in shards}
    if not any(words.values()):
        return {names.TRAIN: list(shards)}
    for shard, split in words.items():
        if split is None:
            other = next(each for each in shards if words[each])
            raise ValueError(f"the name of {shard} says no split, and that of {other} does")
    splits: dict[str, list[Path]] = {}
    for shard, split in words.items():
        splits.setdefault(str(split), []).append(shard)
    return splits


def _split(stem: str) -> str | None:
    """The split that one word of a name stands for."""
    found = [names.split_word(word) for word in re.split(r"[^A-Za-z]+", stem)]
    known = {each[0] for each in found if each is not None}
    return known.pop() if len(known) == 1 else None


def _samples(shards: Sequence[Path], unread: Counter[str]) -> Iterator[_Sample]:
    for shard in shards:
        sample, changed = _Sample(""), shard.stat().st_mtime_ns
        for entry, key, kind in _entries(shard):
            if key != sample.key:
                if sample.key:
                    yield sample
                sample = _Sample(key)
            if f".{kind}" in suffixes():
                content = Slice(shard, entry.offset_data, entry.size)
                name = shard / entry.name.lstrip("/")
                sample.images.append(Member(name, content, entry.size, changed))
                if len(sample.images) > 1:
                    raise ValueError(f"{shard}: sample {key} must have one image, got two")
            elif kind == _LABEL:
                text = Slice(shard, entry.offset_data, entry.size)()
                sample.label = text.decode("utf-8", "backslashreplace").strip()
            else:
                unread[kind] += 1
        if sample.key:
            yield sample


def _entries(shard: Path) -> Iterator[tuple[tarfile.TarInfo, str, str]]:
    """Each file of a shard with the key of its sample and its kind: `a/b`, `seg.png`.

    Raises:
        ValueError: naming a shard that is no tar file, compressed, cut off or damaged.
    """
    try:
        with tarfile.open(shard, "r:") as archive:
            for entry in archive:
                folder, _, name = entry.name.rpartition("/")
                base, _, kind = name.partition(".")
                if entry.isreg() and base:
                    yield entry, f"{folder}/{base}" if folder else base, kind.lower()
            end = archive.offset
        with shard.open("rb") as file:
            file.seek(end)
            whole = file.read(_BLOCK) == bytes(_BLOCK)
    except tarfile.TarError as error:
        raise ValueError(
            f"{shard} must be a whole tar file without compression: {error}"
        ) from error
    if not whole:
        raise ValueError(f"{shard} ends early or is damaged near byte {end}: its end is missing")


def _classes(splits: Mapping[str, Sequence[_Sample]]) -> tuple[str, ...] | None:
    """Names of the labels, where every train sample has one: in their order as numbers, or text."""
    if any(sample.label is None for sample in splits[names.TRAIN]):
        return None
    found = {s.label for samples in splits.values() for s in samples if s.label is not None}
    return tuple(sorted(found, key=by_number))


def _labels(samples: Sequence[_Sample], classes: tuple[str, ...] | None) -> torch.Tensor | None:
    if classes is None or any(sample.label is None for sample in samples):
        return None
    numbers = {name: number for number, name in enumerate(classes)}
    return torch.tensor([numbers[str(sample.label)] for sample in samples], dtype=torch.int64)


def _lacking(pattern: str, splits: Mapping[str, Sequence[_Sample]]) -> dict[Need, tuple[str, ...]]:
    why = []
    for split, samples in splits.items():
        missing = [sample.key for sample in samples if sample.label is None]
        if missing:
            rest = f"{len(missing)} of {len(samples)} samples have no .{_LABEL}"
            why.append(f"{split}: {rest}, such as {missing[0]}")
    return {"labels": tuple(why), "boxes": (f"{pattern}: shards bring no object boxes",)}
