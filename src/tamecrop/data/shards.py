"""WebDataset shards, `wds:PATTERN`: tar files whose neighbors of one name are a sample.

Shards are indexed once, and images are then read where they lie, in any order: an epoch is shuffled
whole, resumes at any step, and is divided among workers and processes as that of a folder. Samples
are ordered by their keys, so that boxes and order do not depend on how they are dealt to shards.

Relation: the format of the `webdataset` package, which streams shards in their own order.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from tamecrop.data import names
from tamecrop.data.account import Found, Needs, reads_boxes
from tamecrop.data.box_records import Floats, read as read_records, states_boxes
from tamecrop.data.first_look import look_once, size_of, sizes_of
from tamecrop.data.images import ImageSet, Ints, Need
from tamecrop.data.label_tables import by_number
from tamecrop.data.quarantine import Sizing, decoded_size
from tamecrop.data.tar_index import PREFIX, RECORD, Sample, index

_SNIFFED = 100
"""Samples of a split that tell whether records state boxes: captions have records too."""


def read(
    pattern: str,
    *,
    sizing: Sizing = decoded_size,
    needs: Needs = None,
    most_pixels: int | None = None,
) -> Found:
    """Read shards.

    A sample has one image (`jpg`, `png`, ...) and may have a label (`cls`, a number or a name) and
    object boxes (`json`, see `box_records`).
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
    there = index(pattern)
    root, paths = there.root, there.paths
    if not paths:
        raise ValueError(f"{pattern} must hold images, got none in {there.shards} shards")
    source = f"{PREFIX}:{pattern}"
    memory, notes = look_once(root, paths, source=source, sizing=sizing, most_pixels=most_pixels)
    good = {
        split: [s for s in samples if size_of(root, s.images[0], memory) is not None]
        for split, samples in there.splits.items()
    }
    if there.without:
        first = f"such as {there.without[0]}"
        notes.append(f"{len(there.without)} samples have no image and are left out, {first}")
    if not good.get(names.TRAIN):
        raise ValueError(f"{pattern}: the train split must hold images, got none")
    classes, decoding = _classes(good), memory.decoding(root)
    paths_of = {split: tuple(s.images[0] for s in each) for split, each in good.items() if each}
    sizes = {split: sizes_of(root, found, memory) for split, found in paths_of.items()}
    boxes, changes = _boxes(good, sizes, source) if reads_boxes(needs) else ({}, [])
    unread = {kind: count for kind, count in there.unread.items() if not boxes or kind != RECORD}
    sets = {
        split: ImageSet(
            paths=found,
            sizes=sizes[split],
            boxes=boxes.get(split),
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
        notes=(*notes, *changes),
        depth=decoding.account,
        unread=tuple(
            f"{count} .{kind}" if kind else f"{count} without suffix"
            for kind, count in Counter(unread).most_common(6)
        ),
        lacking=_lacking(pattern, good, has_boxes=bool(boxes)),
    )


def list_images(pattern: str) -> tuple[Path, list[Path]]:
    """The folder that all shards lie in, and their images.

    Raises:
        Problems: naming every shard that is no whole tar file.
        ValueError: for a pattern that names no shard.
    """
    there = index(pattern)
    return there.root, there.paths


def _boxes(
    splits: Mapping[str, Sequence[Sample]], sizes: Mapping[str, Ints], source: str
) -> tuple[dict[str, tuple[Floats, ...]], list[str]]:
    """Object boxes of the samples of each split, where the first of them state some."""
    first = [_record(each)[1] for samples in splits.values() for each in samples[:_SNIFFED]]
    if not any(states_boxes(record) for record in first):
        return {}, []
    records = {split: [_record(each) for each in samples] for split, samples in splits.items()}
    return read_records({split: records[split] for split in sizes}, sizes, source)


def _record(sample: Sample) -> tuple[str, Any]:
    where = f"{sample.images[0].with_suffix(f'.{RECORD}')}"
    try:
        return where, None if sample.record is None else json.loads(sample.record())
    except (ValueError, RecursionError) as error:
        return where, {"boxes": f"no JSON: {error}"}


def _classes(splits: Mapping[str, Sequence[Sample]]) -> tuple[str, ...] | None:
    """Names of the labels, where every train sample has one: in their order as numbers, or text."""
    if any(sample.label is None for sample in splits[names.TRAIN]):
        return None
    found = {s.label for samples in splits.values() for s in samples if s.label is not None}
    return tuple(sorted(found, key=by_number))


def _labels(samples: Sequence[Sample], classes: tuple[str, ...] | None) -> torch.Tensor | None:
    if classes is None or any(sample.label is None for sample in samples):
        return None
    numbers = {name: number for number, name in enumerate(classes)}
    return torch.tensor([numbers[str(sample.label)] for sample in samples], dtype=torch.int64)


def _lacking(
    pattern: str, splits: Mapping[str, Sequence[Sample]], *, has_boxes: bool
) -> dict[Need, tuple[str, ...]]:
    why = []
    for split, samples in splits.items():
        missing = [sample.key for sample in samples if sample.label is None]
        if missing:
            rest = f"{len(missing)} of {len(samples)} samples have no .cls"
            why.append(f"{split}: {rest}, such as {missing[0]}")
    none = (f"{pattern}: no .{RECORD} of a sample states object boxes",)
    return {"labels": tuple(why), "boxes": () if has_boxes else none}
