"""Object boxes from COCO JSON files: each names many images and their objects."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamecrop.data.names import split_word
from tamecrop.data.yolo import around, require_finite

Floats = NDArray[np.float64]

FOLDERS = ("annotations", "Annotations", "labels", ".")
_NUMBER = re.compile(r"\d{1,9}(\.\d*)?")
OTHERS = ("captions_", "person_keypoints_", "stuff_", "panoptic_", "image_info_")


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


def files_of(root: Path, folders: set[Path], places: set[Path]) -> Iterator[Path]:
    """Files that may be in COCO's format: instances where there are, else any."""
    where = [*dict.fromkeys([root / name for name in FOLDERS] + sorted(places))]
    where += sorted({place.parent for place in places} - set(where))
    files = [
        path
        for folder in where
        if folder in folders
        for path in sorted(folder.glob("*.json"))
        if not path.name.startswith((".", *OTHERS))
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


class Coco:
    """Boxes of COCO JSON files given to the images that they name."""

    def __init__(
        self,
        root: Path,
        folders: frozenset[Path],
        paths: Mapping[str, Sequence[Path]],
        sizes: Mapping[str, NDArray[np.int64]],
    ) -> None:
        self.root, self.folders, self.paths, self.found = root, folders, paths, Read()
        self.sizes, self.others = sizes, list[Path]()
        self.rows: dict[str, list[list[list[float]]]] = {
            split: [[] for _ in images] for split, images in paths.items()
        }
        self.named: dict[str, list[tuple[str, int]]] = {}
        for split, images in paths.items():
            for place, path in enumerate(images):
                self.named.setdefault(path.name, []).append((split, place))
        self.lost = self.crowds = 0

    def read(self) -> Read:
        """Everything that the files say."""
        places = {path.parent for images in self.paths.values() for path in images}
        for path in files_of(self.root, set(self.folders), places):
            self._file(path)
        for split, rows in self.rows.items():
            boxes = (np.array(each, dtype=np.float64).reshape(-1, 4) for each in rows)
            self.found.boxes[split] = tuple(boxes)
        account = (
            (self.lost, "annotated images are not there"),
            (self.crowds, "annotated crowds are no single object and were left out"),
        )
        self.found.notes += [f"{n} {fate}" for n, fate in account if n]
        self.found.notes += note_sizes(self.others)
        return self.found

    def _file(self, path: Path) -> None:
        try:
            content = json.loads(path.read_bytes())
            images, objects = content["images"], content["annotations"]
            places = {
                str(image["id"]): self._place(path, str(image["file_name"])) for image in images
            }
        except (ValueError, TypeError, LookupError, RecursionError, OSError) as error:
            self.found.problems.append(f"{path}: must be COCO JSON: {error!r}")
            return
        self.lost += sum(place is None for place in places.values())
        for image in images:
            place = places[str(image["id"])]
            stated = image.get("height"), image.get("width")
            if place is not None and is_other_size(stated, self.sizes[place[0]][place[1]]):
                self.others.append(self._path(place))
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
            place = places[str(item["image_id"])]
            if item.get("iscrowd"):
                self.crowds += 1
                return
            row = _box(item)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            self.found.problems.append(f"{where}: must have `image_id` and `bbox`: {error!r}")
            return
        if place is not None and row is not None:
            self.rows[place[0]][place[1]].append(row)


def is_other_size(stated: Sequence[Any], size: Sequence[int] | NDArray[np.int64]) -> bool:
    """Whether an annotation is of an image of other sides: turned ones and 0 say nothing.

    >>> is_other_size((427, 640), (640, 427)), is_other_size(("0", None), (9, 9))
    (False, False)
    >>> is_other_size((427, "640"), (214, 320))
    True
    """
    sides = [int(float(side)) for side in stated if _NUMBER.fullmatch(str(side))]
    known = len(sides) == len(size) and min(sides) > 0
    return known and sorted(sides) != sorted(int(side) for side in size)


def note_sizes(others: Sequence[Path]) -> list[str]:
    """A sentence on images of which an annotation states another size, if there are any."""
    said = "object boxes are of images of another size than these have, and may lie wrong: "
    return [f"{said}{len(others)}, such as {others[0]}"] if others else []


def _box(item: Mapping[str, Any]) -> list[float] | None:
    """XYXY from `bbox` (x, y, width, height), or around the points of the segmentation."""
    box = item.get("bbox")
    if box:
        x, y, width, height = (float(value) for value in box)
        return require_finite([x, y, x + width, y + height])
    rings = item.get("segmentation") or ()
    if isinstance(rings, Mapping):
        raise ValueError("a mask that is run-length encoded must have a `bbox`")  # noqa: TRY004
    points = [float(value) for ring in rings for value in ring]
    if not points:
        return None
    return require_finite([*around(points)])
