"""Object boxes from VOC XML files, without entities and without anything outside the file."""

from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from tamecrop.data.yolo import around, require_finite

Floats = NDArray[np.float64]

MOST_BYTES = 10**7


def boxes(path: Path, size: tuple[int, int]) -> tuple[Floats, list[str]]:  # noqa: ARG001
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
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
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
