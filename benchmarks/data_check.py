"""Files per second of `tamecrop data check` and of the load after it: 10,000 JPEGs of 500 x 375.

Run: .venv/bin/python benchmarks/data_check.py
"""

import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

from common import rates, report, write
from tamecrop.audit import checking
from tamecrop.data import folders

FILES, CLASSES = 10_000, 10
WIDTH, HEIGHT = 500, 375


def photographs(root: Path) -> None:
    """Crops of two photographs at random places, in class folders."""
    generator = np.random.default_rng(0)
    sources = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    for number in range(FILES):
        source = sources[number % len(sources)]
        x, y = (generator.integers(0, side + 1) for side in np.subtract(source.size, (500, 375)))
        folder = root / f"class{number % CLASSES}"
        folder.mkdir(exist_ok=True)
        source.crop((x, y, x + WIDTH, y + HEIGHT)).save(folder / f"{number}.jpg", quality=90)


def one_thread(paths: list[Path]) -> None:
    for path in paths:
        with Image.open(path) as image:
            np.asarray(image.convert("RGB"))


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["TAMECROP_DATA"] = f"{scratch}/memory"
        root = Path(scratch, "photographs")
        root.mkdir()
        photographs(root)
        paths = checking.list_files(root)
        measured = rates(
            {
                "tamecrop data check": (lambda: checking.check(root, paths), FILES),
                "PIL, one thread": (lambda: one_thread(paths), FILES),
                "tamecrop load of a checked folder": (lambda: folders.read(root), FILES),
            },
            repeats=3,
        )
    title = f"{FILES:,} JPEGs of {WIDTH} x {HEIGHT}, from the page cache"
    write("data_check", [report(title, "files/s", measured)])


if __name__ == "__main__":
    main()
