"""Which samples lie in WebDataset shards, and where in them: nothing but names is read."""

import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tamecrop.data import names
from tamecrop.data.box_records import Problems
from tamecrop.data.opening import suffixes
from tamecrop.members import Member, Slice

PREFIX = "wds"
RECORD = "json"

_BLOCK = tarfile.BLOCKSIZE
_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
_LABEL = "cls"


@dataclass(eq=False)
class Sample:
    """What neighbors of one name in a shard hold.

    Args:
        key: their name, up to the first dot.
        images: the images.
        label: text of the label, or None.
        record: what may state object boxes, or None.
    """

    key: str
    images: list[Member] = field(default_factory=list)
    label: str | None = None
    record: Slice | None = None


@dataclass(frozen=True, eq=False)
class Indexed:
    """Shards whose names were read.

    Args:
        root: the folder that all lie in.
        splits: samples with an image, by split, sorted by their keys.
        without: keys of samples without one.
        unread: number of files of each kind that is not read.
        shards: how many there are.
    """

    root: Path
    splits: dict[str, list[Sample]]
    without: list[str]
    unread: Counter[str]
    shards: int

    @property
    def paths(self) -> list[Path]:
        """Of all images."""
        return [sample.images[0] for samples in self.splits.values() for sample in samples]


def index(pattern: str) -> Indexed:
    """The samples of every shard that a pattern names, see `expand`.

    Raises:
        Problems: naming every shard that is no whole tar file.
        ValueError: for a pattern that names no shard.
    """
    shards, unread, problems = expand(pattern), Counter[str](), list[str]()
    splits = {
        split: sorted(_samples(files, unread, problems), key=lambda sample: sample.key)
        for split, files in _splits(shards).items()
    }
    if problems:
        raise Problems(problems, f"{PREFIX}:{pattern}")
    without = [each.key for samples in splits.values() for each in samples if not each.images]
    splits = {s: [each for each in samples if each.images] for s, samples in splits.items()}
    return Indexed(_common(shards), splits, without, unread, len(shards))


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
    words = {shard: names.split_in(shard.stem) for shard in shards}
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


def _samples(shards: Sequence[Path], unread: Counter[str], problems: list[str]) -> Iterator[Sample]:
    """The samples of shards; what is wrong with a shard is noted."""
    for shard in shards:
        try:
            yield from _in_shard(shard, unread)
        except ValueError as error:
            problems.append(str(error))


def _in_shard(shard: Path, unread: Counter[str]) -> Iterator[Sample]:
    sample, changed = Sample(""), shard.stat().st_mtime_ns
    for entry, key, kind in _entries(shard):
        if key != sample.key:
            if sample.key:
                yield sample
            sample = Sample(key)
        content = Slice(shard, entry.offset_data, entry.size)
        if f".{kind}" in suffixes():
            name = shard / entry.name.lstrip("/")
            sample.images.append(Member(name, content, entry.size, changed))
            if len(sample.images) > 1:
                raise ValueError(f"{shard}: sample {key} must have one image, got two")
        elif kind == _LABEL:
            sample.label = content().decode("utf-8", "backslashreplace").strip()
        else:
            unread[kind] += 1
            sample.record = content if kind == RECORD else sample.record
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
