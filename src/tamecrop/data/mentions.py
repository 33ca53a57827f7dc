"""Which image a line of a file means: by its name, with or without suffix and folders."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tamecrop.data.opening import suffixes


class Images:
    """Some images by what lists and tables may call them.

    Args:
        paths: of the images.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.count = len(paths)
        self._by_stem: dict[str, list[Path]] = {}
        for path in paths:
            self._by_stem.setdefault(path.stem, []).append(path)

    def find(self, text: str) -> Path | None:
        """The one image that a text means, or None: its folder decides between equal names."""
        stem, folder = _key(text)
        found = self._by_stem.get(stem, [])
        if len(found) > 1:
            found = [path for path in found if path.parent.name == folder]
        return found[0] if len(found) == 1 else None


def _key(name: str) -> tuple[str, str]:
    """The file's name without its suffix, and the folder that it lies in, if said."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem = path.stem if path.suffix.lower() in suffixes() else path.name
    return stem, path.parent.name
