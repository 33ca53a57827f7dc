"""The names in a folder: its images as a tree, everything else counted, and what is never data."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tamecrop.data import bands, names
from tamecrop.data.opening import suffixes

OUTPUTS = (
    "run.json", "study.json", "audit.json", "recommendation.json", "cell.json", "cells.json",
)  # fmt: skip
"""Files by which a folder is known to hold results of ours, which are never data."""

SYSTEM = (
    "lost+found", "__macosx", "$recycle.bin", "system volume information", "@eadir",
    "#recycle", "found.000",
)  # fmt: skip
"""Folders, in lower case, that systems put among a person's own; nobody's data lies in them."""

MASKS = "masks"
"""Stands for the masks beside images among the suffixes of files that are read."""

_SYSTEM_FILES = ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r")
_SHEET = "views.png"
_MOST_SUFFIXES = 6


@dataclass(frozen=True, eq=False)
class Folder:
    """A folder as it was listed.

    Args:
        path: of the folder.
        images: names of its image files, sorted.
        folders: those in it that hold an image at any depth, by name, sorted.
        empty: names of the others in it.
        total: images at any depth.
    """

    path: Path
    images: tuple[str, ...]
    folders: Mapping[str, "Folder"]
    empty: tuple[str, ...]
    total: int

    def files(self) -> Iterator[Path]:
        """Every image file at any depth."""
        yield from (self.path / name for name in self.images)
        for folder in self.folders.values():
            yield from folder.files()

    def walk(self) -> Iterator["Folder"]:
        """This folder and all below it that hold images."""
        yield self
        for folder in self.folders.values():
            yield from folder.walk()


@dataclass(eq=False)
class Listing:
    """The names in a folder.

    Args:
        folder: the images, as a tree.
        others: number of other files by folder and lower-case suffix.
        masks: names of images that only say something of another one, by folder.
        passed: what was passed over whole, in words.
    """

    folder: Folder
    others: dict[Path, Counter[str]] = field(default_factory=dict)
    masks: dict[Path, list[str]] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)

    def unread(self, used: Sequence[str] = ()) -> tuple[str, ...]:
        """What is not read, in words: suffixes with their numbers, then folders.

        Args:
            used: suffixes of the files that are read beside images.
        """
        counts: Counter[str] = sum(self.others.values(), Counter())
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0] or "~"))
        left = [(suffix, n) for suffix, n in ordered if suffix not in used]
        shown = [f"{n} {suffix or 'without suffix'}" for suffix, n in left[:_MOST_SUFFIXES]]
        rest = sum(n for _, n in left[_MOST_SUFFIXES:])
        beside = sum(map(len, self.masks.values()))
        masks = [f"{beside} masks beside their images"] if beside and MASKS not in used else []
        return (*shown, *([f"{rest} others"] if rest else []), *masks, *self.passed)


def list_folder(root: Path) -> Listing:
    """The names in a folder, as a tree of images with everything else counted.

    Raises:
        OSError: naming a folder that cannot be listed.
    """
    known = suffixes()
    arrays: dict[Path, list[str]] = {}
    images: dict[Path, list[str]] = {}
    inner: dict[Path, list[str]] = {}
    listing = Listing(Folder(root, (), {}, (), 0))
    for place, folders, files in _visible(root, listing):
        inner[place] = folders
        images[place] = sorted(name for name in files if Path(name).suffix.lower() in known)
        arrays[place] = sorted(name for name in files if bands.is_array(Path(name)))
        listing.others[place] = _suffixes(files) - _suffixes(images[place])
        masks = listing.masks[place] = _masks(images[place])
        images[place] = sorted({*images[place]} - {*masks}) if masks else images[place]
    if not any(images.values()):  # beside images, arrays are features or masks
        images = arrays
        for counts in listing.others.values():
            del counts[bands.SUFFIX]
    if _is_our_sheet(root, images.get(root, [])):
        images[root].remove(_SHEET)
        listing.passed.append(f"our own {_SHEET}")
    listing.folder = _tree(root, images, inner)
    return listing


def _masks(images: Sequence[str]) -> list[str]:
    """The images that by their names say something of another one in the same folder."""
    said = {name: base for name in images if (base := names.about(Path(name).stem)) is not None}
    stems = {Path(name).stem for name in images} if said else set()
    return [name for name, base in said.items() if base in stems]


def _suffixes(files: Sequence[str]) -> Counter[str]:
    return Counter(Path(name).suffix.lower() for name in files)


def _tree(place: Path, images: Mapping[Path, list[str]], inner: Mapping[Path, list[str]]) -> Folder:
    seen = [name for name in inner.get(place, ()) if place / name in images]  # none of results
    below = {name: _tree(place / name, images, inner) for name in seen}
    full = {name: folder for name, folder in below.items() if folder.total}
    here = tuple(images.get(place, ()))
    total = len(here) + sum(folder.total for folder in full.values())
    return Folder(place, here, full, tuple(name for name in below if name not in full), total)


def _visible(root: Path, listing: Listing) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Each folder below one, with its folders and files; results of ours are left out."""
    for place, folders, files in os.walk(root, onerror=_cannot_list, followlinks=True):
        here = Path(place)
        if here != root and any(name in OUTPUTS for name in files):
            listing.passed.append(f"our own results in {here.relative_to(root).as_posix()}")
            folders.clear()
            continue
        system = sorted(name for name in folders if name.lower() in SYSTEM)
        listing.passed += [f"folder {(here / n).relative_to(root).as_posix()}" for n in system]
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name.lower() not in SYSTEM and not _is_loop(here / name)
        )
        visible = [n for n in files if not n.startswith(".") and n.lower() not in _SYSTEM_FILES]
        yield here, [*folders], visible


def _cannot_list(error: OSError) -> None:
    raise error


def _is_loop(path: Path) -> bool:
    """Whether a link leads to a folder that it lies in, on the way it was reached or in truth."""
    if not path.is_symlink():
        return False
    target = path.resolve()
    return any(parent.resolve().is_relative_to(target) for parent in path.absolute().parents)


def _is_our_sheet(root: Path, images: Sequence[str]) -> bool:
    """Whether `tamecrop show` was run in a folder and left its picture there."""
    if _SHEET not in images:
        return False
    with (root / _SHEET).open("rb") as file:
        return b"Matplotlib" in file.read(1000)
