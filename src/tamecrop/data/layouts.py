"""What the folders of a data set mean, by the names of `tamecrop.data.names`.

Nothing here opens a file. The tree of names decides which images are which split, which folder is
a class, and what is passed over; a guess that would do harm is refused with the way out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tamecrop.data.listing import Folder
from tamecrop.data.names import (
    TRAIN,
    WRAPPERS,
    are_parts,
    is_companion,
    is_images,
    list_mentions,
    split_word,
    split_words,
    year,
)
from tamecrop.data.wrong_layouts import (
    listed,
    refuse_split_classes,
    refuse_wrong_root,
    require_train,
)

STRAY_SHARE = 0.1
"""Images beside class folders, up to this share of all or one, are left out and named."""


@dataclass(frozen=True, eq=False)
class Part:
    """The images of a split.

    Args:
        folder: below which the first folder of an image is its class.
        paths: sorted.
        is_classed: whether every image lies in a class folder.
    """

    folder: Path
    paths: tuple[Path, ...]
    is_classed: bool


@dataclass(frozen=True, eq=False)
class Layout:
    """What a folder was taken for.

    Args:
        parts: by split; train is always there.
        empty: the folder of each split that has one and holds no image.
        unread: what holds images that are in no split, in words.
        notes: sentences that a person should know.
        doubts: what makes it doubtful that the folders are classes, where they are taken for such.
        domains: why folders that look like classes are not taken for such, or an empty text.
    """

    parts: Mapping[str, Part]
    empty: Mapping[str, Path]
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    domains: str = ""


def read(root: Folder) -> Layout:
    """Which images are which split, and which folder is a class.

    Raises:
        ValueError: where a guess would do harm, with the folder that would be right.
    """
    return _Reading(root).layout()


@dataclass
class _Reading:
    """One reading of a tree, with what it passed over on the way."""

    root: Folder
    empty: dict[str, Path] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    domains: str = ""

    def layout(self) -> Layout:
        top = self._inner(self.root)
        nodes = self._splits(top)
        if len(nodes) == 1 and nodes.get(TRAIN) is top and _may_pass(top):
            refuse_wrong_root(self.root.path, top)
        parts = {split: self._part(split, self._inner(node)) for split, node in nodes.items()}
        return Layout(
            parts,
            self.empty,
            unread=tuple(self.unread),
            notes=tuple(self.notes),
            doubts=tuple(self.doubts),
            domains=self.domains,
        )

    def _name(self, folder: Folder) -> str:
        return f"folder {folder.path.relative_to(self.root.path).as_posix()}"

    def _inner(self, node: Folder) -> Folder:
        """Go down through folders that only hold the images of what they lie in."""
        while True:
            inner = _holder(node)
            if inner is None or not _may_pass(node):
                return node
            beside = [each for each in node.folders.values() if each is not inner]
            self.unread += [self._name(each) for each in beside]
            self._strays(node)
            node = inner

    def _strays(self, node: Folder) -> None:
        if node.images:
            first = node.path / node.images[0]
            count = len(node.images)
            what = f"{count} images beside folders of images, such as {first}, are"
            what = f"{first} lies beside folders of images and is" if count == 1 else what
            self.notes.append(f"{what} left out")

    def _splits(self, node: Folder) -> dict[str, Folder]:
        """The folder of each split; the whole folder is train where there is none."""
        words = split_words([*node.folders])
        if not words:
            return {TRAIN: node}
        chosen: dict[str, str] = {}
        for name in sorted(words, key=lambda name: (words[name][1], -year(name), name)):
            chosen.setdefault(words[name][0], name)
        passed = {*words, *list_mentions([*node.folders])}
        others = [name for name in node.folders if name not in passed and not is_companion(name)]
        require_train(node, chosen, others)
        for name in node.empty:
            word = split_word(name)
            if word is not None and word[0] not in chosen:
                self.empty[word[0]] = node.path / name
        self.unread += [
            self._name(folder)
            for name, folder in node.folders.items()
            if name not in chosen.values()
        ]
        self._strays(node)
        return {split: node.folders[name] for split, name in chosen.items()}

    def _part(self, split: str, node: Folder) -> Part:
        """Class folders, flat, or some images beside class folders."""
        refuse_split_classes(node)
        paths = tuple(sorted(self._learnable(node)))
        folders = [name for name in node.folders if not is_companion(name)]
        if node.folders and _may_pass(node):
            if are_parts([*node.folders]):
                return self._parts(node, paths)
            if node.images:
                self._strays(node)
                paths = tuple(path for path in paths if path.parent != node.path)
            if split == TRAIN:
                self._doubtful_classes(node)
            if self._has_domains(node):
                return Part(node.path, paths, is_classed=False)
            empty = [node.path / name for name in node.empty if not is_companion(name)]
            names = [path.relative_to(self.root.path).as_posix() for path in empty]
            self.unread += [f"folder {name} without images" for name in names]
            return Part(node.path, paths, is_classed=True)
        if folders:
            self.notes.append(
                f"{len(node.images)} {split} images lie beside class folders, such as "
                f"{node.path / node.images[0]}: the {split} images have no labels"
            )
        return Part(node.path, paths, is_classed=False)

    def _parts(self, node: Folder, paths: tuple[Path, ...]) -> Part:
        """Folders that number the parts of a set are no classes."""
        first, *_ = [self._inner(each) for each in node.folders.values()]
        if first.folders:
            raise ValueError(
                f"{node.path} has numbered parts of a set ({listed([*node.folders])}) that hold "
                f"folders: give one of them, such as {first.path}, or put their folders together"
            )
        named = listed([*node.folders])
        self.notes.append(f"{node.path} has numbered parts of one set, and no classes: {named}")
        return Part(node.path, paths, is_classed=False)

    def _learnable(self, node: Folder) -> Iterator[Path]:
        """The images below a folder, without what only says something of them."""
        yield from (node.path / name for name in node.images)
        holds_images = not _may_pass(node) or any(is_images(name) for name in node.folders)
        for name, folder in node.folders.items():
            if holds_images and is_companion(name):
                self.unread.append(self._name(folder))
            else:
                yield from self._learnable(folder)

    def _has_domains(self, node: Folder) -> bool:
        """Whether the folders hold the same folders: which of them are classes is not known."""
        inner = [{*_held(each).folders} for each in node.folders.values()]
        shared = set.intersection(*inner) if len(inner) > 1 else set()
        shared = {name for name in shared if not is_companion(name) and not is_images(name)}
        if len(shared) < 2 or 2 * len(shared) < len(set.union(*inner)):
            return False
        outer, first = [*node.folders], _held(next(iter(node.folders.values())))
        self.domains = (
            f"{listed(outer)} hold the same folders, {listed(sorted(shared))}: which are the "
            f"classes is not known; give one of them, such as {first.path}, or put the images of "
            f"each class into one folder"
        )
        return True

    def _doubtful_classes(self, node: Folder) -> None:
        """Say what makes it doubtful that the folders are classes."""
        ((name, first), *more) = node.folders.items()
        if not more:
            self.doubts.append(
                f"all train images are of 1 class, {name!r}; if it is no class, "
                f"did you mean {node.path / name}?"
            )
        elif all(len(each.folders) > 1 for each in node.folders.values()):
            inner = next(iter(first.folders))
            self.doubts.append(
                f"the class folders hold folders, such as {name}/{inner}: the outer ones are the "
                f"classes; if they are not, did you mean {node.path / name}?"
            )


def _holder(node: Folder) -> Folder | None:
    """The folder that holds the images of another one: by name, or by the same name again."""
    if len(node.folders) == 1:
        ((name, only),) = node.folders.items()
        again = name.lower() == node.path.name.lower() or _same_split(name, node.path.name)
        if is_images(name) or name.lower() in WRAPPERS or again:
            return only
    plain = [name for name in node.folders if not is_companion(name)]
    if len(plain) != 1:
        return None
    alone = node.folders[plain[0]]
    is_holder = len(node.folders) > 1 and bool(split_words([*alone.folders]))
    return alone if is_images(plain[0]) or is_holder else None


def _held(node: Folder) -> Folder:
    """The folder that holds the images of one, however deep."""
    inner = _holder(node)
    return node if inner is None or not _may_pass(node) else _held(inner)


def _same_split(name: str, other: str) -> bool:
    word, above = split_word(name), split_word(other)
    return word is not None and above is not None and word[0] == above[0]


def _may_pass(node: Folder) -> bool:
    """Whether the images directly in a folder are so few that they are strays."""
    folders = [each for name, each in node.folders.items() if not is_companion(name)]
    if node.images and not folders:
        return False
    total = len(node.images) + sum(each.total for each in folders)
    return len(node.images) <= max(1, STRAY_SHARE * total) and bool(node.folders)
