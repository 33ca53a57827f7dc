"""Object boxes from the annotation files beside images: YOLO text, VOC XML, COCO JSON.

Nothing stops at the first thing that is wrong: all of it is returned, by file and line.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from tamecrop.data import yolo
from tamecrop.data.coco import Coco, Read, files_of
from tamecrop.data.layouts import Part
from tamecrop.data.yolo import around, require_finite
from tamecrop.geometry.boxes import clip

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Kind = Literal["yolo", "voc", "coco"]

KNOWN = "YOLO text in labels/, VOC XML in Annotations/, or COCO JSON in annotations/"

SUFFIXES: Mapping[Kind, str] = {"yolo": ".txt", "voc": ".xml", "coco": ".json"}

FOLDERS = ("labels", "Labels", "annotations", "Annotations")
"""What `images` is replaced by in the path of an image to find the folder of its annotation."""

_IMAGES = ("JPEGImages", "images", "Images", "IMAGES", "imgs", "image", "Image", "img")
_ROUNDING = 1
_SNIFFED = 5
_MOST_BYTES = 10**7


@dataclass(frozen=True, eq=False)
class Annotations:
    """Where the annotations of a folder are.

    Args:
        root: the folder.
        kind: `yolo` or `voc`, a file for each image, or `coco`, a file for many.
        folders: that hold such files.
    """

    root: Path
    kind: Kind
    folders: frozenset[Path]

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of the files that are read."""
        return (SUFFIXES[self.kind],)

    def read(self, paths: Mapping[str, Sequence[Path]], sizes: Mapping[str, Ints]) -> Read:
        """The boxes of images in splits.

        Args:
            paths: of the images, by split.
            sizes: `(N, 2)`, (height, width), by split.
        """
        if self.kind == "coco":
            return Coco(self.root, self.folders, paths).read()
        found = Read()
        pose = yolo.pose_numbers(self.root)
        of = partial(yolo.boxes, pose=pose) if self.kind == "yolo" else _voc_boxes
        for split, images in paths.items():
            found.boxes[split] = tuple(
                self._of_image(image, (int(size[0]), int(size[1])), of, found)
                for image, size in zip(images, sizes[split], strict=True)
            )
        return found

    def _of_image(
        self,
        image: Path,
        size: tuple[int, int],
        of: Callable[[Path, tuple[int, int]], tuple[Floats, list[str]]],
        found: Read,
    ) -> Floats:
        """The boxes of the file of an image; an image without one has none."""
        for folder in candidates(self.root, image.parent):
            path = folder / f"{image.stem}{SUFFIXES[self.kind]}"
            if folder in self.folders and path.is_file():
                boxes, problems = of(path, size)
                found.problems += problems
                return boxes
        return np.empty((0, 4))


def candidates(root: Path, folder: Path) -> Iterator[Path]:
    """Where the annotation of an image in a folder may lie, the usual places first.

    >>> [*map(str, candidates(Path("d"), Path("d/images/val")))][:2]
    ['d/labels/val', 'd/Labels/val']
    """
    parts = folder.relative_to(root).parts
    for place in reversed(range(len(parts))):
        word = next((word for word in _IMAGES if word in parts[place]), None)
        if word is not None:
            for other in FOLDERS:
                renamed = parts[place].replace(word, other)
                yield root.joinpath(*parts[:place], renamed, *parts[place + 1 :])
    for other in FOLDERS:
        yield folder / other
    for other in FOLDERS:
        yield root.joinpath(other, *parts)
    yield folder


def find(
    root: Path, others: Mapping[Path, Counter[str]], parts: Mapping[str, Part]
) -> Annotations | None:
    """The annotations of a folder, from the names in it; None where it has none.

    Text files that lie beside the images themselves are annotations when they hold numbers: they
    may be captions.

    Args:
        root: the folder.
        others: number of files that are no image, by folder and suffix.
        parts: the images.
    """
    places = {path.parent for part in parts.values() for path in part.paths}
    for kind in ("yolo", "voc"):
        there = {folder for folder, counts in others.items() if counts[SUFFIXES[kind]]}
        near = {each for place in places for each in candidates(root, place) if each in there}
        if kind == "yolo":
            beside = {folder for folder in near & places if not _is_yolo(folder)}
            near -= beside
        if near:
            return Annotations(root, kind, frozenset(near))
    if any((root / "labels").is_dir() and "images" in place.parts for place in places):
        return Annotations(root, "yolo", frozenset())
    files = {folder for folder, counts in others.items() if counts[".json"]}
    if any(True for _ in files_of(root, files, places)):
        return Annotations(root, "coco", frozenset(files))
    return None


def _is_yolo(folder: Path) -> bool:
    """Whether text files beside images hold numbers."""
    texts = sorted(folder.glob("*.txt"))
    texts = [path for path in texts if path.stem not in ("classes", "train", "val", "test")]
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
        kept.append(fitted[shows])
    account = (
        (reached, "reached out of their image and were clipped"),
        (lost, "had no pixel inside their image and were left out"),
    )
    return tuple(kept), tuple(f"{n} object boxes {fate}" for n, fate in account if n)


def _voc_boxes(path: Path, size: tuple[int, int]) -> tuple[Floats, list[str]]:  # noqa: ARG001
    """Boxes of a VOC XML file: `bndbox`, or around the points of a `polygon`.

    VOC's own files count pixels from 1; other tools that write the format count from 0.
    """
    try:
        tree = _safe_xml(path.read_bytes())
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
