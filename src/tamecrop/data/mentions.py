"""Which image a line of a file means: by its name, with or without suffix and folders."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tamecrop.data.opening import suffixes


class Images:
    """Some images by what lists and tables may call them.

    An accent may be one letter or two, and case may differ where no image has the very name.

    Args:
        paths: of the images.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.count = len(paths)
        self.first = paths[0] if paths else None
        self._by_stem: dict[str, list[Path]] = {}
        self._by_letters: dict[str, list[Path]] = {}
        for path in paths:
            stem = _plain(path.stem)
            self._by_stem.setdefault(stem, []).append(path)
            self._by_letters.setdefault(stem.casefold(), []).append(path)

    def find(self, text: str) -> Path | None:
        """The one image that a text means, or None."""
        found = self.candidates(text)
        return found[0] if len(found) == 1 else None

    def candidates(self, text: str) -> list[Path]:
        """The images that a text may mean: its folder and suffix decide between equal names."""
        stem, folder, name = _key(text)
        found = self._by_stem.get(stem) or self._by_letters.get(stem.casefold(), [])
        for decides in (lambda p: p.name == name, lambda p: _plain(p.parent.name) == folder):
            if len(found) > 1:
                found = [path for path in found if decides(path)] or found
        return found


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _key(name: str) -> tuple[str, str, str]:
    """The file's name without its suffix, the folder that it lies in, if said, and its name."""
    path = PurePosixPath(_plain(name).replace("\\", "/"))
    stem = path.stem if path.suffix.lower() in suffixes() else path.name
    return stem, path.parent.name, path.name
