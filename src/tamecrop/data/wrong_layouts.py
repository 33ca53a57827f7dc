"""Folders that would be misread, refused with the folder that may be meant."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tamecrop.data.listing import Folder
from tamecrop.data.names import TRAIN, is_companion, list_mentions, split_word


def listed(names: Sequence[str], most: int = 5) -> str:
    """Some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"{name}/" for name in names[:most]) + more


def require_train(node: Folder, chosen: Mapping[str, str], others: Sequence[str]) -> None:
    """Refuse splits without train, and what may be a split or a class.

    Raises:
        ValueError: with the ways out.
    """
    where, names = node.path, sorted(chosen.values())
    if TRAIN not in chosen and others:
        raise ValueError(
            f"{where} has {listed(names)} among {listed(others)}: if they are splits, move the "
            f"class folders into {where / TRAIN}; if all are classes, move all of them there"
        )
    if TRAIN not in chosen:
        raise ValueError(
            f"{where} has {listed(names)} but no train/: give the folder with the images to "
            f"learn from, such as {where / names[0]}, or name it {where / TRAIN}"
        )
    flat = not node.folders[chosen[TRAIN]].folders
    if len(chosen) == 1 and others and flat:
        alone = where / chosen[TRAIN]
        raise ValueError(
            f"{where} has {chosen[TRAIN]}/ among {listed(others)}: if it is the train split, "
            f"give {alone}; if all are classes, move all of them into {where / TRAIN / TRAIN}"
        )


def refuse_wrong_root(root: Path, top: Folder) -> None:
    """Refuse the folder above a data set: it would have one class, the data set.

    Raises:
        ValueError: with the folder that is meant.
    """
    if len(top.folders) != 1:
        return
    ((name, only),) = top.folders.items()
    if not only.folders:
        return
    holds = listed([*only.folders])
    while len(only.folders) == 1 and not only.images:
        (only,) = only.folders.values()
    raise ValueError(
        f"{root} has 1 class, {name!r}, which holds {holds}: did you mean {only.path}?"
    )


def refuse_split_classes(node: Folder) -> None:
    """Refuse classes that look like splits, or that hold splits.

    Raises:
        ValueError: with a folder that may be meant.
    """
    stems = {
        name: found[1].lower()
        for name in node.folders
        if (found := re.fullmatch(r"(?i)(train|test|val)(id)?[ _-]?([a-z]|\d+)", name)) is not None
    }
    said = list_mentions([*node.folders])
    stems |= said if 2 * len(said) > len(node.folders) else {}
    if len(set(stems.values())) > 1:
        first = sorted(stems, key=lambda name: stems[name] != TRAIN)
        raise ValueError(
            f"the class folders of {node.path} look like splits ({listed(sorted(stems))}): "
            f"give one of them, such as {node.path / first[0]}, or name them train, val and test"
        )
    for name, folder in node.folders.items():
        inside = [each for each in folder.folders if split_word(each) is not None]
        if {split_word(each)[0] for each in inside} - {TRAIN}:  # type: ignore[index]
            good = [*[each for each in node.folders if not is_companion(each)], name][0]
            raise ValueError(
                f"{node.path} has splits inside its folders ({name}/{inside[0]}): give one of "
                f"them, such as {node.path / good}, or put train/, val/ and test/ outermost"
            )
