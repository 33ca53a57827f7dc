"""Object boxes from the annotation files beside images: YOLO text, VOC XML, COCO JSON.

Nothing stops at the first thing that is wrong: all of it is returned, by file and line.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from tamecrop.data import yolo
from tamecrop.data.layouts import Part
from tamecrop.data.names import split_word
from tamecrop.geometry.boxes import clip

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Kind = Literal["yolo", "voc", "coco"]

KNOWN = "YOLO text in labels/, VOC XML in Annotations/, or COCO JSON in annotations/"

SUFFIXES: Mapping[Kind, str] = {"yolo": ".txt", "voc": ".xml", "coco": ".json"}

FOLDERS = ("labels", "Labels", "annotations", "Annotations")
"""What `images` is replaced by in the path of an image to find the folder of its annotation."""

_IMAGES = ("JPEGImages", "images", "Images", "IMAGES", "imgs", "image", "Image", "img")
_COCO_FOLDERS = ("annotations", "Annotations", "labels", ".")
_COCO_OTHERS = ("captions_", "person_keypoints_", "stuff_", "panoptic_", "image_info_")
_MOST_XML = 10**7
_ROUNDING = 1
_SNIFFED = 5


@dataclass
class Read:
    """What annotations say.

    Args:
        boxes: float64 `(k, 4)` of each image, by split; they may leave it, see `inside`.
        problems: every line that breaks a rule, with its file.
        notes: sentences that a person should know.
    """

    boxes: dict[str, tuple[Floats, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


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
        found = Read()
        if self.kind == "coco":
            _Coco(self, paths, found).read()
            return found
        pose = yolo.pose_numbers(self.root)
        of = partial(yolo.boxes, pose=pose) if self.kind == "yolo" else _voc
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
    if any(True for _ in _coco_files(root, files, places)):
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


def _voc(path: Path, size: tuple[int, int]) -> tuple[Floats, list[str]]:  # noqa: ARG001
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
    if len(content) > _MOST_XML:
        raise ValueError(f"it has more than {_MOST_XML:,} bytes")
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
        return _finite([*near, *values[2:]])
    rotated = item.find("robndbox")
    if rotated is not None:
        names = ("cx", "cy", "w", "h", "angle")
        return _finite(_around_rotated(*(float(rotated.findtext(name) or "") for name in names)))
    points = [float(each.text or "") for each in item.findall("polygon/*")]
    if len(points) < 6 or len(points) % 2:
        raise ValueError("an object must have `bndbox`, `robndbox` or `polygon`")
    return _finite([min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])])


def _around_rotated(x: float, y: float, width: float, height: float, angle: float) -> list[float]:
    """The upright box around a rectangle that is turned by an angle in radians."""
    cosine, sine = abs(np.cos(angle)), abs(np.sin(angle))
    half = (width * cosine + height * sine) / 2, (width * sine + height * cosine) / 2
    return [x - half[0], y - half[1], x + half[0], y + half[1]]


def _finite(values: list[float]) -> list[float]:
    if not np.isfinite(values).all() or max(map(abs, values)) > yolo.FARTHEST:
        raise ValueError(f"coordinates must be finite, got {values}")
    return values


def _coco_files(root: Path, folders: set[Path], places: set[Path]) -> Iterator[Path]:
    """Files that may be in COCO's format: instances where there are, else any."""
    where = [*dict.fromkeys([root / name for name in _COCO_FOLDERS] + sorted(places))]
    where += sorted({place.parent for place in places} - set(where))
    files = [
        path
        for folder in where
        if folder in folders
        for path in sorted(folder.glob("*.json"))
        if not path.name.startswith((".", *_COCO_OTHERS))
    ]
    instances = [path for path in files if path.name.startswith("instances")]
    yield from dict.fromkeys(instances or [path for path in files if _is_coco(path)])


def _is_coco(path: Path) -> bool:
    """Whether a JSON file has COCO's keys among its first or last bytes, or in its name."""
    if "coco" in path.name.lower():
        return True
    with path.open("rb") as file:
        head = file.read(2**16)
        file.seek(max(0, path.stat().st_size - 2**16))
        both = head + file.read()
    known = (b'"images"', b'"annotations"', b'"categories"')
    return head.lstrip()[:1] == b"{" and sum(key in both for key in known) > 1


class _Coco:
    """Boxes of COCO JSON files given to the images that they name."""

    def __init__(
        self, source: Annotations, paths: Mapping[str, Sequence[Path]], found: Read
    ) -> None:
        self.source, self.paths, self.found = source, paths, found
        self.rows: dict[str, list[list[list[float]]]] = {
            split: [[] for _ in images] for split, images in paths.items()
        }
        self.named: dict[str, list[tuple[str, int]]] = {}
        for split, images in paths.items():
            for place, path in enumerate(images):
                self.named.setdefault(path.name, []).append((split, place))
        self.lost = self.crowds = 0

    def read(self) -> None:
        places = {path.parent for images in self.paths.values() for path in images}
        for path in _coco_files(self.source.root, set(self.source.folders), places):
            self._file(path)
        for split, rows in self.rows.items():
            boxes = (np.array(each, dtype=np.float64).reshape(-1, 4) for each in rows)
            self.found.boxes[split] = tuple(boxes)
        account = (
            (self.lost, "annotated images are not there"),
            (self.crowds, "annotated crowds are no single object and were left out"),
        )
        self.found.notes += [f"{n} {fate}" for n, fate in account if n]

    def _file(self, path: Path) -> None:
        try:
            content = json.loads(path.read_bytes())
            images, objects = content["images"], content["annotations"]
            places = {image["id"]: self._place(path, str(image["file_name"])) for image in images}
        except (ValueError, TypeError, LookupError, RecursionError, OSError) as error:
            self.found.problems.append(f"{path}: must be COCO JSON: {error!r}")
            return
        self.lost += sum(place is None for place in places.values())
        for number, item in enumerate(objects):
            self._object(f"{path}, annotation {number}", item, places)

    def _place(self, path: Path, name: str) -> tuple[str, int] | None:
        """The one image that a file means: by its name, its folders, and the file's own split."""
        tail = Path(name.replace("\\", "/"))
        found = self.named.get(tail.name, [])
        if len(found) > 1 and len(tail.parts) > 1:
            found = [each for each in found if self._path(each).match(str(tail))] or found
        if len(found) > 1:
            found = [each for each in found if self._path(each).parent == path.parent] or found
        if len(found) > 1:
            word = split_word(path.stem.removeprefix("instances_"))
            found = [each for each in found if word is not None and each[0] == word[0]]
            if len(found) != 1:
                self.found.problems.append(f"{path}: {name} names several images")
        return found[0] if len(found) == 1 else None

    def _path(self, place: tuple[str, int]) -> Path:
        return self.paths[place[0]][place[1]]

    def _object(self, where: str, item: Any, places: Mapping[Any, Any]) -> None:
        try:
            place = places[item["image_id"]]
            if item.get("iscrowd"):
                self.crowds += 1
                return
            row = _coco_box(item)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            self.found.problems.append(f"{where}: must have `image_id` and `bbox`: {error!r}")
            return
        if place is not None and row is not None:
            self.rows[place[0]][place[1]].append(row)


def _coco_box(item: Mapping[str, Any]) -> list[float] | None:
    """XYXY from `bbox` (x, y, width, height), or around the points of the segmentation."""
    box = item.get("bbox")
    if box:
        x, y, width, height = (float(value) for value in box)
        return _finite([x, y, x + width, y + height])
    points = [float(value) for ring in item.get("segmentation") or () for value in ring]
    if not points:
        return None
    return _finite([min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])])
