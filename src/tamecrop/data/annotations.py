"""Object boxes from the files beside images: YOLO text, VOC XML, COCO JSON, masks.

Nothing stops at the first thing that is wrong: all of it is returned, by file and line.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from tamecrop.data import masks, names, yolo
from tamecrop.data.coco import Coco, Read, files_of, is_other_size, note_sizes
from tamecrop.data.layouts import Part
from tamecrop.data.listing import MASKS, Listing
from tamecrop.data.opening import suffixes
from tamecrop.data.yolo import around, require_finite
from tamecrop.geometry.boxes import clip
from tamecrop.geometry.object_masks import join_boxes, keep_masks

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Kind = Literal["yolo", "voc", "coco", "masks"]
_Reader = Callable[[Path, tuple[int, int]], tuple[Floats, list[str]]]

KNOWN = "YOLO text in labels/, VOC XML in Annotations/, COCO JSON in annotations/, or masks/"

SUFFIXES: Mapping[Kind, str] = {"yolo": ".txt", "voc": ".xml", "coco": ".json", "masks": MASKS}

FOLDERS = ("labels", "annotations", "annotation", "label", "annotations/xmls", "xmls")
"""What `images` is replaced by in the path of an image to find the folder of its annotation, in
any case."""

_IMAGES = ("JPEGImages", "images", "Images", "IMAGES", "imgs", "image", "Image", "img")
_TRIMAPS = "annotations/trimaps"
_ROUNDING = 1
_SNIFFED = 5
_NO_LABELS = ("classes", "obj", "notes", "readme", "train", "val", "test")
_MOST_BYTES = 10**7


@dataclass(frozen=True, eq=False)
class Annotations:
    """Where the annotations of a folder are.

    Args:
        root: the folder.
        kind: `coco` is a file for many images, the others one for each.
        folders: that hold such files.
    """

    root: Path
    kind: Kind
    folders: frozenset[Path]

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of the files that are read."""
        return (SUFFIXES[self.kind],)

    @property
    def account(self) -> str:
        """How boxes come from what is not boxes, or an empty text."""
        return masks.ACCOUNT if self.kind == "masks" else ""

    def read(self, paths: Mapping[str, Sequence[Path]], sizes: Mapping[str, Ints]) -> Read:
        """The boxes of images in splits.

        Args:
            paths: of the images, by split.
            sizes: `(N, 2)`, (height, width), by split.
        """
        if self.kind == "coco":
            return Coco(self.root, self.folders, paths, sizes).read()
        found, used, others = Read(), set[Path](), list[Path]()
        pose = yolo.pose_numbers(self.root)
        of: _Reader = masks.boxes if self.kind == "masks" else partial(yolo.boxes, pose=pose)
        of = partial(_voc_boxes, others=others) if self.kind == "voc" else of
        for split, images in paths.items():
            found.boxes[split] = tuple(
                self._of_image(image, (int(size[0]), int(size[1])), of, found, used)
                for image, size in zip(images, sizes[split], strict=True)
            )
        self._note_unused(used, found)
        found.notes += note_sizes(others)
        return found

    def _of_image(
        self, image: Path, size: tuple[int, int], of: _Reader, found: Read, used: set[Path]
    ) -> Floats:
        """The boxes of the files of an image; an image without one has none."""
        for folder in self.folders_of(image.parent):
            files = [path for path in self._files[folder].get(image.stem, ()) if path != image]
            if files:
                each = [of(path, size) for path in files]
                used.update(files)
                found.problems += [problem for _, problems in each for problem in problems]
                return join_boxes([boxes for boxes, _ in each])
        return np.empty((0, 4))

    def _note_unused(self, used: set[Path], found: Read) -> None:
        """Say which files belong to no image: their names may be wrong."""
        there = (
            path for files in self._files.values() for paths in files.values() for path in paths
        )
        unused = sorted(path for path in there if path not in used)
        unused = [path for path in unused if path.stem not in _NO_LABELS]
        if unused and self.kind != "masks":
            found.notes.append(f"{len(unused)} label files belong to no image, such as {unused[0]}")

    def folders_of(self, place: Path) -> Iterator[Path]:
        """Those that may hold the file of an image in a folder."""
        lower = {str(folder).lower(): folder for folder in self.folders}
        for each in candidates(self.root, place, self.kind):
            folder = each if each in self.folders else lower.get(str(each).lower())
            if folder is not None:
                yield folder

    @cached_property
    def _files(self) -> Mapping[Path, Mapping[str, list[Path]]]:
        """The files of each folder by the name of their image."""
        return {folder: _by_image(folder, self.kind) for folder in self.folders}


def _by_image(folder: Path, kind: Kind) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    known = suffixes() if kind == "masks" else {SUFFIXES[kind]}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in known and not path.name.startswith("."):
            base = names.about(path.stem) if kind == "masks" else None
            found.setdefault(base or path.stem, []).append(path)
    return found


def candidates(root: Path, folder: Path, kind: Kind = "yolo") -> Iterator[Path]:
    """Where the annotation of an image in a folder may lie, the usual places first.

    >>> [*map(str, candidates(Path("d"), Path("d/images/val")))][:2]
    ['d/labels/val', 'd/annotations/val']
    """
    parts = folder.relative_to(root).parts
    known = (*names.MASKS, _TRIMAPS) if kind == "masks" else FOLDERS
    for place in reversed(range(len(parts))):
        word = next((word for word in _IMAGES if word in parts[place]), None)
        if word is not None:
            for other in known:
                renamed = parts[place].replace(word, other)
                yield root.joinpath(*parts[:place], renamed, *parts[place + 1 :])
    for other in known:
        yield folder / other
    for other in known:
        yield root.joinpath(other, *parts)
    if kind == "masks" and parts:
        yield from (folder.with_name(f"{parts[-1]}_{other}") for other in names.MASKS)
    yield folder


def find(root: Path, listing: Listing, parts: Mapping[str, Part]) -> Annotations | None:
    """The annotations of a folder, from the names in it; None where it has none.

    Text files outside of `labels/` are annotations when they hold such lines: they may be captions.
    Masks are looked at where there are no boxes.

    Args:
        root: the folder.
        listing: the names in it.
        parts: the images.
    """
    others = listing.others
    places = {path.parent for part in parts.values() for path in part.paths}
    for kind in ("yolo", "voc"):
        there = {folder for folder, counts in others.items() if counts[SUFFIXES[kind]]}
        near = _near(root, places, there, kind)
        if kind == "yolo":
            sure = {folder for folder in near - places if "labels" in folder.name.lower()}
            near = {folder for folder in near if folder in sure or _is_yolo(folder)}
        if near:
            return Annotations(root, kind, frozenset(near))
    if any((root / "labels").is_dir() and "images" in place.parts for place in places):
        return Annotations(root, "yolo", frozenset())
    files = {folder for folder, counts in others.items() if counts[".json"]}
    if any(True for _ in files_of(root, files, places)):
        return Annotations(root, "coco", frozenset(files))
    there = {folder.path for folder in listing.folder.walk() if folder.path not in places}
    beside = {place for place in places if listing.masks.get(place)}
    marks = Annotations(root, "masks", frozenset(_near(root, places, there, "masks") - places))
    first = {folder for place in places for folder in [*marks.folders_of(place)][:1]}
    return replace(marks, folders=frozenset(first | beside)) if first or beside else None


def _near(root: Path, places: set[Path], there: set[Path], kind: Kind) -> set[Path]:
    """The folders, of those that are there, where annotations of images may lie."""
    lower = {str(folder).lower(): folder for folder in there}
    wanted = {str(each).lower() for place in places for each in candidates(root, place, kind)}
    return {lower[each] for each in wanted & lower.keys()}


def _is_yolo(folder: Path) -> bool:
    """Whether text files hold boxes or points."""
    files = _by_image(folder, "yolo")
    texts = [path for stem, paths in files.items() if stem not in _NO_LABELS for path in paths]
    lines = [line for path in texts[:_SNIFFED] for line in yolo.lines(path)]
    return any(yolo.is_row(line) for _, line in lines)


def inside(boxes: Sequence[Floats], sizes: Ints) -> tuple[tuple[Floats, ...], tuple[str, ...]]:
    """The part of each object box inside its image; what leaves nothing is left out.

    Args:
        boxes: `(k, 4)` for each image.
        sizes: `(N, 2)`, (height, width).

    Returns:
        The boxes, each with an area, and a sentence for each kind of change that is more than
        rounding: boxes that reach further than a pixel out, and boxes left out.

    >>> inside([np.array([[-5.0, 0, 4, 4], [9, 9, 12, 12]])], np.array([[8, 8]]))[1]
    ('1 object boxes reached out of their image and were clipped', '1 object boxes had no pixel \
inside their image and were left out')
    """
    kept: list[Floats] = []
    reached = lost = 0
    for each, size in zip(boxes, sizes, strict=True):
        fitted = np.asarray(clip(each.reshape(-1, 4), size), dtype=np.float64)
        shows = (fitted[:, 2:] > fitted[:, :2]).all(axis=1)
        reached += int((np.abs(fitted - each).max(axis=1, initial=0)[shows] > _ROUNDING).sum())
        lost += int((~shows).sum())
        kept.append(keep_masks(fitted[shows], each, shows))
    account = (
        (reached, "reached out of their image and were clipped"),
        (lost, "had no pixel inside their image and were left out"),
    )
    return tuple(kept), tuple(f"{n} object boxes {fate}" for n, fate in account if n)


def _voc_boxes(path: Path, size: tuple[int, int], others: list[Path]) -> tuple[Floats, list[str]]:
    """Boxes of a VOC XML file: `bndbox`, or around the points of a `polygon`.

    VOC's own files count pixels from 1; other tools that write the format count from 0.
    """
    try:
        tree = _safe_xml(path.read_bytes())
        if is_other_size([tree.findtext(f"size/{side}") for side in ("height", "width")], size):
            others.append(path)
        first = 1 if "VOC" in (tree.findtext("source/database") or "") else 0
        rows = [_voc_box(item, first) for item in tree.iter("object")]
    except (ElementTree.ParseError, expat.ExpatError, ValueError, OSError) as error:
        return np.empty((0, 4)), [f"{path}: must be VOC XML: {error}"]
    return np.array(rows, dtype=np.float64).reshape(-1, 4), []


def _safe_xml(content: bytes) -> ElementTree.Element:
    """A document without a type declaration, which could define entities or name other files.

    Raises:
        ValueError: for a declaration, or more than ten million bytes.
    """
    if len(content) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES:,} bytes")
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type")

    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(content, True)
    return ElementTree.fromstring(content)


def _voc_box(item: ElementTree.Element, first: int) -> list[float]:
    box = item.find("bndbox")
    if box is not None:
        values = [float(box.findtext(name) or "") for name in ("xmin", "ymin", "xmax", "ymax")]
        near = [value - first for value in values[:2]]
        return require_finite([*near, *values[2:]])
    rotated = item.find("robndbox")
    if rotated is not None:
        names = ("cx", "cy", "w", "h", "angle")
        turned = (float(rotated.findtext(name) or "") for name in names)
        return require_finite(_around_rotated(*turned))
    points = [float(each.text or "") for each in item.findall("polygon/*")]
    if len(points) < 6 or len(points) % 2:
        raise ValueError("an object must have `bndbox`, `robndbox` or `polygon`")
    return require_finite([*around(points)])


def _around_rotated(x: float, y: float, width: float, height: float, angle: float) -> list[float]:
    """The upright box around a rectangle that is turned by an angle in radians."""
    cosine, sine = abs(np.cos(angle)), abs(np.sin(angle))
    half = (width * cosine + height * sine) / 2, (width * sine + height * cosine) / 2
    return [x - half[0], y - half[1], x + half[0], y + half[1]]
